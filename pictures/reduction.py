"""A picture made small once, as it looks: everything by which it is found and compared is measured on this.

Going through a large picture is what costs, so it is done once, in strips, and twenty codes, windows, features and the
comparison with a recorded picture share what comes of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pictures.picture import Picture, strips

REDUCED_SIDE_MAX = 512
"""Pixels of the longer side."""
_STEP_SIDE = 1024
"""A first step by a whole number leaves at least so many, for a second one that may be any ratio."""


@dataclass(frozen=True)
class Reduction:
    """A picture as it looks, upright, on white, by sRGB, with no side over REDUCED_SIDE_MAX."""

    rgb: NDArray[np.uint8]
    """Of shape (height, width, 3)."""
    width: int
    """Pixels across of the whole picture."""
    height: int

    @cached_property
    def grey(self) -> NDArray[np.uint8]:
        """Its luma, of shape (height, width): ITU-R 601, as Pillow's mode L."""
        return np.asarray(Image.fromarray(self.rgb).convert("L"))


def reduce(picture: Picture) -> Reduction:
    """Make a picture small; a small one stays as it is."""
    sides = picture.width, picture.height
    factor = max(1, max(sides) // _STEP_SIDE)
    found = Image.new("RGB", (-(-sides[0] // factor), -(-sides[1] // factor)))
    for strip in strips(picture.box, factor):
        found.paste(picture.shown(strip).reduce(factor), (0, strip[1] // factor))
    scale = min(1.0, REDUCED_SIDE_MAX / max(sides))
    small = (max(1, round(sides[0] * scale)), max(1, round(sides[1] * scale)))
    exactly = (0.0, 0.0, sides[0] / factor, sides[1] / factor)
    if small != found.size:
        found = found.resize(small, Image.Resampling.BOX, exactly)
    return Reduction(np.asarray(found), *sides)
