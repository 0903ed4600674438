"""Temporary."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from ledger.block import Certificate, Header, Voters
from ledger.encoding import Value

EPOCHS_MAX = 4_096


class Epoch(Value, frozen=True, kw_only=True):
    """A change of the voters, certified by those before it."""

    header: Header
    """Names the new voters in `next_voters_digest`."""
    certificate: Certificate
    voters: Voters


Epochs = Annotated[tuple[Epoch, ...], Meta(max_length=EPOCHS_MAX)]
"""Every change of voters from genesis on, oldest first."""


def epochs_below(epochs: Epochs, header: Header, recoveries: tuple[Any, ...] = ()) -> Epochs:
    above = max((one.height for one in recoveries if one.height < header.height), default=0)
    found = tuple(one for one in epochs if above < one.header.height < header.height)
    if found and (found[-1].header.voters_digest, found[-1].header.next_voters_digest) == (
        header.voters_digest,
        header.next_voters_digest,
    ):
        return found[:-1]
    return found
