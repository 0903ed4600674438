"""How far a node is, as it tells the others: what a leader looks at before the node becomes a voter."""

from __future__ import annotations

from ledger.encoding import Value, decode
from ledger.errors import LedgerError
from ledger.names import Count

LEVEL_BYTES_MAX = 256


class Level(Value, frozen=True, kw_only=True):
    """The answer to `/v1/level`, in canonical JSON."""

    height: Count
    """Of the newest final block."""
    last: Count
    """Last index of the Raft log."""
    term: Count
    """Of consensus."""
    votes: bool
    """Whether the node votes."""


def height_in(data: bytes) -> int | None:
    """Height that an answer names; None if it is none."""
    try:
        return decode(data, Level).height
    except LedgerError:
        return None
