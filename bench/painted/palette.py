"""Colours, light and small drawing tools that the painters of scenes share.

A scene is painted at twice its final size on a plain Pillow canvas and reduced afterwards, which smooths every edge.
"""

from __future__ import annotations

import random

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Draw = ImageDraw.ImageDraw

SIDE = 128
"""Width and height of a finished scene, in pixels."""

CANVAS = 2 * SIDE
"""Width and height while painting; halved at the end."""

COLOURS: dict[str, Colour] = {
    "red": (205, 45, 45),
    "green": (70, 155, 65),
    "yellow": (245, 210, 60),
    "blue": (50, 100, 205),
    "orange": (245, 140, 40),
    "purple": (130, 65, 165),
    "pink": (240, 145, 175),
    "white": (240, 240, 235),
    "black": (40, 38, 42),
    "brown": (130, 85, 50),
    "grey": (140, 142, 148),
    "turquoise": (60, 180, 175),
}
"""What a colour word of a caption means."""


def jitter(rng: random.Random, colour: Colour, amount: int = 14) -> Colour:
    """The same colour, a little off, so that no two scenes share their paint."""
    return clamp(tuple(channel + rng.randint(-amount, amount) for channel in colour))


def clamp(colour: tuple[float, ...]) -> Colour:
    """Three channels as whole numbers from 0 to 255."""
    red, green, blue = (max(0, min(255, int(channel))) for channel in colour)
    return red, green, blue


def shade(colour: Colour, factor: float) -> Colour:
    """Darker below 1, lighter above."""
    return clamp(tuple(channel * factor for channel in colour))


def blend(one: Colour, other: Colour, part: float) -> Colour:
    """`one` with `part` (0 to 1) of `other` in it."""
    return clamp(tuple(a + (b - a) * part for a, b in zip(one, other, strict=True)))


def gradient(top: Colour, bottom: Colour, lean: float = 0.0) -> Image.Image:
    """A canvas that runs from one colour to another; `lean` tilts the run to one side."""
    down, across = np.mgrid[0:CANVAS, 0:CANVAS] / (CANVAS - 1)
    part = np.clip(down + lean * (across - 0.5), 0.0, 1.0)[..., None]
    pixels = np.array(top) * (1 - part) + np.array(bottom) * part
    return Image.fromarray(pixels.astype(np.uint8), "RGB")


def ridge(rng: random.Random, level: float, height: float, roughness: int, *, sharp: bool) -> list[tuple[float, float]]:
    """The outline of hills or mountains as points from the left edge to the right edge of the canvas.

    `level` and `height` are fractions of the canvas; `roughness` is how many summits there are.
    """
    if sharp:
        count = max(2, roughness)
        points = [(-20.0, level * CANVAS)]
        for step in range(count):
            x = (step + rng.uniform(0.2, 0.8)) / count
            points.append((x * CANVAS, (level - height * rng.uniform(0.45, 1.0)) * CANVAS))
            points.append(((step + 1) / count * CANVAS, (level - height * rng.uniform(0.0, 0.35)) * CANVAS))
        points.append((CANVAS + 20.0, level * CANVAS))
        return points
    phases = [(rng.uniform(0, 6.3), rng.uniform(0.5, 1.0) * (k + 1) * roughness / 2, 1 / (k + 1)) for k in range(3)]
    xs = np.linspace(0, 1, 60)
    waves = np.zeros_like(xs)
    for phase, frequency, weight in phases:
        waves += weight * np.sin(phase + frequency * 6.3 * xs)
    return [(x * CANVAS, (level - height * (0.5 + wave / 3)) * CANVAS) for x, wave in zip(xs, waves, strict=True)]


def fill_below(draw: ImageDraw.ImageDraw, outline: list[tuple[float, float]], colour: Colour) -> None:
    """Everything under an outline in one colour."""
    draw.polygon([*outline, (outline[-1][0], CANVAS + 1), (outline[0][0], CANVAS + 1)], fill=colour)


def disc(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: Colour, flat: float = 1.0) -> None:
    """A filled circle, or an ellipse when `flat` is not 1."""
    draw.ellipse((x - radius, y - radius * flat, x + radius, y + radius * flat), fill=colour)
