"""AVIF, HEIC and JPEG XL: boxes, and what those say that are no pixels. Here nothing is left out.

EXIF and XMP lie where only the formats' own readers find them, so they are taken from those; a box that stands by
itself is told by its name. Source: ISO/IEC 14496-12, 4.2; C2PA 2.4, 11.3.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from PIL import Image

from pictures.containers import exif, jxl
from pictures.containers.parts import FilePart, SaidInside, behind, said_bytes

_OF_PIXELS = frozenset(
    (b"ftyp", b"meta", b"mdat", b"moov", b"JXL ", b"jxlc", b"jxlp", b"jxll", b"jxli", b"Exif", b"xml ")
)
"""Boxes that hold the picture, or what its reader tells of."""
_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""What the box of a manifest is called where names have sixteen bytes."""


def parts(data: bytes) -> Iterator[FilePart]:
    """What an AVIF, HEIC or JPEG XL says, as one part."""
    with Image.open(io.BytesIO(data)) as image:
        said = [*exif.said(image.info.get("exif") or b""), *said_bytes("XMP", len(image.info.get("xmp") or b""))]
    yield FilePart(data, (*said, *_own(data)))


def _own(data: bytes) -> Iterator[SaidInside]:
    """What stands in boxes of its own, and behind the last one."""
    if data.startswith(jxl.CODESTREAM):
        return
    start = 0
    while start + 8 <= len(data):
        size, kind, head = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        size = size or len(data) - start
        if size < head or start + size > len(data):
            break
        if kind not in _OF_PIXELS:
            is_manifest = kind == b"jumb" or data[start + head :].startswith(_C2PA)
            yield from said_bytes("C2PA" if is_manifest else "a part of its own", size - head)
        start += size
    yield from behind(data, start).said
