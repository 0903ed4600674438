"""Corners of many pictures in the order of their cells, so that those like a brought corner are found without a scan.

A cell is the first 24 bits of a descriptor; ORB's tests are ordered so that the first ones are the most even and the
least alike. Two pictures' views of one corner differ in a tenth of the bits or so, so their cells are the same or one
bit apart for three in ten, which of a hundred corners is plenty. Nothing here is trained or drawn by chance, so what is
found depends on nothing but which corners there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

CELL_BITS = 24
ALIKE_BITS = 48
"""Up to so many bits of 256 two descriptors are taken for views of one corner."""
CELL_MAX = 4_096
"""Corners in a cell beyond which it tells nothing, as a frequent word does not; it bounds the work, too."""
COMPARED_TOGETHER = 1 << 18

_PROBES = np.array([0, *(1 << bit for bit in range(CELL_BITS))], np.uint32)


@dataclass(frozen=True)
class CornerSegment:
    """Corners in the order of cells, and within a cell in the order in which they came."""

    cells: NDArray[np.uint32]
    """Of shape (n,)."""
    descriptors: NDArray[np.uint8]
    """Of shape (n, 32)."""
    numbers: NDArray[np.uint32]
    """Whose each is, of shape (n,)."""

    def __len__(self) -> int:
        return len(self.cells)


def segment_of(descriptors: NDArray[np.uint8], numbers: NDArray[np.uint32]) -> CornerSegment:
    """Put corners in order."""
    cells = cells_of(descriptors)
    order = np.argsort(cells, kind="stable")
    return CornerSegment(cells[order], descriptors[order], numbers[order])


def merged(one: CornerSegment, other: CornerSegment) -> CornerSegment:
    """Both together."""
    cells = np.concatenate([one.cells, other.cells])
    order = np.argsort(cells, kind="stable")
    descriptors = np.concatenate([one.descriptors, other.descriptors])[order]
    return CornerSegment(cells[order], descriptors, np.concatenate([one.numbers, other.numbers])[order])


def alike(segment: CornerSegment, asked: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Which asked descriptor (n, 32) is like a corner of which picture: (m, 2), number and asked, each once."""
    cells = cells_of(asked)[:, None] ^ _PROBES[None]
    from_ = np.searchsorted(segment.cells, cells.ravel(), "left")
    counts = np.searchsorted(segment.cells, cells.ravel(), "right") - from_
    counts[counts > CELL_MAX] = 0
    asking = np.repeat(np.arange(len(asked)), len(_PROBES))
    kept = counts > 0
    found = [np.zeros((0, 2), np.int64)]
    for part in _parts(counts[kept]):
        found.append(_alike(segment, asked, from_[kept][part], counts[kept][part], asking[kept][part]))
    return np.unique(np.concatenate(found), axis=0)


def cells_of(descriptors: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The cell of each descriptor, of shape (n,)."""
    first = descriptors[:, :3].astype(np.uint32)
    return np.asarray(first[:, 0] << 16 | first[:, 1] << 8 | first[:, 2], np.uint32)


def _parts(counts: NDArray[np.intp]) -> list[slice]:
    """Runs of cells that have about COMPARED_TOGETHER corners each."""
    ends = np.cumsum(counts)
    marks = np.arange(COMPARED_TOGETHER, int(ends[-1]) if len(ends) else 0, COMPARED_TOGETHER)
    edges = [0, *(int(cut) for cut in np.unique(np.searchsorted(ends, marks))), len(counts)]
    return [slice(one, other) for one, other in pairwise(edges) if other > one]


def _alike(
    segment: CornerSegment,
    asked: NDArray[np.uint8],
    from_: NDArray[np.intp],
    counts: NDArray[np.intp],
    asking: NDArray[np.intp],
) -> NDArray[np.int64]:
    """The same for the corners of some cells: from where in the segment, how many, and who asks."""
    places = np.repeat(from_ - np.cumsum(counts) + counts, counts) + np.arange(int(counts.sum()))
    who = np.repeat(asking, counts)
    apart = segment.descriptors[places].view(np.uint64) ^ asked[who].view(np.uint64)
    near = np.bitwise_count(apart).sum(axis=1, dtype=np.uint16) <= ALIKE_BITS
    return np.stack([segment.numbers[places[near]].astype(np.int64), who[near]], axis=1)
