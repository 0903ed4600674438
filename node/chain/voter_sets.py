"""Who certifies which block, as one node knows it.

Sets of voters follow each other: that of the genesis, then those that changes made, and those that recoveries left. A
change is in force here once its block is known to be final: then its epoch is in the Raft log's store, for good. Until
then only blocks that continue the old epoch are taken above it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from sys import maxsize

from ledger.block import Block, Certificate, Header, Outcome, Voters
from ledger.epochs import Epoch, Epochs, epochs_below, epochs_of_start, epochs_upto, same_change
from ledger.errors import InvalidBlock
from ledger.genesis import Genesis
from ledger.recovery import Recoveries
from ledger.succession import changes_voters, continues, next_voters
from node.storage.raft_log_store import RaftLogStore


class Postponed(Exception):
    """A block may be neither endorsed nor refused now: it is ahead of this node's clock, or of what it knows."""


class VoterSets:
    """The sets of voters of one chain."""

    def __init__(self, genesis: Genesis, raft_log: RaftLogStore, recoveries: Recoveries) -> None:
        self._raft_log = raft_log
        self._recoveries = recoveries
        self._sets: dict[str, Voters] = {}
        """Every set that is known, by its digest."""
        for voters in (
            genesis.voters,
            *(one.voters for one in recoveries),
            *(one.voters for one in raft_log.epochs),
        ):
            self._sets[voters.digest] = voters
        self.in_force = in_force(genesis.voters, recoveries, raft_log.epochs)
        """Who elects leaders now, and certifies what is proposed next."""

    def of(self, header: Header) -> Voters:
        """Who certifies a block that this node has, or built."""
        return self._sets[header.voters_digest]

    def of_digest(self, digest: str) -> Voters:
        """A set that a block of this node names."""
        return self._sets[digest]

    def above(self, below: Header) -> Voters:
        """Who certifies the block above one that this node has."""
        recovery = self._recovery_at(below.height)
        if recovery is not None:
            return recovery
        settled = not changes_voters(below) or self._is_settled(below)
        return self._sets[below.next_voters_digest if settled else below.voters_digest]

    def pending(self, below: Header) -> bool:
        """Whether a block changes the voters, or continues such a change, that is not known to be final here."""
        return changes_voters(below) and self._recovery_at(below.height) is None and not self._is_settled(below)

    def certifiers(self, block: Block, below: Header) -> Voters:
        """Who certifies a block that is offered as the next one. Postponed if it is of an epoch that has not begun."""
        if self._recovery_at(below.height) is None and continues(block, below):
            return self._sets[below.voters_digest]
        if self.pending(below):
            if block.header.voters_digest != below.next_voters_digest:
                raise InvalidBlock(block.header.height, f"it does not continue the epoch of block {below.height}")
            raise Postponed(f"block {below.height} changes the voters, and is not known to be final here")
        return self.above(below)

    def final_above(self, header: Header, below: Header) -> Voters | None:
        """Whose certificate makes a header final that lies above the newest final one, in the same epoch; None if it
        names no such voters."""
        allowed = {self.above(below).digest}
        if changes_voters(below) and self._recovery_at(below.height) is None:
            allowed.add(below.voters_digest)
        return self._sets[header.voters_digest] if header.voters_digest in allowed else None

    def after(self, voters: Voters, below: Header, outcomes: Iterable[Outcome]) -> Voters:
        """Who certifies the block after one that these certify, by what it did; or as the change below it says, if it
        continues the old epoch."""
        if changes_voters(below) and voters.digest == below.voters_digest:
            return self._sets[below.next_voters_digest]
        after = next_voters(voters, outcomes)
        return self._sets.setdefault(after.digest, after)

    def settle(self, header: Header, certificate: Certificate) -> bool:
        """A certificate makes a block final: if that changes the voters, remember it for good. Whether it does."""
        if certificate.height != header.height or not changes_voters(header) or self._is_settled(header):
            return False
        voters = self._sets[header.next_voters_digest]
        self._raft_log.keep_epoch(Epoch(header=header, certificate=certificate, voters=voters))
        self.in_force = in_force(self.in_force, self._recoveries, self._raft_log.epochs)
        return True

    @property
    def epochs(self) -> Epochs:
        """Every change of the voters that is known to be final, oldest first."""
        return tuple(self._raft_log.epochs)

    def ends(self) -> frozenset[int]:
        """Heights of the last blocks of epochs."""
        return frozenset(one.header.height for one in self._raft_log.epochs)

    def epochs_for(self, header: Header) -> Epochs:
        """The changes of voters that show who certifies a header."""
        return epochs_below(self._raft_log.epochs, header, self._recoveries)

    def epochs_of_start(self, header: Header) -> Epochs:
        """Those that somebody needs who begins at a header."""
        return epochs_of_start(self._raft_log.epochs, header, self._recoveries)

    def _is_settled(self, header: Header) -> bool:
        """Whether the change of voters that a block makes, or continues, is known to be final: by its own certificate,
        or that of a block below or above it that makes the same change, and no recovery lies in between."""
        recovered = [one for one in self._recoveries if one.height < header.height]
        epochs = epochs_upto(self._raft_log.epochs, maxsize, recovered)
        place = bisect_right(epochs, header.height, key=lambda one: one.header.height)
        return any(same_change(header, one.header) for one in epochs[max(0, place - 1) : place + 1])

    def _recovery_at(self, height: int) -> Voters | None:
        return next((one.voters for one in reversed(self._recoveries) if one.height == height), None)


def in_force(genesis: Voters, recoveries: Recoveries, epochs: Sequence[Epoch]) -> Voters:
    """The newest set of voters: of the last change, of a recovery above it, or of the genesis."""
    changes = epochs_upto(epochs, maxsize, recoveries)
    if changes:
        return changes[-1].voters
    return recoveries[-1].voters if recoveries else genesis
