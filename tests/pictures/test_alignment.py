"""How pictures are laid over each other before and after the fit."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_pictures import a_photograph, reduced
from PIL import Image, ImageDraw

from pictures.alignment import by_corners, by_window, matched, refined
from pictures.features import Features, features_of
from pictures.overlay import laid_over
from pictures.sameness import correlation, structure
from pictures.transform import Transform
from pictures.windows import TILTS, asks_of, windows_of

PHOTOGRAPH = a_photograph(1)
REDUCED = reduced(PHOTOGRAPH)
IDENTITY = Transform((1, 0, 0, 0, 1, 0), (640, 480), (640, 480))


@pytest.mark.parametrize("tilt", TILTS)
def test_a_way_to_ask_that_was_tilted_lies_tilted_in_the_window(tilt: float) -> None:
    brought = reduced(PHOTOGRAPH.rotate(tilt))
    (ask,) = (ask for ask in asks_of(brought) if ask.tilt == tilt)
    transform = by_window(ask, windows_of(REDUCED)[1], brought, REDUCED)

    assert transform is not None
    assert transform.rotation == pytest.approx(-tilt, abs=0.01)


def test_what_lies_at_the_very_edge_is_left_out() -> None:
    framed = PHOTOGRAPH.copy()
    ImageDraw.Draw(framed).rectangle((0, 0, 639, 479), outline="white", width=6)
    overlay = laid_over(reduced(framed), REDUCED, IDENTITY, 128)

    assert overlay is not None
    assert structure(overlay) > 0.99
    assert correlation(overlay) > 0.999


@pytest.mark.parametrize("moves", [(4.0, -3.0), (-6.0, 5.0)])
def test_a_transform_that_is_some_pixels_off_is_fitted_to_parts_of_one(moves: tuple[float, float]) -> None:
    off = Transform((1.01, 0, moves[0], 0, 0.99, moves[1]), (640, 480), (640, 480))
    fitted = refined(REDUCED, REDUCED, off)

    assert fitted.coefficients == pytest.approx(IDENTITY.coefficients, abs=0.5)


def test_pictures_that_do_not_touch_are_not_laid_over_each_other() -> None:
    assert laid_over(REDUCED, REDUCED, Transform((1, 0, 900, 0, 1, 0), (640, 480), (640, 480)), 128) is None


def test_corners_in_one_place_count_once() -> None:
    one = features_of(REDUCED)
    crowded = Features(np.tile(np.array([(30, 40), (400, 300)], np.float32), (25, 1)), one.descriptors[:50])
    spread = Features(one.points[:50], one.descriptors[:50])
    few, many = (by_corners(each, each, REDUCED, REDUCED, mirrored=False) for each in (crowded, spread))

    assert few is not None
    assert many is not None
    assert (few.inliers, many.inliers) == (2, len(np.unique(spread.points // 4, axis=0)))


def test_corners_match_only_each_others_nearest() -> None:
    one = features_of(REDUCED)
    twice = Features(np.concatenate([one.points[:9]] * 2), np.concatenate([one.descriptors[:9]] * 2))

    assert [len(each) for each in matched(twice, one)] == [9, 9]
    assert [len(each) for each in matched(one, Features(one.points[:0], one.descriptors[:0]))] == [0, 0]


def test_flat_pictures_have_no_structure_in_common() -> None:
    flat = reduced(Image.new("RGB", (640, 480), "gray"))
    overlay = laid_over(flat, REDUCED, IDENTITY, 128)

    assert overlay is not None
    assert structure(overlay) == 0
    assert correlation(overlay) == 0
