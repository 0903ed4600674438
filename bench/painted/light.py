"""The hours of the day: how each is called, how its sky looks, and what it does to every colour."""

from __future__ import annotations

import random
from dataclasses import dataclass

from bench.painted.palette import Colour, blend, jitter, shade


@dataclass(frozen=True)
class Light:
    """What an hour of the day does to every colour."""

    words: tuple[str, ...]
    top: Colour
    bottom: Colour
    tint: Colour
    strength: float
    """How bright the land is, 1 at noon."""


LIGHTS = {
    "dawn": Light(("at dawn", "at sunrise", "in the morning"), (120, 150, 215), (255, 205, 195), (255, 190, 190), 0.85),
    "noon": Light(("at noon", "by day", "on a bright day"), (50, 125, 230), (185, 225, 252), (255, 255, 240), 1.05),
    "sunset": Light(("at sunset", "at dusk", "in the evening"), (95, 45, 120), (255, 145, 45), (255, 130, 60), 0.7),
    "night": Light(("at night", "by night", "at midnight"), (6, 9, 34), (28, 42, 95), (40, 60, 140), 0.36),
}


def hour_words(hour: str, rng: random.Random) -> str:
    """One of the ways to name an hour, most often the plainest."""
    words = LIGHTS[hour].words
    return words[0] if rng.random() < 0.6 else rng.choice(words)


def lit(rng: random.Random, colour: Colour, light: Light) -> Colour:
    """A colour as it looks in a light."""
    tinted = blend(jitter(rng, colour), light.tint, 0.18 if light.strength > 0.5 else 0.3)
    return shade(tinted, light.strength)
