"""Manifest stores in AVIF: a box behind the first one, which moves all that follows, so places are told anew.

Sources: ISO/IEC 14496-12, 4.2 (boxes) and 8.11.3 (places of items); C2PA 2.4, A.5.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

STORE_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""The kind of C2PA's box, behind `uuid`."""

Box = tuple[bytes, int, int, int]
"""Kind, and where the box, its content and what follows it begin."""


def without_store(data: bytes, size: int) -> bytes:
    """The file without C2PA's boxes."""
    removed, kept, at = 0, [], 0
    for kind, start, body, end in boxes(data, 0, len(data)):
        if kind == b"uuid" and data[body : body + 16] == STORE_BOX:
            kept.append(data[at:start])
            removed, at = removed + end - start, end
    bare = b"".join([*kept, data[at:]])
    return moved(bare, -removed) if removed else data


def with_store(data: bytes, store: bytes, packed: bytes) -> bytes:
    """The file with a packed store behind its first box."""
    _, _, _, end = next(boxes(data, 0, len(data)))
    told = moved(data, len(packed))
    return told[:end] + packed + told[end:]


def boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes between two places, one behind the other."""
    while start + 8 <= end:
        (size,) = struct.unpack_from(">I", data, start)
        body = start + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        elif size == 0:
            size = end - start
        if size < body - start:
            raise KeyError("a box is shorter than its head")
        yield data[start + 4 : start + 8], start, body, start + size
        start += size


def moved(data: bytes, by: int) -> bytes:
    """The file with the places of its items told so many bytes further on."""
    found = bytearray(data)
    for kind, _, body, end in boxes(data, 0, len(data)):
        if kind == b"meta":
            for inner, _, at, _ in boxes(data, body + 4, end):
                if inner == b"iloc":
                    _move(found, at, by)
    return bytes(found)


def _move(found: bytearray, at: int, by: int) -> None:
    """Change the places in one `iloc`, whose content begins here."""
    version, sizes = found[at], struct.unpack_from(">H", found, at + 4)[0]
    offset_bytes, length_bytes, base_bytes = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_bytes = sizes & 15 if version in (1, 2) else 0
    wide = version == 2
    count, at = _number(found, at + 6, 4 if wide else 2), at + (10 if wide else 8)
    for _ in range(count):
        at += 4 if wide else 2
        method = 0
        if version in (1, 2):
            method, at = _number(found, at, 2) & 15, at + 2
        base_at = at + 2
        at = base_at + base_bytes
        extents, at = _number(found, at, 2), at + 2
        if method == 0 and base_bytes and _number(found, base_at, base_bytes):
            _add(found, base_at, base_bytes, by)
            method = 1  # what follows is counted from there
        for _ in range(extents):
            if method == 0:
                _add(found, at + index_bytes, offset_bytes, by)
            at += index_bytes + offset_bytes + length_bytes


def _number(found: bytearray, at: int, size: int) -> int:
    if at + size > len(found):
        raise IndexError("a place lies behind the end")
    return int.from_bytes(found[at : at + size], "big")


def _add(found: bytearray, at: int, size: int, by: int) -> None:
    number = _number(found, at, size) + by
    if not 0 <= number < 1 << 8 * size:
        raise IndexError("a place lies outside of the file")
    found[at : at + size] = number.to_bytes(size, "big")
