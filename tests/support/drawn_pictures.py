"""Pictures with as much in them as photographs have, drawn from a seed: noise of all sizes, and things on it."""

from __future__ import annotations

import io
import random

import numpy as np
from PIL import Image, ImageDraw

from pictures.comparing import Seen
from pictures.opening import open_picture
from pictures.reduction import Reduction, reduce


def a_photograph(seed: int, sides: tuple[int, int] = (640, 480)) -> Image.Image:
    """RGB, the same for the same seed."""
    noise, chance = np.random.default_rng(seed), random.Random(seed)
    levels = np.zeros((sides[1], sides[0], 3), np.float32)
    for cells in (3, 6, 12, 24, 48, 96):
        grid = noise.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        levels += (
            np.asarray(Image.fromarray(grid).resize(sides, Image.Resampling.BICUBIC), np.float32) - 128
        ) / cells**0.6
    picture = Image.fromarray(np.uint8(np.clip(128 + 1.6 * levels, 0, 255)))
    draw = ImageDraw.Draw(picture)
    for _ in range(25):
        x, y, size = chance.randrange(sides[0]), chance.randrange(sides[1]), chance.randint(12, sides[0] // 6)
        colour = tuple(chance.randrange(256) for _ in range(3))
        shape = draw.rectangle if chance.random() < 0.5 else draw.ellipse
        shape((x, y, x + size, y + size * chance.uniform(0.4, 1.4)), fill=colour)
    return picture


def in_a_file(picture: Image.Image, container: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, container, **options)
    return file.getvalue()


def reduced(picture: Image.Image, container: str = "PNG", **options: object) -> Reduction:
    """What is left of it in a file of its own."""
    return reduce(open_picture(in_a_file(picture, container, **options)))


def seen(picture: Image.Image, container: str = "PNG", **options: object) -> Seen:
    return Seen(reduced(picture, container, **options))
