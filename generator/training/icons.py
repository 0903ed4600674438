"""The pictures of things: icons that other people drew and published under a free licence, rasterised and recoloured.

They come from the npm package `@iconify-json/fluent-emoji-flat` (MIT, Microsoft), which is unpacked into a folder
beside the project; nothing of it is kept here.
"""

from __future__ import annotations

import colorsys
import io
import json
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generator.training.world import COLOURS, Colour

HUE_REACH = 0.09
"""How far, in turns, a pixel's hue may lie from the main one to be painted with it."""


class Icons:
    """The icons of an unpacked package."""

    def __init__(self, folder: Path) -> None:
        """Read `icons.json`; FileNotFoundError where the folder is not the package."""
        known = json.loads((folder / "icons.json").read_text(encoding="utf-8"))
        self._bodies = {name: icon["body"] for name, icon in known["icons"].items()}
        self._side = known.get("height", 16)
        self.picture = cache(self._picture)

    def _picture(self, name: str, side: int, colour: str | None) -> Image.Image:
        """RGBA of `side` by `side` pixels, its main colour moved to a named one unless that is None."""
        view = f'viewBox="0 0 {self._side} {self._side}"'
        drawing = f'<svg xmlns="http://www.w3.org/2000/svg" {view}>{self._bodies[name]}</svg>'
        png = import_module("resvg_py").svg_to_bytes(svg_string=drawing, width=side, height=side)
        image = Image.open(io.BytesIO(bytes(png))).convert("RGBA")
        return image if colour is None else repaint(image, COLOURS[colour])


def repaint(image: Image.Image, colour: Colour) -> Image.Image:
    """The image with its most frequent hue moved to the colour's; light and dark parts stay lighter and darker."""
    pixels = np.asarray(image)
    hue, strength, light = np.moveaxis(np.asarray(image.convert("RGB").convert("HSV"), np.float32) / 255, 2, 0)
    coloured = (strength > 0.3) & (pixels[..., 3] > 128)
    bins, edges = np.histogram(hue[coloured], 24, (0, 1))
    main = float(edges[bins.argmax()]) + 1 / 48
    distance = np.abs((hue - main + 0.5) % 1 - 0.5)
    meant = (distance < HUE_REACH) & (strength > 0.3)
    usual_strength, usual_light = np.median(strength[meant & coloured]), np.median(light[meant & coloured])
    wanted = colorsys.rgb_to_hsv(*(channel / 255 for channel in colour))
    moved = _layers(
        np.full_like(hue, wanted[0]),
        np.clip(wanted[1] * strength / usual_strength, 0, 1),
        np.clip(wanted[2] * light / usual_light, 0, 1),
    )
    rgb = np.where(meant[..., None], moved, pixels[..., :3])
    return Image.fromarray(np.dstack([rgb, pixels[..., 3]]).astype(np.uint8), "RGBA")


def _layers(*channels: NDArray[np.float32]) -> NDArray[np.uint8]:
    layers = (np.stack(channels, axis=2) * 255).round().astype(np.uint8)
    return np.asarray(Image.fromarray(layers, "HSV").convert("RGB"))
