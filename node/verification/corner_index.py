"""Recorded pictures that have corners in common with a brought one: those with most of them are looked at.

The rows in the file are the index's truth: whose corners, and where they lie. The order by cells is made of them: most
of it once, in a second file that is mapped into memory, and what came since in memory, in segments that double as a
binary counter counts. 100,000 pictures take 1.1 GB of rows and 1.2 GB of order on the disk; what of it is in memory is
the system's to decide.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from node.verification.corner_segments import CornerSegment, alike, merged, segment_of
from node.verification.kept_rows import UNIT, KeptRows
from pictures.features import FEATURES_BYTES_MAX, FEATURES_MAX, Features, packed, unpacked

ASKED_CORNERS_MAX = 400
"""Of each view of a brought picture, the first ones: the strongest of each size."""
VOTES_LEAST = 2
VOTE = 1 << 20
"""Parts of a vote, whole ones, so that their sum is the same in every order."""
SEALED_TOGETHER = 64
"""Pictures whose corners come into order together."""

_ROW_UNITS = -(-FEATURES_BYTES_MAX // UNIT) + 1
_HEAD = struct.Struct("<8sQQ")
_MAGIC = b"corners1"


class Voted(NamedTuple):
    """A recorded picture that has corners in common with a brought one."""

    votes: float
    """Each corner of the brought picture has one, and shares it out among the pictures that have its like: a corner
    that many have says little of any."""
    number: int
    """The picture's place in the order of recording."""


class CornerIndex:
    """The corners of recorded pictures. Used by one thread at a time."""

    def __init__(self, folder: Path) -> None:
        """Open or begin an index; puts all of it in order if much of it is not, which takes seconds."""
        self._rows = corner_rows(folder)
        self._ordered = folder / "corners.ordered"
        self._segments: list[CornerSegment] = []
        self._waiting = self._open_ordered()
        """The first row that is in no segment."""
        if 8 * (len(self._rows) - self._waiting) > len(self._rows) and len(self._rows) > SEALED_TOGETHER:
            self.put_in_order()

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def newest(self) -> int:
        """The greatest number that was added, -1 if there is none."""
        return self._rows.newest

    def add(self, number: int, features: Features) -> None:
        """Take a picture's corners. OSError if they cannot be kept."""
        data = packed(features)
        row = np.zeros(_ROW_UNITS * UNIT, np.uint8)
        row[:8] = np.frombuffer(struct.pack("<Q", len(data)), np.uint8)
        row[8 : 8 + len(data)] = np.frombuffer(data, np.uint8)
        self._rows.add(number, row)
        if len(self._rows) - self._waiting >= SEALED_TOGETHER:
            self._count_up()

    def voted(self, views: tuple[NDArray[np.uint8], ...], most: int) -> list[Voted]:
        """The `most` pictures with most votes of a view (n, 32) of a brought one; of equals the first recorded."""
        best: dict[int, int] = {}
        waiting = self._segment(self._waiting, len(self._rows))
        for view in views:
            asked = np.ascontiguousarray(view[:ASKED_CORNERS_MAX])
            found = [alike(segment, asked) for segment in [*self._segments, waiting]]
            for number, parts in _shared_out(np.unique(np.concatenate(found), axis=0)).items():
                best[number] = max(parts, best.get(number, 0))
        ranked = sorted((-parts, number) for number, parts in best.items() if parts >= VOTES_LEAST * VOTE)
        return [Voted(-parts / VOTE, number) for parts, number in ranked[:most]]

    def features(self, row: int) -> Features:
        """What was added as one of the rows, by its place in the order of adding. FEATURES_INVALID."""
        data = self._rows.rows()[row].tobytes()
        (length,) = struct.unpack_from("<Q", data)
        return unpacked(data[8 : 8 + length])

    def put_in_order(self) -> None:
        """Write all of it in order to the second file, and use that."""
        whole = self._segment(0, len(self._rows))
        written = self._ordered.with_suffix(".new")
        with written.open("wb") as file:
            file.write(_HEAD.pack(_MAGIC, len(self._rows), len(whole)))
            for part in (whole.cells, whole.numbers, whole.descriptors):
                file.write(np.ascontiguousarray(part).data)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self._ordered)
        self._segments = []
        self._waiting = self._open_ordered()

    def close(self) -> None:
        """Let go of its files."""
        self._segments = []
        self._rows.close()

    def _open_ordered(self) -> int:
        """Map the second file; how many rows are in it: 0 if there is none, or it is of rows that are gone."""
        try:
            with self._ordered.open("rb") as file:
                magic, rows, count = _HEAD.unpack(file.read(_HEAD.size))
        except (OSError, struct.error):
            return 0
        size = _HEAD.size + count * (4 + 4 + UNIT)
        if magic != _MAGIC or rows > len(self._rows) or not count or self._ordered.stat().st_size != size:
            return 0
        cells = np.memmap(self._ordered, np.uint32, "r", _HEAD.size, (count,))
        numbers = np.memmap(self._ordered, np.uint32, "r", _HEAD.size + 4 * count, (count,))
        descriptors = np.memmap(self._ordered, np.uint8, "r", _HEAD.size + 8 * count, (count, UNIT))
        self._segments = [CornerSegment(cells, descriptors, numbers)]
        return int(rows)

    def _count_up(self) -> None:
        """Make a segment of what waits, and one of two of a size."""
        newest, self._waiting = self._segment(self._waiting, len(self._rows)), len(self._rows)
        while len(self._segments) > 1 and len(self._segments[-1]) <= 1.5 * len(newest):
            newest = merged(self._segments.pop(), newest)
        self._segments.append(newest)

    def _segment(self, first: int, end: int) -> CornerSegment:
        """The corners of some rows in order."""
        descriptors: list[NDArray[np.uint8]] = [np.zeros((0, UNIT), np.uint8)]
        numbers: list[NDArray[np.uint32]] = [np.zeros(0, np.uint32)]
        whose = self._rows.numbers()
        for row in range(first, end):
            found = self.features(row).descriptors[:FEATURES_MAX]
            descriptors.append(found)
            numbers.append(np.full(len(found), whose[row], np.uint32))
        return segment_of(np.concatenate(descriptors), np.concatenate(numbers))


def corner_rows(folder: Path) -> KeptRows:
    """The rows of an index that is kept in a folder."""
    return KeptRows(folder / "corners", _ROW_UNITS)


def _shared_out(pairs: NDArray[np.int64]) -> dict[int, int]:
    """The parts of votes that each picture gets, of which picture has the like of which corner, (n, 2)."""
    shares = VOTE // np.maximum(np.bincount(pairs[:, 1]), 1)
    numbers, whose = np.unique(pairs[:, 0], return_inverse=True)
    parts = np.bincount(whose, shares[pairs[:, 1]], minlength=len(numbers))
    return dict(zip(numbers.tolist(), (int(part) for part in parts), strict=True))
