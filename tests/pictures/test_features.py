"""What is kept of a picture's corners: bounded, read back as it was written, and nothing else is read."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from drawn_pictures import a_photograph, reduced
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pictures.errors import PictureCode, PictureError
from pictures.features import (
    ASKED_MAX,
    FEATURES_BYTES_MAX,
    FEATURES_MAX,
    features_of,
    packed,
    strongest_of_each_size,
    unpacked,
)
from pictures.reduction import Reduction

FEATURES = features_of(reduced(a_photograph(1)))
PACKED = packed(FEATURES)


def refused(data: bytes) -> bool:
    try:
        unpacked(data)
    except PictureError as error:
        return error.code is PictureCode.FEATURES_INVALID
    return False


def test_corners_are_bounded_and_read_back_as_they_were() -> None:
    again = unpacked(PACKED)

    assert 100 < len(FEATURES) <= FEATURES_MAX
    assert len(PACKED) <= FEATURES_BYTES_MAX
    assert np.array_equal(again.points, FEATURES.points)
    assert np.array_equal(again.descriptors, FEATURES.descriptors)
    assert packed(again) == PACKED


def test_a_small_smooth_picture_has_corners_and_a_flat_one_none() -> None:
    assert len(features_of(reduced(a_photograph(2, (128, 96))))) > 50
    assert len(features_of(reduced(Image.new("RGB", (300, 300), "navy")))) == 0


@pytest.mark.parametrize("sides", [(1, 1), (1, 512), (512, 1), (2, 2), (33, 512), (7, 300)])
def test_a_picture_of_any_sides_has_corners_or_none(sides: tuple[int, int]) -> None:
    assert len(features_of(reduced(a_photograph(2).resize(sides)), ASKED_MAX)) <= ASKED_MAX


def test_the_first_corners_are_the_strongest_of_each_size() -> None:
    """So a larger copy of a part, whose corners are all larger, is found by few corners too."""
    found = [cv2.KeyPoint(0, 0, 31, 0, strength, size) for size in (0, 1, 2) for strength in (1, 5, 3, 2, 4, 6)]
    first = [found[each] for each in strongest_of_each_size(found)[:9]]

    assert sorted((each.octave, each.response) for each in first) == [(s, r) for s in (0, 1, 2) for r in (4, 5, 6)]


def test_corners_as_in_a_mirror_are_those_of_the_mirrored_picture_put_back() -> None:
    reduction = reduced(a_photograph(1))
    mirrored = features_of(reduction, mirrored=True)
    of_mirrored = features_of(Reduction(np.ascontiguousarray(reduction.rgb[:, ::-1]), 640, 480))

    assert np.array_equal(mirrored.descriptors, of_mirrored.descriptors)
    assert np.allclose(mirrored.points[:, 0], 512 - of_mirrored.points[:, 0], atol=1 / 32)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PACKED[:7],
        PACKED[:-1],
        PACKED + b"\0",
        b"orb2" + PACKED[4:],
        PACKED[:4] + struct.pack("<H", FEATURES_MAX + 1) + PACKED[6:],
        PACKED[:6] + b"\1\0" + PACKED[8:],
        PACKED[:8] + b"\xff\xff" + PACKED[10:],
        bytes(FEATURES_BYTES_MAX + 1),
    ],
)
def test_what_was_not_written_so_is_refused(data: bytes) -> None:
    assert refused(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert refused(data) or packed(unpacked(data)) == data
    assert refused(b"orb1" + data) or packed(unpacked(b"orb1" + data)) == b"orb1" + data
