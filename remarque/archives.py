"""Content archives: CARs of many files, for a store that takes large pieces, out of which each file is read by itself.

    header                  names the directory as the root
    directory               a link for each file; its name says where in the archive the file begins
    file, file, …           each with all its blocks, in depth-first order, as often as they stand in it

So one block says what is in an archive and where, and any program of IPFS reads it as a directory of files. Names are
of twelve digits: bytes behind the directory. Whoever knows the root, as the chain does, believes nothing of an archive:
the root is the directory's id, which has the ids of the files, and every block is held against its id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from ledger.actions import ARCHIVED_FILES_MAX
from remarque.cars import (
    HEADER_BYTES_MAX,
    VARINT_BYTES_MAX,
    CarInvalid,
    block_bytes,
    blocks_in,
    car_block,
    car_header,
    section_length,
)
from remarque.cid import CID_BYTES, DAG_PB, CidInvalid, check_block, cid_of_digest, parse_cid
from remarque.dag import BLOCKS_MAX, CHUNK, children_of, depth_first, shape_of
from remarque.directories import Entry, directory_of, entries_in
from remarque.errors import NodeCode, NodeError

PIECE_BYTES = (1 << 30) // 128 * 127
"""What a piece of a gibibyte holds."""
_NAME = re.compile(r"[0-9]{12}\Z", re.ASCII)
_HEAD_BYTES_MAX = HEADER_BYTES_MAX + VARINT_BYTES_MAX + CID_BYTES + CHUNK
_EMPTY_BYTES, _ENTRY_BYTES = 128, 60
"""What an archive takes without files, and its directory for each, at most."""

Blocks = Callable[[str], bytes]
"""Gives a block by its content id, held against it. CONTENT_MISSING."""
Read = Callable[[int, int], bytes]
"""Gives bytes of an archive from a place on, as many as asked for or all up to the end. NodeError."""


class MeasuredFile(NamedTuple):
    """A file that is to be archived."""

    cid: str
    stored: int
    """Bytes of its blocks."""
    length: int
    """Bytes that it takes in an archive."""


class ArchivePlan(NamedTuple):
    """An archive that is to be written."""

    root: str
    directory: bytes
    files: tuple[str, ...]
    size: int
    """Bytes of the whole."""


def measured(cid: str, blocks: Blocks) -> MeasuredFile:
    """How large a file is, by the blocks of its tree. CidInvalid if it is no file of a kind that is kept."""
    shape = shape_of(cid, blocks)
    sizes = [len(blocks(node)) for node in shape.nodes] + [leaf.size for leaf in shape.leaves]
    return MeasuredFile(cid, sum(sizes), sum(map(block_bytes, sizes)))


def plans(files: Iterable[MeasuredFile], bytes_max: int) -> Iterator[ArchivePlan]:
    """Archives of at most so many bytes, with all the files in their order; one that is larger has one for itself."""
    some, size = list[MeasuredFile](), 0
    for file in files:
        added = _ENTRY_BYTES + file.length
        if some and (len(some) == ARCHIVED_FILES_MAX or _EMPTY_BYTES + size + added > bytes_max):
            yield _plan(some)
            some, size = [], 0
        some.append(file)
        size += added
    if some:
        yield _plan(some)


def _plan(files: Sequence[MeasuredFile]) -> ArchivePlan:
    entries, at = list[Entry](), 0
    for file in files:
        entries.append(Entry(f"{at:012d}", file.cid, file.stored))
        at += file.length
    root, directory = directory_of(entries)
    size = len(car_header(root)) + block_bytes(len(directory)) + at
    return ArchivePlan(root, directory, tuple(file.cid for file in files), size)


def parts_of(plan: ArchivePlan, blocks: Blocks) -> Iterator[bytes]:
    """The bytes of an archive, a block after the other. CONTENT_MISSING."""
    yield car_header(plan.root)
    yield car_block(plan.root, plan.directory)
    for file in plan.files:
        for cid in depth_first(file, blocks):
            yield car_block(cid, blocks(cid))


def files_in(directory: bytes) -> dict[str, int]:
    """The files in an archive by its directory, each with the place at which it begins, behind that. CidInvalid."""
    entries = entries_in(directory)
    if not 0 < len(entries) <= ARCHIVED_FILES_MAX or not all(_NAME.match(one.name) for one in entries):
        raise CidInvalid(f"the directory is not that of an archive of 1 to {ARCHIVED_FILES_MAX} files")
    return {one.cid: int(one.name) for one in entries}


def directory_file(root: str) -> str:
    """Content id of the file that is an archive's directory, as nodes keep it. CidInvalid if the root is no id."""
    return cid_of_digest(parse_cid(root)[1])


class Archive:
    """An archive that is read in parts, from wherever it lies."""

    def __init__(self, read: Read) -> None:
        """ARCHIVE_UNREADABLE if it does not begin as an archive does."""
        self._read = read
        try:
            found = blocks_in((read(0, _HEAD_BYTES_MAX),))
            self.root, (cid, directory) = next(found)[0], next(found)
            if cid != self.root:
                raise CarInvalid("its first block is not its root")
            self._starts = files_in(directory)
        except (CarInvalid, CidInvalid, StopIteration) as error:
            raise NodeError(NodeCode.ARCHIVE_UNREADABLE, f"this is no content archive: {error}") from None
        self._behind = len(car_header(cid)) + block_bytes(len(directory))

    @property
    def files(self) -> tuple[str, ...]:
        """Content ids of what is in it."""
        return tuple(self._starts)

    def pieces(self, cid: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes of a file, or of its part from one byte to before another, each block held against its id.

        Only the blocks of that part are read, and the nodes of the file's tree before them. CONTENT_MISSING if the
        file is not in the archive, CONTENT_MISMATCH if what stands there is something else.
        """
        if cid not in self._starts:
            raise NodeError(NodeCode.CONTENT_MISSING, f"{cid} is not in the archive {self.root}")
        try:
            yield from self._walked(cid, start, end)
        except (CarInvalid, CidInvalid) as error:
            detail = f"{cid} in the archive {self.root}: {error}"
            raise NodeError(NodeCode.CONTENT_MISMATCH, detail) from None

    def _walked(self, cid: str, start: int, end: int | None) -> Iterator[bytes]:
        place, at, count = self._behind + self._starts[cid], 0, 0
        wanted = [(cid, -1)]
        while wanted and (end is None or at < end):
            one, size = wanted.pop()
            count += 1
            if count + len(wanted) > BLOCKS_MAX:
                raise CarInvalid(f"it has more than {BLOCKS_MAX} blocks")
            if parse_cid(one)[0] == DAG_PB:
                node, place = self._block(place, one)
                wanted += [(child.cid, child.size) for child in reversed(children_of(one, node))]
            elif 0 <= size <= start - at:
                place, at = place + block_bytes(size), at + size
            else:
                leaf, place = self._block(place, one, size)
                yield leaf[max(0, start - at) : None if end is None else end - at]
                at += len(leaf)

    def _block(self, place: int, cid: str, size: int = -1) -> tuple[bytes, int]:
        """A block that begins at a place, and the place behind it; `size`: if it is known. CarInvalid, CidInvalid."""
        if size < 0:
            found = section_length(self._read(place, VARINT_BYTES_MAX))
            size = max(0, found[1] - CID_BYTES) if found else 0
        length = block_bytes(size)
        section = self._read(place, length)
        block = section[length - size :]
        if section != car_block(cid, block):
            raise CarInvalid(f"at byte {place} there is another block than {cid}, or it is cut off")
        check_block(cid, block)
        return block, place + length
