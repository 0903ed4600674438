"""The consensus log on disk: blocks by height, with term and vote, each change in one synced batch.

`paranoid_checks` is on: without it LevelDB drops a corrupt batch silently, and with it a vote or an endorsed block. A
failed write ends the process; it is never retried, for the page cache may then hold what the disk does not.
"""

from __future__ import annotations

import struct
from pathlib import Path

import plyvel

from consensus.events import Entry
from node.errors import NodeCode, NodeError
from node.logs import progress

_HARD = b"hard"
_ENTRY = b"e"


class LogStore:
    """Durable entries 1 to `last_index`, and the hard state. Satisfies `consensus.log.LogReader`."""

    def __init__(self, path: Path) -> None:
        self._db = open_database(path)
        hard = self._db.get(_HARD)
        self.hard_term, self.hard_vote = (0, "") if hard is None else _unpack_hard(hard)
        self._terms: list[int] = [0]
        """Term of every entry, by index; index 0 is genesis."""
        for key, value in progress("entries_read", self._db.iterator(prefix=_ENTRY)):
            if _index(key) != len(self._terms):
                raise NodeError(
                    NodeCode.DATA_CORRUPT, f"{path}: entry {len(self._terms)} is missing; join again as a new node"
                )
            self._terms.append(_term(value))

    def last_index(self) -> int:
        return len(self._terms) - 1

    def term(self, index: int) -> int:
        return self._terms[index]

    def entry(self, index: int) -> Entry:
        value = self._db.get(_key(index))
        if value is None:
            raise NodeError(NodeCode.DATA_CORRUPT, f"entry {index} of the log is missing; join again as a new node")
        return Entry(index, _term(value), value[8:])

    def persist(self, term: int, vote: str, truncate_from: int | None, entries: tuple[Entry, ...]) -> None:
        """Make a change durable, whole or not at all. Returns when it is on disk."""
        with self._db.write_batch(sync=True) as batch:
            if truncate_from is not None:
                for index in range(truncate_from, len(self._terms)):
                    batch.delete(_key(index))
            for entry in entries:
                batch.put(_key(entry.index), struct.pack(">Q", entry.term) + entry.data)
            batch.put(_HARD, struct.pack(">Q", term) + vote.encode())
        self.hard_term, self.hard_vote = term, vote
        if truncate_from is not None:
            del self._terms[truncate_from:]
        self._terms.extend(entry.term for entry in entries)

    def close(self) -> None:
        self._db.close()


def open_database(path: Path) -> plyvel.DB:
    """A LevelDB that reports corruption instead of dropping it."""
    try:
        return plyvel.DB(
            str(path), create_if_missing=True, paranoid_checks=True, bloom_filter_bits=10, write_buffer_size=16 << 20
        )
    except plyvel.CorruptionError as error:
        raise NodeError(NodeCode.DATA_CORRUPT, f"{path}: {error}; join again as a new node") from None
    except plyvel.IOError as error:
        raise NodeError(NodeCode.DATA_DIRECTORY_LOCKED, f"{path}: {error}; stop the other process") from None


def _key(index: int) -> bytes:
    return _ENTRY + struct.pack(">Q", index)


def _index(key: bytes) -> int:
    return int(struct.unpack(">Q", key[1:])[0])


def _term(value: bytes) -> int:
    return int(struct.unpack(">Q", value[:8])[0])


def _unpack_hard(hard: bytes) -> tuple[int, str]:
    return _term(hard), hard[8:].decode()
