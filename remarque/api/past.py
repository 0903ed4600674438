"""What stood at an earlier height or time, by the word of the node that is asked."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from ledger.records import Governing, Grant
from remarque.api.shapes import Answer


class EntryAt(Answer, frozen=True, kw_only=True):
    """What stood under a key of the state."""

    key: str
    value: msgspec.Raw | UnsetType = UNSET
    """The record's canonical JSON; absent if there was none. `ledger.records` has the records' types."""
    since: int
    """Height of the block that made it so."""
    transactions: tuple[str, ...]
    """Those of that block that may have: rather too many than too few. Their receipts prove it."""


class StateAt(Answer, frozen=True, kw_only=True):
    """What stood under keys of the state after a block."""

    height: int
    basis: str
    """What the answer rests on, in words."""
    entries: tuple[EntryAt, ...]


class AssetAt(Answer, frozen=True, kw_only=True):
    """An asset after a block, with all that hung on it."""

    height: int
    basis: str
    """What the answer rests on, in words."""
    asset: str
    entries: tuple[EntryAt, ...]
    """What the rest was read off."""
    owner: str | UnsetType = UNSET
    """Absent if it was not recorded yet."""
    policies: tuple[Governing, ...] | UnsetType = UNSET
    """Those that governed it, broadest scope first; absent if it was not recorded yet."""
    grants: tuple[Grant, ...]
    """Those that were given and not revoked, ended or not."""
