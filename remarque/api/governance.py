"""What is put to the vote of the orgs, how far the votes are, and what became of it."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from ledger.governance import AnyChange, Replayed, Vote
from remarque.api.policies import Replay
from remarque.api.shapes import Answer, Page


class ProposalView(Answer, frozen=True, kw_only=True):
    """A proposal with its votes: its status by the newest block's time, and the quorum as of now."""

    id: str
    proposer: str
    """The account that made it."""
    changes: tuple[AnyChange, ...]
    """All made, or none."""
    reason: str
    replay: Replayed | UnsetType = UNSET
    """What the proposer says the last requests would have come to under the policy proposed."""
    until_ms: int
    """The last block time at which votes are taken."""
    votes: tuple[Vote, ...]
    """In the order in which they came; the first is the proposer's org's."""
    status: str
    """`open`, `passed`, `rejected` or `expired`."""
    height_proposed: int
    height_decided: int | UnsetType = UNSET
    """Absent while it is open."""
    approving: int
    """Orgs that approve and are not suspended."""
    quorum: int
    """How many have to."""
    orgs: tuple[str, ...]
    """Those that are not suspended."""


class ProposalsPage(Page, frozen=True, kw_only=True):
    """Proposals, by id."""

    proposals: tuple[ProposalView, ...]


class ProposalReplay(Answer, frozen=True, kw_only=True):
    """What a proposal says of its policy, run again by the node that is asked."""

    told: Replayed
    """What the proposal says."""
    holds: bool
    """Whether the same came of it here."""
    replay: Replay
