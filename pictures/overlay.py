"""Two pictures laid over each other by a transform, at one resolution: what comparing and aligning look at.

Both are made as small as the coarser of the two is there, so that a sharp picture is not held against a blurred one.
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
FINEST = 0.75
"""Of the pixels of the coarser picture, along a side: between its own pixels it is blurred, and the other is not."""
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
    """From pixels of this to pixels of the recorded reduction."""


def laid_over(brought: Reduction, recorded: Reduction, transform: Transform, side: int) -> Overlay | None:
    """The overlay of two pictures with a longer side of up to so many pixels; None if hardly anything is common."""
    matrix = between_reductions(transform, brought, recorded)
    lies = np.array(transform.lies, np.float64)
    if len(lies) < 3:
        return None
    lies *= [brought.grey.shape[1] / brought.width, brought.grey.shape[0] / brought.height]
    least, most = lies.min(axis=0), lies.max(axis=0)
    edge = np.maximum(EDGE * (most - least), 1)
    (left, top), (right, bottom) = least + edge, most - edge
    finest = FINEST * min(1.0, float(np.sqrt(abs(np.linalg.det(matrix[:2, :2])))))
    scale = min(finest, side / max(right - left, bottom - top, 1))
    sides = round((right - left) * scale), round((bottom - top) * scale)
    if min(sides) < LEAST_SIDE:
        return None
    to_brought = moving(left, top) @ scaling((right - left) / sides[0], (bottom - top) / sides[1])
    to_recorded = matrix @ to_brought
    one, _ = seen_from(brought.rgb, to_brought, sides)
    other, valid = seen_from(recorded.rgb, to_recorded, sides)
    return Overlay(one, other, valid, to_brought, to_recorded)


def seen_from(rgb: NDArray[np.uint8], matrix: Matrix, sides: tuple[int, int]) -> tuple[Pixels, NDArray[np.bool_]]:
    """A picture as it is seen from elsewhere, and where it is seen at all. `matrix` takes places there to its own.

    It is sampled at twice as many places a side, so that where they lie blurs little.
    """
    pixels, own = scaled(rgb, 2 / float(np.sqrt(abs(np.linalg.det(matrix[:2, :2])))))
    finely = (2 * sides[0], 2 * sides[1])
    middles = (moving(-0.5, -0.5) @ own @ matrix @ scaling(0.5, 0.5) @ moving(0.5, 0.5))[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(pixels, middles, finely, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpAffine(np.ones(pixels.shape[:2], np.float32), middles, finely, flags=flags)
    return _resized(np.asarray(moved, np.float32), sides), _resized(np.asarray(inside, np.float32), sides) > 0.99


def scaled(rgb: NDArray[np.uint8], scale: float) -> tuple[Pixels, Matrix]:
    """A picture made smaller, never larger, and what takes pixels of it as it was to pixels of it as it is then."""
    height, width = rgb.shape[:2]
    sides = max(1, round(width * min(1.0, scale))), max(1, round(height * min(1.0, scale)))
    return _resized(rgb.astype(np.float32), sides), scaling(sides[0] / width, sides[1] / height)


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


def luma(pixels: Pixels) -> NDArray[np.float32]:
    """ITU-R 601."""
    return pixels @ np.array([0.299, 0.587, 0.114], np.float32)


def _resized(pixels: NDArray[np.float32], sides: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(pixels, sides, interpolation=cv2.INTER_AREA), np.float32)
