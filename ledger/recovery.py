"""Recovery: going on with those voters that are left, when a majority is lost for good.

A certificate needs a majority, and there is none any more; so the survivors say together, each with its own signature,
up to which block they go on and who votes from there. That is no proof that nothing was lost, and nothing makes it one:
a recovery is a file of its own, which everybody who checks this chain is handed and accepts, or does not. Without it
every receipt from before still holds. With it, a receipt that was final above the block they went on from is shown for
what it is: evidence of what was lost.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ledger import crypto
from ledger.block import Endorsement, Voters
from ledger.encoding import Value, decode, encode
from ledger.errors import LedgerError, Refused
from ledger.genesis import Genesis
from ledger.names import ChainName, Count, Hex32, NodeName, Positive, TimeMs

RECOVERY_VERSION = 1
RECOVERY_BYTES_MAX = 64 * 1024
REASON_MAX = 512


class RecoveryRefused(Refused):
    """The chain cannot go on by this recovery. The text says what failed."""


class Recovery(Value, frozen=True, kw_only=True):
    """What the survivors state."""

    version: int
    chain: ChainName
    number: Positive
    """Its number among this chain's recoveries, from 1."""
    height: Count
    """The newest block they have; those above are gone."""
    term: Count
    """Its term."""
    header: Hex32
    """Its hash."""
    voters: Voters
    """Who is left and certifies from the next block on."""
    lost: Annotated[tuple[NodeName, ...], Meta(max_length=64)]
    """The voters that are gone."""
    reason: Annotated[str, Meta(min_length=1, max_length=REASON_MAX)]
    time_ms: TimeMs

    @property
    def signed_bytes(self) -> bytes:
        """What each survivor signs under `remarque/recovery/v1`."""
        return encode(self)


class SignedRecovery(Value, frozen=True, kw_only=True):
    """A recovery with the signatures of the survivors: all of them, sorted by node."""

    recovery: Recovery
    signatures: Annotated[tuple[Endorsement, ...], Meta(max_length=64)]


Recoveries = tuple[Recovery, ...]
"""All recoveries of a chain that somebody has accepted, in order."""


def parse_recovery(data: bytes) -> SignedRecovery:
    """Recovery from its file; RecoveryRefused if it is none. Says nothing yet of its signatures."""
    _require(len(data) <= RECOVERY_BYTES_MAX, f"a recovery has at most {RECOVERY_BYTES_MAX} bytes")
    try:
        return decode(data, SignedRecovery)
    except LedgerError as error:
        raise RecoveryRefused(f"this is no recovery: {error}") from None


def check_recoveries(signed: tuple[SignedRecovery, ...], genesis: Genesis) -> Recoveries:
    """Recoveries, if each follows the one before and is signed by all its survivors; else RecoveryRefused."""
    before: Recoveries = ()
    for one in signed:
        check_statement(one.recovery, before, genesis)
        _check_signatures(one)
        before = (*before, one.recovery)
    return before


def check_statement(recovery: Recovery, before: Recoveries, genesis: Genesis) -> None:
    """RecoveryRefused unless a recovery may follow those before, whoever has signed it."""
    _require(recovery.version == RECOVERY_VERSION, f"version {recovery.version} is not known here")
    _require(recovery.chain == genesis.chain, f"it is of {recovery.chain}, not of {genesis.chain}")
    _require(recovery.number == len(before) + 1, f"it is number {recovery.number}; {len(before)} came before")
    _require(not before or _goes_on(recovery, before[-1]), "it goes back behind the recovery before")
    former = voters_at(recovery.height + 1, genesis, before)
    left, were = recovery.voters.voters, former.voters
    _require(
        list(left) == [voter for voter in were if voter in left], "its voters are not those of before, or in disorder"
    )
    _require(list(recovery.lost) == [voter.node for voter in were if voter not in left], "it names others as lost")
    _require(len(left) < former.majority, f"{len(left)} of {len(were)} voters are a majority and need no recovery")


def _goes_on(recovery: Recovery, before: Recovery) -> bool:
    """Whether a recovery begins where the one before did, or above: a second loss may precede any new block."""
    if recovery.height == before.height:
        return recovery.header == before.header
    return recovery.height > before.height


def _check_signatures(signed: SignedRecovery) -> None:
    voters = signed.recovery.voters
    names = [one.node for one in signed.signatures]
    missing = [voter.node for voter in voters.voters if voter.node not in names]
    _require(not missing, f"{', '.join(missing)} has not signed it; every survivor does")
    _require(names == [voter.node for voter in voters.voters], "its signatures are not those of its voters, in order")
    for one in signed.signatures:
        key = voters.key(one.node) or ""
        holds = crypto.verify(key, crypto.RECOVERY, signed.recovery.signed_bytes, one.signature)
        _require(holds, f"{one.node}'s signature does not verify")


def voters_at(height: int, genesis: Genesis, recoveries: Recoveries = ()) -> Voters:
    """Who certifies the block of a height."""
    voters = genesis.voters
    for recovery in recoveries:
        if recovery.height < height:
            voters = recovery.voters
    return voters


def _require(condition: bool, fault: str) -> None:
    if not condition:
        raise RecoveryRefused(fault)
