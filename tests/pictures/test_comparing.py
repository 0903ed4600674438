"""Whether a copy is found to be of a recorded picture, where it lies in it, and that others are not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from drawn_pictures import a_photograph, reduced, seen
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from bench.painted.scenes import draw_scene
from pictures import comparing
from pictures.comparing import Agreement, Seen, compare, confirms
from pictures.features import Features

PHOTOGRAPH = a_photograph(1)
RECORDED = seen(PHOTOGRAPH)
SCENE = draw_scene(5).image

Change = Callable[[Image.Image], Image.Image]


def cut(left: float, top: float, right: float, bottom: float) -> Change:
    return lambda picture: picture.crop(
        (
            round(left * picture.width),
            round(top * picture.height),
            round(right * picture.width),
            round(bottom * picture.height),
        )
    )


def turned(degrees: float, expand: bool = False) -> Change:
    return lambda picture: picture.rotate(degrees, Image.Resampling.BICUBIC, expand)


def smaller(picture: Image.Image) -> Image.Image:
    return picture.resize((picture.width // 4, picture.height // 4), Image.Resampling.LANCZOS)


def on_a_page(picture: Image.Image) -> Image.Image:
    page = Image.new("RGB", (picture.width + 150, picture.height + 90), "#d8e4ee")
    page.paste(picture, (40, 60))
    return page


def in_a_collage(picture: Image.Image) -> Image.Image:
    page = Image.new("RGB", (2 * picture.width + 12, 2 * picture.height + 12), "white")
    for number in range(4):
        one = picture if number == 2 else a_photograph(20 + number, picture.size)
        page.paste(one, ((picture.width + 12) * (number % 2), (picture.height + 12) * (number // 2)))
    return page


def under_words(picture: Image.Image) -> Image.Image:
    tall = picture.height // 5
    page = Image.new("RGB", (picture.width, picture.height + tall), "white")
    page.paste(picture, (0, tall))
    ImageDraw.Draw(page).text((10, 10), "SO IT IS AND NOT OTHERWISE", "black", font_size=tall // 3)
    return page


COPIES: dict[str, Change] = {
    "itself": lambda picture: picture,
    "a quarter of its size": smaller,
    "in grey": lambda picture: picture.convert("L").convert("RGB"),
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.2),
    "on a page": on_a_page,
    "cut by a tenth": cut(0.05, 0.05, 0.95, 0.95),
    "cut by two fifths": cut(0.2, 0.2, 0.8, 0.8),
    "cut on one side": cut(0.0, 0.0, 0.9, 1.0),
    "turned by five degrees": turned(5),
    "turned by ninety": turned(90, expand=True),
    "upside down": turned(180),
    "mirrored": ImageOps.mirror,
    "one of four": in_a_collage,
    "under words": under_words,
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES.keys())
@pytest.mark.parametrize("picture", [PHOTOGRAPH, SCENE], ids=["textured", "smooth"])
def test_a_copy_is_found(picture: Image.Image, change: Change) -> None:
    found = compare(seen(change(picture), "JPEG", quality=80), seen(picture))

    assert found is not None


@pytest.mark.parametrize("one", range(2, 8))
def test_another_picture_is_not_found(one: int) -> None:
    assert compare(seen(a_photograph(one)), RECORDED) is None
    assert compare(seen(draw_scene(one + 10).image), seen(SCENE)) is None


def test_a_picture_without_anything_in_it_is_found_in_none_and_none_in_it() -> None:
    flat = seen(Image.new("RGB", (300, 200), "teal"))

    assert compare(flat, RECORDED) is None
    assert compare(RECORDED, flat) is None


@pytest.mark.parametrize("sides", [(1, 1), (1, 600), (600, 1), (3, 2), (31, 900)])
def test_a_picture_of_hardly_any_pixels_is_compared_like_any_other(sides: tuple[int, int]) -> None:
    narrow = seen(a_photograph(9).resize(sides))

    assert compare(narrow, RECORDED) is None
    assert compare(RECORDED, narrow) is None
    compare(narrow, narrow)


@pytest.mark.parametrize(
    ("change", "step"),
    [(smaller, "whole"), (cut(0.2, 0.2, 0.8, 0.8), "window"), (cut(0.03, 0.31, 0.57, 0.88), "features")],
)
def test_the_step_that_found_it_is_told(change: Change, step: str) -> None:
    found = compare(seen(change(PHOTOGRAPH)), RECORDED)

    assert found is not None
    assert found.step == step
    assert (found.agreement.bits is None) == (step == "features")
    assert (found.agreement.inliers is None) == (step != "features")


def test_a_step_that_fails_hides_none_that_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    brought = seen(cut(0.05, 0.05, 0.95, 0.95)(PHOTOGRAPH))
    monkeypatch.setattr(comparing, "WINDOW_BITS_MAX", -1)
    found = compare(brought, RECORDED)

    assert found is not None
    assert found.step == "features"


def test_it_is_found_without_corners_too() -> None:
    bare = Features(np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8))
    recorded = Seen(RECORDED.reduction, RECORDED.codes, bare)
    found = compare(seen(cut(0.2, 0.2, 0.8, 0.8)(PHOTOGRAPH)), recorded)

    assert found is not None
    assert found.step == "window"


@pytest.mark.parametrize("degrees", [-5, 5])
def test_a_tilted_picture_is_found_without_corners_too(degrees: float) -> None:
    bare = Features(np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8))
    picture = draw_scene(11).image
    found = compare(seen(turned(degrees)(picture).crop((13, 13, 115, 115))), Seen(reduced(picture), kept_features=bare))

    assert found is not None
    assert abs(found.transform.rotation + degrees) < 0.5


@pytest.mark.parametrize("seed", [5, 7, 9, 11])
def test_the_edge_of_a_border_that_a_jpeg_blurred_spoils_nothing(seed: int) -> None:
    scene = draw_scene(seed).image
    found = compare(seen(ImageOps.expand(scene, 13, "white"), "JPEG", quality=85), seen(scene))

    assert found is not None
    assert found.agreement.correlation > 0.99
    assert found.agreement.structure > 0.9


def test_what_is_kept_of_a_picture_serves_as_well_as_what_is_made_again() -> None:
    kept = Seen(reduced(PHOTOGRAPH), RECORDED.codes, RECORDED.features)
    brought = seen(turned(5)(PHOTOGRAPH))

    assert compare(brought, kept) == compare(brought, RECORDED)


def test_the_same_pictures_are_compared_alike_every_time() -> None:
    ways = [compare(seen(cut(0.03, 0.31, 0.57, 0.88)(PHOTOGRAPH)), seen(PHOTOGRAPH)) for _ in range(2)]

    assert ways[0] == ways[1]


def test_the_same_corners_in_another_picture_are_not_the_picture() -> None:
    letterhead = PHOTOGRAPH.resize((200, 150))
    one, other = a_photograph(31), a_photograph(32)
    for each in (one, other):
        each.paste(letterhead, (20, 20))

    assert compare(seen(one), seen(other)) is None


@pytest.mark.parametrize(
    ("step", "correlation", "structure", "expected"),
    [
        ("whole", 0.96, 0.67, True),
        ("whole", 0.94, 0.67, False),
        ("whole", 0.99, 0.65, False),
        ("whole", 0.5, 0.71, True),
        ("window", 0.94, 0.67, True),
        ("window", 0.92, 0.67, False),
        ("features", 0.0, 0.31, True),
        ("features", 1.0, 0.29, False),
    ],
)
def test_what_confirms_a_step(step: comparing.Step, correlation: float, structure: float, expected: bool) -> None:
    assert confirms(step, Agreement(correlation, structure)) == expected


def test_what_stands_around_a_picture_is_told_and_a_border_is_not() -> None:
    words, border = compare(seen(under_words(PHOTOGRAPH)), RECORDED), compare(seen(on_a_page(PHOTOGRAPH)), RECORDED)

    assert words is not None
    assert border is not None
    assert [box[3] <= 96 for box in words.added] == [True]
    assert border.added == ()
