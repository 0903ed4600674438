"""How far a node is, as it tells the others: what a leader looks at before the node becomes a voter."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ledger.encoding import Value, decode
from ledger.errors import LedgerError
from ledger.names import Count, Hex32, NodeName

LEVEL_BYTES_MAX, VOTERS_NAMED_MAX = 2_048, 16


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
    voters: Hex32
    """Digest of the voters in force there."""
    reaches: Annotated[tuple[NodeName, ...], Meta(max_length=VOTERS_NAMED_MAX)] = ()
    """The voters to which it has a stream."""
    asker_votes: bool = False
    """Whether the node that asks votes, by the chain of the one that answers."""


def level_in(data: bytes) -> Level | None:
    """What an answer says; None if it is none."""
    try:
        return decode(data, Level)
    except LedgerError:
        return None
