"""Sending and fetching files in pieces, so that what has come before a fault does not come again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

from ledger.encoding import encode
from remarque.api.content import BeginUpload, Upload
from remarque.cid import RAW, CidInvalid, check_block, parse_cid
from remarque.dag import BLOCKS_MAX, CHUNK, children_of, cid_of_parts
from remarque.errors import NodeCode, RemarqueError
from remarque.requesting import NodeConnection, segment, settles_nothing, value_of

PIECE_BYTES = 8 * CHUNK
FAULTS_MAX = 5
"""One after the other, before a transfer is given up."""
PAUSE_SECONDS = 0.5
"""After a fault; twice as long after the next."""

Progress = Callable[[int, int], object]
"""Called with how many bytes have come, and how many there are."""


class TransferMethods(NodeConnection):
    """How an account moves large files."""

    async def upload(self, file: Path, progress: Progress | None = None) -> str:
        """Send a file piece after piece; the name under which it can be stored, on the node that was asked.

        UPLOADS_FULL if too much waits there for a record. ConnectionError if no node answers for long.
        """
        size, name, at, faults = file.stat().st_size, "", 0, 0
        while not name or at < size:
            try:
                if not name:
                    begun = await self.request("POST", "/v1/uploads", encode(BeginUpload(size=size)))
                    name, at = value_of(begun, Upload).upload, 0
                    continue
                piece = await asyncio.to_thread(_piece, file, at)
                path = f"/v1/uploads/{segment(name)}"
                at = value_of(await self.request("POST", f"{path}?at={at}", piece), Upload).size
                faults = 0
            except (ConnectionError, RemarqueError) as error:
                faults += 1
                await _paused(error, faults)
                name, at = await self._come(name)
            if progress is not None:
                progress(at, size)
        return name

    async def _come(self, name: str) -> tuple[str, int]:
        """How far an upload is, by its name; no name if the node that answers now does not have it."""
        try:
            found = value_of(await self.request("GET", f"/v1/uploads/{segment(name)}"), Upload)
        except (ConnectionError, RemarqueError):
            return "", 0
        return found.upload, found.size

    async def download(self, cid: str, size: int, file: Path, progress: Progress | None = None) -> None:
        """Fetch content of a size, as its record says both, into a file; what an earlier try left beside it is used.

        CONTENT_MISSING if no node that answers has it, CONTENT_MISMATCH if what came is something else.
        """
        part, faults = file.with_name(file.name + ".part"), 0
        at = part.stat().st_size if part.exists() else 0
        while at < size:
            wanted = {"Range": f"bytes={at}-{min(at + PIECE_BYTES, size) - 1}"}
            try:
                piece = await self.request("GET", f"/v1/content/{segment(cid)}", headers=wanted)
                faults = 0
            except (ConnectionError, RemarqueError) as error:
                faults += 1
                await _paused(error, faults)
                continue
            at = await asyncio.to_thread(_append, part, piece[: size - at])
            if progress is not None:
                progress(at, size)
        if await asyncio.to_thread(_cid_of, part) != cid:
            part.unlink(missing_ok=True)
            raise RemarqueError(NodeCode.CONTENT_MISMATCH.name, f"what came is not {cid}; fetch it from another node")
        part.rename(file)

    async def _content_block(self, cid: str) -> bytes:
        """A block of content, held against its id. CONTENT_MISSING if no node that answers has it."""
        data = await self.request("GET", f"/ipfs/{segment(cid)}", params={"format": "raw"})
        try:
            check_block(cid, data)
        except CidInvalid as error:
            raise RemarqueError(NodeCode.CONTENT_MISMATCH.name, f"{error}; fetch it from another node") from None
        return data

    async def content_blocks(self, cid: str) -> AsyncGenerator[tuple[str, bytes], None]:
        """The blocks of a file as they stand in it, each once, with their ids; the first is the one that names it.

        CONTENT_MISMATCH if it is no file of raw leaves, or has too many blocks.
        """
        wanted, seen = [cid], set[str]()
        while wanted:
            one = wanted.pop()
            if one in seen:
                continue
            seen.add(one)
            data = await self._content_block(one)
            yield one, data
            try:
                below = [] if parse_cid(one)[0] == RAW else [child.cid for child in children_of(one, data)]
            except CidInvalid as error:
                raise RemarqueError(NodeCode.CONTENT_MISMATCH.name, f"{error}; it is no file") from None
            wanted += reversed(below)
            if len(seen) + len(wanted) > BLOCKS_MAX:
                raise RemarqueError(NodeCode.CONTENT_MISMATCH.name, f"{cid} has more than {BLOCKS_MAX} blocks")


async def _paused(error: ConnectionError | RemarqueError, faults: int) -> None:
    """Wait after a fault that may pass; any other is raised."""
    passing = not isinstance(error, RemarqueError) or (
        settles_nothing(error) and error.code != NodeCode.UPLOADS_FULL.name
    )
    if faults >= FAULTS_MAX or not (passing or _elsewhere(error)):
        raise error
    await asyncio.sleep(PAUSE_SECONDS * 2.0 ** (faults - 1))


def _elsewhere(error: BaseException) -> bool:
    """Whether a node does not know the upload, or another piece of it has come than was thought."""
    known = (NodeCode.NOT_FOUND.name, NodeCode.UPLOAD_OFFSET.name)
    return isinstance(error, RemarqueError) and error.code in known


def _piece(file: Path, at: int) -> bytes:
    with file.open("rb") as data:
        data.seek(at)
        return data.read(PIECE_BYTES)


def _append(part: Path, piece: bytes) -> int:
    with part.open("ab") as out:
        out.write(piece)
        return out.tell()


def _cid_of(file: Path) -> str:
    """The content id of what is in a file; of nothing if it is not there."""
    return cid_of_parts(_pieces(file) if file.exists() else ())


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as data:
        while piece := data.read(CHUNK):
            yield piece
