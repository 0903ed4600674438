"""What a node keeps of each recorded picture beside its code: the codes of its windows, and its corners. By them crops,
turned copies, and pictures within others are found.

They are made from the picture's content in a child that decodes, once, beside everything else, and kept in files in a
folder of their own. The files may be deleted: then they are made again. Of a confidential picture nothing is kept, for
what is stored of it is ciphertext.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np

from node.content.blockstore import Blockstore
from node.decoding.asking import Facts, KeptBytes
from node.decoding.lanes import Lane
from node.ground.logs import logger
from node.verification.code_index import CodeIndex
from node.verification.corner_index import CornerIndex, corner_rows
from node.verification.kept_rows import KeptRows
from pictures.comparing import WINDOW_BITS_MAX
from pictures.features import DESCRIPTOR_BYTES, packed, unpacked
from pictures.windows import ASKS_FOR_WINDOWS, CODE_BYTES, WINDOWS, Codes
from remarque.cid import CidInvalid
from remarque.errors import NodeCode, NodeError

LIKENESSES = "likenesses"
"""Folder in the data directory."""
FOUND_MAX = 4_096
"""Pictures that are named for their windows, and for their corners: so many that nobody crowds another out by recording
copies. Which of them are looked at is decided by their evidence and their orgs."""
AGAIN_SECONDS = 5.0
"""After which content that was not here is looked for again."""

T = TypeVar("T")


class Likenesses:
    """The windows and corners of recorded pictures."""

    def __init__(self, folder: Path, blockstore: Blockstore, lane: Lane) -> None:
        """`lane` is for recorded pictures alone, so that nobody who brings one waits for them."""
        self._folder = folder
        self._blockstore = blockstore
        self._lane = lane
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="likenesses")
        """All that reads or changes the files: they are for one thread at a time, and not for the event loop."""
        self._kept: _Kept | None = None
        """Opened by `run`, for that may take seconds."""
        self._known: dict[bytes, int] = {}
        """Rows by asset."""
        self._waiting: dict[str, str] = {}
        """Content ids by asset, of what is not in yet."""
        self._woken = asyncio.Event()

    def __len__(self) -> int:
        return len(self._known)

    @property
    def waiting(self) -> int:
        """Recorded pictures that are not in yet."""
        return len(self._waiting)

    def want(self, asset: str, cid: str) -> None:
        """Note a recorded picture, which may be in already."""
        if bytes.fromhex(asset) not in self._known:
            self._waiting[asset] = cid
            self._woken.set()

    async def run(self) -> None:
        """Open the files, and take in what waits, one after the other, for ever."""
        self._kept = await self._aside(lambda: _Kept(self._folder))
        self._known = await self._aside(self._kept.assets)
        self._waiting = {one: cid for one, cid in self._waiting.items() if bytes.fromhex(one) not in self._known}
        while True:
            taken = [asset for asset, cid in list(self._waiting.items()) if await self._taken(asset, cid)]
            self._woken.clear()
            if not taken:
                try:
                    async with asyncio.timeout(AGAIN_SECONDS if self._waiting else None):
                        await self._woken.wait()
                except TimeoutError:
                    pass

    async def kept(self, asset: str) -> KeptBytes | None:
        """What is kept of a picture, if it is in."""
        kept, row = self._kept, self._known.get(bytes.fromhex(asset))
        return None if kept is None or row is None else await self._aside(lambda: kept.of(row))

    async def near(self, facts: Facts) -> list[str]:
        """Assets whose windows or corners a picture has in common, those with most of them first."""
        kept = self._kept
        return [] if kept is None else await self._aside(lambda: kept.near(facts))

    def close(self) -> None:
        """Let go of the files."""
        self._thread.shutdown()
        if self._kept is not None:
            self._kept.close()

    async def _taken(self, asset: str, cid: str) -> bool:
        """Take a picture in. False if it is not here yet, or cannot be decoded now."""
        try:
            if await self._blockstore.aside(self._blockstore.missing, cid):
                return False
            found = await self._lane.kept(await self._blockstore.aside(self._blockstore.file, cid), asset)
            if found is None:
                logger.warning("content_is_of_another_picture", asset=asset, content=cid)
        except NodeError as error:
            if error.code in (NodeCode.OVERLOADED, NodeCode.DECODER_FAILED):
                return False
            logger.info("picture_not_indexed", asset=asset, code=error.code.name, reason=error.detail)
            found = None
        except CidInvalid:
            found = None
        kept = self._kept
        if found is not None and kept is not None:
            try:
                await self._aside(lambda: kept.add(asset, found))
            except OSError as error:
                logger.warning("picture_not_indexed", asset=asset, reason=str(error))
                await self._aside(kept.close)
                self._kept = await self._aside(lambda: _Kept(self._folder))  # without what was added in part
                return False
            self._known[bytes.fromhex(asset)] = len(self._known)
        self._waiting.pop(asset, None)
        return True

    async def _aside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


class _Kept:
    """The files: a row in each for every picture, in the order in which they were taken in."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _evened(folder)
        self._pictures = KeptRows(folder / "pictures", 1)
        self._windows = CodeIndex(folder / "windows", WINDOWS)
        self._corners = CornerIndex(folder)

    def assets(self) -> dict[bytes, int]:
        """Whose likenesses are kept, with their rows."""
        return {one.tobytes(): row for row, one in enumerate(self._pictures.rows()[:, 0])}

    def of(self, row: int) -> KeptBytes:
        """A picture's."""
        return KeptBytes(self._windows.codes(row).tobytes(), packed(self._corners.features(row)))

    def add(self, asset: str, found: KeptBytes) -> None:
        """Take a picture's. OSError if they cannot be kept: then open the files anew."""
        number = len(self._pictures)
        self._windows.add(number, _rows(found.codes, CODE_BYTES))
        self._corners.add(number, unpacked(found.corners))
        self._pictures.add(number, np.frombuffer(bytes.fromhex(asset), np.uint8))

    def near(self, facts: Facts) -> list[str]:
        """Assets that have windows or corners in common with a picture."""
        codes = _rows(facts.asked_codes, CODE_BYTES)[:ASKS_FOR_WINDOWS]
        windows = [found.number for found in self._windows.near(codes, WINDOW_BITS_MAX, FOUND_MAX)]
        views = tuple(_rows(descriptors, DESCRIPTOR_BYTES) for descriptors in (facts.corners, facts.mirrored_corners))
        corners = [found.number for found in self._corners.voted(views, FOUND_MAX)]
        pictures = self._pictures.rows()
        return [pictures[number, 0].tobytes().hex() for number in dict.fromkeys([*windows, *corners])]

    def close(self) -> None:
        """Let go of the files."""
        for kept in (self._pictures, self._windows, self._corners):
            kept.close()


def _rows(data: bytes, length: int) -> Codes:
    """Rows of so many bytes, of shape (n, length)."""
    return np.frombuffer(data, np.uint8).reshape(-1, length)


def _evened(folder: Path) -> None:
    """Drop what a crash has left over in one of the files: each picture has one row in all, and it is the same one."""
    files = KeptRows(folder / "pictures", 1), KeptRows(folder / "windows", WINDOWS), corner_rows(folder)
    whole = min(map(len, files))
    for file in files:
        file.cut(whole)
        file.close()
