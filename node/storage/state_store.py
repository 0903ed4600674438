"""The committed state on disk, and the indexes beside it. Never synced: after a crash it is replayed from the log.

One LevelDB batch per committed block holds everything the block changed, so the store is always at exactly one height.

    s<key>              value of a state key
    r<height>           what the block did (outcomes, details, explanations), MessagePack
    l<height>           leaf hashes the block added to the log
    c<height>           certificate for a certified height
    x<transaction id>   height and position of a transaction
    h<subject><height><position>  history of an asset or token
    applied             height of the state
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from ledger.block import Certificate, Outcome
from ledger.encoding import decode_trusted, encode
from node.storage.log_store import open_database

_APPLIED = b"applied"


class Results(msgspec.Struct, frozen=True):
    """What a block did: one item per transaction in each."""

    outcomes: tuple[Outcome, ...]
    details: tuple[str, ...]
    explanations: tuple[tuple[dict[str, Any], ...], ...]


class _StoredResults(msgspec.Struct, frozen=True, array_like=True):
    outcomes: tuple[bytes, ...]
    """Canonical JSON each."""
    details: tuple[str, ...]
    explanations: tuple[tuple[dict[str, Any], ...], ...]


_results_decoder = msgspec.msgpack.Decoder(_StoredResults)


class StateStore:
    """The state as of `applied`. Satisfies `ledger.execution.view.StateReader`."""

    def __init__(self, path: Path) -> None:
        self._db = open_database(path)
        applied = self._db.get(_APPLIED)
        self.applied = -1 if applied is None else _height(applied)
        """Height of the state; -1 before genesis."""

    def get(self, key: str) -> bytes | None:
        value: bytes | None = self._db.get(b"s" + key.encode())
        return value

    def keys(self, prefix: str) -> Iterator[str]:
        for key in self._db.iterator(prefix=b"s" + prefix.encode(), include_value=False):
            yield key[1:].decode()

    def items(self, prefix: str = "", after: str = "") -> Iterator[tuple[str, bytes]]:
        """Keys of a prefix with their values, in order; given `after`, those behind the key of prefix and `after`."""
        for key, value in self._after(b"s" + prefix.encode(), after.encode()):
            yield key[1:].decode(), value

    def apply(
        self,
        height: int,
        writes: tuple[tuple[str, bytes | None], ...],
        results: Results,
        leaves: bytes,
        transactions: list[str],
        subjects: list[tuple[str, int]],
        certificate: Certificate | None,
    ) -> None:
        """Take one block's changes, in one batch."""
        packed = struct.pack(">Q", height)
        with self._db.write_batch() as batch:
            for key, value in writes:
                if value is None:
                    batch.delete(b"s" + key.encode())
                else:
                    batch.put(b"s" + key.encode(), value)
            outcomes = tuple(encode(outcome) for outcome in results.outcomes)
            stored = _StoredResults(outcomes, results.details, results.explanations)
            batch.put(b"r" + packed, msgspec.msgpack.encode(stored))
            batch.put(b"l" + packed, leaves)
            for position, transaction in enumerate(transactions):
                batch.put(b"x" + bytes.fromhex(transaction), packed + struct.pack(">I", position))
            for subject, position in subjects:
                batch.put(b"h" + bytes.fromhex(subject) + packed + struct.pack(">I", position), b"")
            if certificate is not None:
                batch.put(b"c" + packed, encode(certificate))
            batch.put(_APPLIED, packed)
        self.applied = height

    def results(self, height: int) -> Results | None:
        data = self._db.get(b"r" + struct.pack(">Q", height))
        if data is None:
            return None
        stored = _results_decoder.decode(data)
        outcomes = tuple(decode_trusted(outcome, Outcome) for outcome in stored.outcomes)
        return Results(outcomes, stored.details, stored.explanations)

    def leaves(self) -> Iterator[bytes]:
        """Leaf hashes of each block, from the first on."""
        yield from self._db.iterator(prefix=b"l", include_key=False)

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
        value = self._db.get(b"c" + struct.pack(">Q", height))
        return None if value is None else decode_trusted(value, Certificate)

    def certificate_from(self, height: int) -> Certificate | None:
        """Certificate of the first certified height at or above one."""
        for value in self._db.iterator(start=b"c" + struct.pack(">Q", height), stop=b"d", include_key=False):
            return decode_trusted(value, Certificate)
        return None

    def certificate_upto(self, height: int) -> Certificate | None:
        """Certificate of the last certified height at or below one."""
        start, stop = b"c", b"c" + struct.pack(">Q", height + 1)
        for value in self._db.iterator(start=start, stop=stop, include_key=False, reverse=True):
            return decode_trusted(value, Certificate)
        return None

    def close(self) -> None:
        self._db.close()


def _height(packed: bytes) -> int:
    return int(struct.unpack(">Q", packed)[0])
