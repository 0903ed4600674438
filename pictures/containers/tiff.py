"""TIFF: entries, of which the picture needs those that say how its pixels are stored. Here nothing is left out."""

from __future__ import annotations

from collections.abc import Iterator

from pictures.containers import exif
from pictures.containers.entries import read_entries
from pictures.containers.parts import FilePart, SaidInside, said_bytes

_OF_PIXELS = frozenset(
    (*range(254, 260), 262, 263, 266, 273, 274, *range(277, 285), *range(290, 294), 296, 301, *range(317, 323))
) | frozenset((324, 325, 332, 334, 336, *range(338, 342), 347, *range(512, 522), *range(529, 533), 34675))
"""Tags of TIFF 6.0 and its supplements: sides, colours, compression, where the pixels are, and the colour profile."""

_PHOTOMETRIC, _DNG_VERSION = 262, 50706
_OF_SENSORS = (32803, 34892)
"""What a picture's colours are called where it holds what a sensor saw: TIFF/EP and DNG."""


def is_raw(data: bytes) -> bool:
    """Whether a TIFF is a camera's raw file. What can be read of one is a small preview, which is another picture."""
    if data[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return False
    if data[8:10] == b"CR":
        return True
    found = read_entries(data).found
    return any(
        one.tag == _DNG_VERSION or (one.tag == _PHOTOMETRIC and one.numbers[:1] and one.numbers[0] in _OF_SENSORS)
        for one in found
    )


def parts(data: bytes) -> Iterator[FilePart]:
    """What a TIFF says, as one part."""
    entries = read_entries(data)
    pages = (SaidInside("further pictures", str(entries.further)),) if entries.further else ()
    unnamed = said_bytes("behind the picture, or in no part of it", entries.unnamed)
    yield FilePart(data, (*exif.in_entries(entries, _OF_PIXELS), *pages, *unnamed))
