"""What is done to a picture to make it say something else: the edits that `bench.finding` has named.

Each takes an RGB picture, another one and a source of chance, and gives the edited picture. Those that put something
over a part of it, or take something away, do so at a place where that shows: by at least SHOWN_LEAST levels.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from bench.copies import meme_bar, write

Edit = Callable[[Image.Image, Image.Image, random.Random], Image.Image | None]
"""None where the edit would show nowhere."""

SHOWN_LEAST = 10.0
"""Levels of 255, the mean over what is changed: to blur what is blurred already changes nothing."""
_TRIES = 40


def pasted(area: float, soft: bool = False) -> Edit:
    """An ellipse of another picture, of some part of the area: a face or an object put in."""

    def edit(image: Image.Image, other: Image.Image, chance: random.Random) -> Image.Image | None:
        return _placed(image, area, chance, lambda place: other.resize(image.size), 6 if soft else 0)

    return edit


def erased(area: float) -> Edit:
    """What lies in an ellipse is painted over from around it."""

    def edit(image: Image.Image, other: Image.Image, chance: random.Random) -> Image.Image | None:
        def painted(mask: Image.Image) -> Image.Image:
            small = image.copy()
            small.thumbnail((256, 256))
            hole = np.asarray(mask.resize(small.size)) > 0
            filled = cv2.inpaint(np.asarray(small), hole.astype(np.uint8), 3, cv2.INPAINT_TELEA)
            return Image.fromarray(filled).resize(image.size, Image.Resampling.BICUBIC)

        return _placed(image, area, chance, painted, 3)

    return edit


def cloned(area: float) -> Edit:
    """What lies in an ellipse is covered by what lies elsewhere in the picture."""

    def edit(image: Image.Image, other: Image.Image, chance: random.Random) -> Image.Image | None:
        def shifted(mask: Image.Image) -> Image.Image:
            moves = (round(chance.uniform(0.2, 0.8) * side) for side in image.size)
            return Image.fromarray(np.roll(np.asarray(image), tuple(moves), (1, 0)))

        return _placed(image, area, chance, shifted, 3)

    return edit


def blurred(area: float) -> Edit:
    """What lies in an ellipse is made unrecognisable."""

    def edit(image: Image.Image, other: Image.Image, chance: random.Random) -> Image.Image | None:
        gone = image.filter(ImageFilter.GaussianBlur(max(image.size) / 20))
        return _placed(image, area, chance, lambda mask: gone, 2)

    return edit


def false_caption(image: Image.Image, other: Image.Image, chance: random.Random) -> Image.Image:
    """A strip with words over the lower edge, as a broadcaster has it."""
    changed, tall = image.copy(), round(image.height * chance.uniform(0.08, 0.14))
    top = image.height - tall - round(image.height * chance.uniform(0, 0.08))
    paper, ink = chance.choice([("white", "black"), ("#a00000", "white"), ("#102040", "white"), ("black", "yellow")])
    ImageDraw.Draw(changed).rectangle((0, top, image.width, top + tall), fill=paper)
    write(changed, (0, top, image.width, top + tall), ink, chance)
    return changed


def written_over(image: Image.Image, other: Image.Image, chance: random.Random) -> Image.Image:
    """Large words with an outline, straight on the picture."""
    changed, size = image.copy(), max(10, round(image.height * 0.11))
    text = chance.choice(["FAKE NEWS", "IT IS A LIE", "VOTE NOW", "SHAME ON YOU"])
    place = round(image.width * 0.05), chance.choice([round(image.height * 0.04), round(image.height * 0.84)])
    font = ImageFont.load_default(size)
    ImageDraw.Draw(changed).text(place, text, "white", font, stroke_width=max(1, size // 14), stroke_fill="black")
    return changed


def with_meme_bar(image: Image.Image, other: Image.Image, chance: random.Random) -> Image.Image:
    return meme_bar(image, chance)


EDITS: dict[str, Edit] = {
    "ellipse 2 %": pasted(0.02),
    "ellipse 5 %": pasted(0.05),
    "ellipse 10 %": pasted(0.1),
    "soft ellipse 3 %": pasted(0.03, soft=True),
    "erased 3 %": erased(0.03),
    "erased 8 %": erased(0.08),
    "cloned over 3 %": cloned(0.03),
    "blurred 3 %": blurred(0.03),
    "false caption": false_caption,
    "words on it": written_over,
    "meme bar": with_meme_bar,
}
"""By name, in the order of the table."""


def _placed(
    image: Image.Image, area: float, chance: random.Random, gives: Callable[[Image.Image], Image.Image], soft: int
) -> Image.Image | None:
    """A picture with an ellipse of something else at a place where that shows; None if no place is found."""
    for _ in range(_TRIES):
        mask = _ellipse(image.size, area, chance)
        other = gives(mask)
        if _change(image, other, np.asarray(mask) > 0) >= SHOWN_LEAST:
            softened = mask.filter(ImageFilter.GaussianBlur(soft * max(image.size) / 500)) if soft else mask
            return Image.composite(other, image, softened)
    return None


def _change(image: Image.Image, other: Image.Image, inside: NDArray[np.bool_]) -> float:
    apart = np.abs(np.asarray(image, np.float32) - np.asarray(other, np.float32))
    return float(apart[inside].mean())


def _ellipse(sides: tuple[int, int], area: float, chance: random.Random) -> Image.Image:
    width, height = sides
    ratio = chance.uniform(0.6, 1.6)
    across = 2 * np.sqrt(area * width * height / np.pi * ratio)
    down = across / ratio
    across, down = min(across, 0.95 * width), min(down, 0.95 * height)
    left, top = chance.uniform(0, width - across), chance.uniform(0, height - down)
    mask = Image.new("L", sides)
    ImageDraw.Draw(mask).ellipse((left, top, left + across, top + down), fill=255)
    return mask
