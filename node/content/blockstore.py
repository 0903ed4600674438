"""The embedded blockstore: every block in a file named by its content id, checked whenever it is read.

A file is there whole or not at all: it is written beside, synced, and renamed. A block that no longer matches its id
(a flipped bit) counts as missing, and is fetched again from another member.

Everything here waits for the disk and hashes what it reads, so nothing of it is for the event loop: it is done `aside`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ParamSpec, TypeVar

from node.content.cid import CidInvalid, check_block, import_file, links_of, parse_cid
from node.content.uploads import Uploads
from node.storage.directory import write_durably
from remarque.errors import NodeCode, NodeError

FILE_BYTES_MAX = 65 * 1024 * 1024
"""A picture of the most bytes that are read, and what encryption adds to it."""
BLOCKS_MAX = 256
"""Blocks of one file, for what is fetched from others."""
UPLOADS = "uploads"
"""Where, beside the blocks, files lie that no record names yet."""
THREADS_MAX = 4
"""Threads that read and write content at the same time."""

P = ParamSpec("P")
T = TypeVar("T")


class Blockstore:
    """Blocks in a directory, spread over 256 subdirectories by digest. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)
        self.uploads = Uploads(path / UPLOADS)
        self._writing = threading.Lock()
        self.on_damaged: Callable[[str], object] = lambda cid: None
        """Called, from any thread, with the id of a block that is here and is not what its id names."""
        self._threads = asyncio.Semaphore(THREADS_MAX)

    async def aside(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Do work on content in a thread, off the event loop; waits while `THREADS_MAX` others do."""
        async with self._threads:
            return await asyncio.to_thread(work, *arguments, **named)

    def put_file(self, data: bytes) -> str:
        """Store a file; its content id."""
        cid, blocks = _imported(data)
        for name, block in blocks:
            self.put_block(name, block)
        return cid

    def take(self, account: str, data: bytes) -> str:
        """Take a file that an account brings, for a record to come; its content id. UPLOADS_FULL if it has too many."""
        cid, blocks = _imported(data)
        if any(self.block(name) is None for name, _ in blocks):
            self.uploads.put(account, cid, data)
        return cid

    def keep(self, cid: str) -> None:
        """Make content of a file that was taken, now that a record names it; nothing if none was."""
        data = self.uploads.read(cid)
        if data is not None:
            self.put_file(data)
            self.uploads.forget(cid)

    def put_block(self, cid: str, block: bytes) -> None:
        """Store a block that is what its id names; CidInvalid if it is not."""
        check_block(cid, block)
        path = self._file(cid)
        with self._writing:  # two that wrote one block would write to one temporary file
            if self.block(cid) is None:
                path.parent.mkdir(exist_ok=True)
                write_durably(path, block)

    def block(self, cid: str) -> bytes | None:
        """A block, or None if it is not here unharmed."""
        try:
            block = self._file(cid).read_bytes()
        except (OSError, CidInvalid):
            return None
        try:
            check_block(cid, block)
        except CidInvalid:
            self.on_damaged(cid)
            return None
        return block

    def missing(self, cid: str) -> list[str]:
        """Ids of the blocks of a file that are not here; empty if all are. Follows what is known so far."""
        wanted, missing, seen = [cid], [], 0
        while wanted:
            current = wanted.pop()
            seen += 1
            if seen > BLOCKS_MAX:
                raise CidInvalid(f"{cid} has more than {BLOCKS_MAX} blocks")
            block = self.block(current)
            if block is None:
                missing.append(current)
            else:
                wanted.extend(links_of(current, block))
        return missing

    def file(self, cid: str) -> bytes:
        """A whole file. CONTENT_MISSING if a block of it is not here."""
        taken = self.uploads.read(cid)
        return b"".join(block for _, block in self._walk(cid)) if taken is None else taken

    def leaves(self, cid: str) -> list[tuple[str, int]]:
        """Ids and sizes of the blocks that make a file up, in order. CONTENT_MISSING if a block of it is not here."""
        return [(leaf, len(block)) for leaf, block in self._walk(cid)]

    def present(self, block: str, cid: str) -> bytes:
        """A block of a file. CONTENT_MISSING if it is not here."""
        found = self.block(block)
        if found is None:
            raise NodeError(NodeCode.CONTENT_MISSING, f"block {block} of {cid} is not on this node", 1)
        return found

    def _walk(self, cid: str) -> Iterator[tuple[str, bytes]]:
        """Leaves of a file in order, with their ids."""
        wanted, size, seen = [cid], 0, 0
        while wanted:
            current = wanted.pop()
            block = self.present(current, cid)
            links = links_of(current, block)
            wanted.extend(reversed(links))
            seen, size = seen + 1, size + (0 if links else len(block))
            if seen > BLOCKS_MAX or size > FILE_BYTES_MAX:
                raise NodeError(NodeCode.BODY_TOO_LARGE, f"{cid} has more than {FILE_BYTES_MAX} bytes")
            if not links:
                yield current, block

    def _file(self, cid: str) -> Path:
        _, digest = parse_cid(cid)
        return self._path / digest[:1].hex() / cid


def _imported(data: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """A file's content id, and its blocks with theirs."""
    if len(data) > FILE_BYTES_MAX:
        raise NodeError(NodeCode.BODY_TOO_LARGE, f"{len(data)} bytes, content has at most {FILE_BYTES_MAX}")
    cid, blocks = import_file(data)
    return cid, list(blocks)
