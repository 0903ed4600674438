"""What a brought picture shows around a recorded one: the words of a meme, a page, other pictures of a collage.

A border of one colour adds nothing. All else around what is recorded is told as boxes, for it speaks beside it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pictures.alteration import Box
from pictures.reduction import Reduction
from pictures.transform import Transform

ADDED_AREA = 0.01
"""Of the brought picture: a box of so much is told."""

_LEVELS = 32
"""By which what is added differs from most of the strip that it is in."""
_MARGIN = 0.01
"""Of the longer side: so near to the recorded picture its own edge may still blur."""


def additions(brought: Reduction, transform: Transform) -> tuple[Box, ...]:
    """Boxes around what stands above, below, left and right of a recorded picture, in pixels of the brought one."""
    height, width = brought.grey.shape
    across, down = brought.width / width, brought.height / height
    lies = np.array(transform.lies, np.float64).reshape(-1, 2) / [across, down]
    if not len(lies):
        return ()
    margin = 2 + _MARGIN * max(height, width)
    left, top = (max(0, int(edge - margin)) for edge in lies.min(axis=0))
    right, bottom = (int(edge + margin) + 1 for edge in lies.max(axis=0))
    strips = [(0, 0, width, top), (0, bottom, width, height), (0, top, left, bottom), (right, top, width, bottom)]
    found = (_busy(brought.rgb, strip) for strip in strips)
    boxes = [box for box in found if (box[2] - box[0]) * (box[3] - box[1]) >= ADDED_AREA * height * width]
    return tuple((box[0] * across, box[1] * down, box[2] * across, box[3] * down) for box in boxes)


def _busy(rgb: NDArray[np.uint8], strip: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """The box around what differs from most of a strip; an empty one if nothing does."""
    left, top, right, bottom = strip
    inside = rgb[top:bottom, left:right].astype(np.int16)
    if not inside.size:
        return 0, 0, 0, 0
    other = (np.abs(inside - np.median(inside.reshape(-1, 3), axis=0)) > _LEVELS).any(axis=2)
    rows, columns = np.flatnonzero(other.any(axis=1)), np.flatnonzero(other.any(axis=0))
    if not len(rows):
        return 0, 0, 0, 0
    return left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1
