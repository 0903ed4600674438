"""What a keeper of the consortium's key may not lose or show: secrets of holder keys, shares, what it released.

Secrets are encrypted on the disk (`content/at_rest`) and overwritten when they are deleted, so former shares are gone.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from node.content.at_rest import AtRest
from node.storage.erasable import Erasable
from threshold import Scalar

SHARES = "shares.sqlite"
"""The file in a data directory."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS holder_keys (
    holder_key TEXT PRIMARY KEY, epoch INTEGER NOT NULL, secret BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shares (
    ceremony TEXT PRIMARY KEY, epoch INTEGER NOT NULL, dealers TEXT NOT NULL, secret BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS released (
    decision TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, asset TEXT NOT NULL, reader TEXT NOT NULL, answer BLOB NOT NULL
) WITHOUT ROWID;
"""


class GivenShare(NamedTuple):
    """A share that was released."""

    decision: str
    at_ms: int
    asset: str
    reader: str
    """The account that asked."""
    answer: bytes
    """What was given, as it went out."""


class ShareStore:
    """Any thread may use it; what is written is durable when it returns."""

    def __init__(self, path: Path, at_rest: AtRest) -> None:
        self._database = Erasable(path, _SCHEMA)
        self._at_rest = at_rest

    def put_holder_key(self, holder_key: str, epoch: int, secret: Scalar) -> None:
        """Keep the secret of a holder key that was drawn in an epoch, before anybody is told the key."""
        with self._database.writing() as database:
            database.execute("INSERT INTO holder_keys VALUES (?, ?, ?)", (holder_key, epoch, self._sealed(secret)))

    def holder_secret(self, holder_key: str) -> Scalar | None:
        """The secret of a holder key that is here."""
        return self._secret("SELECT secret FROM holder_keys WHERE holder_key = ?", holder_key)

    def put_share(self, ceremony: str, epoch: int, dealers: tuple[int, ...], share: Scalar) -> None:
        """Keep the share that a ceremony gives if the dealings of these dealers count, in the place of another."""
        with self._database.writing() as database:
            row = (ceremony, epoch, repr(dealers), self._sealed(share))
            database.execute("INSERT OR REPLACE INTO shares VALUES (?, ?, ?, ?)", row)

    def has_share(self, ceremony: str, dealers: tuple[int, ...]) -> bool:
        """Whether the share of a ceremony with these dealings is here."""
        query = "SELECT 1 FROM shares WHERE ceremony = ? AND dealers = ?"
        return bool(self._database.rows(query, ceremony, repr(dealers)))

    def share(self, ceremony: str) -> Scalar | None:
        """The share that a ceremony gave."""
        return self._secret("SELECT secret FROM shares WHERE ceremony = ?", ceremony)

    def settle(self, ceremony: str, epoch: int) -> None:
        """Destroy what belongs to former epochs, used or not: shares, those of ceremonies that came to nothing, and
        holder keys that were drawn before, for with them and the chain's dealings a former share is made again.

        What is of later epochs stays: a node that catches up sees the chain's past again.
        """
        with self._database.writing() as database:
            former = "DELETE FROM shares WHERE epoch < ? OR (epoch = ? AND ceremony != ?)"
            database.execute(former, (epoch, epoch, ceremony))
            database.execute("DELETE FROM holder_keys WHERE epoch < ?", (epoch,))

    def put_released(self, released: GivenShare) -> bytes:
        """Note what is released for a decision, before it is; what was released for it before, if anything was."""
        with self._database.writing() as database:
            database.execute("INSERT OR IGNORE INTO released VALUES (?, ?, ?, ?, ?)", released)
        (row,) = self._database.rows("SELECT answer FROM released WHERE decision = ?", released.decision)
        return bytes(row[0])

    def released(self, decision: str) -> bytes | None:
        """What was released for a decision."""
        rows = self._database.rows("SELECT answer FROM released WHERE decision = ?", decision)
        return bytes(rows[0][0]) if rows else None

    def close(self) -> None:
        self._database.close()

    def _sealed(self, secret: Scalar) -> bytes:
        return self._at_rest.seal(secret.encoded)

    def _secret(self, query: str, value: str) -> Scalar | None:
        rows = self._database.rows(query, value)
        return Scalar.read(self._at_rest.open(rows[0][0])) if rows else None
