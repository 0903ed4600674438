"""AVIF as boxes: which there are, and where the items lie that they tell of.

Whatever is put in before the items moves them, so their places are told anew. Source: ISO/IEC 14496-12, 4.2 and 8.11.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

Box = tuple[bytes, int, int, int]
"""Kind, where the box begins, where its content does, and where it ends."""


@dataclass(frozen=True)
class ItemPlace:
    """Where an item lies."""

    id: int
    method: int
    """0: in the file; 1: in the box `idat`; 2: in another item."""
    base: int
    base_at: int
    """Where in the file the base is told, in `base_bytes` of the sizes."""
    extents: tuple[tuple[int, int, int], ...]
    """Where each extent's start is told, that start, and how many bytes it has."""


@dataclass(frozen=True)
class Places:
    """What an `iloc` says."""

    offset_bytes: int
    length_bytes: int
    base_bytes: int
    index_bytes: int
    version: int
    count_at: int
    items: tuple[ItemPlace, ...]


def boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes between two places, one behind the other. struct.error or KeyError if they are none."""
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
        yield data[start + 4 : start + 8], start, body, min(start + size, end)
        start += size


def box(kind: bytes, body: bytes) -> bytes:
    """A box of its own."""
    return struct.pack(">I", 8 + len(body)) + kind + body


def meta_boxes(data: bytes) -> dict[bytes, Box]:
    """The boxes in the first `meta`, by kind, and that itself. KeyError if there is none."""
    for found in boxes(data, 0, len(data)):
        if found[0] == b"meta":
            inner = {one[0]: one for one in boxes(data, found[2] + 4, found[3])}
            return {**inner, b"meta": found}
    raise KeyError("there is no meta box")


def moved(data: bytes, by: int, behind: int = 0) -> bytes:
    """The file with the places of its items behind one told so many bytes further on. Raises as `places` does."""
    found = bytearray(data)
    for kind, _, body, end in boxes(data, 0, len(data)):
        if kind == b"meta":
            for inner, _, at, _ in boxes(data, body + 4, end):
                if inner == b"iloc":
                    _move(found, places(data, at), by, behind)
    return bytes(found)


def places(data: bytes, at: int) -> Places:
    """What an `iloc` says whose content begins here. IndexError if it ends before it is whole."""
    version, sizes = data[at], _number(data, at + 4, 2)
    offset_bytes, length_bytes, base_bytes = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_bytes = sizes & 15 if version in (1, 2) else 0
    wide, count_at = (4 if version == 2 else 2), at + 6
    at, items = count_at + wide, []
    for _ in range(_number(data, count_at, wide)):
        number, at = _number(data, at, wide), at + wide
        method = 0
        if version in (1, 2):
            method, at = _number(data, at, 2) & 15, at + 2
        base_at, at = at + 2, at + 2 + base_bytes
        count, at = _number(data, at, 2), at + 2
        extents = []
        for _ in range(count):
            start_at = at + index_bytes
            at = start_at + offset_bytes + length_bytes
            length = _number(data, start_at + offset_bytes, length_bytes)
            extents.append((start_at, _number(data, start_at, offset_bytes), length))
        items.append(ItemPlace(number, method, _number(data, base_at, base_bytes), base_at, tuple(extents)))
    return Places(offset_bytes, length_bytes, base_bytes, index_bytes, version, count_at, tuple(items))


def _move(found: bytearray, told: Places, by: int, behind: int) -> None:
    for item in told.items:
        if item.method == 0 and item.base:
            if item.base >= behind:
                _put(found, item.base_at, told.base_bytes, item.base + by)
        elif item.method == 0:
            for start_at, start, _ in item.extents:
                if start >= behind:
                    _put(found, start_at, told.offset_bytes, start + by)


def _number(data: bytes, at: int, size: int) -> int:
    if at + size > len(data):
        raise IndexError("a place lies behind the end")
    return int.from_bytes(data[at : at + size], "big")


def _put(found: bytearray, at: int, size: int, number: int) -> None:
    if not 0 <= number < 1 << 8 * size:
        raise IndexError("a place lies outside of the file")
    found[at : at + size] = number.to_bytes(size, "big")
