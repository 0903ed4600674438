"""Says how near a regenerated picture came to the recorded one.

The same files on the same kind of machine give the same pixels; another processor or device rounds differently, which
must not be mistaken for another picture, nor another picture for rounding. A watermark changes the recorded pixels too,
by an amount that is bounded.
"""

from __future__ import annotations

import io
import math
from typing import Literal

import msgspec
from PIL import Image, ImageChops, ImageStat

from pictures.fingerprint import distance, image_code
from pictures.opening import open_picture
from pictures.picture import Picture, pixel_digest
from pictures.watermark import PSNR_MIN

EQUIVALENT_DISTANCE_MAX = 16
"""Bits of the Image-Code that rounding may turn."""
EQUIVALENT_MEAN_MAX = 2.0
"""Mean absolute difference per channel, of 255, that rounding may cause."""
MARKED_RMS_MAX = 1.0 + 255 / 10 ** (PSNR_MIN / 20)
"""Root mean square of the difference that rounding and a watermark, at its least PSNR, may cause together. The
Image-Code says nothing there: it leaves out a border of one colour, and a watermark puts something into it."""


class Comparison(msgspec.Struct, frozen=True):
    """What a comparison found, for people and programs."""

    verdict: Literal["identical", "equivalent", "different"]
    pixels_different: int
    """Pixels with any differing channel; all of them where the sizes differ."""
    max_difference: int
    """The largest difference of one channel, 0 to 255."""
    iscc_distance: int
    """Differing bits of 256."""


def compare(original: bytes, regenerated: bytes, *, marked: bool = False) -> Comparison:
    """Compare two image files by their pixels. `marked`: the original alone has a watermark.

    IMAGE_UNREADABLE or IMAGE_TOO_LARGE as `open_picture`.
    """
    first, second = open_picture(original), open_picture(regenerated)
    bits = distance(image_code(first), image_code(second))
    if first.box != second.box:
        return Comparison("different", max(_area(first), _area(second)), 255, bits)
    gap = ImageChops.difference(first.image.convert("RGBA"), second.image.convert("RGBA"))
    count, largest = _pixels_off(gap)
    if pixel_digest(first) == pixel_digest(second):
        return Comparison("identical", 0, 0, bits)
    near = _mark_alone(gap) if marked else _rounding_alone(gap, len(first.mode)) and bits <= EQUIVALENT_DISTANCE_MAX
    return Comparison("equivalent" if near else "different", count, largest, bits)


def as_png(image: Image.Image) -> bytes:
    """A picture as a file that says nothing beside its pixels."""
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _rounding_alone(gap: Image.Image, channels: int) -> bool:
    return sum(ImageStat.Stat(gap).mean) / channels <= EQUIVALENT_MEAN_MAX


def _mark_alone(gap: Image.Image) -> bool:
    squares = [value**2 for value in ImageStat.Stat(gap.convert("RGB")).rms]
    return math.sqrt(sum(squares) / len(squares)) <= MARKED_RMS_MAX


def _pixels_off(gap: Image.Image) -> tuple[int, int]:
    """How many pixels differ at all, and by how much at most."""
    red, green, blue, alpha = gap.split()
    worst = ImageChops.lighter(ImageChops.lighter(red, green), ImageChops.lighter(blue, alpha))
    counts = worst.histogram()
    return sum(counts[1:]), max((level for level, count in enumerate(counts) if count), default=0)


def _area(picture: Picture) -> int:
    return picture.width * picture.height
