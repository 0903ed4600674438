"""Composes one to three things into a picture and says in words what it shows.

Things stand on a grid of 8 pixels and have one of three sizes. A latent stands for 8 by 8 pixels, so the same thing
has nearly the same latents wherever it stands, which is what makes so small a model learn it.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

from PIL import Image

from generator.training.grounds import paint_ground
from generator.training.icons import Icons
from generator.training.world import BY_NAME, COLOURS, GROUNDS, HOURS, PLACES, THINGS, WALLS

CELL = 8
"""Pixels of the grid, as many as a latent stands for."""

LARGE, MIDDLE, SMALL = 80, 56, 40
"""Sides of a thing in pixels: alone, beside another, small or one of three."""

COLUMNS: dict[int, dict[str, tuple[int, ...]]] = {
    LARGE: {"left": (0,), "centre": (3,), "right": (6,)},
    MIDDLE: {"left": (0, 1), "right": (8, 9)},
    SMALL: {"left": (0,), "centre": (5, 6), "right": (11,)},
}
"""The cells at which a thing may begin from the left."""

ROWS: dict[int, tuple[int, int]] = {LARGE: (3, 4), MIDDLE: (4, 7), SMALL: (5, 9)}
"""The cell at which a thing begins from the top: before a wall, and on a land or table."""

OPENINGS = ("", "", "", "a picture of ", "a drawing of ", "an illustration of ")
HELD_OUT_OF = 10
"""One combination in so many is never learned from."""


@dataclass(frozen=True)
class Item:
    """A thing of a picture."""

    thing: str
    place: str
    colour: str | None = None
    """None leaves the thing's own colour."""


@dataclass(frozen=True)
class Composition:
    """What a picture shows; `items` from left to right."""

    items: tuple[Item, ...]
    ground: str
    hour: str = "noon"
    small: bool = False
    """Whether a thing that is alone is small."""


@dataclass(frozen=True)
class Scene:
    """One picture of the training set, RGB of 128 by 128 pixels, and what it shows."""

    composition: Composition
    caption: str
    image: Image.Image


def draw_scene(icons: Icons, seed: int, *, held_out: bool = False) -> Scene:
    """The scene of a seed, of those that are learned from or of those that never are."""
    composition, sentence = ask(seed, held_out=held_out)
    return Scene(composition, sentence, draw(random.Random(seed), icons, composition))


def ask(seed: int, *, held_out: bool = False) -> tuple[Composition, str]:
    """What the scene of a seed shows, and its caption."""
    rng = random.Random(seed)
    composition = compose(rng)
    while is_held_out(composition) != held_out:
        composition = compose(rng)
    return composition, caption(rng, composition)


def compose(rng: random.Random) -> Composition:
    """One to three different things on a ground that hides none of them."""
    count = rng.choices((1, 2, 3), (50, 35, 15))[0]
    places = {1: [rng.choice(list(PLACES))], 2: ["left", "right"], 3: list(PLACES)}[count]
    ground = rng.choice(list(WALLS) if rng.random() < 0.4 else [name for name in GROUNDS if name not in WALLS])
    colours = [None, *(name for name in COLOURS if name != ground)]
    items = []
    for thing, place in zip(rng.sample(THINGS, count), places, strict=True):
        colour = rng.choice(colours) if thing.paintable else None
        items.append(Item(thing.words[0], place, colour))
    hour = rng.choice(list(HOURS)) if GROUNDS[ground].has_hours else "noon"
    return Composition(tuple(items), ground, hour, count == 1 and rng.random() < 0.25)


def is_held_out(composition: Composition) -> bool:
    """Whether the things with their places and colours, or one of them on its ground, are kept for the examination."""
    together = "+".join(f"{item.colour} {item.thing} {item.place}" for item in composition.items)
    alone = [f"{item.colour} {item.thing} {composition.ground}" for item in composition.items]
    return any(hashlib.sha256(key.encode()).digest()[0] % HELD_OUT_OF == 0 for key in (together, *alone))


def caption(rng: random.Random, composition: Composition) -> str:
    """A true sentence in one of many forms; a detail that the picture would have anyway may be left out."""
    named = [_named(rng, item, composition) for item in composition.items]
    if _places_are_said(rng, composition):
        places = [_word(rng, PLACES[item.place]) for item in composition.items]
        named = [f"{name} {place}" for name, place in zip(named, places, strict=True)]
        rng.shuffle(named)
    joined = ", ".join(named[:-1]) + f" and {named[-1]}" if len(named) > 1 else named[0]
    around = _around(rng, composition)
    if around and rng.random() < 0.2:
        return f"{around}: {joined}"
    return f"{rng.choice(OPENINGS)}{joined}{rng.choice((' ', ', '))}{around}".rstrip(" ,")


def draw(rng: random.Random, icons: Icons, composition: Composition) -> Image.Image:
    """The picture of a composition."""
    image = paint_ground(rng, composition.ground, composition.hour)
    side = {1: SMALL if composition.small else LARGE, 2: MIDDLE, 3: SMALL}[len(composition.items)]
    row = ROWS[side][composition.ground not in WALLS]
    for item in composition.items:
        column = rng.choice(COLUMNS[side][item.place])
        thing = icons.picture(BY_NAME[item.thing].icon, side, item.colour)
        image.paste(thing, (column * CELL, row * CELL), thing)
    return image


def _named(rng: random.Random, item: Item, composition: Composition) -> str:
    words = [_word(rng, BY_NAME[item.thing].words)]
    words = [word for word in (item.colour, *words) if word]
    if composition.small:
        words.insert(0, rng.choice(("small", "little", "tiny")))
    elif len(composition.items) == 1 and rng.random() < 0.2:
        words.insert(0, rng.choice(("large", "big")))
    article = "" if words[-1] in ("cherries", "bananas", "cattle") else "an " if words[0][0] in "aeiou" else "a "
    return article + " ".join(words)


def _places_are_said(rng: random.Random, composition: Composition) -> bool:
    """Things that are not told where to be stand from left to right, and one alone in the centre."""
    if len(composition.items) > 1:
        return rng.random() < 0.6
    return composition.items[0].place != "centre" or rng.random() < 0.3


def _around(rng: random.Random, composition: Composition) -> str:
    parts = []
    if composition.ground != "white" or rng.random() < 0.6:
        parts.append(_word(rng, GROUNDS[composition.ground].words))
    if GROUNDS[composition.ground].has_hours and (composition.hour != "noon" or rng.random() < 0.5):
        parts.append(_word(rng, HOURS[composition.hour]))
    rng.shuffle(parts)
    return rng.choice((" ", ", ")).join(parts)


def _word(rng: random.Random, words: tuple[str, ...]) -> str:
    """Most often the plainest."""
    return words[0] if rng.random() < 0.6 else rng.choice(words)
