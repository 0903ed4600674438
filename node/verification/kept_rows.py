"""Rows of one length in a file that grows: what an index is made of, kept so that a start need not make it again.

A row is a number of units of 32 bytes, and one more that says whose it is and that it is whole. So codes lie in the
file as they are searched, and it is mapped into memory and never copied. Nothing is synced: what a crash cuts off, or
leaves as zeros, is not whole, is dropped with all that comes behind it, and is added again by whoever fills the index
from the chain. The file's lock is its directory's, which one node holds.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

UNIT = 32
CHECKED_TOGETHER = 4 * 1024 * 1024
"""Bytes of rows whose checks are computed together."""

_WORD = 8
_FACTOR = 0x9E3779B97F4A7C15

Rows = NDArray[np.uint8]
"""Of shape (n, units, UNIT); of each row the last unit is not part of what was added."""


class KeptRows:
    """Rows that are kept in a file, each with a number that says whose it is."""

    def __init__(self, path: Path, units: int) -> None:
        """Open or begin a file of rows of so many units; what is not whole at its end is cut off."""
        self._units = units + 1
        self._length = self._units * UNIT
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._count = os.fstat(self._file).st_size // self._length
        self._mapped: Rows | None = None
        self._count = self._whole()
        self._mapped = None
        os.ftruncate(self._file, self._count * self._length)

    def __len__(self) -> int:
        return self._count

    def add(self, number: int, content: NDArray[np.uint8]) -> None:
        """Put a row of UNIT times so many bytes at the end. OSError if the disk is full: then nothing was added."""
        row = np.zeros(self._length, np.uint8)
        row[: self._length - UNIT] = content.ravel()
        words = row.view("<u8")
        words[-4] = number
        words[-1] = _checks(words[None, :-1])[0]
        data, start = row.tobytes(), self._count * self._length
        if os.pwrite(self._file, data, start) != len(data):
            raise OSError(f"a row of {len(data)} bytes was not written whole")
        self._count += 1

    def rows(self) -> Rows:
        """All of them, read as they lie on the disk, of shape (n, units, UNIT)."""
        if self._mapped is None or len(self._mapped) != self._count:
            shape = (self._count, self._units, UNIT)
            empty = np.zeros(shape, np.uint8)
            self._mapped = np.memmap(self._path(), np.uint8, "r", 0, shape) if self._count else empty
        return self._mapped

    def numbers(self) -> NDArray[np.uint64]:
        """Whose each row is, of shape (n,)."""
        return np.asarray(self._words()[:, -4], np.uint64)

    @property
    def newest(self) -> int:
        """The greatest number of a row, -1 if there is none: what comes after it is to be added."""
        return int(self.numbers().max()) if self._count else -1

    def cut(self, count: int) -> None:
        """Drop all but the first rows."""
        if count < self._count:
            self._mapped, self._count = None, count
            os.ftruncate(self._file, count * self._length)

    def close(self) -> None:
        """Let go of the file."""
        self._mapped = None
        os.close(self._file)

    def _path(self) -> str:
        return f"/proc/self/fd/{self._file}"

    def _words(self) -> NDArray[np.uint64]:
        return self.rows().reshape(self._count, self._length).view("<u8")

    def _whole(self) -> int:
        """How many rows from the first on are as they were added."""
        words, together = self._words(), max(1, CHECKED_TOGETHER // self._length)
        for start in range(0, self._count, together):
            some = words[start : start + together]
            bad = np.flatnonzero(_checks(some[:, :-1]) != some[:, -1])
            if len(bad):
                return start + int(bad[0])
        return self._count


def _checks(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A check for each row of words: not against forgery, for whoever may write here may write anything."""
    factors = np.arange(1, 2 * words.shape[1], 2, dtype=np.uint64) * np.uint64(_FACTOR)
    sums = (words * factors).sum(axis=1, dtype=np.uint64)
    return np.asarray(sums ^ (sums >> np.uint64(29)) ^ np.uint64(_FACTOR), np.uint64)
