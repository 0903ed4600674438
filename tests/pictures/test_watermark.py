"""The watermark is read again after what files are put through, and never where there is none."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageOps

from bench.painted.scenes import draw_scene
from pictures.refining import laid_on
from pictures.watermark import (
    FALSE_READ_MAX,
    PSNR_MIN,
    SCORE_READ,
    STRENGTHS,
    MarkedPixels,
    TooSmooth,
    chance_of,
    embed,
    read,
)
from pictures.watermark_code import GENERATORS, SIGNS, decode, encode
from pictures.watermark_patterns import Pixels, patterns_of, window

KEY, OTHER_KEY = bytes(range(32)), bytes(32)
NUMBER = 0xC0FFEE1234


@cache
def a_picture(width: int = 512, height: int = 384, scene: int = 3) -> Pixels:
    """A drawn scene with some grain, as pictures have."""
    drawn = np.asarray(draw_scene(scene).image.resize((width, height), Image.Resampling.BICUBIC)).astype(float)
    grain = np.random.default_rng(scene).normal(0, 4, drawn.shape)
    return np.clip(drawn + grain, 0, 255).astype(np.uint8)


@cache
def marked(width: int = 512, height: int = 384, scene: int = 3) -> Pixels:
    found = embed(a_picture(width, height, scene), NUMBER, KEY)
    assert isinstance(found, MarkedPixels)
    assert found.psnr >= PSNR_MIN
    return found.rgb


def saved(rgb: Pixels, kind: str, **options: int) -> Pixels:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, kind, **options)
    return np.asarray(Image.open(out).convert("RGB"))


def resized(rgb: Pixels, part: float) -> Pixels:
    sides = round(rgb.shape[1] * part), round(rgb.shape[0] * part)
    return np.asarray(Image.fromarray(rgb).resize(sides, Image.Resampling.LANCZOS))


def turned_and_back(rgb: Pixels) -> Pixels:
    turned = Image.fromarray(rgb).rotate(5, Image.Resampling.BICUBIC)
    return np.asarray(turned.rotate(-5, Image.Resampling.BICUBIC))


def cropped_and_laid_back(rgb: Pixels) -> Pixels:
    height, width = rgb.shape[:2]
    found = np.full_like(rgb, 128)
    box = (slice(height // 20, height - height // 20), slice(width // 20, width - width // 20))
    found[box] = rgb[box]
    return found


def cropped_by_a_tenth(rgb: Pixels) -> Pixels:
    height, width = rgb.shape[:2]
    return rgb[height // 20 : height - height // 20, width // 20 : width - width // 20]


def turned_by_five(rgb: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(rgb).rotate(5, Image.Resampling.BICUBIC))


COPIES = {
    "as it is": lambda rgb: rgb,
    "JPEG 30": lambda rgb: saved(rgb, "JPEG", quality=30),
    "WebP 50": lambda rgb: saved(rgb, "WEBP", quality=50),
    "a quarter of the size": lambda rgb: resized(rgb, 0.25),
    "a screenshot": lambda rgb: saved(resized(rgb, 0.75), "JPEG", quality=60),
    "twice the size": lambda rgb: resized(rgb, 2),
    "stretched": lambda rgb: np.asarray(Image.fromarray(rgb).resize((300, 400))),
    "less contrast": lambda rgb: np.asarray(rgb * 0.8, np.uint8),
    "grey": lambda rgb: np.asarray(ImageOps.grayscale(Image.fromarray(rgb)).convert("RGB")),
    "turned by 5° and back": turned_and_back,
    "a crop of a tenth laid where it lay": cropped_and_laid_back,
}


@pytest.mark.parametrize("name", COPIES)
def test_the_mark_is_read_from_a_copy(name: str) -> None:
    found = read(COPIES[name](marked()), KEY)

    assert found is not None
    assert found.id == NUMBER
    assert found.score >= SCORE_READ / SIGNS
    assert found.chance <= FALSE_READ_MAX


@pytest.mark.parametrize("sides", [(64, 64), (1000, 70), (333, 777), (1600, 1200)])
def test_pictures_of_any_sides_from_64_pixels_on_are_marked_or_said_to_be_too_smooth(sides: tuple[int, int]) -> None:
    found = embed(a_picture(*sides), NUMBER, KEY)

    if isinstance(found, MarkedPixels):
        assert found.rgb.shape == (sides[1], sides[0], 3)
        mark = read(found.rgb, KEY)
        assert mark is not None
        assert mark.id == NUMBER
    else:
        assert min(sides) < 100


def test_a_picture_that_no_stronger_mark_fits_in_has_the_strongest_that_does() -> None:
    found = embed(a_picture(128, 128), NUMBER, KEY)

    assert isinstance(found, MarkedPixels)
    assert STRENGTHS[0] < found.strength < STRENGTHS[-1]
    assert PSNR_MIN <= found.psnr < PSNR_MIN + 1.5


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_picture_of_one_colour_is_marked_or_said_to_be_too_smooth(level: int) -> None:
    flat = np.full((256, 256, 3), level, np.uint8)
    found = embed(flat, NUMBER, KEY)

    assert isinstance(found, TooSmooth) or read(saved(found.rgb, "JPEG", quality=50), KEY) is not None


def test_a_picture_that_stays_smooth_when_it_is_saved_is_said_to_be_too_smooth() -> None:
    assert isinstance(embed(np.full((64, 64, 3), 255, np.uint8), NUMBER, KEY), TooSmooth)


def test_the_edges_of_a_picture_are_not_touched() -> None:
    before, after = a_picture(), marked()
    edge = [before.shape[0] // 25, before.shape[1] // 25]

    assert (before[: edge[0]] == after[: edge[0]]).all()
    assert (before[:, -edge[1] :] == after[:, -edge[1] :]).all()
    assert window()[0, 0] == 0


def test_no_other_key_and_no_unmarked_picture_says_anything() -> None:
    keys = [bytes([number]) * 32 for number in range(60)]

    assert read(a_picture(), KEY) is None
    assert [key for key in keys if read(marked(), key) is not None] == []


def test_the_bound_of_false_readings_holds_for_what_is_read() -> None:
    assert chance_of(SCORE_READ) == pytest.approx(FALSE_READ_MAX, rel=0.01)
    assert chance_of(SCORE_READ - 20) > 1e-4
    assert chance_of(SIGNS) < 1e-60


def test_readings_under_other_keys_are_as_the_bound_supposes() -> None:
    turns = [patterns_of(bytes([number]) * 32).dither for number in range(40)]
    angles = np.concatenate(turns)

    assert abs(np.cos(2 * np.pi * angles).mean()) < 0.03
    assert np.histogram(angles, 10, (0, 1))[0].min() > 0.9 * len(angles) / 10


def test_a_second_mark_takes_the_place_of_the_first() -> None:
    again = embed(marked(), 7, KEY)

    assert isinstance(again, MarkedPixels)
    found = read(again.rgb, KEY)
    assert found is not None
    assert found.id == 7


@pytest.mark.parametrize("number", [-1, 1 << 40])
def test_an_id_of_more_than_40_bits_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="40 bits"):
        embed(a_picture(), number, KEY)


def test_what_is_no_picture_or_no_key_is_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        read(np.zeros((64, 64), np.uint8), KEY)
    with pytest.raises(ValueError, match="uint8"):
        read(np.zeros((0, 64, 3), np.uint8), KEY)
    with pytest.raises(ValueError, match="32 bytes"):
        read(a_picture(), b"short")


def test_any_two_ids_differ_in_37_signs_at_least() -> None:
    """The free distance: the cheapest way that leaves the state 0 and comes back to it."""
    states = 1 << 8
    cost = {1: _weight(1)}
    for _ in range(64):
        for state, spent in list(cost.items()):
            for bit in range(2) if state else ():
                following = (state << 1 | bit) % states
                cost[following] = min(cost.get(following, SIGNS), spent + _weight(state << 1 | bit))

    assert cost[0] == 37


def _weight(window_bits: int) -> int:
    return sum((window_bits & one).bit_count() & 1 for one in GENERATORS)


@pytest.mark.parametrize("number", [0, 1, NUMBER, (1 << 40) - 1])
def test_an_id_is_read_from_signs_with_much_noise(number: int) -> None:
    noise = np.random.default_rng(number & 0xFF).normal(0, 1, (3, SIGNS)).astype(np.float32)
    found, scores = decode(encode(number)[None] + noise)

    assert found.tolist() == [number] * 3
    assert scores.min() > 0.7 * SIGNS


@pytest.mark.parametrize("change", [cropped_by_a_tenth, turned_by_five])
def test_a_copy_that_is_roughly_placed_is_laid_where_it_lay(change: Callable[[Pixels], Pixels]) -> None:
    copy = saved(change(marked()), "JPEG", quality=80)
    across, down = copy.shape[1] / marked().shape[1], copy.shape[0] / marked().shape[0]
    start = np.array([[across, 0, 0], [0, down, 0]], np.float32)
    laid = laid_on(copy, marked(), start)

    assert read(copy, KEY) is None
    assert laid is not None
    assert laid.shape == marked().shape
    found = read(laid, KEY)
    assert found is not None
    assert found.id == NUMBER


def test_what_has_nothing_to_hold_on_to_is_laid_nowhere() -> None:
    assert laid_on(np.zeros((64, 64, 3), np.uint8), marked(), np.eye(2, 3, dtype=np.float32)) is None
