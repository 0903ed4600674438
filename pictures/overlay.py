"""Two pictures laid over each other by a transform, at one resolution: what comparing and aligning look at.

Both are first made as small as the coarser of the two is there, so that a sharp picture is not held against a blurred
one of it, and sampled where they have about a pixel for a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pictures.reduction import Reduction
from pictures.transform import Matrix, Transform, moving, scaling

EDGE = 0.02
"""Of a side: so much is left out around, where a border may still be, or the ring that a JPEG makes of one."""
LEAST_SIDE = 8
"""Pixels under which nothing is compared."""

Pixels = NDArray[np.float32]
"""Of shape (height, width, 3), 0 to 255."""


@dataclass(frozen=True)
class Overlay:
    """The part of a brought picture that a recorded one covers, and the same part of the recorded one."""

    brought: Pixels
    recorded: Pixels
    valid: NDArray[np.bool_]
    """Of shape (height, width): where the recorded picture lies."""
    to_brought: Matrix
    """From pixels of this to pixels of the brought reduction."""
    to_recorded: Matrix
    """From pixels of this to pixels of the recorded one as it was scaled for this, before it was moved."""
    scaled: Pixels
    """The recorded one as it was scaled for this."""
    recorded_scale: tuple[float, float]
    """Pixels of `scaled` for one of the recorded reduction, across and down."""


def laid_over(brought: Reduction, recorded: Reduction, transform: Transform, side: int) -> Overlay | None:
    """The overlay of two pictures with a longer side of up to so many pixels; None if hardly anything is common."""
    matrix = between_reductions(transform, brought, recorded)
    lies = np.array(transform.lies, np.float64)
    if len(lies) < 3:
        return None
    lies *= [brought.grey.shape[1] / brought.width, brought.grey.shape[0] / brought.height]
    least, most = lies.min(axis=0), lies.max(axis=0)
    edge = np.maximum(EDGE * (most - least), 1)
    (left, top), (right, bottom) = np.floor(least + edge), np.ceil(most - edge)
    if right - left < LEAST_SIDE or bottom - top < LEAST_SIDE:
        return None
    finer = np.sqrt(abs(np.linalg.det(matrix[:2, :2])))
    scale = min(1.0, side / max(right - left, bottom - top), float(finer))
    width, height = round((right - left) * scale), round((bottom - top) * scale)
    if min(width, height) < LEAST_SIDE:
        return None
    across, down = width / (right - left), height / (bottom - top)
    to_brought = moving(left, top) @ scaling(1 / across, 1 / down)
    part = brought.rgb[int(top) : int(bottom), int(left) : int(right)]
    scaled, recorded_scale = _scaled(recorded.rgb, (across + down) / 2 / finer)
    to_recorded = scaling(*recorded_scale) @ matrix @ to_brought
    moved, valid = warped(scaled, to_recorded, (width, height))
    return Overlay(_resized(part, (width, height)), moved, valid, to_brought, to_recorded, scaled, recorded_scale)


def between_reductions(transform: Transform, brought: Reduction, recorded: Reduction) -> Matrix:
    """A transform in pixels of the reductions."""
    small = scaling(recorded.grey.shape[1] / recorded.width, recorded.grey.shape[0] / recorded.height)
    large = scaling(brought.width / brought.grey.shape[1], brought.height / brought.grey.shape[0])
    return small @ transform.matrix @ large


def between_pictures(matrix: Matrix, brought: Reduction, recorded: Reduction) -> Matrix:
    """A matrix between reductions, in pixels of the whole pictures."""
    large = scaling(recorded.width / recorded.grey.shape[1], recorded.height / recorded.grey.shape[0])
    small = scaling(brought.grey.shape[1] / brought.width, brought.grey.shape[0] / brought.height)
    return large @ matrix @ small


def warped(pixels: Pixels, matrix: Matrix, sides: tuple[int, int]) -> tuple[Pixels, NDArray[np.bool_]]:
    """A picture as it is seen from elsewhere, and where it is seen at all. `matrix` takes places there to its own."""
    middles = moving(-0.5, -0.5) @ matrix @ moving(0.5, 0.5)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(pixels, middles[:2], sides, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpAffine(np.ones(pixels.shape[:2], np.float32), middles[:2], sides, flags=flags)
    return np.asarray(moved, np.float32), np.asarray(inside) > 0.99


def luma(pixels: Pixels) -> NDArray[np.float32]:
    """ITU-R 601."""
    return pixels @ np.array([0.299, 0.587, 0.114], np.float32)


def _scaled(rgb: NDArray[np.uint8], scale: float) -> tuple[Pixels, tuple[float, float]]:
    height, width = rgb.shape[:2]
    sides = max(1, round(width * min(1.0, scale))), max(1, round(height * min(1.0, scale)))
    return _resized(rgb, sides), (sides[0] / width, sides[1] / height)


def _resized(rgb: NDArray[np.uint8], sides: tuple[int, int]) -> Pixels:
    return np.asarray(cv2.resize(rgb.astype(np.float32), sides, interpolation=cv2.INTER_AREA), np.float32)
