"""Paints what is behind and under the things: plain colours, lands under the sky of an hour, a table before a wall."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from generator.training.world import WALLS, Colour

SIDE = 128
"""Width and height of a picture, in pixels."""

WIDE = 2 * SIDE
"""Width and height while painting."""

SKY = 144
"""Rows of sky while painting."""

SKIES: dict[str, tuple[Colour, Colour]] = {
    "dawn": ((150, 165, 225), (255, 205, 195)),
    "noon": ((90, 165, 245), (200, 230, 252)),
    "sunset": ((110, 60, 135), (255, 150, 60)),
    "night": ((10, 14, 44), (36, 50, 105)),
}
"""The colours of the sky at the top and at the horizon."""

TINTS: dict[str, tuple[float, float, float]] = {
    "dawn": (1.0, 0.9, 0.9),
    "noon": (1.0, 1.0, 1.0),
    "sunset": (0.85, 0.62, 0.55),
    "night": (0.3, 0.34, 0.5),
}
"""What the light of an hour leaves of each channel of the land."""

Draw = ImageDraw.ImageDraw
Light = Callable[[Colour], Colour]


def paint_ground(rng: random.Random, ground: str, hour: str) -> Image.Image:
    """RGB of 128 by 128 pixels; `hour` matters for lands only. Painted twice as large, which smooths every edge."""
    if ground in WALLS:
        return Image.new("RGB", (SIDE, SIDE), WALLS[ground])
    if ground == "table":
        return _table()
    image = _gradient(*SKIES[hour])
    draw = ImageDraw.Draw(image)

    def light(colour: Colour) -> Colour:
        red, green, blue = (int(channel * part) for channel, part in zip(colour, TINTS[hour], strict=True))
        return red, green, blue

    if hour == "night":
        for _ in range(12):
            x, y = rng.randrange(WIDE), rng.randrange(SKY - 32)
            draw.ellipse((x, y, x + 4, y + 4), fill=(235, 235, 210))
    PAINTERS[ground](rng, draw, light)
    return image.reduce(2)


def _gradient(top: Colour, bottom: Colour) -> Image.Image:
    part = np.clip(np.arange(WIDE) / SKY, 0, 1)[:, None, None]
    rows = np.array(top) * (1 - part) + np.array(bottom) * part
    return Image.fromarray(np.repeat(rows, WIDE, axis=1).astype(np.uint8), "RGB")


def _table() -> Image.Image:
    image = Image.new("RGB", (SIDE, SIDE), (240, 230, 210))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 88, SIDE, SIDE), fill=(165, 110, 65))
    draw.rectangle((0, 88, SIDE, 91), fill=(190, 135, 85))
    return image


def _hill(draw: Draw, x: int, width: int, top: int, colour: Colour) -> None:
    draw.ellipse((x - width, top, x + width, top + 320), fill=colour)


def _meadow(rng: random.Random, draw: Draw, light: Light) -> None:
    draw.rectangle((0, SKY + 16, WIDE, WIDE), fill=light((95, 165, 70)))
    _hill(draw, rng.choice((32, 224)), 220, SKY - 8, light((125, 190, 90)))
    _hill(draw, rng.choice((64, 192)), 320, SKY + 24, light((110, 180, 80)))


def _sea(rng: random.Random, draw: Draw, light: Light) -> None:
    draw.rectangle((0, SKY, WIDE, WIDE), fill=light((40, 115, 185)))
    for row in range(SKY + 16, WIDE, 24):
        for start in range(rng.randrange(-32, 64), WIDE, 88):
            draw.line((start, row, start + 40, row), fill=light((115, 180, 225)), width=4)


def _desert(rng: random.Random, draw: Draw, light: Light) -> None:
    draw.rectangle((0, SKY + 20, WIDE, WIDE), fill=light((222, 178, 104)))
    _hill(draw, rng.choice((48, 208)), 180, SKY - 12, light((246, 212, 142)))
    _hill(draw, rng.choice((64, 192)), 300, SKY + 28, light((236, 196, 120)))


def _snow(rng: random.Random, draw: Draw, light: Light) -> None:
    draw.rectangle((0, SKY + 12, WIDE, WIDE), fill=light((214, 226, 242)))
    _hill(draw, rng.choice((64, 192)), 300, SKY + 8, light((236, 242, 250)))
    for _ in range(14):
        x, y = rng.randrange(WIDE), rng.randrange(SKY)
        draw.ellipse((x, y, x + 7, y + 7), fill=(250, 252, 255))


def _mountains(rng: random.Random, draw: Draw, light: Light) -> None:
    for x, top in ((16, 72), (208, 60), (112, 40)):
        x, top = x + rng.choice((0, 16)), top + rng.choice((0, 8))
        draw.polygon([(x - 112, SKY + 16), (x, top), (x + 112, SKY + 16)], fill=light((125, 128, 150)))
        draw.polygon([(x - 28, top + 26), (x, top), (x + 28, top + 26)], fill=light((245, 248, 252)))
    draw.rectangle((0, SKY + 16, WIDE, WIDE), fill=light((130, 165, 95)))


PAINTERS: dict[str, Callable[[random.Random, Draw, Light], None]] = {
    "meadow": _meadow,
    "sea": _sea,
    "desert": _desert,
    "snow": _snow,
    "mountains": _mountains,
}
"""What is below the sky of each land."""
