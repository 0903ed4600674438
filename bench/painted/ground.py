"""The ground of a landscape: mountains, hills, sea, desert, forest or snow, each with a texture of its own."""

from __future__ import annotations

import random
from collections.abc import Callable

from PIL import ImageDraw

from bench.painted import things
from bench.painted.light import Light, lit
from bench.painted.palette import CANVAS, COLOURS, Colour, blend, clamp, disc, fill_below, ridge, shade

LANDS: dict[str, tuple[tuple[str, ...], Colour]] = {
    "mountains": (("mountains", "high mountains", "a mountain range"), (110, 112, 130)),
    "hills": (("hills", "green hills", "rolling hills"), (95, 160, 70)),
    "sea": (("the sea", "the ocean", "a sea with waves"), (35, 105, 165)),
    "desert": (("a desert", "sand dunes", "a sandy desert"), (225, 180, 110)),
    "forest": (("a forest", "a pine forest", "the woods"), (40, 95, 60)),
    "snow": (("snow", "a snowy field", "a winter land with snow"), (232, 238, 246)),
}


def paint_ground(rng: random.Random, draw: ImageDraw.ImageDraw, land: str, light: Light, horizon: float) -> None:
    """Everything below the horizon, in one to four layers from far to near."""
    colour = lit(rng, LANDS[land][1], light)
    sharp = land == "mountains"
    flat = land in ("sea", "snow")
    if land != "sea" and rng.random() < 0.3:
        fill_below(draw, ridge(rng, horizon, 0.2, rng.randint(2, 5), sharp=True), blend(colour, light.bottom, 0.5))
    layers = 1 if land == "sea" else rng.randint(2, 4)
    for layer in range(layers):
        level = horizon + (1 - horizon) * layer / layers
        height = rng.uniform(0.18, 0.32) if sharp else rng.uniform(0.0 if flat else 0.06, 0.05 if flat else 0.16)
        outline = ridge(rng, level, 0.0 if land == "sea" else height, rng.randint(1, 5), sharp=sharp)
        paint = shade(blend(colour, light.bottom, 0.3 * (1 - layer / layers)), rng.uniform(0.82, 1.08))
        fill_below(draw, outline, paint)
        if sharp and rng.random() < 0.7:
            _caps(draw, outline, lit(rng, (245, 248, 252), light), level)
        if land in TEXTURES:
            TEXTURES[land](rng, draw, paint, level, light)


def _caps(draw: ImageDraw.ImageDraw, outline: list[tuple[float, float]], white: Colour, level: float) -> None:
    for before, summit, after in zip(outline, outline[1:], outline[2:], strict=False):
        if summit[1] < before[1] and summit[1] < after[1]:
            left = tuple(s + (b - s) * 0.35 for s, b in zip(summit, before, strict=True))
            right = tuple(s + (a - s) * 0.35 for s, a in zip(summit, after, strict=True))
            draw.polygon([summit, left, (summit[0], summit[1] + 0.09 * CANVAS * level), right], fill=white)


def _waves(rng: random.Random, draw: ImageDraw.ImageDraw, paint: Colour, level: float, light: Light) -> None:
    dark, bright = shade(paint, 0.72), shade(paint, 1.3)
    for _ in range(rng.randint(10, 40)):
        x, y = rng.uniform(0, CANVAS), rng.uniform(level + 0.03, 1.0) * CANVAS
        length = rng.uniform(0.03, 0.2) * CANVAS
        draw.arc((x, y - 6, x + length, y + 8), 190, 350, fill=rng.choice((dark, bright, bright)), width=4)


def _dunes(rng: random.Random, draw: ImageDraw.ImageDraw, paint: Colour, level: float, light: Light) -> None:
    dark = shade(paint, 0.72)
    for _ in range(rng.randint(2, 6)):
        y = rng.uniform(level, 1.0)
        draw.line(ridge(rng, y, 0.07, rng.randint(1, 3), sharp=False), fill=dark, width=rng.randint(3, 8))


def _trees(rng: random.Random, draw: ImageDraw.ImageDraw, paint: Colour, level: float, light: Light) -> None:
    for _ in range(rng.randint(6, 18)):
        base = rng.uniform(level, level + 0.25) * CANVAS
        x, height = rng.uniform(0, CANVAS), rng.uniform(0.12, 0.3) * CANVAS
        things.pine(draw, x, base, height, lit(rng, (38, 98, 58), light))


def _flowers(rng: random.Random, draw: ImageDraw.ImageDraw, paint: Colour, level: float, light: Light) -> None:
    if rng.random() >= 0.6:
        return
    bloom = lit(rng, rng.choice(list(COLOURS.values())), light)
    for _ in range(rng.randint(8, 40)):
        disc(draw, rng.uniform(0, CANVAS), rng.uniform(level + 0.05, 1.0) * CANVAS, rng.uniform(2, 6), bloom)


def _drifts(rng: random.Random, draw: ImageDraw.ImageDraw, paint: Colour, level: float, light: Light) -> None:
    shadow = clamp(tuple(0.86 * channel for channel in paint))
    for _ in range(rng.randint(1, 4)):
        draw.line(ridge(rng, rng.uniform(level, 1.0), 0.06, 2, sharp=False), fill=shadow, width=rng.randint(3, 9))


TEXTURES: dict[str, Callable[[random.Random, ImageDraw.ImageDraw, Colour, float, Light], None]] = {
    "sea": _waves,
    "desert": _dunes,
    "forest": _trees,
    "hills": _flowers,
    "snow": _drifts,
}
"""What covers each kind of ground; mountains have their snow caps instead."""
