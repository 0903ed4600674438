"""Whose is what: the assets that each account created and the tokens that it owns; and which assets have a file.

    m<account>\\0<asset>  an asset that the account made, alone or with others
    o<account>\\0<token>  a token that the account owns
    f<cid>\\0<asset>      an asset whose content is the file
    indexed with files   there once all of the state is indexed

It follows from the state and goes into the same batches, so it is never at another height.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import plyvel

from ledger.encoding import decode_trusted
from ledger.records import Asset, Token, asset_key, token_key

CREATED, OWNED, FILES = b"m", b"o", b"f"
_WHOLE = b"indexed with files"
_ASSETS, _TOKENS = asset_key(""), token_key("")


class HoldingIndex:
    """The index of one state store. Its changes go into the store's own batches."""

    def __init__(self, db: plyvel.DB) -> None:
        self._db = db

    def complete(self, entries: Iterator[tuple[str, bytes]]) -> None:
        """Index the state of a store that was written before there was this index."""
        if self._db.get(_WHOLE) is not None:
            return
        with self._db.write_batch() as batch:
            for key, value in entries:
                self.take(batch, key, None, value)
            batch.put(_WHOLE, b"")

    def take(self, batch: Any, key: str, before: bytes | None, after: bytes | None) -> None:
        """Add to a batch what changes when a state key gets another value; None stands for none."""
        if key.startswith((_ASSETS, _TOKENS)):
            for old in set(_entries(key, before)) - set(_entries(key, after)):
                batch.delete(old)
            for new in _entries(key, after):
                batch.put(new, b"")

    def created(self, account: str, after: str = "") -> Iterator[str]:
        """Assets of which an account is a creator, by id, behind one of them."""
        return self._of(CREATED, account, after)

    def owned(self, account: str, after: str = "") -> Iterator[str]:
        """Tokens that an account owns, by id, behind one of them."""
        return self._of(OWNED, account, after)

    def of_file(self, cid: str) -> Iterator[str]:
        """Assets whose content is a file, by id."""
        return self._of(FILES, cid, "")

    def _of(self, kind: bytes, name: str, after: str) -> Iterator[str]:
        prefix = _place(kind, name, "")
        found = self._db.iterator(prefix=prefix, include_value=False)
        if after:
            found.seek(prefix + after.encode() + b"\0")
        for key in found:
            yield key[len(prefix) :].decode()


def _entries(key: str, value: bytes | None) -> list[bytes]:
    if not value:
        return []
    if key.startswith(_TOKENS):
        token = decode_trusted(value, Token)
        return [_place(OWNED, token.owner, token.id)]
    asset = decode_trusted(value, Asset)
    made_by = {asset.creator, *(one.account for one in asset.creators)}
    return [_place(FILES, asset.content.cid, asset.id), *(_place(CREATED, account, asset.id) for account in made_by)]


def _place(kind: bytes, name: str, item: str) -> bytes:
    return kind + name.encode() + b"\0" + item.encode()
