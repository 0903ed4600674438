"""Where in a picture the watermark lies: 288 patterns of low frequencies, drawn from a key that members share.

A picture is first made canonical: its luma (ITU-R BT.601), scaled to 256 x 256 whatever its sides, less its mean, under
a window that is 0 within 5 % of every edge. So a trimmed border, a crop or a turn of a few degrees takes nothing of
what is measured, once the picture lies where it lay. Of its cosine transform the coefficients 5 to 35 steps from the
origin are used: up to 17 waves across the picture, which survive in 40 pixels of a side.

A pattern is three of these coefficients at nearly one distance from the origin, with signs; which three, with which
signs, and how its lattice is shifted (`dither`), only the key tells. Source: Chen and Wornell, Quantization Index
Modulation, IEEE Trans. Inf. Theory 47 (2001), 4: spread-transform dither modulation.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from pictures.watermark_code import SIGNS, Floats

SIDE = 256
KEY_BYTES = 32

_NEAREST, _COEFFICIENTS = 5, 3
"""Steps from the origin where the used coefficients begin, and how many of them a pattern has."""
_RING = 16
"""Patterns whose coefficients are drawn from one ring."""
_FREE, _SLOPE = 0.05, 0.10
"""Parts of a side: where the window is 0, and over which it rises to 1."""
_PURPOSE = b"remarque/watermark/v1"

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Patterns:
    """What a key draws."""

    indices: npt.NDArray[np.int64]
    """Of each pattern's coefficients in a flat transform; shape (288, 3)."""
    signs: Floats
    """By which each is weighed, so that a pattern has length 1; shape (288, 3)."""
    dither: Floats
    """How far each pattern's lattice is shifted, in steps of it, from 0 to 1; shape (288,)."""

    def measured(self, luma: Floats) -> Floats:
        """How much of each pattern lies in a luma of any sides."""
        small = cv2.resize(luma, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        found = cv2.dct(np.asarray((small - small.mean()) * window(), np.float32)).ravel()
        return np.asarray((found[self.indices] * self.signs).sum(axis=1), np.float32)

    def drawn(self, amounts: Floats, width: int, height: int) -> Floats:
        """A luma of these sides with so much of each pattern, under the window once more."""
        flat = np.zeros(SIDE * SIDE, np.float32)
        flat[self.indices.ravel()] = (amounts[:, None] * self.signs).ravel()
        small = cv2.idct(flat.reshape(SIDE, SIDE)) * window()
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


@lru_cache(maxsize=64)
def patterns_of(key: bytes) -> Patterns:
    """The patterns of a key of 32 bytes. ValueError if it has another length."""
    if len(key) != KEY_BYTES:
        raise ValueError(f"a watermark's key has {KEY_BYTES} bytes, not {len(key)}")
    band = _band()
    drawn = _numbers(key, band.size + SIGNS * _COEFFICIENTS + 2 * SIGNS)
    shuffled = np.concatenate([ring[np.argsort(drawn[at : at + ring.size])] for at, ring in _rings(band)])
    drawn = drawn[band.size :]
    signs = np.where(drawn[: SIGNS * _COEFFICIENTS] >> 31, 1.0, -1.0) / np.sqrt(_COEFFICIENTS)
    drawn = drawn[SIGNS * _COEFFICIENTS :]
    order = np.argsort(drawn[:SIGNS])
    return Patterns(
        indices=shuffled.reshape(SIGNS, _COEFFICIENTS)[order],
        signs=signs.reshape(SIGNS, _COEFFICIENTS).astype(np.float32),
        dither=(drawn[SIGNS:] / 2.0**32).astype(np.float32),
    )


def luma_of(rgb: Pixels | Floats) -> Floats:
    """The luma of an array (h, w, 3), 0 to 255; shape (h, w)."""
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32, copy=False), cv2.COLOR_RGB2GRAY), np.float32)


@cache
def window() -> Floats:
    """By what each canonical pixel is weighed: 0 near the edges, 1 within."""
    across = (np.arange(SIDE) + 0.5) / SIDE
    rise = np.clip((np.minimum(across, 1 - across) - _FREE) / _SLOPE, 0, 1)
    slope = np.sin(rise * np.pi / 2) ** 2
    return np.asarray(np.outer(slope, slope), np.float32)


@cache
def _band() -> npt.NDArray[np.int64]:
    """The used coefficients of a flat transform, from the origin outwards; none along the axes, where borders are."""
    rows, columns = np.mgrid[1:SIDE, 1:SIDE]
    distance = np.hypot(rows, columns)
    outwards = np.argsort(distance, axis=None, kind="stable")
    outwards = outwards[distance.ravel()[outwards] >= _NEAREST][: SIGNS * _COEFFICIENTS]
    flat: npt.NDArray[np.int64] = (rows * SIDE + columns).ravel()[outwards]
    return flat


def _rings(band: npt.NDArray[np.int64]) -> list[tuple[int, npt.NDArray[np.int64]]]:
    size = _RING * _COEFFICIENTS
    return [(at, band[at : at + size]) for at in range(0, band.size, size)]


def _numbers(key: bytes, count: int) -> npt.NDArray[np.uint32]:
    """So many numbers of 32 bits out of a key, the same on every machine."""
    return np.frombuffer(hashlib.shake_256(_PURPOSE + key).digest(4 * count), ">u4").astype(np.uint32)
