"""A small database from which what is deleted is gone: SQLite, which overwrites deleted bytes with zeros if told to.

LevelDB, which holds everything else, leaves deleted values in its files until it happens to rewrite them. What people
may want erased (prompts) is kept here instead: after a deletion no file of the database holds the bytes. What a disk
or a file system keeps of freed blocks is out of its reach, so the values are encrypted too (`content/at_rest`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from remarque.errors import NodeCode, NodeError


class Erasable:
    """A database in one file. Any thread may use it; each use is a whole transaction, durable when it returns.

    A full or broken disk is an OSError.
    """

    def __init__(self, path: Path, schema: str) -> None:
        """`schema`: the statements that make its tables, where they are not there. DATA_CORRUPT for another file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = RLock()
        self._path = path
        with _as_os_error(path):
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                for pragma in ("secure_delete=ON", "journal_mode=DELETE", "synchronous=FULL"):
                    self._connection.execute(f"PRAGMA {pragma}")
                self._connection.executescript(schema)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                fix = "move it away to go on without it; openings come again from other members, waiting jobs are lost"
                raise NodeError(NodeCode.DATA_CORRUPT, f"{path}: {error}; {fix}") from None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is done, or nothing where it raises."""
        with self._lock, _as_os_error(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk may have ended it already
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows that a query finds."""
        with self._lock, _as_os_error(self._path), closing(self._connection.execute(query, values)) as found:
            return found.fetchall()

    def close(self) -> None:
        with self._lock:
            self._connection.close()


@contextmanager
def _as_os_error(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(f"{path}: {error}") from error
