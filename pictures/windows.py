"""Parts of a picture, each with an ISCC Image-Code of its own, so that what was cut out of it is found again.

A code sees a whole picture and nothing else, so a crop of a twentieth has another one. Whoever records a picture keeps
the codes of 113 windows of it, 3.6 kB, and whoever brings one asks with its whole, turned and mirrored in eight ways:
one of them lies near the window that was cut out. A window need not fit exactly; half a step of the grid beside it the
codes still agree in more bits than those of different pictures do.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from itertools import product

import cv2
import iscc_lib
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pictures.blocks import BLOCKS_MAX, blocks_of
from pictures.reduction import Reduction

CODE_BYTES = 32
LUMA_SIDE = 32
"""What a code is computed of: so many pixels of luma a side."""
ORIENTATIONS = 8
TILTS = (-4.0, 4.0)
"""Degrees: a horizon is put right by a few, and a code still holds two degrees beside."""
TRIM_TOLERANCE = 16
TRIM_PASSES_MAX = 16

ASKS_FOR_WINDOWS = ORIENTATIONS + len(TILTS)
"""The first of the ways to ask are for windows too."""
ASKS_MAX = ASKS_FOR_WINDOWS + 2 + BLOCKS_MAX

Part = tuple[float, float, float, float]
"""Left, upper, right and lower edge, in pixels of a reduction."""
Codes = NDArray[np.uint8]
"""Image-Codes, of shape (n, CODE_BYTES)."""
Luma = NDArray[np.uint8]
"""Of shape (LUMA_SIDE, LUMA_SIDE)."""

_WORKED_SIDE = 256
"""Windows are cut out of so many pixels of the longer side: a quarter of the work, and at most a few bits."""


def _fractions() -> tuple[Part, ...]:
    """The windows but the first, in fractions of both sides."""
    grids = [(scale, 3) for scale in (0.95, 0.9, 0.85, 0.8, 0.75)] + [(0.7, 5), (0.6, 3)]
    both = [(scale, across, down, steps) for scale, steps in grids for across, down in product(range(steps), repeat=2)]
    placed = [_placed(scale, scale, across / (steps - 1), down / (steps - 1)) for scale, across, down, steps in both]
    one_side = [
        _placed(*sides, *place)
        for scale in (0.95, 0.9, 0.85, 0.8, 0.7)
        for sides, place in (
            ((scale, 1.0), (0.0, 0.0)),
            ((scale, 1.0), (1.0, 0.0)),
            ((1.0, scale), (0.0, 0.0)),
            ((1.0, scale), (0.0, 1.0)),
        )
    ]
    middle = [_placed(*sides, 0.5, 0.5) for scale in (0.9, 0.8, 0.7, 0.6) for sides in ((scale, 1.0), (1.0, scale))]
    corners = [_placed(0.5, 0.5, *place) for place in product((0.0, 1.0), repeat=2)]
    return ((0.0, 0.0, 1.0, 1.0), *placed, *one_side, *middle, *corners)


def _placed(width: float, height: float, across: float, down: float) -> Part:
    left, top = (1 - width) * across, (1 - height) * down
    return left, top, left + width, top + height


_FRACTIONS = _fractions()
WINDOWS = 1 + len(_FRACTIONS)
WHOLES = 2
"""The first window is the picture without its borders, the second all of it."""


@dataclass(frozen=True)
class AskedPart:
    """One way to look a brought picture up: a part of it, turned and mirrored."""

    part: Part
    """In pixels of the reduction, after it was turned by `tilt`."""
    orientation: int
    """One of `ORIENTATIONS`, see `turned`."""
    tilt: float
    """Degrees by which the picture was turned clockwise around its middle before."""
    wholes_only: bool
    """Whether it is asked for wholes only: it is of a block, or of another idea of where the border ends."""
    code: NDArray[np.uint8]
    """Of shape (CODE_BYTES,)."""


def windows_of(reduction: Reduction) -> tuple[Part, ...]:
    """Where the windows of a picture lie."""
    height, width = reduction.grey.shape
    parts = ((left * width, top * height, right * width, bottom * height) for left, top, right, bottom in _FRACTIONS)
    return (trimmed(reduction), *parts)


def window_codes(reduction: Reduction) -> Codes:
    """The codes of all windows, of shape (WINDOWS, CODE_BYTES), in the order of `windows_of`."""
    small = _worked(reduction)
    across, down = small.width / reduction.grey.shape[1], small.height / reduction.grey.shape[0]
    parts = (_scaled(part, across, down) for part in windows_of(reduction))
    return np.stack([code_of(_luma(small, part)) for part in parts])


def asks_of(reduction: Reduction) -> tuple[AskedPart, ...]:
    """The ways to look a picture up: at most ASKS_MAX, those for windows and wholes first."""
    whole = (0.0, 0.0, float(reduction.grey.shape[1]), float(reduction.grey.shape[0]))
    part, outer = trimmed(reduction), trimmed(reduction, passes=1)
    blocks = [
        (float(left), float(top), float(right), float(bottom)) for left, top, right, bottom in blocks_of(reduction.rgb)
    ]
    grey, small = Image.fromarray(reduction.grey), _worked(reduction)
    luma = _luma(grey, part)
    asked = [_asked(part, turned(luma, number), orientation=number) for number in range(ORIENTATIONS)]
    asked += [_tilted(small, whole, tilt) for tilt in TILTS]
    others = [other for other in dict.fromkeys([whole, outer, *blocks]) if other != part]
    return (*asked, *(_asked(other, _luma(grey, other), wholes_only=True) for other in others))


def code_of(luma: Luma) -> NDArray[np.uint8]:
    """The 256 bits of an ISCC Image-Code, of shape (CODE_BYTES,)."""
    code = str(iscc_lib.gen_image_code_v0(luma.tobytes(), 8 * CODE_BYTES).iscc)
    return np.frombuffer(base64.b32decode(code.removeprefix("ISCC:") + "=")[2:], np.uint8)


def turned(luma: Luma, orientation: int) -> Luma:
    """Mirrored left to right if the orientation is odd, after turning it left by a quarter for each two of it."""
    quarter = np.rot90(luma, orientation // 2)
    return np.ascontiguousarray(quarter[:, ::-1] if orientation % 2 else quarter)


def bits_apart(one: Codes, other: Codes) -> NDArray[np.uint16]:
    """In how many bits each code of one array differs from each of another, of shape (len(one), len(other))."""
    words = np.ascontiguousarray(one).view(np.uint64)[:, None] ^ np.ascontiguousarray(other).view(np.uint64)[None]
    return np.asarray(np.bitwise_count(words).sum(axis=2, dtype=np.uint16), np.uint16)


def trimmed(reduction: Reduction, passes: int = TRIM_PASSES_MAX) -> Part:
    """A picture without its nearly uniform borders (IEP-0020); a cut on one side only must be flat, so skies stay."""
    height, width = reduction.grey.shape
    part = 0, 0, width, height
    for _ in range(passes):
        inner = _border(reduction.rgb, part, TRIM_TOLERANCE)
        if inner is None or inner == part:
            break
        sides = sum(one != other for one, other in zip(inner, part, strict=True))
        if sides == 1 and _border(reduction.rgb, part, TRIM_TOLERANCE // 2) != inner:
            break
        part = inner
    return float(part[0]), float(part[1]), float(part[2]), float(part[3])


def _border(
    rgb: NDArray[np.uint8], part: tuple[int, int, int, int], tolerance: int
) -> tuple[int, int, int, int] | None:
    """What holds all pixels that differ from the upper left one by more than the tolerance in any channel."""
    left, top, right, bottom = part
    corner = rgb[top, left].astype(np.int16)
    other = cv2.inRange(rgb[top:bottom, left:right], corner - tolerance, corner + tolerance) == 0
    rows, columns = np.flatnonzero(other.any(axis=1)), np.flatnonzero(other.any(axis=0))
    if not len(rows):
        return None
    return left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1


def _asked(part: Part, luma: Luma, *, orientation: int = 0, tilt: float = 0.0, wholes_only: bool = False) -> AskedPart:
    return AskedPart(part, orientation, tilt, wholes_only, code_of(luma))


def _tilted(small: Image.Image, whole: Part, tilt: float) -> AskedPart:
    inner = _inscribed(whole, tilt)
    shown = _scaled(inner, small.width / whole[2], small.height / whole[3])
    return _asked(inner, _luma(small.rotate(-tilt, Image.Resampling.BILINEAR), shown), tilt=tilt)


def _worked(reduction: Reduction) -> Image.Image:
    """The luma of a picture with at most _WORKED_SIDE pixels of a side."""
    grey = Image.fromarray(reduction.grey)
    scale = min(1.0, _WORKED_SIDE / max(grey.size))
    sides = max(1, round(grey.width * scale)), max(1, round(grey.height * scale))
    return grey.resize(sides, Image.Resampling.BOX) if scale < 1 else grey


def _scaled(part: Part, across: float, down: float) -> Part:
    return part[0] * across, part[1] * down, part[2] * across, part[3] * down


def _inscribed(whole: Part, tilt: float) -> Part:
    """The part of the same sides' ratio that is still full after a picture was turned around its middle."""
    width, height = whole[2], whole[3]
    ratio = max(width, height) / min(width, height)
    part = 1 / (math.cos(math.radians(tilt)) + abs(math.sin(math.radians(tilt))) * ratio)
    left, top, right, bottom = _placed(part, part, 0.5, 0.5)
    return _scaled((left, top, right, bottom), width, height)


def _luma(grey: Image.Image, part: Part) -> Luma:
    left, top, right, bottom = part
    part = left, top, min(right, float(grey.width)), min(bottom, float(grey.height))
    return np.asarray(grey.resize((LUMA_SIDE, LUMA_SIDE), Image.Resampling.BICUBIC, part))
