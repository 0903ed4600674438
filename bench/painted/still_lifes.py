"""Paints a still life from chance and says in words what it painted: fruit and vessels on a table before a wall."""

from __future__ import annotations

import random

from PIL import Image, ImageDraw

from bench.painted.palette import CANVAS, COLOURS, Colour, Draw, disc, gradient, jitter, shade
from bench.painted.table_things import PAINTERS

PLACES = {"on the left": 0.22, "in the centre": 0.5, "on the right": 0.78}

FRUIT: dict[str, tuple[str, ...]] = {
    "apple": ("red", "green", "yellow"),
    "pear": ("green", "yellow", "brown"),
    "lemon": ("yellow", "green"),
    "orange": ("orange",),
    "plum": ("purple", "blue"),
    "grapes": ("purple", "green"),
}

VESSELS = ("vase", "bottle", "bowl", "jug", "candle", "flowers", "book")

WALLS = ("plain", "plain", "striped", "dotted", "checked", "window")


def paint_still_life(rng: random.Random) -> tuple[Image.Image, list[str]]:
    """A canvas and the phrases that describe it; the first phrase names the main thing and is never left out."""
    edge = rng.uniform(0.42, 0.82)
    wall = rng.choice(list(COLOURS))
    table = rng.choice(list(COLOURS) + ["brown"] * 6)
    image = gradient(
        jitter(rng, shade(COLOURS[wall], 1.05)), jitter(rng, shade(COLOURS[wall], 0.8)), rng.uniform(-0.7, 0.7)
    )
    draw = ImageDraw.Draw(image)
    pattern = _wall(rng, draw, COLOURS[wall])
    cloth = _table(rng, draw, edge, COLOURS[table])
    side = rng.choice((-1, 1))
    phrases = []
    for place in rng.sample(list(PLACES), rng.choice((1, 1, 1, 2, 2))):
        phrases.append(_thing(rng, draw, place, edge, side, wall))
    phrases.append(f"{cloth}{'wooden' if table == 'brown' and rng.random() < 0.5 else table} table")
    phrases.append(f"{pattern}{wall} wall")
    return image, phrases


def _wall(rng: random.Random, draw: Draw, colour: Colour) -> str:
    pattern, mark = rng.choice(WALLS), shade(colour, rng.choice((0.72, 1.3)))
    step = rng.randint(18, 56)
    if pattern == "striped":
        for x in range(rng.randint(-step, 0), CANVAS, step):
            draw.rectangle((x, 0, x + step * 0.45, CANVAS), fill=mark)
    elif pattern == "dotted":
        for row, y in enumerate(range(rng.randint(-step, 0), CANVAS + step, step)):
            for x in range(-(step // 2) * (row % 2), CANVAS + step, step):
                disc(draw, x, y, step * 0.22, mark)
    elif pattern == "checked":
        for row, y in enumerate(range(0, CANVAS, step)):
            for x in range((row % 2) * step, CANVAS, 2 * step):
                draw.rectangle((x, y, x + step - 1, y + step - 1), fill=mark)
    elif pattern == "window":
        return _window(rng, draw)
    return f"a {pattern} " if pattern in ("striped", "dotted", "checked") else "a "


def _window(rng: random.Random, draw: Draw) -> str:
    place = rng.choice(list(PLACES))
    x, y, half = PLACES[place] * CANVAS, rng.uniform(0.15, 0.3) * CANVAS, rng.uniform(0.1, 0.18) * CANVAS
    draw.rectangle((x - half - 8, y - half - 8, x + half + 8, y + half * 1.3 + 8), fill=(235, 232, 225))
    draw.rectangle((x - half, y - half, x + half, y + half * 1.3), fill=jitter(rng, (165, 205, 240)))
    draw.rectangle((x - 4, y - half, x + 4, y + half * 1.3), fill=(235, 232, 225))
    return f"a window {place} in a "


def _table(rng: random.Random, draw: Draw, edge: float, colour: Colour) -> str:
    top = edge * CANVAS
    paint = jitter(rng, colour)
    draw.rectangle((0, top, CANVAS, CANVAS), fill=paint)
    draw.rectangle((0, top, CANVAS, top + 5), fill=shade(paint, 0.75))
    if rng.random() > 0.3:
        for _ in range(rng.randint(0, 5)):
            y = rng.uniform(top, CANVAS)
            draw.line((0, y, CANVAS, y + rng.uniform(-12, 12)), fill=shade(paint, 0.88), width=rng.randint(2, 6))
        return "a "
    step, mark = rng.randint(20, 50), shade(paint, rng.choice((0.75, 1.3)))
    for index in range(-8, 20):
        x = index * step
        draw.line((x, top, x + (x - CANVAS / 2) * 0.8, CANVAS), fill=mark, width=step // 3)
    return "a striped "


def _thing(rng: random.Random, draw: Draw, place: str, edge: float, side: int, wall: str) -> str:
    x = (PLACES[place] + rng.uniform(-0.09, 0.09)) * CANVAS
    y = min(0.97, edge + rng.uniform(0.05, 0.3)) * CANVAS
    large = rng.random() < 0.5
    kind = rng.choice(list(FRUIT) if rng.random() < 0.5 else VESSELS)
    names = [name for name in FRUIT.get(kind, tuple(COLOURS)) if name != wall] or [FRUIT[kind][0]]
    name = rng.choice(names)
    paint = jitter(rng, COLOURS[name])
    size = (rng.uniform(0.34, 0.46) if large else rng.uniform(0.22, 0.28)) * CANVAS
    disc(draw, x - side * size * 0.25, y, size * 0.65, (52, 44, 44), 0.2)
    painter = PAINTERS[kind]
    painter(rng, draw, x, y, size, paint, side)
    words = {"flowers": f"{name} flowers in a vase", "grapes": f"{name} grapes"}.get(kind, f"{name} {kind}")
    article = "" if kind == "grapes" or kind == "flowers" else ("an " if name == "orange" and not large else "a ")
    if large and rng.random() < 0.8:
        return f"{article}large {words} {place}"
    return f"{article}{words} {place}"
