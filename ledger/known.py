"""A header that somebody knows to be of the chain, such as a checkpoint that they kept, held against what is shown.

Certificates alone do not tell two branches apart for ever: whoever comes to hold the keys of a majority that has left
can certify another history from that majority's epoch on, a long-range branch. A known header from after that epoch
tells, because the branch has other voters there. It says nothing of what lies below it; a proof of consistency does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from ledger.block import Certificate, Header
from ledger.encoding import NOT_DECODED
from ledger.epochs import Epochs, same_change
from ledger.errors import Code, LedgerError
from ledger.genesis import Genesis
from ledger.recovery import Recoveries


class _Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of a checkpoint, as nodes give it and people keep it. It may say more."""

    header: Header
    certificate: Certificate | UnsetType = UNSET


def parse_known(data: bytes) -> Header:
    """The header of a checkpoint, from JSON however it is spelled; LedgerError (MALFORMED) if it is none.

    Its certificate is not checked, which would take the voters: whoever gives a known header vouches for it.
    """
    try:
        found = msgspec.json.decode(data, type=_Checkpoint)
    except NOT_DECODED as error:
        raise LedgerError(Code.MALFORMED, f"this is no checkpoint: {error}") from None
    if found.certificate is not UNSET and found.certificate.header != found.header.hash:
        raise LedgerError(Code.MALFORMED, "this is no checkpoint: its certificate is for another header")
    return found.header


def known_fault(
    known: Header, shown: Header, epochs: Epochs, genesis: Genesis, recoveries: Recoveries = ()
) -> str | None:
    """Why a header that was checked to be final is not of the chain that a known header is of, or None.

    `epochs` and `recoveries` are those with which it was checked. None too if it lies below the known one, which says
    nothing of it then.
    """
    if known.chain != genesis.chain:
        return "the known header is of another chain than this genesis"
    turns = list(_turns(shown, epochs, recoveries))
    if any(turn.height == known.height and turn.hash != known.hash for turn in turns):
        return f"another block {known.height} is known"
    if shown.height <= known.height:
        return None
    below = [turn for turn in turns if turn.height < known.height]
    after = below[-1].after if below else genesis.voters.digest
    continues = bool(below) and below[-1].names_the_sets_of(known)
    if known.voters_digest != after and not continues:
        return f"block {known.height} is known to have other voters"
    above = turns[len(below)]
    if above.header is None or above.names_the_sets_of(known):
        return None
    if above.header.voters_digest != known.next_voters_digest:
        return f"block {known.height} is known to be followed by other voters"
    return None


class _Turn(NamedTuple):
    """A place that says who votes: a change of voters, a recovery, or the header that is shown."""

    height: int
    hash: str
    after: str
    """Digest of the voters above it."""
    header: Header | None = None
    """None for a recovery."""

    def names_the_sets_of(self, known: Header) -> bool:
        """Whether one of the two continues the epoch that the other ends, or they are of one epoch."""
        return self.header is not None and same_change(self.header, known)


def _turns(shown: Header, epochs: Epochs, recoveries: Recoveries) -> Iterator[_Turn]:
    """All of them in order, up to the header that is shown."""
    for recovery in recoveries:
        if recovery.height < shown.height:
            yield from (_turn(epoch.header) for epoch in recovery.epochs)
            yield _Turn(recovery.height, recovery.header, recovery.voters.digest)
    yield from (_turn(epoch.header) for epoch in epochs)
    yield _turn(shown)


def _turn(header: Header) -> _Turn:
    return _Turn(header.height, header.hash, header.next_voters_digest, header)
