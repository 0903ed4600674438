"""Where a copy lies in a recorded picture, as people are told it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawn_pictures import a_photograph, seen
from PIL import Image, ImageOps

from pictures.comparing import compare
from pictures.transform import Transform, transform_of

PHOTOGRAPH = a_photograph(3)
RECORDED = seen(PHOTOGRAPH)


def found(copy: Image.Image) -> Transform:
    comparison = compare(seen(copy), RECORDED)
    assert comparison is not None
    return comparison.transform


def box_of(transform: Transform) -> list[float]:
    corners = np.array(transform.shown)
    return [*corners.min(axis=0), *corners.max(axis=0)]


@pytest.mark.parametrize("box", [(32, 24, 608, 456), (128, 96, 512, 384), (0, 0, 576, 480), (20, 110, 420, 430)])
def test_the_region_that_was_cut_out_is_told_to_a_pixel_or_so(box: tuple[int, int, int, int]) -> None:
    transform = found(PHOTOGRAPH.crop(box))

    assert box_of(transform) == pytest.approx(box, abs=1.5)
    assert transform.part_shown == pytest.approx((box[2] - box[0]) * (box[3] - box[1]) / (640 * 480), rel=0.01)
    assert transform.part_of_brought == pytest.approx(1, abs=0.01)
    assert not transform.mirrored


@pytest.mark.parametrize("degrees", [-90, -5, -2, 0, 1, 5, 90, 180])
@pytest.mark.parametrize("mirrored", [False, True])
def test_how_a_picture_was_turned_and_mirrored_is_told(degrees: int, mirrored: bool) -> None:
    copy = PHOTOGRAPH.rotate(-degrees, Image.Resampling.BICUBIC, expand=abs(degrees) == 90)
    transform = found(ImageOps.mirror(copy) if mirrored else copy)

    off = math.remainder(transform.rotation - degrees, 360)
    assert off == pytest.approx(0, abs=0.2)
    assert transform.mirrored == mirrored


def test_a_mirrored_part_that_only_corners_find_is_told_to_be_where_it_is() -> None:
    comparison = compare(seen(ImageOps.mirror(PHOTOGRAPH.crop((20, 150, 370, 430)))), RECORDED)

    assert comparison is not None
    assert comparison.step == "features"
    assert comparison.transform.mirrored
    assert box_of(comparison.transform) == pytest.approx([20, 150, 370, 430], abs=1.5)


@pytest.mark.parametrize("part", [0.25, 0.5, 2.0])
def test_how_much_smaller_or_larger_it_is_is_told(part: float) -> None:
    copy = PHOTOGRAPH.resize((round(640 * part), round(480 * part)), Image.Resampling.LANCZOS)

    assert found(copy).scale == pytest.approx(part, rel=0.01)


def test_a_picture_on_a_page_is_told_to_lie_there() -> None:
    page = Image.new("RGB", (900, 700), "white")
    page.paste(PHOTOGRAPH, (100, 150))
    corners = np.array(found(page).lies)

    assert [*corners.min(axis=0), *corners.max(axis=0)] == pytest.approx([100, 150, 740, 630], abs=2)


@pytest.mark.parametrize("entry", [0.0, 1e-9, 1e9, math.nan, math.inf])
def test_what_turns_a_picture_into_a_point_or_nothing_is_no_transform(entry: float) -> None:
    assert transform_of(np.diag([entry, entry, 1.0]), (10, 10), (10, 10)) is None


def test_pictures_that_lie_beside_each_other_show_nothing_of_each_other() -> None:
    transform = Transform((1, 0, 50, 0, 1, 0), (20, 20), (40, 40))

    assert transform.shown == ()
    assert transform.part_shown == 0
