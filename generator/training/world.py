"""What the default model can be asked for: things, their colours and places, the grounds they stand on and the hours.

Everything else follows from these tables: the drawings, their captions, the judge and `world.json` in the model folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Thing:
    """One kind of thing; the name of its icon in the package of icons, and what people call it."""

    icon: str
    words: tuple[str, ...]
    """The first is the thing's name, the others mean the same."""
    paintable: bool = False
    """Whether it has one main colour, which can be another."""


@dataclass(frozen=True)
class Ground:
    """What is behind and under the things."""

    words: tuple[str, ...]
    has_hours: bool = False


THINGS = (
    Thing("black-cat", ("cat", "kitten")),
    Thing("dog", ("dog", "puppy")),
    Thing("horse", ("horse", "pony")),
    Thing("cow-face", ("cow", "cattle")),
    Thing("pig", ("pig", "piglet")),
    Thing("rabbit-face", ("rabbit", "bunny", "hare")),
    Thing("fox", ("fox",)),
    Thing("lion", ("lion",)),
    Thing("elephant", ("elephant",)),
    Thing("giraffe", ("giraffe",)),
    Thing("penguin", ("penguin",)),
    Thing("owl", ("owl",)),
    Thing("duck", ("duck", "mallard")),
    Thing("fish", ("fish",), True),
    Thing("whale", ("whale",)),
    Thing("crab", ("crab",)),
    Thing("turtle", ("turtle", "tortoise")),
    Thing("butterfly", ("butterfly",)),
    Thing("red-apple", ("apple",), True),
    Thing("pear", ("pear",)),
    Thing("lemon", ("lemon",)),
    Thing("banana", ("banana", "bananas")),
    Thing("pineapple", ("pineapple",)),
    Thing("strawberry", ("strawberry",)),
    Thing("cherries", ("cherries", "cherry")),
    Thing("watermelon", ("watermelon", "slice of watermelon")),
    Thing("carrot", ("carrot",)),
    Thing("mushroom", ("mushroom", "toadstool"), True),
    Thing("hamburger", ("hamburger", "burger")),
    Thing("pizza", ("pizza", "slice of pizza")),
    Thing("doughnut", ("doughnut", "donut")),
    Thing("birthday-cake", ("cake", "birthday cake")),
    Thing("soft-ice-cream", ("ice cream", "ice cream cone")),
    Thing("teapot", ("teapot", "kettle"), True),
    Thing("automobile", ("car", "automobile"), True),
    Thing("bus", ("bus", "coach")),
    Thing("tractor", ("tractor",), True),
    Thing("locomotive", ("train", "locomotive", "steam engine")),
    Thing("bicycle", ("bicycle", "bike")),
    Thing("airplane", ("airplane", "aeroplane", "plane")),
    Thing("helicopter", ("helicopter",)),
    Thing("rocket", ("rocket", "spaceship")),
    Thing("sailboat", ("sailboat", "sailing boat", "boat")),
    Thing("ship", ("ship", "steamer")),
    Thing("deciduous-tree", ("tree", "oak")),
    Thing("evergreen-tree", ("fir", "pine", "fir tree", "pine tree")),
    Thing("palm-tree", ("palm", "palm tree")),
    Thing("cactus", ("cactus",)),
    Thing("sunflower", ("sunflower",)),
    Thing("tulip", ("tulip", "flower"), True),
    Thing("rose", ("rose",)),
    Thing("house", ("house", "cottage", "home")),
    Thing("castle", ("castle",)),
    Thing("church", ("church", "chapel")),
    Thing("tent", ("tent",), True),
    Thing("guitar", ("guitar", "electric guitar"), True),
    Thing("trumpet", ("trumpet",)),
    Thing("drum", ("drum",)),
    Thing("key", ("key",)),
    Thing("candle", ("candle",)),
    Thing("alarm-clock", ("clock", "alarm clock")),
    Thing("camera", ("camera",)),
    Thing("closed-book", ("book",), True),
    Thing("umbrella", ("umbrella",), True),
    Thing("top-hat", ("hat", "top hat")),
    Thing("t-shirt", ("shirt", "t-shirt"), True),
    Thing("balloon", ("balloon",), True),
    Thing("teddy-bear", ("teddy bear", "teddy")),
    Thing("soccer-ball", ("ball", "football", "soccer ball")),
    Thing("wrapped-gift", ("present", "gift")),
    Thing("chair", ("chair",)),
    Thing("crown", ("crown",)),
    Thing("sun", ("sun",)),
    Thing("crescent-moon", ("moon", "crescent moon")),
    Thing("star", ("star",)),
    Thing("snowman-without-snow", ("snowman",)),
    Thing("heart-suit", ("heart",), True),
    Thing("robot", ("robot",)),
)

COLOURS: dict[str, Colour] = {
    "red": (240, 50, 45),
    "yellow": (250, 205, 40),
    "green": (45, 175, 80),
    "blue": (35, 120, 240),
    "purple": (130, 75, 190),
    "pink": (250, 125, 185),
}
"""What a colour word means for a thing that can be painted."""

WALLS: dict[str, Colour] = {
    "white": (246, 246, 244),
    "grey": (150, 154, 160),
    "black": (32, 32, 36),
    "red": (205, 95, 90),
    "yellow": (248, 226, 140),
    "green": (150, 205, 150),
    "blue": (150, 195, 240),
    "purple": (178, 150, 215),
    "pink": (248, 196, 216),
}
"""What a colour word means for a plain background: softer, so that things stand out."""

GROUNDS: dict[str, Ground] = {
    "meadow": Ground(("in a meadow", "on the grass", "in a field"), True),
    "sea": Ground(("at sea", "on the sea", "on the water"), True),
    "desert": Ground(("in the desert", "on the sand", "in a sandy desert"), True),
    "snow": Ground(("in the snow", "in winter", "on a snowy field"), True),
    "mountains": Ground(("in the mountains", "before mountains", "in front of mountains"), True),
    "table": Ground(("on a table", "on a wooden table")),
    **{name: Ground((f"on a {name} background", f"before a {name} wall", f"on {name}")) for name in WALLS},
}

HOURS: dict[str, tuple[str, ...]] = {
    "noon": ("at noon", "by day", "on a sunny day"),
    "dawn": ("at dawn", "at sunrise", "in the morning"),
    "sunset": ("at sunset", "at dusk", "in the evening"),
    "night": ("at night", "by night", "at midnight"),
}
"""Each hour and its names; a picture whose caption names none is drawn by day."""

PLACES: dict[str, tuple[str, ...]] = {
    "left": ("on the left", "on the left side"),
    "centre": ("in the centre", "in the middle"),
    "right": ("on the right", "on the right side"),
}

BY_NAME = {thing.words[0]: thing for thing in THINGS}


def describe() -> dict[str, Any]:
    """The world as plain data, for `world.json`."""
    return {
        "things": {name: {"words": thing.words, "paintable": thing.paintable} for name, thing in BY_NAME.items()},
        "colours": list(COLOURS),
        "places": PLACES,
        "grounds": {name: {"words": ground.words, "hours": ground.has_hours} for name, ground in GROUNDS.items()},
        "hours": HOURS,
        "things_max": 3,
    }
