"""The committed state on disk, with its indexes. Never synced: after a crash it is made again from the Raft log.

One LevelDB batch per committed block holds everything the block changed, so the store is always at exactly one height.

    s<key>              value of a state key
    v<key hash><height> value that a state key had until a block changed it; empty: none (16 bytes of the hash)
    r<height>           what the block did (outcomes, details, explanations), MessagePack
    l<height>           leaf hashes the block added to the log
    c<height>           certificate for a certified height
    x<transaction id>   height and position of a transaction
    h<subject><height><position>  history of an asset or token
    applied             height of the state
    thinned             height below which few certificates are kept
    base                header, certificate and log peaks of the snapshot the store began with, if it did

The state tree's part is in `node/storage/pages.py`, whose is what in `node/storage/holdings.py`.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import msgspec

from ledger.block import Certificate, Header, Outcome
from ledger.crypto import sha256
from ledger.encoding import decode_trusted, encode
from ledger.epochs import Epochs
from ledger.records import FILE_PREFIX, REQUEST_PREFIX, SEEN_PREFIX, seen_key
from ledger.state_tree import HashedChange, TreeNode, hashed
from node.storage.holdings import HoldingIndex
from node.storage.pages import PageIndex
from node.storage.raft_log_store import Opening, open_database

_APPLIED = b"applied"
_BASE = b"base"
_THINNED = b"thinned"
CERTIFICATE_SPACING = 16
"""Of the certificates of so many heights, the newest is kept for ever."""
FILL_TOGETHER = 10_000
"""Entries of a snapshot put into the store in one batch."""
THINNED_TOGETHER = 512 * CERTIFICATE_SPACING
"""Heights whose certificates are thinned in one batch, of about 10 ms."""
UNVERSIONED = (SEEN_PREFIX, FILE_PREFIX, REQUEST_PREFIX)
"""Keys that are set once, so that nobody asks what they were."""


class Results(msgspec.Struct, frozen=True):
    """What a block did: one item per transaction in each."""

    outcomes: tuple[Outcome, ...]
    details: tuple[str, ...]
    explanations: tuple[tuple[dict[str, Any], ...], ...]


class Committed(msgspec.Struct, frozen=True):
    """All that one committed block changes in the store."""

    height: int
    writes: tuple[tuple[str, bytes | None], ...]
    changes: list[HashedChange]
    """Their hashes, in the same order."""
    created: frozenset[str]
    """Keys among them that had no value before."""
    results: Results
    leaves: bytes
    transactions: list[str]
    subjects: list[tuple[str, int]]
    certificate: Certificate | None


class Base(msgspec.Struct, frozen=True):
    """Where a store began that was filled from a snapshot."""

    header: Header
    peaks: tuple[bytes, ...]
    """Peaks of the log at that header."""
    epochs: Epochs = ()
    """Changes of the voters up to there."""


class PastValue(msgspec.Struct, frozen=True):
    """What stood under a key at a height."""

    value: bytes | None
    since: int
    """Height of the block that made it so; of the store's first, if it was so before."""


class _StoredResults(msgspec.Struct, frozen=True, array_like=True):
    outcomes: tuple[bytes, ...]
    """Canonical JSON each."""
    details: tuple[str, ...]
    explanations: tuple[tuple[dict[str, Any], ...], ...]


_results_decoder = msgspec.msgpack.Decoder(_StoredResults)


class StateView:
    """The entries of the state as they stood at one moment."""

    def __init__(self, snapshot: Any) -> None:
        self._snapshot = snapshot

    def items(self) -> Iterator[tuple[str, bytes]]:
        """Keys with their values, in order."""
        for key, value in self._snapshot.iterator(prefix=b"s", verify_checksums=True):
            yield key[1:].decode(), value

    def close(self) -> None:
        self._snapshot.close()


class StateStore:
    """The state as of `applied`. Satisfies `ledger.execution.view.StateReader`."""

    def __init__(self, path: Path, opening: Opening = open_database) -> None:
        self._db = opening(path)
        applied = self._db.get(_APPLIED)
        self.applied = -1 if applied is None else _height(applied)
        """Height of the state; -1 before genesis."""
        base = self._db.get(_BASE)
        self.base = None if base is None else msgspec.msgpack.decode(base, type=Base)
        """None if the store began at genesis."""
        thinned = self._db.get(_THINNED)
        self.thinned = 0 if thinned is None else _height(thinned)
        """Height below which few certificates are kept."""
        self.pages = PageIndex(self._db)
        self.holdings = HoldingIndex(self._db)
        self.holdings.complete(self.items())
        self._first_seen = SEEN_PREFIX
        """No id below is remembered: they go in order. LevelDB would walk over all that it has not dropped yet."""

    @property
    def first(self) -> int:
        """Lowest height at which the store knows what was."""
        return 0 if self.base is None else self.base.header.height

    def get(self, key: str) -> bytes | None:
        value: bytes | None = self._db.get(b"s" + key.encode(), verify_checksums=True)
        return value

    def at(self, key: str, height: int) -> PastValue:
        """What stood under a key at a height, from `first` on; keys under UNVERSIONED stand as they are now."""
        prefix = _versions_of(sha256(key.encode()))
        place = prefix + struct.pack(">Q", height + 1)
        value = next(self._db.iterator(start=place, stop=prefix + b"\xff" * 9, include_key=False), None)
        before = next(self._db.iterator(start=prefix, stop=place, include_value=False, reverse=True), None)
        since = self.first if before is None else _height(before[len(prefix) :])
        return PastValue(self.get(key) if value is None else value or None, since)

    def keys(self, prefix: str, start: str = "") -> Iterator[str]:
        """Keys of a prefix, in order, from one on."""
        if prefix == SEEN_PREFIX:
            start = max(start, self._first_seen)
        found = self._db.iterator(prefix=b"s" + prefix.encode(), include_value=False)
        if start:
            found.seek(b"s" + start.encode())
        for key in found:
            yield key[1:].decode()

    def begin_at(self, time_ms: int) -> None:
        """Find where remembered ids begin, as of the newest block's time: later blocks add none that ended before."""
        self._first_seen = min(next(self.keys(SEEN_PREFIX), SEEN_PREFIX + "~"), seen_key(time_ms, ""))

    def items(self, prefix: str = "", after: str = "") -> Iterator[tuple[str, bytes]]:
        """Keys of a prefix with their values, in order; given `after`, those behind the key of prefix and `after`."""
        for key, value in self._after(b"s" + prefix.encode(), after.encode()):
            yield key[1:].decode(), value

    def apply(self, done: Committed) -> None:
        """Take one block's changes, in one batch."""
        packed = struct.pack(">Q", done.height)
        with self._db.write_batch() as batch:
            for (key, value), (key_hash, _) in zip(done.writes, done.changes, strict=True):
                name = b"s" + key.encode()
                if not key.startswith(UNVERSIONED):
                    before = b"" if key in done.created else self._db.get(name, b"")
                    if done.height:
                        batch.put(_versions_of(key_hash) + packed, before)
                    self.holdings.take(batch, key, before, value)
                if value is None:
                    batch.delete(name)
                    if key.startswith(SEEN_PREFIX):
                        self._first_seen = max(self._first_seen, key)
                else:
                    batch.put(name, value)
            self.pages.take(batch, done.height, done.changes)
            outcomes = tuple(encode(outcome) for outcome in done.results.outcomes)
            stored = _StoredResults(outcomes, done.results.details, done.results.explanations)
            batch.put(b"r" + packed, msgspec.msgpack.encode(stored))
            batch.put(b"l" + packed, done.leaves)
            for position, transaction in enumerate(done.transactions):
                batch.put(b"x" + bytes.fromhex(transaction), packed + struct.pack(">I", position))
            for subject, position in done.subjects:
                batch.put(b"h" + bytes.fromhex(subject) + packed + struct.pack(">I", position), b"")
            if done.certificate is not None:
                batch.put(_certificate(done.certificate.height), encode(done.certificate))
            batch.put(_APPLIED, packed)
        self.applied = done.height

    def fill(self, entries: Iterator[tuple[str, bytes]]) -> TreeNode:
        """Put a snapshot's entries into an empty store; the tree they make. `begin` makes them count."""
        return self.pages.fill(self._filled(entries))

    def _filled(self, entries: Iterator[tuple[str, bytes]]) -> Iterator[HashedChange]:
        while some := list(islice(entries, FILL_TOGETHER)):
            with self._db.write_batch() as batch:
                for key, value in some:
                    batch.put(b"s" + key.encode(), value)
                    self.holdings.take(batch, key, None, value)
            yield from hashed(some)

    def begin(self, base: Base, certificate: Certificate) -> None:
        """Make a filled store that of a snapshot's block, durably."""
        packed = struct.pack(">Q", base.header.height)
        with self._db.write_batch(sync=True) as batch:
            batch.put(_certificate(base.header.height), encode(certificate))
            batch.put(_BASE, msgspec.msgpack.encode(base))
            batch.put(_APPLIED, packed)
        self.applied, self.base = base.header.height, base

    def view(self) -> StateView:
        """The state as it is now, to be read while the store goes on."""
        return StateView(self._db.snapshot())

    def prune(self, first: int, last: int) -> None:
        """Forget what some blocks did. Their leaves, certificates and places stay."""
        with self._db.write_batch() as batch:
            for height in range(first, last + 1):
                batch.delete(b"r" + struct.pack(">Q", height))

    def thin(self, upto: int, spared: Container[int]) -> None:
        """Forget the certificates of some more heights up to one, but the newest of every CERTIFICATE_SPACING, and
        those of heights that are spared.
        """
        stop = min(upto - upto % CERTIFICATE_SPACING, self.thinned + THINNED_TOGETHER)
        span = self._db.iterator(start=_certificate(self.thinned), stop=_certificate(stop), include_value=False)
        with self._db.write_batch() as batch:
            for _, keys in groupby(span, lambda key: _height(key[1:]) // CERTIFICATE_SPACING):
                for key in list(keys)[:-1]:
                    if _height(key[1:]) not in spared:
                        batch.delete(key)
            batch.put(_THINNED, struct.pack(">Q", stop))
        self.thinned = stop

    def results(self, height: int) -> Results | None:
        data = self._db.get(b"r" + struct.pack(">Q", height), verify_checksums=True)
        if data is None:
            return None
        stored = _results_decoder.decode(data)
        outcomes = tuple(decode_trusted(outcome, Outcome) for outcome in stored.outcomes)
        return Results(outcomes, stored.details, stored.explanations)

    def leaves(self) -> Iterator[bytes]:
        """Leaf hashes of each block, from the first on."""
        yield from self._db.iterator(prefix=b"l", include_key=False, verify_checksums=True)

    def locate(self, transaction: str) -> tuple[int, int] | None:
        """Height and position of a committed transaction."""
        found = self._db.get(b"x" + bytes.fromhex(transaction))
        return None if found is None else (_height(found[:8]), int(struct.unpack(">I", found[8:])[0]))

    def history(self, subject: str, after: tuple[int, int] = (0, 0)) -> Iterator[tuple[int, int]]:
        """Heights and positions of the transactions about an asset or token, oldest first, after a place."""
        prefix = b"h" + bytes.fromhex(subject)
        for key, _ in self._after(prefix, struct.pack(">QI", *after)):
            height, position = struct.unpack(">QI", key[len(prefix) :])
            yield height, position

    def _after(self, prefix: bytes, after: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Keys of a prefix with their values, in order, behind the key of prefix and `after`; found by seeking."""
        found = self._db.iterator(prefix=prefix)
        if after:
            found.seek(prefix + after + b"\x00")
        yield from found

    def places(self) -> Iterator[tuple[str, int, int]]:
        """Every committed transaction with its height and position, by id."""
        for key, value in self._db.iterator(prefix=b"x"):
            yield key[1:].hex(), _height(value[:8]), int(struct.unpack(">I", value[8:])[0])

    def certificate(self, height: int) -> Certificate | None:
        """Certificate of exactly this height."""
        value = self._db.get(_certificate(height))
        return None if value is None else decode_trusted(value, Certificate)

    def certificate_from(self, height: int) -> Certificate | None:
        """Certificate of the first certified height at or above one."""
        for value in self._db.iterator(start=_certificate(height), stop=b"d", include_key=False):
            return decode_trusted(value, Certificate)
        return None

    def certificate_upto(self, height: int) -> Certificate | None:
        """Certificate of the last certified height at or below one."""
        for value in self._db.iterator(start=b"c", stop=_certificate(height + 1), include_key=False, reverse=True):
            return decode_trusted(value, Certificate)
        return None

    def close(self) -> None:
        self._db.close()


def _versions_of(key_hash: bytes) -> bytes:
    return b"v" + key_hash[:16]


def _certificate(height: int) -> bytes:
    return b"c" + struct.pack(">Q", height)


def _height(packed: bytes) -> int:
    return int(struct.unpack(">Q", packed)[0])
