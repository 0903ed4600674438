"""The ISCC Image-Code of a picture (ISO 24138), which is recorded, and by which look-alikes are found."""

from __future__ import annotations

import base64
import re

import iscc_lib
from PIL import Image

from pictures.errors import PictureCode, PictureError
from pictures.picture import Box, Picture, strips
from pictures.reduction import Reduction

DISTANCE_CANDIDATE = 56
"""Up to this many bits of 256 a picture is worth a look: pixels say whether it is the same."""
_TRIM_TOLERANCE = 16
_TRIM_PASSES_MAX = 16
_IMAGE_CODE_HEADER = b"\x21\x07"


def image_code(picture: Picture) -> str:
    """The ISCC Image-Code of 256 bits (`ISCC:...`), normalised as IEP-0020 says."""
    return _code(_grey(picture, _trimmed(picture)))


def reduced_code(reduction: Reduction) -> str:
    """The code of a picture by its reduction alone, with its borders: up to ten bits off `image_code`."""
    return _code(Image.fromarray(reduction.grey))


def distance(code: str, other: str) -> int:
    """How many of 256 bits differ between two Image-Codes; unrelated photographs differ in more than 90."""
    return (code_bits(code) ^ code_bits(other)).bit_count()


def code_bits(code: str) -> int:
    """The 256 bits of an Image-Code. IMAGE_CODE_INVALID."""
    return int.from_bytes(_body(code), "big")


def _code(grey: Image.Image) -> str:
    small = grey.resize((32, 32), Image.Resampling.BICUBIC)
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
