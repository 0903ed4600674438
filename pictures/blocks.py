"""The blocks of a page: rectangles that stand apart from what is around them by strips of one colour.

A recorded picture often comes within something else: between the bars of a meme, as one of a collage, in a telephone's
feed. Each block of such a page is a picture to ask with, as the whole of another one is.
Source: Nagy, Seth: Hierarchical representation of optically scanned documents (the X-Y cut), 1984.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

BLOCKS_MAX = 8
"""The largest ones."""
AREA_LEAST = 0.04
"""Of the whole."""
SIDE_LEAST = 16
"""Pixels."""

_TOLERANCE = 20
"""Levels by which the pixels of a strip may differ: a JPEG makes rings around what is next to it."""
_DEPTH_MAX = 6

Block = tuple[int, int, int, int]
"""Left, upper, right and lower edge in pixels."""


def blocks_of(rgb: NDArray[np.uint8]) -> tuple[Block, ...]:
    """The blocks of a picture of shape (height, width, 3), the largest first; none if nothing stands apart in it."""
    height, width = rgb.shape[:2]
    whole = 0, 0, width, height
    found = [block for block in _cut(rgb, whole, _DEPTH_MAX) if _area(block) >= AREA_LEAST * height * width]
    return tuple(sorted(found, key=lambda block: (-_area(block), block))[:BLOCKS_MAX]) if found != [whole] else ()


def _cut(rgb: NDArray[np.uint8], block: Block, depth: int) -> list[Block]:
    """A block, or the blocks that it falls apart into."""
    left, top, right, bottom = block
    if min(right - left, bottom - top) < SIDE_LEAST or not depth:
        return [block]
    inside = rgb[top:bottom, left:right]
    rows = [(left, top + one, right, top + end) for one, end in _runs(_spread(inside, 1))]
    if rows != [block]:
        return [each for row in rows for each in _cut(rgb, row, depth - 1)]
    columns = [(left + one, top, left + end, bottom) for one, end in _runs(_spread(inside, 0))]
    return [each for column in columns for each in _cut(rgb, column, depth - 1)] if columns != [block] else [block]


def _spread(inside: NDArray[np.uint8], axis: int) -> NDArray[np.uint8]:
    """By how many levels the pixels of each row or column differ, in the channel where they do most."""
    most, least = (cv2.reduce(inside, axis, kind) for kind in (cv2.REDUCE_MAX, cv2.REDUCE_MIN))
    return np.asarray((most - least).reshape(-1, 3).max(axis=1), np.uint8)


def _runs(spread: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Where there is something: from and to, of all runs without a strip of one colour between."""
    busy = np.concatenate([[False], spread > _TOLERANCE, [False]])
    edges = np.flatnonzero(busy[1:] != busy[:-1])
    return [(int(one), int(end)) for one, end in edges.reshape(-1, 2)]


def _area(block: Block) -> int:
    return (block[2] - block[0]) * (block[3] - block[1])
