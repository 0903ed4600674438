"""What is known of the copies of files in depots: which are wanted, which are there, and when each was last looked at.

It is no truth: what it says is looked at again, and without it everything is found out anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from node.storage.erasable import Erasable

COPIES = "copies.sqlite"
"""The file in a data directory."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS copies (
    depot TEXT NOT NULL, cid TEXT NOT NULL, size INTEGER NOT NULL, there INTEGER NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (depot, cid)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS copies_by_time ON copies (depot, there, at);
"""
_SELECT = "SELECT depot, cid, size, there, at FROM copies"


class Copy(NamedTuple):
    """One file in one depot."""

    depot: str
    cid: str
    size: int
    there: bool
    at: float
    """If it is there, when it was last read; else when to try next: in seconds since 1970."""


class Counts(NamedTuple):
    """Copies in a depot."""

    files: int
    bytes: int
    wanted: int
    """Files that are not there yet, or no longer."""


class CopyBook:
    """Any thread may use it; what is written is durable."""

    def __init__(self, path: Path) -> None:
        self._database = Erasable(path, _SCHEMA)

    def want(self, wanted: list[tuple[str, str, int]]) -> None:
        """Note which copies are wanted, each by depot, content id and size; what is known already stays as it is."""
        with self._database.writing() as database:
            database.executemany("INSERT OR IGNORE INTO copies VALUES (?, ?, ?, 0, 0)", wanted)

    def put(self, depot: str, cid: str, size: int, at: float) -> None:
        """Note that a copy is there, and when it was last read."""
        self._write("INSERT OR REPLACE INTO copies VALUES (?, ?, ?, 1, ?)", depot, cid, size, at)

    def lack(self, depot: str, cid: str, at: float) -> None:
        """Note that a copy is not there, and when to try next."""
        self._write("UPDATE copies SET there = 0, at = ? WHERE depot = ? AND cid = ?", at, depot, cid)

    def drop(self, depot: str, cid: str) -> None:
        """Know nothing more of a copy."""
        self._write("DELETE FROM copies WHERE depot = ? AND cid = ?", depot, cid)

    def hurry(self, depot: str) -> None:
        """Try all that is wanted in a depot now."""
        self._write("UPDATE copies SET at = 0 WHERE depot = ? AND there = 0", depot)

    def doubt(self, depot: str) -> None:
        """Have all that is there read again."""
        self._write("UPDATE copies SET at = 0 WHERE depot = ? AND there = 1", depot)

    def due(self, depot: str, *, there: bool, before: float, most: int) -> list[Copy]:
        """The copies that are to be tried, or read again, before a time: the one that waited longest first."""
        query = f"{_SELECT} WHERE depot = ? AND there = ? AND at < ? ORDER BY at LIMIT ?"
        return _copies(self._database.rows(query, depot, there, before, most))

    def of(self, cid: str) -> list[Copy]:
        """The copies of a file."""
        return _copies(self._database.rows(f"{_SELECT} WHERE cid = ?", cid))

    def all(self, depot: str, after: str, most: int) -> list[Copy]:
        """The copies in a depot, in the order of their content ids, behind one of them."""
        query = f"{_SELECT} WHERE depot = ? AND cid > ? ORDER BY cid LIMIT ?"
        return _copies(self._database.rows(query, depot, after, most))

    def counts(self, depot: str) -> Counts:
        """How many copies are in a depot, and how many are wanted there."""
        query = "SELECT COUNT(*) FILTER (WHERE there), COALESCE(SUM(size) FILTER (WHERE there), 0), "
        query += "COUNT(*) FILTER (WHERE NOT there) FROM copies WHERE depot = ?"
        [(files, size, wanted)] = self._database.rows(query, depot)
        return Counts(files, size, wanted)

    def close(self) -> None:
        self._database.close()

    def _write(self, query: str, *values: object) -> None:
        with self._database.writing() as database:
            database.execute(query, values)


def _copies(rows: list[tuple[str, str, int, int, float]]) -> list[Copy]:
    return [Copy(depot, cid, size, bool(there), at) for depot, cid, size, there, at in rows]
