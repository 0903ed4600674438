"""Finds where a brought picture lies in a recorded one: from a window that it is like, or from corners that both have.

Every node must give the same answer, so nothing here is drawn by chance: similarities are tried of all pairs of the
nearest corners. Either way gives a transform that is a few pixels off, which `refined` then fits to parts of a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pictures.features import Features
from pictures.overlay import Overlay, between_pictures, laid_over, luma, scaled
from pictures.reduction import Reduction
from pictures.transform import Matrix, Transform, moving, scaling, transform_of
from pictures.windows import AskedPart, Part

DESCRIPTOR_BITS_MAX = 72
"""Up to so many bits of 256 two corners may look alike."""
PAIRED_MAX = 48
"""Corners, the nearest ones, of whose pairs similarities are tried."""
OFF_MAX = 0.012
"""Of the recorded reduction's longer side: so far from its place a corner may lie and still agree."""
SCALE_MAX = 12.0
"""So many times larger or smaller a picture may be."""

_REFINED_SIDES = (48, 128)
_REFINED_STEPS = 40
_CELL = 4.0
"""Pixels: corners in one such square of both pictures are one and the same."""

_Complex = NDArray[np.complex128]


@dataclass(frozen=True)
class CornerFit:
    """The similarity that most corners of two pictures agree on."""

    transform: Transform
    inliers: int
    """Corners at distinct places of both pictures that agree."""


def by_window(ask: AskedPart, window: Part, brought: Reduction, recorded: Reduction) -> Transform | None:
    """The transform that lays an asked part of a brought picture onto a window of a recorded one."""
    left, top, right, bottom = ask.part
    tilted = _turning(ask.tilt, brought.grey.shape[1] / 2, brought.grey.shape[0] / 2)
    to_unit = scaling(1 / (right - left), 1 / (bottom - top)) @ moving(-left, -top) @ tilted
    turned = moving(0.5, 0.5) @ _orienting(ask.orientation) @ moving(-0.5, -0.5)
    from_unit = moving(window[0], window[1]) @ scaling(window[2] - window[0], window[3] - window[1])
    return _valued(from_unit @ turned @ to_unit, brought, recorded)


def by_corners(
    asked: Features, kept: Features, brought: Reduction, recorded: Reduction, *, mirrored: bool
) -> CornerFit | None:
    """The similarity that takes most corners of a brought picture to those of a recorded one; None if none agree.

    Source: Fischler, Bolles: Random sample consensus, 1981, with all pairs of the nearest corners for the sample.
    """
    ones, others = matched(asked, kept)
    if len(ones) < 2:
        return None
    from_, to = _places(asked.points[ones]), _places(kept.points[others])
    if mirrored:
        from_ = -from_.conj()
    turning, moving_by = _similarities(from_, to)
    off = OFF_MAX * max(recorded.grey.shape)
    agreeing = np.abs(turning[:, None] * from_ + moving_by[:, None] - to) <= off
    if not len(agreeing) or not agreeing.any():
        return None
    inside = agreeing[int(agreeing.sum(axis=1).argmax())]
    for _ in range(3):
        if inside.sum() < 2:
            return None
        turn, move = _least_squares(from_[inside], to[inside])
        inside = np.abs(turn * from_ + move - to) <= off
    matrix = np.array([[turn.real, -turn.imag, move.real], [turn.imag, turn.real, move.imag], [0, 0, 1]])
    if mirrored:
        matrix = matrix @ np.diag([-1.0, 1.0, 1.0])
    transform = _valued(matrix, brought, recorded)
    return (
        CornerFit(transform, _distinct(asked.points[ones][inside], kept.points[others][inside])) if transform else None
    )


def matched(asked: Features, kept: Features) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Corners that are each other's nearest, the nearest first: their numbers in one picture and in the other."""
    if not len(asked) or not len(kept):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(asked.descriptors, kept.descriptors)
    near = sorted(
        (pair.distance, pair.queryIdx, pair.trainIdx) for pair in pairs if pair.distance <= DESCRIPTOR_BITS_MAX
    )
    return np.array([one for _, one, _ in near], np.intp), np.array([other for _, _, other in near], np.intp)


def refined(brought: Reduction, recorded: Reduction, transform: Transform) -> Transform:
    """A transform fitted to the pixels, first coarsely; as it is where no fit is found.

    Source: Evangelidis, Psarakis: Parametric image alignment using enhanced correlation coefficient, 2008.
    """
    for side in _REFINED_SIDES:
        overlay = laid_over(brought, recorded, transform, side)
        if overlay is None:
            return transform
        fitted = _fitted(overlay, recorded)
        if fitted is None:
            return transform
        matrix = fitted @ np.linalg.inv(overlay.to_brought)
        better = _valued(matrix, brought, recorded)
        if better is None:
            return transform
        transform = better
    return transform


def _fitted(overlay: Overlay, recorded: Reduction) -> Matrix | None:
    """What takes an overlay's pixels to a recorded picture's, fitted; None where one does not lie in the other."""
    pixels, own = scaled(recorded.rgb, 1 / float(np.sqrt(abs(np.linalg.det(overlay.to_recorded[:2, :2])))))
    middles = (moving(-0.5, -0.5) @ own @ overlay.to_recorded @ moving(0.5, 0.5))[:2].astype(np.float32)
    ends = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _REFINED_STEPS, 1e-5)
    one, other = luma(overlay.brought), luma(pixels)
    everywhere = np.full(other.shape, 255, np.uint8)
    try:
        _, fitted = cv2.findTransformECC(one, other, middles, cv2.MOTION_AFFINE, ends, everywhere, 5)
    except cv2.error:  # it does not converge, or one of them is flat
        return None
    whole = np.vstack([np.asarray(fitted, np.float64), [0, 0, 1]])
    return np.asarray(np.linalg.inv(own) @ moving(0.5, 0.5) @ whole @ moving(-0.5, -0.5), np.float64)


def _valued(matrix: Matrix, brought: Reduction, recorded: Reduction) -> Transform | None:
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    if not 1 / SCALE_MAX <= scale <= SCALE_MAX:
        return None
    sides = (brought.width, brought.height), (recorded.width, recorded.height)
    return transform_of(between_pictures(matrix, brought, recorded), *sides)


def _turning(degrees: float, across: float, down: float) -> Matrix:
    """Turned clockwise around a point."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    tilted = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    return np.asarray(moving(across, down) @ tilted @ moving(-across, -down), np.float64)


def _orienting(orientation: int) -> Matrix:
    """From places in a part, around its middle, to places in it as `windows.turned` turns it."""
    quarter = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]], np.float64)
    matrix = np.linalg.matrix_power(quarter, orientation // 2)
    return np.asarray(np.diag([-1.0, 1.0, 1.0]) @ matrix if orientation % 2 else matrix, np.float64)


def _places(points: NDArray[np.float32]) -> _Complex:
    """Points as complex numbers, whose products turn and scale."""
    return points[:, 0].astype(np.float64) + 1j * points[:, 1].astype(np.float64)


def _similarities(from_: _Complex, to: _Complex) -> tuple[_Complex, _Complex]:
    """Of all pairs of the nearest corners: factor and summand, of those of a scale that is allowed."""
    one, other = np.triu_indices(min(PAIRED_MAX, len(from_)), 1)
    apart = from_[other] - from_[one]
    usable = np.abs(apart) > _CELL
    one, other, apart = one[usable], other[usable], apart[usable]
    turning = (to[other] - to[one]) / apart
    usable = (np.abs(turning) <= SCALE_MAX) & (np.abs(turning) >= 1 / SCALE_MAX)
    return turning[usable], (to[one] - turning * from_[one])[usable]


def _least_squares(from_: _Complex, to: _Complex) -> tuple[complex, complex]:
    centred = from_ - from_.mean()
    turning = np.vdot(centred, to - to.mean()) / max(float(np.vdot(centred, centred).real), 1e-9)
    return complex(turning), complex(to.mean() - turning * from_.mean())


def _distinct(ones: NDArray[np.float32], others: NDArray[np.float32]) -> int:
    """How many of agreeing corners lie apart in both pictures."""
    return min(len(np.unique(np.floor(points / _CELL), axis=0)) for points in (ones, others))
