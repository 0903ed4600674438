"""Archives: many files in one CAR, to be handed to a provider that stores few large things; and reading out of them.

    NAME.car    a CAR of version 1; its root is a DAG-CBOR block that links to every file, and all their blocks follow
    NAME.json   what it holds, where each block lies in it, and by what a provider knows it

A block is held against its id whenever it is read, so neither the archive nor whoever has it needs to be trusted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path

import cbor2
import msgspec

from ledger.encoding import NOT_DECODED
from remarque.cars import car_block, header_of, section
from remarque.cid import CidInvalid, check_block, cid_bytes, cid_of
from remarque.dag import checked_leaf, shape_of
from remarque.errors import NodeCode, RemarqueError
from remarque.pieces import PieceHash

DAG_CBOR = 0x71
ARCHIVE_VERSION = 1
FILES_MAX = 10_000
"""Of one archive: so many links make a root of less than a mebibyte."""
INDEX_BYTES_MAX = 1 << 30

Blocks = Iterable[tuple[str, bytes]]
"""Blocks with their ids, as they stand in a file, each held against its id."""


class CarBlock(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a block lies."""

    cid: str
    at: int
    """The first of its bytes, in the CAR."""
    size: int


class ContentArchive(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said of an archive, in the file beside it."""

    version: int
    car: str
    """The CAR's name, in the same folder."""
    bytes: int
    sha256: str
    root: str
    """Content id of its root block."""
    piece_cid: str
    """The piece CID of version 2, which says size and root."""
    piece_cid_v1: str
    piece_bytes: int
    """What a provider counts: the padded size."""
    files: tuple[str, ...]
    """Content ids of the files that it holds."""
    blocks: tuple[CarBlock, ...]


def write_archive(
    folder: Path, name: str, files: tuple[str, ...], blocks_of: Callable[[str], Blocks]
) -> ContentArchive:
    """Write files as an archive; it is there whole, with what is said of it, or not at all.

    `blocks_of` gives the blocks of a file. What several files share stands in the archive once.
    """
    if not 0 < len(files) <= FILES_MAX:
        raise ValueError(f"an archive holds 1 to {FILES_MAX} files, not {len(files)}")
    car, part = folder / f"{name}.car", folder / f"{name}.car.part"
    root = cbor2.dumps({"files": [cbor2.CBORTag(42, b"\x00" + cid_bytes(cid)) for cid in files]}, canonical=True)
    packed = bytes((1, DAG_CBOR, 0x12, 0x20)) + sha256(root).digest()
    digest, piece, found = sha256(), PieceHash(), dict[str, CarBlock]()
    with part.open("wb") as out:

        def write(data: bytes) -> None:
            out.write(data)
            digest.update(data)
            piece.update(data)

        write(header_of(packed))
        write(section(packed + root))
        for file in files:
            for cid, block in blocks_of(file):
                if cid not in found:
                    write(car_block(cid, block))
                    found[cid] = CarBlock(cid, out.tell() - len(block), len(block))
        size = out.tell()
        out.flush()
        os.fsync(out.fileno())
    made = piece.piece()
    archive = ContentArchive(
        version=ARCHIVE_VERSION,
        car=car.name,
        bytes=size,
        sha256=digest.hexdigest(),
        root=cid_of(DAG_CBOR, root),
        piece_cid=made.cid_v2,
        piece_cid_v1=made.cid_v1,
        piece_bytes=made.bytes,
        files=files,
        blocks=tuple(found.values()),
    )
    part.replace(car)
    _write_durably(folder / f"{name}.json", msgspec.json.encode(archive))
    return archive


def read_archive(index: Path) -> ContentArchive:
    """What is said of an archive. ARCHIVE_INVALID if the file says nothing of one."""
    try:
        if index.stat().st_size > INDEX_BYTES_MAX:
            raise RemarqueError(NodeCode.ARCHIVE_INVALID.name, f"{index} is larger than any index; name NAME.json")
        found = msgspec.json.decode(index.read_bytes(), type=ContentArchive)
    except NOT_DECODED as error:
        raise RemarqueError(NodeCode.ARCHIVE_INVALID.name, f"{index} is no archive's index: {error}") from None
    if found.version != ARCHIVE_VERSION or Path(found.car).name != found.car:
        detail = f"{index} is of version {found.version} and names {found.car}; this reads {ARCHIVE_VERSION}"
        raise RemarqueError(NodeCode.ARCHIVE_INVALID.name, detail)
    return found


def restored(
    archive: ContentArchive, read: Callable[[int, int], bytes], cid: str, part: tuple[int, int] | None = None
) -> Iterator[bytes]:
    """A file out of an archive, or a part of it, from one byte to before another; `read` gives bytes of the CAR.

    `read` takes where they begin and how many they are. Only what is needed is read. CONTENT_MISSING if the archive
    does not hold the file, CONTENT_MISMATCH if what is read is not what the id names.
    """
    places = {one.cid: one for one in archive.blocks}

    def block(name: str) -> bytes:
        place = places.get(name)
        if place is None:
            raise RemarqueError(NodeCode.CONTENT_MISSING.name, f"{archive.car} does not hold {name}; look in another")
        data = read(place.at, place.size)
        check_block(name, data)
        return data

    try:
        shape = shape_of(cid, block)
        start, stop = (0, shape.size) if part is None else part
        for leaf in shape.leaves:
            if leaf.start < stop and leaf.start + leaf.size > start:
                data = checked_leaf(leaf, block(leaf.cid))
                yield data[max(start - leaf.start, 0) : stop - leaf.start]
    except CidInvalid as error:
        raise RemarqueError(NodeCode.CONTENT_MISMATCH.name, f"{archive.car}: {error}; take another copy") from None


def _write_durably(file: Path, data: bytes) -> None:
    part = file.with_name(file.name + ".part")
    with part.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)
