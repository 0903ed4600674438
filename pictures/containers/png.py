"""PNG: chunks, of which the picture needs few, each at its exact size. Source: PNG, third edition, 5 and 11."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from pictures.containers import exif
from pictures.containers.parts import PROFILE_BYTES_MAX, FilePart, SaidInside, behind, is_profile, said_bytes, unpacked

START = b"\x89PNG\r\n\x1a\n"
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
"""Kinds of chunks that hold text."""
TEXT_BYTES_MAX = 1 << 20
"""Of a packed text that is unpacked to be told of."""

_FRAME_BYTES = 1 << 20
"""Of pixels that are unpacked at once, to find where they end."""
_COLOUR_AT = 9
"""Of a header: the byte that says which channels pixels have."""
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_SIZES = {
    b"IHDR": 13,
    b"IEND": 0,
    b"gAMA": 4,
    b"cHRM": 32,
    b"sRGB": 1,
    b"cICP": 4,
    b"pHYs": 9,
    b"mDCV": 24,
    b"cLLI": 8,
    b"acTL": 8,
    b"fcTL": 26,
}
"""Bytes of the chunks that always have as many."""
_SIZES_BY_COLOUR = {
    b"tRNS": {_GREY: 2, _RGB: 6},
    b"sBIT": {_GREY: 1, _RGB: 3, _PALETTE: 3, _GREY_ALPHA: 2, _RGBA: 4},
    b"bKGD": {_GREY: 2, _RGB: 6, _PALETTE: 1, _GREY_ALPHA: 2, _RGBA: 6},
}
_PALETTE_COLOURS_MAX = 256
_SEQUENCE_BYTES = 4
"""Of a frame's chunk, before its pixels."""
_NAMES = {b"IDAT": "behind the picture", b"caBX": "C2PA", b"tIME": "the time of its last change"}


class _Stream:
    """Follows packed pixels over the chunks they are spread over."""

    def __init__(self) -> None:
        self._unpacking = zlib.decompressobj()

    @property
    def ended(self) -> bool:
        """Whether all of it was there."""
        return self._unpacking.eof

    def needed(self, packed: bytes) -> int:
        """How many bytes of a further chunk belong to it: all of them where it cannot be read."""
        left = packed
        try:
            while left and not self.ended:
                self._unpacking.decompress(left, _FRAME_BYTES)
                left = self._unpacking.unconsumed_tail
        except zlib.error:
            return len(packed)
        return len(packed) - len(self._unpacking.unused_data)


def parts(data: bytes) -> Iterator[FilePart]:
    """The chunks of a PNG."""
    start, colour, stream = len(START), 0, _Stream()
    while start + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, start)
        end = start + 12 + size
        if end > len(data):
            break
        kind, body = data[start + 4 : start + 8], data[start + 8 : start + 8 + size]
        if kind == b"IHDR":
            colour = body[_COLOUR_AT] if size > _COLOUR_AT else 0
        elif kind == b"fcTL":
            stream = _Stream()
        needed = _needed(kind, body, colour, stream)
        if needed is None:
            yield FilePart(said=_said(kind, body))
        else:
            yield FilePart(chunk(kind, body[:needed]), said_bytes(f"in {kind.decode()}", size - needed))
        start = end
        if kind == b"IEND":
            break
    yield behind(data, start)


def body_of(data: bytes, kind: bytes) -> bytes:
    """The body of the first chunk of a kind that stands before the pixels; nothing if there is none."""
    start = len(START)
    while start + 12 <= len(data) and data[start + 4 : start + 8] != b"IDAT":
        (length,) = struct.unpack_from(">I", data, start)
        if data[start + 4 : start + 8] == kind:
            return data[start + 8 : start + 8 + length]
        start += 12 + length
    return b""


def written(kept: list[bytes], entries: bytes) -> bytes:
    """The file of what is kept, the header first, with EXIF if there is any."""
    return b"".join([START, kept[0], chunk(b"eXIf", entries) if entries else b"", *kept[1:]])


def _needed(kind: bytes, body: bytes, colour: int, stream: _Stream) -> int | None:
    """How many of a chunk's bytes showing the picture needs; None if it does not need the chunk."""
    if kind == b"IDAT":
        return None if stream.ended else stream.needed(body)
    if kind == b"fdAT":
        return None if stream.ended else _SEQUENCE_BYTES + stream.needed(body[_SEQUENCE_BYTES:])
    if kind == b"PLTE":
        return min(len(body) // 3, _PALETTE_COLOURS_MAX) * 3
    if kind == b"tRNS" and colour == _PALETTE:
        return min(len(body), _PALETTE_COLOURS_MAX)
    if kind == b"iCCP":
        return len(body) if _has_profile(body) else None
    size = _SIZES_BY_COLOUR[kind].get(colour) if kind in _SIZES_BY_COLOUR else _SIZES.get(kind)
    return size if size is not None and len(body) >= size else None


def _has_profile(body: bytes) -> bool:
    """Whether a chunk's name is followed by a packed ICC profile and nothing more."""
    packed = body.partition(b"\0")[2][1:]
    return _Stream().needed(packed) == len(packed) and is_profile(unpacked(packed, PROFILE_BYTES_MAX))


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a kind, with its sums."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _said(kind: bytes, body: bytes) -> tuple[SaidInside, ...]:
    """What a chunk says that is not needed."""
    if kind in TEXTS:
        return (_text(kind, body),)
    if kind == b"eXIf":
        return exif.said(body)
    return (SaidInside(_NAMES.get(kind, "a part of its own"), f"{len(body)} bytes"),)


def _text(kind: bytes, body: bytes) -> SaidInside:
    """A text: its keyword, and what it says."""
    keyword, _, rest = body.partition(b"\0")
    if kind == b"zTXt":
        text = unpacked(rest[1:], TEXT_BYTES_MAX)
    elif kind == b"iTXt":
        text = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
        text = unpacked(text, TEXT_BYTES_MAX) if rest[:1] == b"\1" else text
    else:
        text = rest
    return SaidInside(f"text {keyword.decode('latin-1')}", text.decode("utf-8", "replace"))
