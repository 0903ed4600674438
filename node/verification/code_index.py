"""All codes of recorded pictures, searched for those near a brought one: every code is looked at, so none is missed.

The same class holds the codes of wholes, one or two of a picture, and those of windows, 113 of it. To compare all of
eleven million codes with ten others takes faiss a tenth of a second on one core, so nothing cleverer is needed, and
the answer depends on nothing but what is in the index: not on the order of adding, nor on a structure that grew.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray

from node.verification.kept_rows import UNIT, KeptRows

SEARCHED_TOGETHER = 1 << 20
"""Codes that are searched in one piece: what is near in it is brought down to `most` before the next one."""

Codes = NDArray[np.uint8]

faiss.omp_set_num_threads(1)


class NearCode(NamedTuple):
    """A recorded picture one of whose codes is near."""

    bits: int
    """In how many of 256 the nearest of its codes differs from one that was asked."""
    number: int
    """The picture's place in the order of recording."""
    window: int
    """Which of its codes that is."""


class CodeIndex:
    """Codes of recorded pictures, so many of each. Used by one thread at a time."""

    def __init__(self, path: Path, codes_each: int) -> None:
        self._rows = KeptRows(path, codes_each)
        self._each = codes_each + 1

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def newest(self) -> int:
        """The greatest number that was added, -1 if there is none."""
        return self._rows.newest

    def add(self, number: int, codes: Codes) -> None:
        """Take a picture's codes, of shape (codes_each, 32). OSError if they cannot be kept."""
        self._rows.add(number, codes)

    def codes(self, row: int) -> Codes:
        """What was added as one of the rows, by its place in the order of adding; of shape (codes_each, 32)."""
        return self._rows.rows()[row, :-1]

    def near(self, asked: Codes, within: int, most: int) -> list[NearCode]:
        """The `most` pictures nearest to any of some codes (n, 32): the nearest first, of equals the first recorded."""
        numbers, units = self._rows.numbers(), self._rows.rows().reshape(-1, UNIT)
        together = max(1, SEARCHED_TOGETHER // self._each) * self._each
        best = np.zeros((0, 3), np.int64)
        for start in range(0, len(units), together):
            found = near_codes(np.ascontiguousarray(asked), units[start : start + together], within)
            rows, windows = np.divmod(found[:, 1] + start, self._each)
            own = windows < self._each - 1
            named = np.stack([found[:, 0], numbers[rows].astype(np.int64), windows], axis=1)[own]
            best = _best(np.concatenate([best, named]), most)
        return [NearCode(*(int(each) for each in row)) for row in best]

    def close(self) -> None:
        """Let go of its file."""
        self._rows.close()


def near_codes(asked: Codes, codes: Codes, within: int) -> NDArray[np.int64]:
    """Distance and place of each code that is within a distance of one that is asked, of shape (n, 2)."""
    result = faiss.RangeSearchResult(len(asked))
    pointers = (faiss.swig_ptr(asked), faiss.swig_ptr(codes))
    search = faiss.hamming_range_search  # type: ignore[attr-defined]  # of its C++ part, which its stubs leave out
    search(*pointers, len(asked), len(codes), within + 1, UNIT, result)
    count = int(faiss.rev_swig_ptr(result.lims, len(asked) + 1)[-1])
    if not count:
        return np.zeros((0, 2), np.int64)
    distances = faiss.rev_swig_ptr(result.distances, count).astype(np.int64)
    return np.stack([distances, faiss.rev_swig_ptr(result.labels, count)], axis=1)


def _best(found: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Of each picture its nearest code, and of those the nearest."""
    ordered = found[np.lexsort((found[:, 2], found[:, 1], found[:, 0]))]
    _, first = np.unique(ordered[:, 1], return_index=True)
    return ordered[np.sort(first)[:most]]
