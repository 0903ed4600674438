"""The Raft log as a replica sees it: recent entries in memory, older ones in the driver's storage.

Index 0 is genesis, at term 0, held by everyone and never sent. (What the ledger calls the log is another thing: the
Merkle tree over everything that was committed.)
"""

from __future__ import annotations

from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

from consensus.errors import ensure

KEEP_ENTRIES = 256
"""Committed entries kept in memory for followers that lag a little."""
NUMBER_MAX = 2**53 - 1
"""Highest term and index: what a block's header can hold."""
Number = Annotated[int, Meta(ge=0, le=NUMBER_MAX)]
"""A term or an index as another node may state it. No frame with a number beyond is ever decoded."""


class RaftEntry(msgspec.Struct, frozen=True, array_like=True):
    """One place of the Raft log, with bytes that consensus does not look into."""

    index: Number
    term: Number
    data: bytes


class RaftLogReader(Protocol):
    """Durable entries, as the driver stores them."""

    @property
    def base(self) -> int:
        """Index below the first entry that is kept; 0 if all are."""

    def last_index(self) -> int:
        """Index of the last durable entry, 0 if there is none."""

    def term(self, index: int) -> int:
        """Term of a durable entry; 0 for genesis."""

    def entry(self, index: int) -> RaftEntry:
        """A durable entry."""


class RaftLog:
    """Entries 1 to `last_index`, some of them perhaps not yet durable."""

    def __init__(self, reader: RaftLogReader) -> None:
        self._reader = reader
        self._first = reader.last_index() + 1
        """Index of the first entry in memory."""
        self._entries: list[RaftEntry] = []

    @property
    def base(self) -> int:
        """Index below the first entry that is kept."""
        return self._reader.base

    @property
    def last_index(self) -> int:
        return self._first + len(self._entries) - 1

    @property
    def last_term(self) -> int:
        return self.term(self.last_index)

    def term(self, index: int) -> int:
        """Term of an entry; 0 for genesis."""
        ensure(0 <= index <= self.last_index, "a term is asked of an entry of the log")
        if index >= self._first:
            return self._entries[index - self._first].term
        return self._reader.term(index)

    def slice(self, first: int, bytes_max: int, entries_max: int) -> tuple[RaftEntry, ...]:
        """Entries from `first` on, at least one if there is one, within both limits."""
        found: list[RaftEntry] = []
        size = 0
        for index in range(first, min(self.last_index, first + entries_max - 1) + 1):
            entry = self._entries[index - self._first] if index >= self._first else self._reader.entry(index)
            size += len(entry.data)
            if found and size > bytes_max:
                break
            found.append(entry)
        return tuple(found)

    def append(self, entries: tuple[RaftEntry, ...]) -> None:
        for entry in entries:
            ensure(entry.index == self.last_index + 1, "entries follow each other without a gap")
            self._entries.append(entry)

    def truncate(self, index: int) -> None:
        """Drop the entries from `index` on."""
        if index < self._first:
            self._first, self._entries = index, []
        else:
            del self._entries[index - self._first :]

    def refresh(self) -> None:
        """Take over what storage holds, after entries were added to it from elsewhere."""
        self._first, self._entries = self._reader.last_index() + 1, []

    def forget(self, index: int) -> None:
        """Let go, in memory only, of durable entries well below `index`."""
        surplus = index - KEEP_ENTRIES - self._first
        if surplus > 0:
            del self._entries[:surplus]
            self._first += surplus

    def highest_not_after(self, index: int, term: int) -> int:
        """Largest index, at most `index`, whose entry's term is at most `term`: where logs may still match."""
        index = min(index, self.last_index)
        while index > 0 and self.term(index) > term:
            index -= 1
        return index
