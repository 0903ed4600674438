"""Openings beside the chain: the prompt and settings of a picture in clear, each with the salt of its commitment.

Public ones are replicated between members; those of a confidential asset stay on its creator's side, encrypted on the
disk. Withholding or deleting them breaks no proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ledger.encoding import decode, encode
from ledger.errors import LedgerError
from ledger.generation import Openings
from ledger.records import Asset
from node.content.at_rest import AtRest
from node.storage.raft_log_store import open_database


class OpeningStore:
    """Openings by asset id."""

    def __init__(self, path: Path, at_rest: AtRest) -> None:
        self._db = open_database(path)
        self._at_rest = at_rest

    def put(self, asset: Asset, openings: Openings) -> bool:
        """Keep, durably, the openings of a recorded asset; False if they are not those of its commitments."""
        if openings.commitments() != asset.commitments:
            return False
        data = encode(openings)
        self._db.put(asset.id.encode(), self._at_rest.seal(data) if asset.confidential else data, sync=True)
        return True

    def get(self, asset: str) -> Openings | None:
        """An asset's openings, if they are here."""
        data = self._db.get(asset.encode())
        return None if data is None else decode(self._at_rest.open(data), Openings)

    def items(self) -> Iterator[tuple[str, Openings]]:
        """All openings, by asset."""
        for asset, data in self._db:
            yield asset.decode(), decode(self._at_rest.open(data), Openings)

    def put_checked(self, asset: Asset, data: bytes) -> bool:
        """Keep openings that came from another member, if they open the asset's commitments."""
        try:
            return self.put(asset, decode(data, Openings))
        except LedgerError:
            return False

    def close(self) -> None:
        self._db.close()
