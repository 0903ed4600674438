"""Openings beside the chain: prompt and settings of a generation in clear, each with the salt of its commitment.

Which of them a node keeps, the chain says (`ledger.records.Disclosure`): public ones every member, others the orgs of
those who may read them. They are encrypted on the disk, and what is erased is gone from its files. Withholding or
erasing them breaks no proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Lock

from msgspec.structs import replace

from ledger.encoding import Value, decode, encode
from ledger.errors import LedgerError
from ledger.generation import Openings
from ledger.records import Disclosure
from node.content.at_rest import AtRest
from node.storage.erasable import Erasable

OPENINGS = "openings.sqlite"
"""The file in a data directory."""
SCHEMA = "CREATE TABLE IF NOT EXISTS openings (request TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"


class KeptOpenings(Value, frozen=True, kw_only=True):
    """What is kept of one request."""

    openings: Openings
    erased: tuple[str, ...] = ()
    """Settings that were erased, so that no answer that was on its way brings them back."""


class OpeningStore:
    """Openings by the id of their request. Any thread may use it; what is written is durable."""

    def __init__(self, path: Path, at_rest: AtRest) -> None:
        """`path`: the file; it is made if it is not there."""
        self._database = Erasable(path, SCHEMA)
        self._at_rest = at_rest
        self._lock = Lock()

    def put(self, disclosure: Disclosure, openings: Openings) -> bool:
        """Keep openings beside those that are here, but for erased ones; False if one does not open its commitment."""
        if openings.misfits(disclosure.commitments):
            return False
        with self._lock:
            kept = self._read(disclosure.request)
            erased = {*kept.erased, *disclosure.erased}
            given = kept.openings.given() | openings.given()
            together = Openings(**{field: one for field, one in given.items() if field not in erased})
            self._write(disclosure.request, replace(kept, openings=together))
        return True

    def put_checked(self, disclosure: Disclosure, data: bytes, fields: frozenset[str]) -> bool:
        """Keep the openings of some fields that came from another member, if all are what they are said to be.

        Whatever else it gives is not for this node.
        """
        try:
            return self.put(disclosure, decode(data, Openings).only(fields))
        except LedgerError:
            return False

    def erase(self, request: str, fields: Iterable[str]) -> None:
        """Destroy openings, and let none of them in again."""
        with self._lock:
            kept = self._read(request)
            erased = {*kept.erased, *fields}
            left = kept.openings.only(kept.openings.given().keys() - erased)
            self._write(request, KeptOpenings(openings=left, erased=tuple(sorted(erased))))

    def get(self, request: str) -> Openings:
        """The openings of a request that are here: all, some, or none."""
        return self._read(request).openings

    def items(self) -> Iterator[tuple[str, Openings]]:
        """All openings, by request."""
        for (request,) in self._database.rows("SELECT request FROM openings ORDER BY request"):
            yield request, self.get(request)

    def close(self) -> None:
        self._database.close()

    def _read(self, request: str) -> KeptOpenings:
        rows = self._database.rows("SELECT value FROM openings WHERE request = ?", request)
        return decode(self._at_rest.open(rows[0][0]), KeptOpenings) if rows else KeptOpenings(openings=Openings())

    def _write(self, request: str, kept: KeptOpenings) -> None:
        sealed = self._at_rest.seal(encode(kept))
        with self._database.writing() as database:
            database.execute("INSERT OR REPLACE INTO openings VALUES (?, ?)", (request, sealed))
