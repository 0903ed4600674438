"""The things that stand in a landscape: trees, houses, boats, towers.

Each painter takes the point where the thing stands (middle of its foot) and its height in canvas pixels.
"""

from __future__ import annotations

import random

from bench.painted.palette import Colour, Draw, disc, shade


def draw_thing(
    rng: random.Random, draw: Draw, kind: str, x: float, y: float, size: float, paint: Colour, light: float, name: str
) -> str:
    """Paint one thing and return how a caption calls it, with its colour where the colour shows."""
    if kind == "tree":
        return _tree(rng, draw, x, y, size, light)
    if kind == "cactus":
        cactus(draw, x, y, size, shade((60, 140, 75), light))
        return "cactus"
    window = (255, 225, 120) if light < 0.75 else (70, 90, 120)
    {"house": house, "boat": boat, "lighthouse": lighthouse, "tower": tower, "bridge": bridge}[kind](
        draw, x, y, size, paint, window
    )
    return f"{name} {kind}"


def _tree(rng: random.Random, draw: Draw, x: float, y: float, size: float, light: float) -> str:
    if rng.random() < 0.4:
        pine(draw, x, y, size * 1.2, shade((35, 95, 55), light))
        return "pine tree"
    if rng.random() < 0.35:
        bare_tree(rng, draw, x, y, size * 1.2, shade((80, 60, 45), light))
        return "bare tree"
    draw.rectangle((x - size * 0.05, y - size * 0.5, x + size * 0.05, y), fill=shade((105, 70, 45), light))
    leaves = rng.choice(((70, 150, 60), (70, 150, 60), (215, 120, 40), (235, 150, 180)))
    for _ in range(5):
        dx, dy = rng.uniform(-0.22, 0.22) * size, rng.uniform(-0.2, 0.15) * size
        disc(draw, x + dx, y - size * 0.65 + dy, size * 0.24, shade(leaves, light * rng.uniform(0.85, 1.1)))
    return {215: "autumn tree", 235: "blossoming tree"}.get(leaves[0], "tree")


def pine(draw: Draw, x: float, y: float, size: float, colour: Colour) -> None:
    """A fir of three stacked triangles."""
    draw.rectangle((x - size * 0.04, y - size * 0.15, x + size * 0.04, y), fill=shade((95, 65, 40), 0.8))
    for layer in range(3):
        half = size * (0.26 - 0.06 * layer)
        foot = y - size * (0.12 + 0.25 * layer)
        draw.polygon(
            [(x - half, foot), (x + half, foot), (x, foot - size * 0.4)], fill=shade(colour, 0.9 + 0.12 * layer)
        )


def bare_tree(rng: random.Random, draw: Draw, x: float, y: float, size: float, colour: Colour) -> None:
    """A trunk with branches and no leaves."""
    draw.line((x, y, x, y - size), fill=colour, width=max(3, int(size * 0.06)))
    for _ in range(7):
        foot = y - size * rng.uniform(0.3, 0.9)
        reach = size * rng.uniform(0.15, 0.4) * rng.choice((-1, 1))
        draw.line((x, foot, x + reach, foot - abs(reach) * 0.9), fill=colour, width=max(2, int(size * 0.035)))


def cactus(draw: Draw, x: float, y: float, size: float, colour: Colour) -> None:
    """A stem with two raised arms."""
    width = size * 0.13
    draw.rounded_rectangle((x - width, y - size, x + width, y), radius=width, fill=colour)
    for side, height in ((-1, 0.45), (1, 0.6)):
        elbow = x + side * size * 0.36
        draw.rectangle(
            (min(x, elbow), y - size * height, max(x, elbow), y - size * height + width), fill=shade(colour, 0.9)
        )
        draw.rounded_rectangle(
            (elbow - width * 0.6, y - size * (height + 0.3), elbow + width * 0.6, y - size * height + width),
            radius=width * 0.6,
            fill=colour,
        )


def house(draw: Draw, x: float, y: float, size: float, paint: Colour, window: Colour) -> None:
    """Walls in the given paint under a dark roof."""
    half, wall = size * 0.55, size * 0.6
    draw.rectangle((x - half, y - wall, x + half, y), fill=paint)
    draw.polygon([(x - half * 1.2, y - wall), (x + half * 1.2, y - wall), (x, y - size)], fill=shade(paint, 0.5))
    draw.rectangle((x - size * 0.09, y - wall * 0.6, x + size * 0.09, y), fill=shade(paint, 0.35))
    for side in (-1, 1):
        left = x + side * half * 0.6 - size * 0.08
        draw.rectangle((left, y - wall * 0.75, left + size * 0.16, y - wall * 0.45), fill=window)


def boat(draw: Draw, x: float, y: float, size: float, paint: Colour, window: Colour) -> None:
    """A sailing boat: a hull in the given paint, two sails."""
    hull = size * 0.22
    draw.polygon(
        [(x - size * 0.55, y - hull), (x + size * 0.55, y - hull), (x + size * 0.35, y), (x - size * 0.35, y)],
        fill=paint,
    )
    draw.line((x, y - hull, x, y - size * 1.1), fill=shade(paint, 0.5), width=4)
    sail = shade((245, 240, 230), 0.55 if window[0] == 255 else 1.0)
    draw.polygon([(x + 4, y - size * 1.1), (x + 4, y - hull * 1.3), (x + size * 0.42, y - hull * 1.3)], fill=sail)
    draw.polygon(
        [(x - 4, y - size), (x - 4, y - hull * 1.3), (x - size * 0.32, y - hull * 1.3)], fill=shade(sail, 0.85)
    )


def lighthouse(draw: Draw, x: float, y: float, size: float, paint: Colour, window: Colour) -> None:
    """A striped tower with a lamp on a rock."""
    height = size * 1.4
    disc(draw, x, y, size * 0.5, shade((95, 90, 88), 0.8), 0.4)
    for band in range(5):
        foot, head = y - height * band / 6, y - height * (band + 1) / 6
        wide, narrow = size * (0.2 - 0.02 * band), size * (0.18 - 0.02 * band)
        colour = paint if band % 2 == 0 else shade((240, 240, 235), 0.6 if window[0] == 255 else 1.0)
        draw.polygon([(x - wide, foot), (x + wide, foot), (x + narrow, head), (x - narrow, head)], fill=colour)
    top = y - height * 5 / 6
    draw.rectangle((x - size * 0.08, top - size * 0.16, x + size * 0.08, top), fill=(255, 235, 140))
    draw.polygon(
        [(x - size * 0.13, top - size * 0.16), (x + size * 0.13, top - size * 0.16), (x, top - size * 0.3)], fill=paint
    )


def tower(draw: Draw, x: float, y: float, size: float, paint: Colour, window: Colour) -> None:
    """A castle tower with battlements."""
    half, height = size * 0.24, size * 1.2
    draw.rectangle((x - half, y - height, x + half, y), fill=paint)
    for step in range(-2, 3, 2):
        left = x + step * half * 0.5 - half * 0.28
        draw.rectangle((left, y - height - size * 0.12, left + half * 0.56, y - height + 1), fill=shade(paint, 0.8))
    for level in (0.35, 0.7):
        draw.rectangle(
            (x - half * 0.25, y - height * level - size * 0.1, x + half * 0.25, y - height * level), fill=window
        )


def bridge(draw: Draw, x: float, y: float, size: float, paint: Colour, window: Colour) -> None:
    """An arched bridge, seen from the side."""
    half, deck = size * 0.9, size * 0.14
    draw.rectangle((x - half, y - size * 0.6, x + half, y - size * 0.6 + deck), fill=paint)
    for step in range(4):
        left = x - half + step * half * 2 / 3.3
        draw.rectangle((left, y - size * 0.6, left + half * 0.16, y), fill=shade(paint, 0.75))
    draw.arc(
        (x - half, y - size * 1.1, x + half, y - size * 0.1),
        180,
        360,
        fill=shade(paint, 0.6),
        width=max(3, int(deck * 0.5)),
    )
