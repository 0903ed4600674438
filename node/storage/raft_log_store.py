"""The Raft log on disk: blocks by height, with term and vote, each change in one synced batch.

`paranoid_checks` is on, because LevelDB would otherwise drop a corrupt batch silently, and a vote or an endorsed block
with the batch. A failed write ends the process and is never tried again: the page cache may then hold what the disk
does not.
"""

from __future__ import annotations

import errno
import os
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from pathlib import Path
from sys import maxsize
from typing import Any

import plyvel

from consensus.raft_log import RaftEntry
from ledger.epochs import Epochs
from remarque.errors import NodeCode, NodeError

_HARD = b"hard"
_BASE = b"base"
_ENTRY = b"e"
_SPAN = b"t"


def open_database(path: Path) -> plyvel.DB:
    """A LevelDB that reports corruption instead of dropping it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return plyvel.DB(
            str(path), create_if_missing=True, paranoid_checks=True, bloom_filter_bits=10, write_buffer_size=16 << 20
        )
    except plyvel.CorruptionError as error:
        raise NodeError(NodeCode.DATA_CORRUPT, f"{path}: {error}; join as a new node") from None
    except plyvel.IOError as error:
        if disk_is_full(error):
            raise NodeError(NodeCode.DISK_FULL, f"{path}: {error}; make room") from None
        raise NodeError(NodeCode.DATA_DIRECTORY_LOCKED, f"{path}: {error}; stop the other process") from None


def disk_is_full(error: OSError) -> bool:
    """Whether an operation failed for want of room; LevelDB says so in words alone."""
    return error.errno == errno.ENOSPC or os.strerror(errno.ENOSPC) in str(error)


Opening = Callable[[Path], plyvel.DB]
"""How a database is opened: by `open_database`, unless the disk is a simulated one."""


class RaftLogStore:
    """Durable entries above `base` up to `last_index`, term and vote. Satisfies `consensus.raft_log.RaftLogReader`.

    The term is never below that of the newest entry: blocks that are taken from elsewhere, such as another node's disk,
    may be of a newer one, in which this node has not voted.
    """

    def __init__(self, path: Path, opening: Opening = open_database) -> None:
        self._db = opening(path)
        hard = self._db.get(_HARD)
        self.hard_term, self.hard_vote = (0, "") if hard is None else _unpack_hard(hard)
        base = self._db.get(_BASE)
        self.base = 0 if base is None else _term(base)
        """Index below the first entry: of genesis, of the snapshot that this log began with, or of what was pruned."""
        self._spans: list[tuple[int, int]] = [(0, 0)]
        """First index and term of each run of entries of one term, from genesis on."""
        for key, value in self._db.iterator(prefix=_SPAN):
            self._spans.append((_index(key), _term(value)))
        self.hard_term, self.hard_vote = _raised(self.hard_term, self.hard_vote, self._spans[-1][1])
        newest = next(self._db.iterator(prefix=_ENTRY, reverse=True, include_value=False), None)
        self._last = self.base if newest is None else _index(newest)

    @property
    def epochs(self) -> Epochs:
        """Every change of voters that this node knows to be final, oldest first."""
        return ()

    def last_index(self) -> int:
        return self._last

    def term(self, index: int) -> int:
        return self._spans[bisect_right(self._spans, (index, maxsize)) - 1][1]

    def entry(self, index: int) -> RaftEntry:
        if index <= self.base:
            raise NodeError(NodeCode.BLOCK_PRUNED, f"this node keeps blocks above {self.base}; ask another for {index}")
        value = self._db.get(_key(index), verify_checksums=True)
        if value is None:
            raise NodeError(NodeCode.DATA_CORRUPT, f"entry {index} of the Raft log is missing; join as a new node")
        return RaftEntry(index, _term(value), value[8:])

    def persist(self, term: int, vote: str, truncate_from: int | None, entries: tuple[RaftEntry, ...]) -> None:
        """Make a change durable, whole or not at all. Returns when it is on disk."""
        kept, new = self._spans, _new_spans(entries)
        if truncate_from is not None:
            kept = kept[: bisect_left(kept, (truncate_from, 0))]
        term, vote = _raised(term, vote, (new or kept)[-1][1])
        if new and new[0][1] == kept[-1][1]:
            del new[0]
        with self._db.write_batch(sync=True) as batch:
            if truncate_from is not None:
                _delete(batch, range(truncate_from, self._last + 1), self._spans[len(kept) :])
            for entry in entries:
                batch.put(_key(entry.index), struct.pack(">Q", entry.term) + entry.data)
            for first, span_term in new:
                batch.put(_SPAN + struct.pack(">Q", first), struct.pack(">Q", span_term))
            batch.put(_HARD, struct.pack(">Q", term) + vote.encode())
        self.hard_term, self.hard_vote = term, vote
        self._spans = kept + new
        if truncate_from is not None:
            self._last = truncate_from - 1
        self._last += len(entries)

    def begin(self, base: int, term: int, hard_term: int = 0, hard_vote: str = "") -> None:
        """Begin an empty log above a snapshot's block, with what this node has promised before."""
        self.hard_term, self.hard_vote = _raised(hard_term, hard_vote, term)
        with self._db.write_batch(sync=True) as batch:
            batch.put(_HARD, struct.pack(">Q", self.hard_term) + self.hard_vote.encode())
            batch.put(_SPAN + struct.pack(">Q", base), struct.pack(">Q", term))
            batch.put(_BASE, struct.pack(">Q", base))
        self.base = self._last = base
        self._spans.append((base, term))

    def prune(self, upto: int) -> None:
        """Forget the entries up to an index."""
        with self._db.write_batch(sync=True) as batch:
            for index in range(self.base + 1, upto + 1):
                batch.delete(_key(index))
            batch.put(_BASE, struct.pack(">Q", upto))
        self.base = upto

    def close(self) -> None:
        self._db.close()


def _raised(term: int, vote: str, newest: int) -> tuple[int, str]:
    """Term and vote of a node whose newest entry is of a term."""
    return (term, vote) if term >= newest else (newest, "")


def _new_spans(entries: tuple[RaftEntry, ...]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for entry in entries:
        if not spans or spans[-1][1] != entry.term:
            spans.append((entry.index, entry.term))
    return spans


def _delete(batch: Any, entries: range, spans: list[tuple[int, int]]) -> None:
    for index in entries:
        batch.delete(_key(index))
    for first, _ in spans:
        batch.delete(_SPAN + struct.pack(">Q", first))


def _key(index: int) -> bytes:
    return _ENTRY + struct.pack(">Q", index)


def _index(key: bytes) -> int:
    return int(struct.unpack(">Q", key[1:])[0])


def _term(value: bytes) -> int:
    return int(struct.unpack(">Q", value[:8])[0])


def _unpack_hard(hard: bytes) -> tuple[int, str]:
    return _term(hard), hard[8:].decode()
