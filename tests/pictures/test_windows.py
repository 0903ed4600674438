"""The codes of parts of a picture, and the ways to ask with one."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from drawn_pictures import a_photograph, in_a_file, reduced
from PIL import Image, ImageDraw, ImageOps

from pictures.blocks import BLOCKS_MAX, blocks_of
from pictures.fingerprint import image_code
from pictures.opening import open_picture
from pictures.windows import (
    ASKS_FOR_WINDOWS,
    ASKS_MAX,
    ORIENTATIONS,
    TILTS,
    WHOLES,
    WINDOWS,
    asks_of,
    bits_apart,
    code_of,
    trimmed,
    turned,
    window_codes,
    windows_of,
)

PHOTOGRAPH = a_photograph(1)
CODES = window_codes(reduced(PHOTOGRAPH))


def nearest(copy: Image.Image, *, wholes: bool = False) -> int:
    codes = np.stack([ask.code for ask in asks_of(reduced(copy))])
    return int(bits_apart(codes, CODES[:WHOLES]).min() if wholes else bits_apart(codes[:ASKS_FOR_WINDOWS], CODES).min())


def test_a_picture_has_113_windows_of_its_own_pixels() -> None:
    parts = windows_of(reduced(PHOTOGRAPH))

    assert len(parts) == len(CODES) == WINDOWS == 113
    assert len(set(parts[1:])) == WINDOWS - 1
    assert all(0 <= left < right <= 512 and 0 <= top < bottom <= 384 for left, top, right, bottom in parts)


def test_the_code_of_the_whole_is_nearly_the_one_that_records_publish() -> None:
    published = image_code(open_picture(in_a_file(PHOTOGRAPH)))
    asked = asks_of(reduced(PHOTOGRAPH))[0].code

    assert (
        bits_apart(
            asked[None], np.frombuffer(base64.b32decode(published.removeprefix("ISCC:") + "=")[2:], np.uint8)[None]
        )[0, 0]
        <= 10
    )


@pytest.mark.parametrize("scale", [0.95, 0.9, 0.8, 0.7, 0.6])
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_what_was_cut_out_where_a_window_lies_is_near_it(scale: float, place: float) -> None:
    width, height = round(640 * scale), round(480 * scale)
    left, top = round((640 - width) * place), round((480 - height) * place)

    assert nearest(PHOTOGRAPH.crop((left, top, left + width, top + height))) <= 32


def test_a_picture_is_asked_for_in_all_orientations() -> None:
    ways = [PHOTOGRAPH.transpose(each) for each in Image.Transpose] + [PHOTOGRAPH]

    assert len(ways) == ORIENTATIONS
    assert max(nearest(way) for way in ways) <= 16


@pytest.mark.parametrize("tilt", [-5, -3, 3, 5])
def test_a_tilted_picture_is_asked_for_upright(tilt: float) -> None:
    assert nearest(PHOTOGRAPH.rotate(tilt, Image.Resampling.BICUBIC)) <= 64


def test_a_border_is_not_asked_with_but_what_is_inside() -> None:
    assert nearest(ImageOps.expand(PHOTOGRAPH, 40, "white")) <= 16
    assert trimmed(reduced(ImageOps.expand(PHOTOGRAPH.resize((400, 300)), 20, "black"))) == (20, 20, 420, 320)


def test_a_smooth_sky_is_asked_with_even_if_it_may_be_a_border() -> None:
    sky = Image.new("RGB", (400, 300), "#87b5e0")
    sky.paste(PHOTOGRAPH.resize((400, 200)), (0, 100))
    framed = asks_of(reduced(ImageOps.expand(sky, 30, "black")))

    assert (30, 30, 430, 330) in {ask.part for ask in framed}
    assert (0, 0, 460, 360) in {ask.part for ask in framed}


def test_a_page_is_asked_with_each_of_its_blocks() -> None:
    page = Image.new("RGB", (640, 900), "white")
    page.paste(PHOTOGRAPH, (0, 200))
    ImageDraw.Draw(page).text((30, 40), "words above a picture", "black", font_size=40)

    assert blocks_of(np.asarray(page))[0] == (0, 200, 640, 680)
    assert nearest(page, wholes=True) <= 32


def test_a_picture_without_strips_is_no_page() -> None:
    assert blocks_of(np.asarray(PHOTOGRAPH)) == ()


def test_there_are_never_more_blocks_and_asks_than_said() -> None:
    page = np.full((512, 512, 3), 255, np.uint8)
    for number in range(9):
        left, top = 170 * (number % 3), 170 * (number // 3)
        page[top : top + 150, left : left + 150] = np.asarray(a_photograph(number, (150, 150)))
    many = reduced(Image.fromarray(page))

    assert len(blocks_of(page)) == BLOCKS_MAX
    assert ASKS_FOR_WINDOWS == ORIENTATIONS + len(TILTS) <= len(asks_of(many)) <= ASKS_MAX


def test_turning_the_luma_turns_the_picture() -> None:
    luma = np.asarray(PHOTOGRAPH.convert("L").resize((32, 32)))

    assert [turned(luma, number).tobytes() for number in (0, 1, 4, 5)] == [
        luma.tobytes(),
        luma[:, ::-1].tobytes(),
        luma[::-1, ::-1].tobytes(),
        luma[::-1].tobytes(),
    ]
    assert len(code_of(luma)) == 32
