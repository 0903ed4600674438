"""The embedded blockstore: every block in a file named by its content id, checked whenever it is read.

A file is there whole or not at all: it is written beside, synced, and renamed. A block that no longer matches its id
(a flipped bit) counts as missing, and is fetched again from another member.

Everything here waits for the disk and hashes what it reads, so nothing of it is for the event loop: it is done `aside`.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
import weakref
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

from node.content.uploads import Uploads, pieces_of
from node.storage.directory import write_durably
from remarque.cid import DAG_PB, CidInvalid, check_block, parse_cid
from remarque.dag import CHUNK, FILE_BYTES_MAX, FileShape, Leaf, blocks_of, checked_leaf, import_file, shape_of
from remarque.errors import NodeCode, NodeError

UPLOADS = "uploads"
"""Where, beside the blocks, files lie that no record names yet."""
THREADS_MAX = 4
"""Threads that read and write content at the same time."""

P = ParamSpec("P")
T = TypeVar("T")


class Opened:
    """A file of content, to be read piece after piece: each is held against its id when it is read."""

    def __init__(self, shape: FileShape, read: Callable[[Leaf], bytes], nodes: Callable[[], dict[str, bytes]]) -> None:
        self.shape, self.size = shape, shape.size
        self._read, self._leaves = read, shape.leaves
        self.nodes = nodes
        """Gives the blocks of its tree by their ids. CONTENT_MISSING."""
        self._starts = [leaf.start for leaf in shape.leaves]

    def piece(self, at: int) -> bytes:
        """The file's bytes from a place on, as many as its leaf has. CONTENT_MISSING if they are not here by now."""
        leaf = self._leaves[bisect_right(self._starts, at) - 1]
        return self._read(leaf)[at - leaf.start :]


class Blockstore:
    """Blocks in a directory, spread over 256 subdirectories by digest. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)
        self.uploads = Uploads(path / UPLOADS)
        self._writing = threading.Lock()
        self.on_damaged: Callable[[str], object] = lambda cid: None
        """Called, from any thread, with the id of a block that is here and is not what its id names."""
        self.on_node: Callable[[str, bytes], object] = lambda cid, block: None
        """Called, from any thread, with each node of a tree that has been stored, and its id."""
        self._loose = dict[str, float]()
        """Blocks that no file had, and since when that is known, in seconds of the monotonic clock."""
        self._threads = asyncio.Semaphore(THREADS_MAX)

    async def aside(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Do work on content in a thread, off the event loop; waits while `THREADS_MAX` others do."""
        async with self._threads:
            return await asyncio.to_thread(work, *arguments, **named)

    def put_file(self, data: bytes) -> str:
        """Store a file; its content id."""
        return self._put_parts((data,))

    def _put_parts(self, parts: Iterable[bytes]) -> str:
        cid = ""
        for cid, block in blocks_of(parts):
            self.put_block(cid, block)
        return cid

    def take(self, account: str, data: bytes) -> str:
        """Take a file that an account brings, for a record to come; its content id. UPLOADS_FULL if it has too many."""
        if len(data) > FILE_BYTES_MAX:
            raise NodeError(NodeCode.BODY_TOO_LARGE, f"{len(data)} bytes, content has at most {FILE_BYTES_MAX}")
        cid, blocks = import_file(data)
        if any(self.block(name) is None for name, _ in blocks):
            self.uploads.put(account, cid, data)
        return cid

    def finish(self, account: str, name: str) -> str:
        """What has come piece after piece is whole: its content id. It waits for a record, unless it has one."""
        cid = self.uploads.finish(account, name)
        if not self.missing(cid):
            self.uploads.drop(account, cid)
        return cid

    def keep(self, cid: str) -> None:
        """Make content of a file that was taken, now that a record names it; nothing if none was."""
        file = self.uploads.file(cid)
        if file is not None:
            self._put_parts(pieces_of(file))
            self.uploads.forget(cid)

    def put_block(self, cid: str, block: bytes) -> None:
        """Store a block that is what its id names; CidInvalid if it is not."""
        check_block(cid, block)
        path = self._file(cid)
        with self._writing:  # two that wrote one block would write to one temporary file
            if self.block(cid) is None:
                path.parent.mkdir(exist_ok=True)
                write_durably(path, block)
            else:
                os.utime(path)  # so that `sweep`, which may not know yet what has it, leaves it alone
        if parse_cid(cid)[0] == DAG_PB:
            self.on_node(cid, block)

    def nodes(self) -> Iterator[str]:
        """Ids of the nodes of trees that are here."""
        return (file.name for file in self._path.glob("??/bafyb*"))

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
        try:
            shape = shape_of(cid, self.present)
        except _Missing as missing:
            return [missing.cid]
        return [leaf.cid for leaf in shape.leaves if not self._holds(leaf)]

    def _holds(self, leaf: Leaf) -> bool:
        block = self.block(leaf.cid)
        return block is not None and checked_leaf(leaf, block) is block

    def open(self, cid: str) -> Opened:
        """A file, recorded or not, to be read. CONTENT_MISSING if it is not here, CidInvalid if it is no file."""
        waiting = self.uploads.file(cid)
        if waiting is not None:
            with suppress(FileNotFoundError):  # it has become content meanwhile
                return _opened_upload(waiting)
        shape = shape_of(cid, self.present)
        return Opened(
            shape,
            lambda leaf: checked_leaf(leaf, self.present(leaf.cid)),
            lambda: {node: self.present(node) for node in shape.nodes},
        )

    def sweep(self, live: Iterable[str], after: float) -> int:
        """Delete the blocks that no file of `live` has, and had none for so many seconds; how many bytes that were.

        A file whose tree is not whole here is fetched again, with all that is below it.
        """
        kept = set[str]()
        for cid in live:
            kept.add(cid)
            if parse_cid(cid)[0] == DAG_PB:
                with suppress(NodeError, CidInvalid):
                    shape = shape_of(cid, self.present)
                    kept.update(shape.nodes, (leaf.cid for leaf in shape.leaves))
        loose = [file for file in self._path.glob("??/b*") if file.name not in kept]
        now, freed = time.monotonic(), 0
        self._loose = {file.name: self._loose.get(file.name, now) for file in loose}
        for file in loose:
            with self._writing:
                found = file.stat()
                if now - self._loose[file.name] >= after and time.time() - found.st_mtime >= after:
                    file.unlink()
                    freed += found.st_size
        return freed

    def file(self, cid: str) -> bytes:
        """A whole file. CONTENT_MISSING if a block of it is not here."""
        opened, parts, at = self.open(cid), list[bytes](), 0
        while at < opened.size:
            parts.append(opened.piece(at))
            at += len(parts[-1])
        return b"".join(parts)

    def present(self, cid: str) -> bytes:
        """A block. CONTENT_MISSING if it is not here unharmed."""
        found = self.block(cid)
        if found is None:
            raise _Missing(cid)
        return found

    def _file(self, cid: str) -> Path:
        _, digest = parse_cid(cid)
        return self._path / digest[:1].hex() / cid


class _Missing(NodeError):
    """A block is not here."""

    def __init__(self, cid: str) -> None:
        super().__init__(NodeCode.CONTENT_MISSING, f"block {cid} is not on this node", 1)
        self.cid = cid


def _opened_upload(file: Path) -> Opened:
    """A file that no record names, which lies in one piece. It can be read even if it goes meanwhile."""
    handle = os.open(file, os.O_RDONLY)
    size = os.fstat(handle).st_size
    leaves = tuple(Leaf("", at, min(CHUNK, size - at)) for at in range(0, max(size, 1), CHUNK))

    def nodes() -> dict[str, bytes]:
        return {cid: block for cid, block in blocks_of(pieces_of(file)) if parse_cid(cid)[0] == DAG_PB}

    opened = Opened(FileShape(file.name, size, (), leaves), lambda leaf: os.pread(handle, leaf.size, leaf.start), nodes)
    weakref.finalize(opened, os.close, handle)
    return opened
