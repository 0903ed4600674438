"""Recognises pictures: look-alikes by the ISCC Image-Code, and a check that confirms a match.

Needs no torch, so that every node can answer whether a picture is recorded.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable

import iscc_lib
from PIL import Image, ImageChops, ImageStat

from pictures.errors import PictureCode, PictureError
from pictures.picture import Box, Picture, strips
from pictures.reduction import Reduction

DISTANCE_SURE = 32
"""Up to this many differing bits of 256 two pictures are taken for the same, unless `difference` objects."""
DISTANCE_CANDIDATE = 56
"""Up to this many bits a picture is worth a look."""
DIFFERENCE_SAME = 5.0
"""Up to this `difference` two pictures are the same one, re-encoded; measured, see docs/generator_model.md."""
MINIATURE_SIDE = 64
MINIATURE_BYTES = 3 * MINIATURE_SIDE**2

_TRIM_TOLERANCE = 16
_TRIM_PASSES_MAX = 16
_IMAGE_CODE_HEADER = b"\x21\x07"


def image_code(picture: Picture) -> str:
    """The ISCC Image-Code of 256 bits (`ISCC:...`), normalised as IEP-0020 says."""
    return _code(_grey(picture, _trimmed(picture)))


def search_codes(reduction: Reduction, own: str) -> tuple[str, ...]:
    """The codes to look a picture up by: its own first, then those it has with a band cut off its top.

    IEP-0020 takes a smooth sky for a border where it can, and cuts more or less of it off a re-encoded copy, which
    changes the whole code. One drawn night scene in ten is lost that way, and found again by these codes
    (docs/generator_model.md). All but the first are of the reduction, and so a few bits off.
    """
    grey = Image.fromarray(reduction.grey)
    cut = (_code(grey, part * grey.height / 100) for part in range(0, 40, 2))
    return tuple(dict.fromkeys([own, *cut]))


def reduced_code(reduction: Reduction) -> str:
    """The code of a picture by its reduction alone, with its borders: up to ten bits off `image_code`."""
    return _code(Image.fromarray(reduction.grey))


def nearest(code: str, searched: Iterable[str]) -> int:
    """The distance of a recorded code to the nearest of a copy's `search_codes`."""
    return min(distance(code, each) for each in searched)


def is_featureless(code: str) -> bool:
    """Whether a picture is so plain that its code matches any other plain picture's (IEP-0020: do not match it)."""
    body = _body(code)
    return any(int.from_bytes(body[start : start + 8], "big").bit_count() < 8 for start in range(0, 32, 8))


def distance(code: str, other: str) -> int:
    """How many of 256 bits differ between two Image-Codes; unrelated photographs differ in more than 90."""
    return (int.from_bytes(_body(code), "big") ^ int.from_bytes(_body(other), "big")).bit_count()


def miniature(reduction: Reduction) -> bytes:
    """All that `difference` sees of a picture: 64 x 64 pixels of it on white, row by row, 8 bits for each of R G B."""
    small = Image.fromarray(reduction.rgb).resize((MINIATURE_SIDE, MINIATURE_SIDE), Image.Resampling.BOX)
    return small.tobytes()


def difference(one: bytes, other: bytes) -> float:
    """Mean absolute difference of two pictures by their miniatures: 0 (same) to 255.

    Confirms a near Image-Code, which sees no colour and little brightness. Up to DIFFERENCE_SAME it is one picture.
    """
    shown = (Image.frombytes("RGB", (MINIATURE_SIDE, MINIATURE_SIDE), each) for each in (one, other))
    return sum(ImageStat.Stat(ImageChops.difference(*shown)).mean) / 3


def _code(grey: Image.Image, top: float = 0) -> str:
    """The code of what lies below a line, which may lie within a row."""
    left = grey.crop((0, int(top), grey.width, grey.height))
    small = left.resize((32, 32), Image.Resampling.BICUBIC, (0, top - int(top), left.width, left.height))
    return str(iscc_lib.gen_image_code_v0(small.tobytes(), 256).iscc)


def _grey(picture: Picture, box: Box) -> Image.Image:
    """What lies in a box of a picture, on white, in mode L."""
    left, top, right, bottom = box
    grey = Image.new("L", (right - left, bottom - top))
    for strip in strips(box):
        grey.paste(picture.shown(strip).convert("L"), (0, strip[1] - top))
    return grey


def _trimmed(picture: Picture) -> Box:
    """What is left without nearly uniform borders; a cut on one side only must be flat, so skies stay (IEP-0020)."""
    box = picture.box
    for _ in range(_TRIM_PASSES_MAX):
        inner = _border_box(picture, box, _TRIM_TOLERANCE)
        if inner is None or inner == box:
            break
        sides = sum(one != other for one, other in zip(inner, box, strict=True))
        if sides == 1 and _border_box(picture, box, _TRIM_TOLERANCE // 2) != inner:
            break
        box = inner
    return box


def _border_box(picture: Picture, box: Box, tolerance: int) -> Box | None:
    """The box of all pixels in a box that differ from its upper left one by more than the tolerance in any channel."""
    left, top = box[:2]
    corner = picture.shown((left, top, left + 1, top + 1)).tobytes()
    table = [255 if abs(value - channel) > tolerance else 0 for channel in corner for value in range(256)]
    found: Box | None = None
    for strip in strips(box):
        inner = picture.shown(strip).point(table).getbbox()
        if inner is not None:
            here = (left + inner[0], strip[1] + inner[1], left + inner[2], strip[1] + inner[3])
            found = here if found is None else _around(found, here)
    return found


def _around(one: Box, other: Box) -> Box:
    """The least box that holds two."""
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _body(code: str) -> bytes:
    raw = b""
    if re.fullmatch(r"ISCC:[A-Z2-7]{55}", code):
        raw = base64.b32decode(code[5:] + "=")
    if raw[:2] != _IMAGE_CODE_HEADER:
        raise PictureError(PictureCode.IMAGE_CODE_INVALID, f"{code[:80]!r}; give ISCC:EED and 52 more characters")
    return raw[2:]
