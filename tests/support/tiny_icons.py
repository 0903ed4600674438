"""A package of icons in place of the one that the default model learns from: each thing a disc of its own colour."""

from __future__ import annotations

import colorsys
import json
from pathlib import Path

from generator.training.world import THINGS


def write_icons(folder: Path) -> Path:
    """The folder, with an `icons.json` that names every thing of the world."""
    icons = {}
    for number, thing in enumerate(THINGS):
        red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(number / len(THINGS), 0.9, 0.9))
        icons[thing.icon] = {"body": f'<circle cx="16" cy="16" r="14" fill="#{red:02x}{green:02x}{blue:02x}"/>'}
    (folder / "icons.json").write_text(json.dumps({"icons": icons, "height": 32}), encoding="utf-8")
    return folder
