"""JPEG XL: what its header says, read before its decoder is given the file. Source: ISO/IEC 18181-1, D.2 and D.3."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a"
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Width to height, by the number that stands for it less one."""
_HEADER_BYTES = 64
_SIDE_BITS = (9, 13, 18, 30)


class Header(NamedTuple):
    """What a file says of itself."""

    width: int
    height: int
    plain: bool
    """Whether it is one picture, without an animation and without a preview."""


def header(data: bytes) -> Header | None:
    """The header of a JPEG XL file, None of any other. ValueError if it ends too early."""
    if data.startswith(CODESTREAM):
        return _read(data[: len(CODESTREAM) + _HEADER_BYTES])
    if data.startswith(CONTAINER):
        return _read(_in_container(data))
    return None


def _in_container(data: bytes) -> bytes:
    """The first bytes of the codestream that stands in a box."""
    start = 0
    while start + 8 <= len(data):
        size, kind, head = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        if kind in (b"jxlc", b"jxlp"):
            begin = start + head + (4 if kind == b"jxlp" else 0)
            return data[begin : begin + len(CODESTREAM) + _HEADER_BYTES]
        if size < head:
            break
        start += size
    raise ValueError("no codestream is in the file")


def _read(data: bytes) -> Header:
    if not data.startswith(CODESTREAM):
        raise ValueError("no codestream begins where it should")
    number, at = int.from_bytes(data[len(CODESTREAM) :], "little"), 0

    def bits(count: int) -> int:
        nonlocal at
        at += count
        if at > 8 * (len(data) - len(CODESTREAM)):
            raise ValueError("the header ends too early")
        return number >> (at - count) & ((1 << count) - 1)

    width, height = _sides(bits)
    if bits(1) or not bits(1):  # everything as usual, or at least nothing beyond it
        return Header(width, height, plain=True)
    bits(3)  # the way up
    if bits(1):
        _sides(bits)  # which it was made for
    return Header(width, height, plain=not bits(1) and not bits(1))


def _sides(bits: Callable[[int], int]) -> tuple[int, int]:
    small = bits(1)

    def side() -> int:
        return 8 * (1 + bits(5)) if small else 1 + bits(_SIDE_BITS[bits(2)])

    height = side()
    ratio = bits(3)
    if not ratio:
        return side(), height
    across, down = _RATIOS[ratio - 1]
    return height * across // down, height
