"""Recovery: going on with those voters that are left, when a majority is lost for good.

A certificate needs a majority, and there is none any more; so the survivors say together, each with its own signature,
up to which block they go on and who votes from there. That is no proof that nothing was lost, and nothing makes it one:
a recovery is a file of its own, which everybody who checks this chain is handed and accepts, or does not. Without it
every receipt from before still holds. With it, a receipt that was final above the block they went on from is shown for
what it is: evidence of what was lost.

Who voted before is shown with it: every change of voters that was certified. One that was not certified does not count;
the recovery decides instead who votes.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ledger import crypto
from ledger.block import Endorsement, Voters
from ledger.encoding import Value, decode, encode
from ledger.epochs import PROOF_BYTES_MAX, EpochRefused, Epochs, walk
from ledger.errors import LedgerError, Refused
from ledger.genesis import Genesis
from ledger.names import ChainName, Count, Hex32, NodeName, Positive, TimeMs

RECOVERY_VERSION = 1
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
    epochs: Epochs = ()
    """Every change of voters above the recovery before, or genesis, and up to its height. Nobody signs them here: each
    has its certificate."""
    signatures: Annotated[tuple[Endorsement, ...], Meta(max_length=64)]

    @property
    def number(self) -> int:
        return self.recovery.number

    @property
    def height(self) -> int:
        """The newest block that the chain goes on from."""
        return self.recovery.height

    @property
    def header(self) -> str:
        """The hash of that block."""
        return self.recovery.header

    @property
    def voters(self) -> Voters:
        """Who certifies from the next block on."""
        return self.recovery.voters


Recoveries = tuple[SignedRecovery, ...]
"""All recoveries of a chain that somebody has accepted, in order, each checked."""


def parse_recovery(data: bytes) -> SignedRecovery:
    """Recovery from its file; RecoveryRefused if it is none. Says nothing yet of its signatures."""
    _require(len(data) <= PROOF_BYTES_MAX, f"a recovery has at most {PROOF_BYTES_MAX} bytes")
    try:
        return decode(data, SignedRecovery)
    except LedgerError as error:
        raise RecoveryRefused(f"this is no recovery: {error}") from None


def check_recoveries(signed: tuple[SignedRecovery, ...], genesis: Genesis) -> Recoveries:
    """The recoveries, if each follows the one before and is signed by all its survivors; else RecoveryRefused."""
    for number, one in enumerate(signed):
        check_statement(one.recovery, one.epochs, signed[:number], genesis)
        _check_signatures(one)
    return signed


def check_statement(recovery: Recovery, epochs: Epochs, before: Recoveries, genesis: Genesis) -> None:
    """RecoveryRefused unless a recovery may follow those before, whoever has signed it.

    `epochs` are the changes of voters above the last one before, up to its height.
    """
    _require(recovery.version == RECOVERY_VERSION, f"version {recovery.version} is not known here")
    _require(recovery.chain == genesis.chain, f"it is of {recovery.chain}, not of {genesis.chain}")
    _require(recovery.number == len(before) + 1, f"it is number {recovery.number}; {len(before)} came before")
    _require(not before or _goes_on(recovery, before[-1]), "it goes back behind the recovery before")
    for epoch in epochs:
        other = epoch.header.height == recovery.height and epoch.header.hash != recovery.header
        _require(not other, "voters changed at another block of its height")
    try:
        former = voters_at(recovery.height + 1, genesis, before, epochs)
    except EpochRefused as fault:
        raise RecoveryRefused(str(fault)) from None
    left, were = recovery.voters.voters, former.voters
    _require(
        list(left) == [voter for voter in were if voter in left], "its voters are not those of before, or in disorder"
    )
    _require(list(recovery.lost) == [voter.node for voter in were if voter not in left], "it names others as lost")
    _require(len(left) < former.majority, f"{len(left)} of {len(were)} voters are a majority and need no recovery")


def _goes_on(recovery: Recovery, before: SignedRecovery) -> bool:
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


def voters_at(height: int, genesis: Genesis, recoveries: Recoveries = (), epochs: Epochs = ()) -> Voters:
    """Who certifies the block of a height; EpochRefused if a change of voters does not hold.

    `epochs` are all changes below it that lie above the last recovery below it (`ledger.epochs.epochs_below`).
    """
    voters, above = genesis.voters, 0
    for recovery in recoveries:
        if recovery.height < height:
            voters, above = recovery.voters, recovery.height
    return walk(voters, above, epochs, height, genesis.chain)


def _require(condition: bool, fault: str) -> None:
    if not condition:
        raise RecoveryRefused(fault)
