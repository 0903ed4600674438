"""BMP: heads, a palette, pixels, and in some a colour profile. Nothing of it is left out here.

Source: Microsoft, `BITMAPFILEHEADER` to `BITMAPV5HEADER`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pictures.containers.parts import FilePart, said_bytes, uncovered

_FILE_HEAD_BYTES, _OLD_HEAD_BYTES, _HEAD_WITH_PROFILE_BYTES = 14, 12, 124
_PACKED = (1, 2)
"""Compressions whose pixels have a size of their own, which the head says."""


def parts(data: bytes) -> Iterator[FilePart]:
    """A BMP as one part, and what lies behind its pixels and its profile."""
    pixels_at, head_bytes = struct.unpack_from("<II", data, 10)
    shown = [(0, pixels_at + _pixel_bytes(data, head_bytes))]
    if head_bytes >= _HEAD_WITH_PROFILE_BYTES:
        profile_at, profile_bytes = struct.unpack_from("<II", data, _FILE_HEAD_BYTES + 112)
        shown.append((_FILE_HEAD_BYTES + profile_at, _FILE_HEAD_BYTES + profile_at + profile_bytes))
    yield FilePart(data, said_bytes("behind the picture", uncovered(data, shown)))


def _pixel_bytes(data: bytes, head_bytes: int) -> int:
    """Of all rows, each of which fills whole words of four bytes."""
    if head_bytes == _OLD_HEAD_BYTES:
        width, height, _, bits = struct.unpack_from("<HHHH", data, _FILE_HEAD_BYTES + 4)
        return int((width * bits + 31) // 32 * 4 * height)
    width, height, _, bits, compression, size = struct.unpack_from("<iiHHII", data, _FILE_HEAD_BYTES + 4)
    return int(size if compression in _PACKED else (width * bits + 31) // 32 * 4 * abs(height))
