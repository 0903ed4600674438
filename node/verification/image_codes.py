"""All recorded image codes, searched for those near another: every one is looked at, so none is missed.

They lie in memory as they come, 64 bytes with the asset's id, and are searched in pieces, so that the event loop is not
held up: a million codes are compared with twenty in some 40 ms altogether.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from node.verification.code_index import near_codes

BITS = 256
PIECE = 65_536
"""Codes that are searched together: about 2 ms with twenty codes."""
CODE_BYTES = ID_BYTES = 32

Codes = NDArray[np.uint8]


class ImageCodes:
    """Codes with their assets, in the order of recording."""

    def __init__(self) -> None:
        self._codes: Codes = np.zeros((PIECE, CODE_BYTES), np.uint8)
        self._assets = bytearray()

    def __len__(self) -> int:
        return len(self._assets) // ID_BYTES

    def add(self, code: bytes, asset: str) -> None:
        """Take the code of an asset, 32 bytes."""
        if len(self) == len(self._codes):
            self._codes = np.concatenate([self._codes, np.zeros_like(self._codes)])
        self._codes[len(self)] = np.frombuffer(code, np.uint8)
        self._assets += bytes.fromhex(asset)

    def near(self, asked: Codes, within: int, most: int) -> Iterator[list[tuple[int, str]]]:
        """The `most` nearest to any of some codes (n, 32) within a distance, as (distance, asset): the nearest first,
        of equals the oldest.

        Answers after every piece of work with the nearest so far; the last answer is the whole one. Codes that are
        added meanwhile may be among them.
        """
        best = np.zeros((0, 2), np.int64)
        start = 0
        while start < len(self) or start == 0:
            found = near_codes(asked, self._codes[start : min(start + PIECE, len(self))], within)
            found[:, 1] += start
            best = _nearest(np.concatenate([best, found]), most)
            start += PIECE
            yield [(int(distance), self._asset(int(place))) for distance, place in best]

    def _asset(self, place: int) -> str:
        return self._assets[place * ID_BYTES : (place + 1) * ID_BYTES].hex()


def _nearest(found: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Each place once, with its least distance; the nearest, and of equals the first."""
    ordered = found[np.lexsort((found[:, 1], found[:, 0]))]
    _, first = np.unique(ordered[:, 1], return_index=True)
    return ordered[np.sort(first)[:most]]
