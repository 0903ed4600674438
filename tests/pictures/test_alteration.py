"""What was changed of a picture is named where it was, and what copying does to one is not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from drawn_pictures import a_photograph, seen
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from bench.painted.scenes import draw_scene
from pictures.comparing import PictureComparison, compare

PHOTOGRAPH = a_photograph(1)
OTHER = a_photograph(2)
RECORDED = seen(PHOTOGRAPH)

Change = Callable[[Image.Image], Image.Image]


def compared(copy: Image.Image, quality: int = 85) -> PictureComparison:
    found = compare(seen(copy, "JPEG", quality=quality), RECORDED)
    assert found is not None
    return found


def with_an_ellipse(box: tuple[int, int, int, int], of: Image.Image = OTHER) -> Image.Image:
    mask = Image.new("L", PHOTOGRAPH.size)
    ImageDraw.Draw(mask).ellipse(box, fill=255)
    return Image.composite(of, PHOTOGRAPH, mask)


def with_a_caption(picture: Image.Image) -> Image.Image:
    changed = picture.copy()
    draw = ImageDraw.Draw(changed)
    draw.rectangle((0, 400, 640, 456), fill="#a00000")
    draw.text((20, 410), "NOTHING OF THIS IS SO", "white", font_size=36)
    return changed


def filtered(picture: Image.Image) -> Image.Image:
    levels = 0.08 + 0.9 * (np.asarray(picture, np.float32) / 255) ** np.array([0.85, 1.0, 1.2], np.float32)
    return Image.fromarray(np.uint8(255 * levels))


HARMLESS: dict[str, Change] = {
    "as it is": lambda picture: picture,
    "half as large": lambda picture: picture.resize((320, 240), Image.Resampling.LANCZOS),
    "a quarter": lambda picture: picture.resize((160, 120), Image.Resampling.LANCZOS),
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.2),
    "darker": lambda picture: ImageEnhance.Brightness(picture).enhance(0.8),
    "more colourful": lambda picture: ImageEnhance.Color(picture).enhance(1.4),
    "twice as colourful": lambda picture: ImageEnhance.Color(picture).enhance(2),
    "grey": lambda picture: picture.convert("L").convert("RGB"),
    "filtered": filtered,
    "with a border": lambda picture: ImageOps.expand(picture, 40, "black"),
    "cut": lambda picture: picture.crop((60, 50, 580, 430)),
    "turned": lambda picture: picture.rotate(3, Image.Resampling.BICUBIC),
    "mirrored": ImageOps.mirror,
}


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS.keys())
@pytest.mark.parametrize("quality", [30, 90])
def test_a_harmless_copy_raises_no_alarm(change: Change, quality: int) -> None:
    assert compared(change(PHOTOGRAPH), quality).alterations.regions == ()


def test_little_is_left_over_of_a_tiny_copy() -> None:
    scene = draw_scene(22).image
    tiny = compare(seen(scene.resize((32, 32), Image.Resampling.LANCZOS), "JPEG", quality=90), seen(scene))

    assert tiny is not None
    assert tiny.alterations.strongest < 1


@pytest.mark.parametrize("box", [(100, 80, 200, 160), (300, 200, 450, 330), (500, 340, 640, 460), (60, 60, 300, 260)])
def test_what_was_pasted_is_named_where_it_is(box: tuple[int, int, int, int]) -> None:
    named = compared(with_an_ellipse(box)).alterations.regions

    assert named
    middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    for found in (named[0].brought, named[0].recorded):
        assert found[0] <= middle[0] <= found[2]
        assert found[1] <= middle[1] <= found[3]
        assert np.abs(np.array(found) - box).max() <= 60


def test_it_is_named_in_the_places_of_both_pictures() -> None:
    altered = with_an_ellipse((300, 200, 450, 330))
    cut = altered.crop((100, 60, 600, 440)).resize((250, 190), Image.Resampling.LANCZOS)
    (named,) = compared(cut).alterations.regions

    assert np.array(named.recorded) == pytest.approx(2 * np.array(named.brought) + [100, 60, 100, 60], abs=3)
    assert named.recorded[0] < 375 < named.recorded[2]


@pytest.mark.parametrize("change", [HARMLESS["brighter"], HARMLESS["half as large"], HARMLESS["grey"]])
def test_what_was_changed_is_named_in_a_copy_too(change: Change) -> None:
    assert compared(change(with_an_ellipse((300, 200, 450, 330)))).alterations.regions


def test_what_was_blurred_or_painted_over_is_named() -> None:
    blurred = PHOTOGRAPH.filter(ImageFilter.GaussianBlur(30))

    assert compared(with_an_ellipse((200, 150, 330, 270), blurred)).alterations.regions


def test_a_false_caption_is_named() -> None:
    (named,) = compared(with_a_caption(PHOTOGRAPH)).alterations.regions

    assert named.brought[1] == pytest.approx(400, abs=40)
    assert named.area >= 0.05


def test_more_places_than_are_told_leave_the_largest() -> None:
    mask = Image.new("L", PHOTOGRAPH.size)
    for row in range(3):
        for column in range(4):
            size = 26 + 3 * row
            left, top = 40 + 155 * column, 50 + 150 * row
            ImageDraw.Draw(mask).rectangle((left, top, left + size, top + size), fill=255)
    named = compared(Image.composite(OTHER, PHOTOGRAPH, mask)).alterations.regions

    assert 1 < len(named) <= 8
    assert [each.area for each in named] == sorted((each.area for each in named), reverse=True)
