"""Epochs: who certifies which block, where the voters have changed since genesis.

A block whose header names other voters for the next block ends an epoch. It is certified by the voters of before, and
so are the opening blocks of newer terms that may follow until it is final: they name the same two sets. So whoever
knows the voters above one height can walk: each change is certified by the voters known so far, and names the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol

from msgspec import Meta

from ledger.block import Certificate, Header, Voters, certificate_fault
from ledger.encoding import Value

EPOCHS_MAX = 4_096
PROOF_BYTES_MAX = 16 * 1024 * 1024
"""Most bytes of a receipt, an answer on state, a proof of consistency, a recovery: room for `EPOCHS_MAX` epochs of
seven voters, all of whom endorse and have the longest names (11.5 MiB), and for 4.5 MiB beside them."""


class Epoch(Value, frozen=True, kw_only=True):
    """A change of the voters, certified by those before it."""

    header: Header
    """Names the new voters in `next_voters_digest`."""
    certificate: Certificate
    voters: Voters


Epochs = Annotated[tuple[Epoch, ...], Meta(max_length=EPOCHS_MAX)]
"""Every change of voters above some height, such as genesis's, oldest first."""


class EpochRefused(Exception):
    """A change of voters does not hold, or is out of its place. The text says what failed."""


class GoesOn(Protocol):
    """Where a chain goes on with other voters, whoever voted before: a recovery."""

    @property
    def height(self) -> int: ...


def walk(voters: Voters, above: int, epochs: Epochs, height: int, chain: str) -> Voters:
    """Who certifies the block of a height, from the voters in force above a lower one; else EpochRefused.

    `epochs` are all changes in between: each above the one before, certified by the voters so far.
    """
    for epoch in epochs:
        header = epoch.header
        _require(header.chain == chain, "a change of voters is of another chain")
        _require(above < header.height < height, "the changes of voters are not in order")
        fault = certificate_fault(epoch.certificate, header, voters)
        _require(fault is None, f"the change of voters at {header.height} does not hold: {fault}")
        _require(header.next_voters_digest != header.voters_digest, f"no voters change at {header.height}")
        _require(header.next_voters_digest == epoch.voters.digest, "a change of voters names other voters")
        names = [voter.node for voter in epoch.voters.voters]
        _require(names == sorted(set(names)), "a set of voters names a node twice, or out of order")
        voters, above = epoch.voters, header.height
    return voters


def epochs_upto(epochs: Sequence[Epoch], height: int, recoveries: Sequence[GoesOn] = ()) -> Epochs:
    """Those of a chain's changes of voters that lead to who certifies the block above a height.

    A recovery at the height or below takes the place of all that are not above it.
    """
    floor = max((recovery.height for recovery in recoveries if recovery.height <= height), default=0)
    return tuple(epoch for epoch in epochs if floor < epoch.header.height <= height)


def epochs_of_start(epochs: Sequence[Epoch], header: Header, recoveries: Sequence[GoesOn] = ()) -> Epochs:
    """Those that somebody needs who begins at a header: to check its certificate, and to know who certifies the next.

    If the header itself names other voters, its own change is one of them.
    """
    below = [recovery for recovery in recoveries if recovery.height < header.height]
    return epochs_upto(epochs, header.height, below)


def epochs_below(epochs: Sequence[Epoch], header: Header, recoveries: Sequence[GoesOn] = ()) -> Epochs:
    """Those of a chain's changes of voters that somebody needs who checks the certificate of a header."""
    below = epochs_upto(epochs, header.height - 1, recoveries)
    return below[:-1] if below and same_change(below[-1].header, header) else below


def same_change(one: Header, other: Header) -> bool:
    """Whether two headers name the same voters, and the same for the next block.

    Where those two sets differ, the upper of two headers with nothing between them is an opening block of a newer
    term: it continues the epoch that the lower one ends, and is certified by the voters of before.
    """
    return (one.voters_digest, one.next_voters_digest) == (other.voters_digest, other.next_voters_digest)


def _require(condition: bool, fault: str) -> None:
    if not condition:
        raise EpochRefused(fault)
