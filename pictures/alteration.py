"""What was changed of a picture: the places where a copy cannot be explained by how copies are made.

A copy is compressed, made smaller, brighter, greyer, warmer at once and everywhere. So one change of tones and colours
is fitted that explains most of it, and what is left over is looked at block by block, of a twelfth of the side. Every
copy leaves something, more of it where there is more detail; a block that has far more of it was changed there.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pictures.overlay import Overlay, Pixels, laid_over, luma
from pictures.reduction import Reduction
from pictures.transform import Sides, Transform, moved, scaling

ALTERED_LEAST = 1.9
"""A block was changed if so many times more is left over in it than a copy leaves."""
COMPARED_SIDE = 192
"""Pixels."""
BLOCK_LEAST = 6
"""Pixels a side of a block, however small a picture is."""
BLOCKS = 12
"""Along the longer side."""
REGIONS_MAX = 8
"""The largest ones are told."""

_LEFT_BY_DETAIL = 0.15
_LEFT_BY_COPY = 2.0
"""What a copy leaves of a block: a level, so much of its detail, and so much of what it leaves in the middle block."""

Box = tuple[float, float, float, float]
"""Left, upper, right and lower edge in pixels of a whole picture."""


@dataclass(frozen=True)
class Altered:
    """One region that was changed, as the box around it in both pictures."""

    brought: Box
    recorded: Box
    area: float
    """Of what was compared, 0 to 1."""


@dataclass(frozen=True)
class Alterations:
    """What was changed of a recorded picture in a brought one."""

    regions: tuple[Altered, ...]
    """The largest first; none if nothing was changed."""
    strongest: float
    """How many times more than a copy leaves is left over in the most different block; ALTERED_LEAST is named."""


def alterations(brought: Reduction, recorded: Reduction, transform: Transform) -> Alterations:
    """The regions that were changed, by a transform that is fitted to parts of a pixel."""
    overlay = laid_over(brought, recorded, transform, COMPARED_SIDE)
    if overlay is None:
        return Alterations((), 0.0)
    times = unexplained(overlay)
    strongest = float(times.max())
    if strongest < ALTERED_LEAST:
        return Alterations((), strongest)
    _, labels, found, _ = cv2.connectedComponentsWithStats((times >= ALTERED_LEAST / 2).astype(np.uint8))
    named = [label for label in range(1, len(found)) if times[labels == label].max() >= ALTERED_LEAST]
    regions = [_region(found[label], overlay, brought, transform) for label in named]
    return Alterations(tuple(sorted(regions, key=lambda region: -region.area)[:REGIONS_MAX]), strongest)


def unexplained(overlay: Overlay) -> NDArray[np.float32]:
    """For each place, how many times more is left over in the block around it than a copy leaves."""
    expected = _expected(overlay)
    beyond = np.abs(overlay.brought - expected).mean(axis=2)
    inside = cv2.erode(overlay.valid.astype(np.uint8), np.ones((7, 7), np.uint8), borderValue=1)
    detail = np.abs(luma(expected) - cv2.GaussianBlur(luma(expected), (0, 0), 1.5))
    left, detailed = _by_block(beyond * inside), _by_block(detail)
    usual = float(np.median(left[inside > 0])) if inside.any() else 0.0
    return np.asarray(left / (1 + _LEFT_BY_DETAIL * detailed + _LEFT_BY_COPY * usual), np.float32)


def _by_block(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean over the block around each place; beyond the edge there is nothing."""
    side = max(BLOCK_LEAST, round(max(pixels.shape) / BLOCKS))
    total = cv2.boxFilter(pixels, cv2.CV_32F, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(total / side**2, np.float32)


def _region(found: NDArray[np.int32], overlay: Overlay, brought: Reduction, transform: Transform) -> Altered:
    left, top, width, height, area = (float(number) for number in found)
    corners = np.array([(left, top), (left + width, top), (left + width, top + height), (left, top + height)])
    large = scaling(brought.width / brought.grey.shape[1], brought.height / brought.grey.shape[0])
    there = moved(large @ overlay.to_brought, corners)
    box = _box(moved(transform.matrix, there), transform.recorded)
    return Altered(_box(there, transform.brought), box, area / overlay.valid.size)


def _box(corners: NDArray[np.float64], sides: Sides) -> Box:
    """The box around some points, within a picture."""
    (left, top), (right, bottom) = corners.min(axis=0).clip(0, sides), corners.max(axis=0).clip(0, sides)
    return float(left), float(top), float(right), float(bottom)


def _expected(overlay: Overlay) -> Pixels:
    """The recorded picture with the tones and colours of the brought one, as most of it has them."""
    terms = _terms(overlay.recorded)
    inside = overlay.valid.ravel()
    expected = np.empty_like(overlay.brought)
    for channel in range(3):
        factors = _robust(terms[inside][::2], overlay.brought[..., channel].ravel()[inside][::2])
        expected[..., channel] = np.clip(terms @ factors, 0, 255).reshape(overlay.valid.shape)
    return expected


def _terms(pixels: Pixels) -> NDArray[np.float32]:
    """What a change of tones and colours may be made of: of shape (pixels, terms)."""
    height, width = pixels.shape[:2]
    r, g, b = (pixels[..., channel].ravel() / 255 for channel in range(3))
    down, across = (each.ravel() for each in np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32))
    light = (r + g + b) / 3
    far = across**2 + down**2
    return np.stack(
        [np.ones_like(r), r, g, b, r * r, g * g, b * b, r * g, g * b, r * b, light**3, far, far * light], axis=1
    )


def _robust(terms: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float64]:
    """Least squares that what is far off has little part in (Cauchy's weights, reweighted)."""
    weight = np.ones_like(target)
    ridge = 1e-3 * np.eye(terms.shape[1], dtype=np.float32) * max(1, len(target)) ** 0.5
    factors = np.zeros(terms.shape[1])
    for _ in range(5):
        weighted = terms * weight[:, None]
        factors = np.linalg.solve(weighted.T @ terms + ridge, weighted.T @ target)
        off = np.abs(target - terms @ factors)
        limit = max(3.0, 1.5 * float(np.median(off))) if len(off) else 3.0
        weight = np.asarray(1 / (1 + (off / limit) ** 2), np.float32)
    return factors
