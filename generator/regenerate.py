"""Says how near a regenerated picture came to the recorded one.

The same files on the same kind of machine give the same pixels; another processor or device rounds differently, which
must not be mistaken for another picture, nor another picture for rounding.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from PIL import Image, ImageChops, ImageStat

from pictures.fingerprint import distance, image_code
from pictures.opening import open_picture
from pictures.picture import Picture, pixel_digest

EQUIVALENT_DISTANCE_MAX = 16
"""Bits of the Image-Code that rounding may turn."""
EQUIVALENT_MEAN_MAX = 2.0
"""Mean absolute difference per channel, of 255, that rounding may cause."""


class Comparison(msgspec.Struct, frozen=True):
    """What a comparison found, for people and programs."""

    verdict: Literal["identical", "equivalent", "different"]
    pixels_different: int
    """Pixels with any differing channel; all of them where the sizes differ."""
    max_difference: int
    """The largest difference of one channel, 0 to 255."""
    iscc_distance: int
    """Differing bits of 256."""


def compare(original: bytes, regenerated: bytes) -> Comparison:
    """Compare two image files by their pixels. IMAGE_UNREADABLE or IMAGE_TOO_LARGE as `open_picture`."""
    first, second = open_picture(original), open_picture(regenerated)
    bits = distance(image_code(first), image_code(second))
    if first.box != second.box:
        return Comparison("different", max(_area(first), _area(second)), 255, bits)
    gap = ImageChops.difference(first.image.convert("RGBA"), second.image.convert("RGBA"))
    count, largest = _pixels_off(gap)
    if pixel_digest(first) == pixel_digest(second):
        return Comparison("identical", 0, 0, bits)
    mean = sum(ImageStat.Stat(gap).mean) / len(first.mode)
    near = mean <= EQUIVALENT_MEAN_MAX and bits <= EQUIVALENT_DISTANCE_MAX
    return Comparison("equivalent" if near else "different", count, largest, bits)


def _pixels_off(gap: Image.Image) -> tuple[int, int]:
    """How many pixels differ at all, and by how much at most."""
    red, green, blue, alpha = gap.split()
    worst = ImageChops.lighter(ImageChops.lighter(red, green), ImageChops.lighter(blue, alpha))
    counts = worst.histogram()
    return sum(counts[1:]), max((level for level, count in enumerate(counts) if count), default=0)


def _area(picture: Picture) -> int:
    return picture.width * picture.height
