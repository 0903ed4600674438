"""Draws as many different pictures as tests and benchmarks ask for: landscapes and still lifes, each from a seed.

They are what is marked, altered, looked up and compared where any pictures will do. Each says in words what it shows.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from PIL import Image

from bench.painted.landscapes import paint_landscape
from bench.painted.still_lifes import paint_still_life

OPENINGS = {
    "landscape": ("a landscape with", "a painting of", "a picture of", ""),
    "still life": ("a still life with", "a still life of", "a painting of", ""),
}

DROPPED = 0.08
"""How often a caption keeps silent about a detail, so that short prompts are understood too."""


@dataclass(frozen=True)
class Scene:
    """One picture."""

    caption: str
    image: Image.Image
    """RGB, 128 by 128 pixels."""


def draw_scene(seed: int) -> Scene:
    """The scene of a seed; the same on every machine with the same Pillow."""
    rng = random.Random(seed)
    kind = "landscape" if rng.random() < 0.58 else "still life"
    canvas, phrases = paint_landscape(rng) if kind == "landscape" else paint_still_life(rng)
    return Scene(caption(rng, kind, phrases), canvas.reduce(2))


def caption(rng: random.Random, kind: str, phrases: list[str]) -> str:
    """One sentence of the phrases: the first always, the others in any order and sometimes not at all."""
    main, *rest = phrases
    kept = [phrase for phrase in rest if rng.random() >= DROPPED]
    rng.shuffle(kept)
    words = ", ".join([main, *kept])
    return f"{rng.choice(OPENINGS[kind])} {words}".strip()
