"""Paints a landscape from chance and says in words what it painted.

What varies is what a fingerprint sees: where the horizon lies, where things stand, how large they are, which texture
covers the ground. Words that stand in the caption always tell the truth about the picture.
"""

from __future__ import annotations

import random

from PIL import Image, ImageDraw

from bench.painted import things
from bench.painted.ground import LANDS, paint_ground
from bench.painted.light import LIGHTS, Light, hour_words, lit
from bench.painted.palette import CANVAS, COLOURS, Colour, blend, disc, gradient, jitter, shade

SKY_COLOURS: dict[str, Colour] = {
    "pink": (240, 150, 185),
    "green": (120, 195, 160),
    "yellow": (250, 220, 120),
    "purple": (150, 95, 185),
    "red": (215, 80, 70),
    "turquoise": (80, 195, 200),
    "grey": (160, 165, 172),
}

PLACES = {"on the left": 0.2, "in the centre": 0.5, "on the right": 0.8}


def paint_landscape(rng: random.Random) -> tuple[Image.Image, list[str]]:
    """A canvas and the phrases that describe it; the first phrase names hour and land and is never left out."""
    hour = rng.choice(list(LIGHTS))
    land = rng.choice(list(LANDS))
    light = LIGHTS[hour]
    horizon = rng.choice((rng.uniform(0.28, 0.42), rng.uniform(0.42, 0.62), rng.uniform(0.62, 0.8)))
    image, phrases = _sky(rng, hour, light)
    draw = ImageDraw.Draw(image)
    phrases += _heavens(rng, image, draw, hour, horizon)
    paint_ground(rng, draw, land, light, horizon)
    phrases += _horizon_words(rng, horizon)
    phrases += _objects(rng, draw, land, light, horizon)
    if land == "snow" and rng.random() < 0.5:
        phrases.append("falling snow")
        for _ in range(rng.randint(30, 90)):
            disc(draw, rng.uniform(0, CANVAS), rng.uniform(0, CANVAS), rng.uniform(1.5, 4), (245, 248, 252))
    return image, [f"{rng.choice(LANDS[land][0])} {hour_words(hour, rng)}", *phrases]


def article_of(word: str) -> str:
    """`a` or `an`."""
    return "an" if word[0] in "aeiou" else "a"


def _sky(rng: random.Random, hour: str, light: Light) -> tuple[Image.Image, list[str]]:
    top, bottom, phrases = light.top, light.bottom, []
    if rng.random() < 0.25:
        name = rng.choice(list(SKY_COLOURS))
        paint = shade(SKY_COLOURS[name], 0.35 if hour == "night" else 1.0)
        top, bottom = blend(top, paint, 0.75), blend(bottom, paint, 0.6)
        phrases.append(f"a {name} sky")
    return gradient(jitter(rng, top, 22), jitter(rng, bottom, 22), rng.uniform(-0.6, 0.6)), phrases


def _heavens(rng: random.Random, image: Image.Image, draw: ImageDraw.ImageDraw, hour: str, horizon: float) -> list[str]:
    phrases = []
    if hour == "night" and rng.random() < 0.6:
        phrases.append("stars")
        for _ in range(rng.randint(15, 60)):
            disc(draw, rng.uniform(0, CANVAS), rng.uniform(0, horizon * CANVAS), rng.uniform(1.2, 3.2), (250, 245, 215))
    if rng.random() < 0.75:
        phrases.append(_sun_or_moon(rng, image, draw, hour, horizon))
    if rng.random() < 0.45:
        phrases.append("clouds")
        white = {"night": (60, 68, 100), "sunset": (255, 175, 130), "dawn": (255, 228, 222), "noon": (248, 250, 252)}[
            hour
        ]
        for _ in range(rng.randint(1, 5)):
            _cloud(rng, draw, rng.uniform(0, CANVAS), rng.uniform(0.05, horizon * 0.85) * CANVAS, jitter(rng, white))
    return phrases


def _sun_or_moon(rng: random.Random, image: Image.Image, draw: ImageDraw.ImageDraw, hour: str, horizon: float) -> str:
    place = rng.choice(list(PLACES))
    x = (PLACES[place] + rng.uniform(-0.11, 0.11)) * CANVAS
    large = rng.random() < 0.35
    radius = rng.uniform(0.14, 0.2) * CANVAS if large else rng.uniform(0.07, 0.1) * CANVAS
    low = hour in ("dawn", "sunset") and rng.random() < 0.6
    y = (horizon if low else rng.uniform(0.12, max(0.14, horizon * 0.7))) * CANVAS
    size = "large " if large else rng.choice(("", "small "))
    if hour == "night":
        corner = (int(min(CANVAS - 1, max(0, x))), int(y))
        red, green, blue = image.crop((*corner, corner[0] + 1, corner[1] + 1)).tobytes()
        disc(draw, x, y, radius, jitter(rng, (242, 240, 215)))
        if rng.random() < 0.35:
            side = rng.choice((-1, 1))
            disc(draw, x + side * radius * 0.5, y - radius * 0.15, radius * 0.95, (red, green, blue))
            return f"a {size}crescent moon {place}"
        return f"a {size}moon {place}"
    colour = {"dawn": (255, 240, 190), "noon": (255, 245, 150), "sunset": (255, 95, 40)}[hour]
    if rng.random() < 0.4:
        disc(draw, x, y, radius * 1.5, blend(colour, LIGHTS[hour].bottom, 0.6))
    disc(draw, x, y, radius, jitter(rng, colour))
    return f"a {size}sun {place}"


def _cloud(rng: random.Random, draw: ImageDraw.ImageDraw, x: float, y: float, colour: Colour) -> None:
    size = rng.uniform(0.05, 0.12) * CANVAS
    for _ in range(rng.randint(3, 6)):
        offset = rng.uniform(-1.6, 1.6)
        disc(draw, x + offset * size, y + rng.uniform(-0.3, 0.3) * size, size * rng.uniform(0.5, 1.0), colour, 0.55)


def _horizon_words(rng: random.Random, horizon: float) -> list[str]:
    if rng.random() < 0.5 or 0.42 <= horizon <= 0.62:
        return []
    return ["a high horizon" if horizon < 0.42 else "a low horizon"]


def _objects(rng: random.Random, draw: ImageDraw.ImageDraw, land: str, light: Light, horizon: float) -> list[str]:
    kinds = {"sea": ["boat", "boat", "lighthouse"], "desert": ["cactus", "house", "tower"]}.get(
        land, ["house", "tree", "tree", "tower", "bridge"]
    )
    phrases = []
    for place in rng.sample(list(PLACES), rng.choice((0, 1, 1, 1, 1, 2, 2))):
        kind = rng.choice(kinds)
        large = rng.random() < 0.55
        size = rng.uniform(0.42, 0.6) if large else rng.uniform(0.24, 0.32)
        x = (PLACES[place] + rng.uniform(-0.1, 0.1)) * CANVAS
        y = min(0.97, horizon + rng.uniform(0.06, 0.3) + (0.08 if large else 0)) * CANVAS
        name = rng.choice(list(COLOURS))
        paint = lit(rng, COLOURS[name], light)
        word = things.draw_thing(rng, draw, kind, x, y, size * CANVAS, paint, light.strength, name)
        article = "a large" if large else rng.choice((article_of(word), "a small"))
        phrases.append(f"{article} {word} {place}")
    return phrases
