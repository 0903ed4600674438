"""The things that stand on the table of a still life: fruit, vessels, flowers, a candle, a book.

Each painter takes the point where the thing stands (middle of its foot), its size in canvas pixels, its paint, and
the side the light comes from (-1 left, 1 right).
"""

from __future__ import annotations

import random
from collections.abc import Callable

from bench.painted.palette import COLOURS, Colour, Draw, blend, disc, jitter, shade


def _round(draw: Draw, x: float, y: float, radius: float, paint: Colour, side: int, flat: float = 1.0) -> None:
    """A ball lit from one side."""
    disc(draw, x, y, radius, shade(paint, 0.72), flat)
    disc(draw, x + side * radius * 0.14, y - radius * 0.1, radius * 0.84, paint, flat)
    disc(
        draw, x + side * radius * 0.38, y - radius * 0.4 * flat, radius * 0.24, blend(paint, (255, 255, 255), 0.6), flat
    )


def _apple(rng: random.Random, draw: Draw, x: float, y: float, size: float, paint: Colour, side: int) -> None:
    radius = size * 0.58
    _round(draw, x, y - radius * 0.92, radius, paint, side, 0.92)
    draw.line((x, y - radius * 1.7, x + side * 5, y - radius * 2.2), fill=(80, 55, 35), width=5)


def _orange(rng: random.Random, draw: Draw, x: float, y: float, size: float, paint: Colour, side: int) -> None:
    _round(draw, x, y - size * 0.55, size * 0.55, paint, side)


def _pear(rng: random.Random, draw: Draw, x: float, y: float, size: float, paint: Colour, side: int) -> None:
    radius = size * 0.5
    disc(draw, x, y - radius * 2.1, radius * 0.55, shade(paint, 0.85), 1.3)
    _round(draw, x, y - radius * 0.95, radius, paint, side, 0.95)
    disc(draw, x + side * 4, y - radius * 2.0, radius * 0.42, paint, 1.3)
    draw.line((x, y - radius * 2.7, x + side * 8, y - radius * 3.2), fill=(80, 55, 35), width=5)


def _lemon(rng: random.Random, draw: Draw, x: float, y: float, size: float, paint: Colour, side: int) -> None:
    radius = size * 0.55
    disc(draw, x, y - radius * 0.62, radius * 1.28, shade(paint, 0.8), 0.2)
    _round(draw, x, y - radius * 0.7, radius, paint, side, 0.72)


def _plum(rng: random.Random, draw: Draw, x: float, y: float, size: float, paint: Colour, side: int) -> None:
    _round(draw, x, y - size * 0.42, size * 0.36, paint, side, 1.15)


def _grapes(rng: random.Random, draw: Draw, x: float, y: float, size: float, paint: Colour, side: int) -> None:
    for row, count in enumerate((2, 3, 4)):
        for index in range(count):
            _round(
                draw, x + (index - (count - 1) / 2) * size * 0.36, y - size * (0.2 + 0.3 * row), size * 0.2, paint, side
            )


def _vase(rng: random.Random, draw: Draw, x: float, y: float, size: float, paint: Colour, side: int) -> None:
    draw.polygon(
        [
            (x - size * 0.25, y),
            (x + size * 0.25, y),
            (x + size * 0.2, y - size * 1.7),
            (x - size * 0.2, y - size * 1.7),
        ],
        fill=shade(paint, 0.8),
    )
    disc(draw, x, y - size * 0.75, size * 0.48, shade(paint, 0.8), 1.2)
    disc(draw, x + side * size * 0.08, y - size * 0.78, size * 0.36, paint, 1.2)
    draw.rectangle((x - size * 0.3, y - size * 1.78, x + size * 0.3, y - size * 1.62), fill=shade(paint, 0.65))


def _bottle(rng: random.Random, draw: Draw, x: float, y: float, size: float, paint: Colour, side: int) -> None:
    draw.rounded_rectangle((x - size * 0.32, y - size * 1.3, x + size * 0.32, y), radius=size * 0.15, fill=paint)
    draw.rectangle((x - size * 0.12, y - size * 2.0, x + size * 0.12, y - size * 1.2), fill=shade(paint, 0.85))
    gleam = x + side * size * 0.18
    draw.rectangle(
        (gleam - size * 0.05, y - size * 1.15, gleam + size * 0.05, y - size * 0.2),
        fill=blend(paint, (255, 255, 255), 0.45),
    )
    draw.rectangle((x - size * 0.32, y - size * 0.8, x + size * 0.32, y - size * 0.4), fill=(235, 228, 205))


def _bowl(rng: random.Random, draw: Draw, x: float, y: float, size: float, paint: Colour, side: int) -> None:
    draw.pieslice((x - size * 0.9, y - size * 1.5, x + size * 0.9, y), 0, 180, fill=paint)
    disc(draw, x, y - size * 0.75, size * 0.9, shade(paint, 0.65), 0.2)
    draw.rectangle((x - size * 0.3, y - size * 0.07, x + size * 0.3, y), fill=shade(paint, 0.8))


def _jug(rng: random.Random, draw: Draw, x: float, y: float, size: float, paint: Colour, side: int) -> None:
    draw.ellipse(
        (x - side * size * 0.8 - size * 0.32, y - size * 1.15, x - side * size * 0.8 + size * 0.6, y - size * 0.35),
        outline=shade(paint, 0.75),
        width=max(5, int(size * 0.13)),
    )
    draw.polygon(
        [
            (x - size * 0.55, y),
            (x + size * 0.55, y),
            (x + size * 0.36, y - size * 1.4),
            (x - size * 0.36, y - size * 1.4),
        ],
        fill=paint,
    )
    draw.polygon(
        [
            (x + side * size * 0.36, y - size * 1.4),
            (x + side * size * 0.6, y - size * 1.45),
            (x + side * size * 0.38, y - size),
        ],
        fill=shade(paint, 0.8),
    )


def _candle(rng: random.Random, draw: Draw, x: float, y: float, size: float, paint: Colour, side: int) -> None:
    draw.rectangle((x - size * 0.16, y - size * 1.4, x + size * 0.16, y), fill=paint)
    disc(draw, x, y - size * 1.68, size * 0.3, (255, 225, 130), 1.0)
    disc(draw, x, y - size * 1.66, size * 0.12, (255, 140, 40), 1.9)


def _flowers(rng: random.Random, draw: Draw, x: float, y: float, size: float, paint: Colour, side: int) -> None:
    for _ in range(rng.randint(4, 9)):
        dx, dy = rng.uniform(-0.9, 0.9) * size, rng.uniform(1.5, 2.5) * size
        draw.line((x, y - size, x + dx, y - dy), fill=(60, 120, 60), width=5)
        disc(draw, x + dx, y - dy, size * rng.uniform(0.22, 0.34), jitter(rng, paint))
        disc(draw, x + dx, y - dy, size * 0.1, (250, 225, 110))
    _vase(rng, draw, x, y, size * 0.7, jitter(rng, rng.choice(list(COLOURS.values()))), side)


def _book(rng: random.Random, draw: Draw, x: float, y: float, size: float, paint: Colour, side: int) -> None:
    draw.rectangle((x - size, y - size * 0.5, x + size, y), fill=paint)
    draw.rectangle((x - size * 0.95, y - size * 0.38, x + size, y - size * 0.12), fill=(240, 235, 220))


PAINTERS: dict[str, Callable[[random.Random, Draw, float, float, float, Colour, int], None]] = {
    "apple": _apple,
    "orange": _orange,
    "pear": _pear,
    "lemon": _lemon,
    "plum": _plum,
    "grapes": _grapes,
    "vase": _vase,
    "bottle": _bottle,
    "bowl": _bowl,
    "jug": _jug,
    "candle": _candle,
    "flowers": _flowers,
    "book": _book,
}
