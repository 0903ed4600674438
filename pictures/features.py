"""Corners of a picture and what they look like (ORB), by which it is found in pictures that show other things too.

A code is of a whole rectangle; a corner stands for itself. So a picture under a caption, in a telephone's frame or seen
at an angle keeps many of its corners. Smooth pictures have few, and there `pictures.windows` holds.

What is kept of a picture is bounded, and read back from disk with every length checked: it may be of another process.
Source: Rublee, Rabaud, Konolige, Bradski: ORB, an efficient alternative to SIFT or SURF, 2011; as OpenCV has it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pictures.errors import PictureCode, PictureError
from pictures.reduction import REDUCED_SIDE_MAX, Reduction

FEATURES_MAX = 300
"""Corners that are kept of a picture."""
ASKED_MAX = 1_000
"""Corners with which a picture is looked up: it may be one of four, or little of a telephone's screen."""
DESCRIPTOR_BYTES = 32
FEATURES_BYTES_MAX = 8 + FEATURES_MAX * (4 + DESCRIPTOR_BYTES)

_HEAD = struct.Struct("<4sHH")
"""What it is, how many, and nothing."""
_MAGIC = b"orb1"
_STEPS = 64
"""Places are kept in so many parts of a pixel."""
_LEAST_SIDE = 384
"""Pixels of the longer side under which a picture is enlarged: ORB looks at 31 x 31 pixels around a corner."""
_NARROW = 32
"""Pixels of a side under which there are no corners: ORB has nowhere to look, and fails on a line."""
_CONTRAST = 2
"""Levels by which a corner must stand out; OpenCV's own 20 leaves smooth pictures without any."""


@dataclass(frozen=True)
class Features:
    """Corners of a picture."""

    points: NDArray[np.float32]
    """Of shape (n, 2): x and y in pixels of the reduction."""
    descriptors: NDArray[np.uint8]
    """Of shape (n, DESCRIPTOR_BYTES)."""

    def __len__(self) -> int:
        return len(self.points)


def features_of(reduction: Reduction, most: int = FEATURES_MAX, *, mirrored: bool = False) -> Features:
    """The strongest corners of a picture, or of the picture as in a mirror; their points are where they really are.

    However many of the first ones are taken, they are the strongest of each size.
    """
    grey = np.ascontiguousarray(reduction.grey[:, ::-1] if mirrored else reduction.grey)
    scale = max(1.0, _LEAST_SIDE / max(grey.shape))
    if scale > 1:
        sides = max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))
        grey = np.asarray(cv2.resize(grey, sides, interpolation=cv2.INTER_CUBIC), np.uint8)
    if min(grey.shape) < _NARROW:
        return Features(np.zeros((0, 2), np.float32), np.zeros((0, DESCRIPTOR_BYTES), np.uint8))
    found, descriptors = cv2.ORB.create(nfeatures=most, fastThreshold=_CONTRAST).detectAndCompute(grey, None)
    if descriptors is None:
        return Features(np.zeros((0, 2), np.float32), np.zeros((0, DESCRIPTOR_BYTES), np.uint8))
    order = strongest_of_each_size(found)[:most]
    points = (np.array([found[each].pt for each in order], np.float32) + 0.5) / np.float32(scale)
    if mirrored:
        points[:, 0] = reduction.grey.shape[1] - points[:, 0]
    return Features(_kept(points), np.asarray(descriptors[order], np.uint8))


def strongest_of_each_size(found: Sequence[cv2.KeyPoint]) -> NDArray[np.intp]:
    """An order in which the first ones, however many are taken, are the same part of each size's, the strongest."""
    sizes, strength = np.array([each.octave for each in found]), np.array([each.response for each in found])
    part = np.zeros(len(found))
    for size in np.unique(sizes):
        own = np.flatnonzero(sizes == size)
        part[own[np.argsort(-strength[own], kind="stable")]] = np.arange(len(own)) / len(own)
    return np.lexsort((sizes, part))


def packed(features: Features) -> bytes:
    """In at most FEATURES_BYTES_MAX bytes."""
    places = np.clip(np.round(features.points * _STEPS), 0, 0xFFFF).astype("<u2")
    return _HEAD.pack(_MAGIC, len(features), 0) + places.tobytes() + features.descriptors.tobytes()


def unpacked(data: bytes) -> Features:
    """What `packed` gave. FEATURES_INVALID."""
    if len(data) < _HEAD.size or len(data) > FEATURES_BYTES_MAX:
        raise _invalid(f"{len(data)} bytes, from {_HEAD.size} to {FEATURES_BYTES_MAX} are read")
    magic, count, nothing = _HEAD.unpack_from(data)
    if magic != _MAGIC or nothing or count > FEATURES_MAX or len(data) != _HEAD.size + count * (4 + DESCRIPTOR_BYTES):
        raise _invalid("its head and its length do not agree")
    places = np.frombuffer(data, "<u2", 2 * count, _HEAD.size).reshape(count, 2)
    points = np.asarray(places / _STEPS, np.float32)
    if (points > REDUCED_SIDE_MAX).any():
        raise _invalid("a corner lies outside of every picture")
    descriptors = np.frombuffer(data, np.uint8, count * DESCRIPTOR_BYTES, _HEAD.size + 4 * count)
    return Features(points, descriptors.reshape(count, DESCRIPTOR_BYTES))


def _kept(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """As they are read back, so that what is kept and what is fresh agree."""
    return np.asarray(np.round(points * _STEPS) / _STEPS, np.float32)


def _invalid(fact: str) -> PictureError:
    return PictureError(PictureCode.FEATURES_INVALID, f"{fact}; make them from the picture again")
