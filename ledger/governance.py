"""What a consortium decides by vote: the changes that can be proposed, and the record of a proposal and its votes.

A change says what shall be, never how to get there, so that it means the same whenever the last vote comes. What a
change needs is checked when it is proposed, and again on the state of the moment in which it takes effect.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger.encoding import Value
from ledger.names import AccountName, Count, Hex32, NodeName, OrgName, PolicyName, PolicyVersion, Positive, RoleName

CHANGES_MAX = 16
REASON_LENGTH_MAX = 512
ORGS_MAX = 256
KEEPERS_MAX = 16

Reason = Annotated[str, Meta(max_length=REASON_LENGTH_MAX)]


class Change(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, tag_field="type"
):
    """Base of all changes; `type` is the change's name."""


class AddOrg(Change, frozen=True, tag="org.add", kw_only=True):
    """Take in a member, with its first administrator."""

    org: OrgName
    title: Annotated[str, Meta(min_length=1, max_length=128)]
    account: AccountName
    key: Hex32


class SuspendOrg(Change, frozen=True, tag="org.suspend", kw_only=True):
    """None of a member's accounts signs any more, until it is resumed."""

    org: OrgName


class ResumeOrg(Change, frozen=True, tag="org.resume", kw_only=True):
    """A suspended member's accounts sign again."""

    org: OrgName


class RemoveOrg(Change, frozen=True, tag="org.remove", kw_only=True):
    """A member leaves for good, with its nodes, none of which may vote any more. What is on the chain stays."""

    org: OrgName


class ShutOutNode(Change, frozen=True, tag="node.remove", kw_only=True):
    """A member's node is let in no more, and nobody takes its name; its org may let in another. If it votes, it stops
    to."""

    node: NodeName


class SetVoter(Change, frozen=True, tag="node.set_voter", kw_only=True):
    """Whether a member's node votes. A node that is to has to be level with the chain in that moment."""

    node: NodeName
    votes: bool


class ReplaceNode(Change, frozen=True, tag="node.replace", kw_only=True):
    """A node of the same org votes too, in place of one that its org may then remove: so a voter's key is rotated."""

    node: NodeName
    by: NodeName


class SetReservedRoles(Change, frozen=True, tag="account.set_roles", kw_only=True):
    """Which of the roles that no org gives itself an account holds; the others stay.

    `administrator` may be named too, for an org that has no administrator: it is given, never taken.
    """

    account: AccountName
    roles: Annotated[tuple[RoleName, ...], Meta(max_length=8)]


class SetParameters(Change, frozen=True, tag="parameters.set", kw_only=True):
    """New values for some parameters; those left out stay. Each within bounds in which the chain can go on."""

    block_transactions_max: Annotated[int, Meta(ge=1, le=10_000)] | UnsetType = UNSET
    block_bytes_max: Annotated[int, Meta(ge=256 * 1024, le=16 * 1024 * 1024)] | UnsetType = UNSET
    transaction_fuel_max: Annotated[int, Meta(ge=200_000, le=10_000_000)] | UnsetType = UNSET
    valid_ms_max: Annotated[int, Meta(ge=60_000, le=86_400_000)] | UnsetType = UNSET
    clock_ahead_ms_max: Annotated[int, Meta(ge=1_000, le=60_000)] | UnsetType = UNSET
    open_reads: bool | UnsetType = UNSET
    proposals_open_max: Annotated[int, Meta(ge=1, le=64)] | UnsetType = UNSET
    proposal_ms_max: Annotated[int, Meta(ge=60_000, le=31_536_000_000)] | UnsetType = UNSET
    rental_ms_max: Annotated[int, Meta(ge=60_000, le=315_360_000_000)] | UnsetType = UNSET
    consent_ms_max: Annotated[int, Meta(ge=60_000, le=31_536_000_000)] | UnsetType = UNSET
    grant_ms_max: Annotated[int, Meta(ge=60_000, le=315_360_000_000)] | UnsetType = UNSET
    dispute_hold_ms: Annotated[int, Meta(ge=0, le=31_536_000_000)] | UnsetType = UNSET


class SetConsortiumPolicy(Change, frozen=True, tag="consortium.set_policy", kw_only=True):
    """The published policy version that binds every asset from now on."""

    policy: PolicyName
    version: Positive


class ActivateProtocol(Change, frozen=True, tag="protocol.activate", kw_only=True):
    """The version of the rules of execution that is in force from a height on.

    Replaces an activation that still lies ahead, so that one can be put off.
    """

    version: Positive
    height: Positive


class DismissDispute(Change, frozen=True, tag="asset.dismiss_dispute", kw_only=True):
    """An org's dispute about an asset no longer counts."""

    asset: Hex32
    org: OrgName


class BeginCeremony(Change, frozen=True, tag="ceremony.begin", kw_only=True):
    """Let keepers make the consortium's key, or share it anew among themselves: one keeper of an org."""

    keepers: Annotated[tuple[AccountName, ...], Meta(min_length=1, max_length=KEEPERS_MAX)]
    threshold: Annotated[int, Meta(ge=1, le=KEEPERS_MAX)] | UnsetType = UNSET
    """So many of them open, more than half; absent: 2f+1 of 3f+1, and 2 of 3."""
    dealing_ms: Annotated[int, Meta(ge=1_000, le=86_400_000)] | UnsetType = UNSET
    """For so long dealings are taken, unless all have dealt before; absent: 10 minutes."""
    complaining_ms: Annotated[int, Meta(ge=1_000, le=86_400_000)] | UnsetType = UNSET
    """For so long after that complaints are, unless all have confirmed before; absent: 10 minutes."""


AnyChange = (
    AddOrg | SuspendOrg | ResumeOrg | RemoveOrg | ShutOutNode | SetVoter | ReplaceNode | SetReservedRoles
    | SetParameters | SetConsortiumPolicy | ActivateProtocol | DismissDispute
    | BeginCeremony
)  # fmt: skip
"""The union that a proposal's changes are decoded as."""

Changes = Annotated[tuple[AnyChange, ...], Meta(min_length=1, max_length=CHANGES_MAX)]


class Replayed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What came of running the last requests again as if a proposed policy had been the consortium's.

    It is the proposer's word. Whoever keeps the blocks runs them again and compares the digest.
    """

    policy: PolicyVersion
    first: Positive
    """Height of the oldest block replayed."""
    last: Positive
    requests: Count
    decisions: Count
    different: Count
    """Requests that would have come out otherwise."""
    digest: Hex32
    """SHA-256 of the whole, as `GET /v1/proposals/{proposal}/replay` gives it."""


def change_name(change: Change) -> str:
    """A change's name on the wire, such as `org.add`."""
    return str(change.__struct_config__.tag)


OPEN, PASSED, REJECTED, EXPIRED = "open", "passed", "rejected", "expired"


class Vote(Value, frozen=True, kw_only=True):
    """What an org said, for good."""

    org: str
    account: str
    key: str
    """The key that voted."""
    approve: bool
    height: int


class Proposal(Value, frozen=True, kw_only=True):
    """Changes put to the vote. The record stays, with what became of it."""

    id: str
    proposer: str
    changes: tuple[AnyChange, ...]
    reason: str
    replay: Replayed | UnsetType = UNSET
    until_ms: int
    """The last block time at which votes are taken."""
    votes: tuple[Vote, ...]
    """In the order in which they came; the first is the proposer's org's."""
    status: str = OPEN
    """`open`, `passed`, `rejected` or `expired`; see `status_at`."""
    height_proposed: int
    height_decided: int | UnsetType = UNSET

    def status_at(self, time_ms: int) -> str:
        """What it is at a block time: one that is open has expired once its end has passed."""
        return EXPIRED if self.status == OPEN and self.until_ms < time_ms else self.status


def proposal_key(proposal: str) -> str:
    return f"proposal/{proposal}"


def unknown_version(changes: tuple[AnyChange, ...], known: Container[int]) -> int | None:
    """The first protocol version that changes would activate and that is not among those known."""
    wanted = (change.version for change in changes if isinstance(change, ActivateProtocol))
    return next((version for version in wanted if version not in known), None)


def quorum(active_orgs: int) -> int:
    """How many orgs have to approve: more than half of those that are not suspended."""
    return active_orgs // 2 + 1
