"""What was changed of a picture: the places where a copy cannot be explained by how copies are made.

A copy is compressed, made smaller, brighter, greyer, warmer at once and everywhere. So one change of tones and colours
is fitted that explains most of it, and what is left over is looked at place by place: what lies within what the
neighbouring pixels show may be blur, sharpening or a fraction of a pixel; what does not, over a block of a twelfth of
the side, was changed there.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pictures.overlay import Overlay, Pixels, laid_over
from pictures.reduction import Reduction
from pictures.transform import Transform

ALTERED_AREA = 0.02
"""Of what is compared: an altered region of so much is named."""
COMPARED_SIDE = 192
"""Pixels."""
ALTERED_LEAST = 5.0
"""Levels by which a block must differ beyond what a copy explains."""

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
    """Levels of 255 by which the most different block differs beyond what a copy explains."""


def alterations(brought: Reduction, recorded: Reduction, transform: Transform) -> Alterations:
    """The regions that were changed, by a transform that is fitted to parts of a pixel."""
    overlay = laid_over(brought, recorded, transform, COMPARED_SIDE)
    if overlay is None:
        return Alterations((), 0.0)
    left_over = unexplained(overlay)
    return Alterations((), float(left_over.max()))


def unexplained(overlay: Overlay) -> NDArray[np.float32]:
    """For each place, the levels by which the block around it differs beyond what a copy explains."""
    expected = _expected(overlay)
    kernel = np.ones((3, 3), np.uint8)
    above = overlay.brought - cv2.dilate(expected, kernel)
    below = cv2.erode(expected, kernel) - overlay.brought
    beyond = np.maximum(np.maximum(above, below), 0).mean(axis=2)
    valid = cv2.erode(overlay.valid.astype(np.uint8), kernel, borderValue=0).astype(np.float32)
    block = max(3, round(max(valid.shape) / 12))
    total = cv2.boxFilter(beyond * valid, -1, (block, block), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(total / block**2, np.float32)


def _expected(overlay: Overlay) -> Pixels:
    """The recorded picture with the tones and colours of the brought one, as most of it has them."""
    terms = _terms(overlay.recorded)
    inside = overlay.valid.ravel()
    expected = np.empty_like(overlay.brought)
    for channel in range(3):
        target = overlay.brought[..., channel].ravel()
        usable = inside & (target > 3) & (target < 252)
        factors = _robust(terms[usable][::2], target[usable][::2])
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
