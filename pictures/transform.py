"""Where a brought picture lies in a recorded one: which part of it is shown, turned, mirrored and scaled how.

A copy is mostly a similarity of what was recorded: cut, turned, mirrored, scaled. Sides are stretched now and then, so
that a transform is affine. Points are in pixels of the whole pictures, x to the right and y down from the upper left
corner, so that the middle of the first pixel is at (0.5, 0.5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

Sides = tuple[int, int]
"""Width and height in pixels."""
Corners = tuple[tuple[float, float], ...]
"""Of a convex polygon, each x and y."""
Matrix = NDArray[np.float64]
"""Of shape (3, 3): takes (x, y, 1) to (x, y, 1)."""


@dataclass(frozen=True)
class Transform:
    """Takes points of a brought picture to points of a recorded one."""

    coefficients: tuple[float, float, float, float, float, float]
    """a b c d e f of x' = a x + b y + c and y' = d x + e y + f."""
    brought: Sides
    recorded: Sides

    @cached_property
    def matrix(self) -> Matrix:
        """The same as a matrix."""
        return np.array([self.coefficients[:3], self.coefficients[3:], (0, 0, 1)], np.float64)

    @property
    def mirrored(self) -> bool:
        """Whether what is brought is the recorded picture as in a mirror."""
        return bool(np.linalg.det(self.matrix) < 0)

    @property
    def rotation(self) -> float:
        """By how many degrees the recorded picture was turned clockwise, over -180 and up to 180; mirrored after it."""
        turned = np.linalg.inv(self.matrix)
        if self.mirrored:
            turned = np.diag([-1.0, 1.0, 1.0]) @ turned
        angle = math.degrees(math.atan2(turned[1, 0] - turned[0, 1], turned[0, 0] + turned[1, 1]))
        return 180.0 if angle <= -180 else angle

    @property
    def scale(self) -> float:
        """Pixels of what is brought for one of what is recorded, along a side."""
        return 1 / math.sqrt(abs(float(np.linalg.det(self.matrix))))

    @cached_property
    def shown(self) -> Corners:
        """The part of the recorded picture that is in the brought one, in pixels of the recorded one."""
        return _common(self.matrix, self.brought, self.recorded)

    @cached_property
    def lies(self) -> Corners:
        """The part of the brought picture that is of the recorded one, in pixels of the brought one."""
        return _common(np.asarray(np.linalg.inv(self.matrix), np.float64), self.recorded, self.brought)

    @property
    def part_shown(self) -> float:
        """How much of the recorded picture's area is shown, 0 to 1."""
        return _area(self.shown) / (self.recorded[0] * self.recorded[1])

    @property
    def part_of_brought(self) -> float:
        """How much of the brought picture's area is of the recorded one, 0 to 1."""
        return _area(self.lies) / (self.brought[0] * self.brought[1])


def transform_of(matrix: Matrix, brought: Sides, recorded: Sides) -> Transform | None:
    """The value of a matrix; None if it turns a picture into a line or a point, or is none at all."""
    if not np.isfinite(matrix).all() or not 1e-6 < abs(float(np.linalg.det(matrix))) < 1e6:
        return None
    a, b, c, d, e, f = (float(number) for number in matrix[:2].ravel())
    return Transform((a, b, c, d, e, f), brought, recorded)


def scaling(across: float, down: float) -> Matrix:
    """From pixels to those of a picture that is so many times as wide and as high."""
    return np.diag([across, down, 1.0])


def moving(across: float, down: float) -> Matrix:
    """Moved to the right and down."""
    return np.array([[1, 0, across], [0, 1, down], [0, 0, 1]], np.float64)


def moved(matrix: Matrix, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points of shape (n, 2), taken elsewhere."""
    return points @ matrix[:2, :2].T + matrix[:2, 2]


def _common(matrix: Matrix, sides: Sides, others: Sides) -> Corners:
    """What a rectangle of some sides, taken elsewhere, has in common with another one."""
    quad, other = moved(matrix, _rectangle(sides)), _rectangle(others)
    area, corners = cv2.intersectConvexConvex(quad.astype(np.float32), other.astype(np.float32))
    return tuple((float(x), float(y)) for x, y in corners.reshape(-1, 2)) if area > 0 else ()


def _rectangle(sides: Sides) -> NDArray[np.float64]:
    width, height = sides
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)


def _area(corners: Corners) -> float:
    return float(cv2.contourArea(np.array(corners, np.float32))) if len(corners) > 2 else 0.0
