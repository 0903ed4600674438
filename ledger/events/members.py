"""What happened to accounts, orgs and nodes, and what was decided by vote."""

from __future__ import annotations

from ledger.events.parts import Event


class AccountEnrolled(Event, frozen=True, tag="account.enrolled", kw_only=True):
    account: str
    key: str


class KeyAdded(Event, frozen=True, tag="account.key_added", kw_only=True):
    account: str
    key: str


class KeyRevoked(Event, frozen=True, tag="account.key_revoked", kw_only=True):
    account: str
    key: str


class NodeAdded(Event, frozen=True, tag="node.added", kw_only=True):
    node: str
    org: str
    key: str


class NodeRemoved(Event, frozen=True, tag="node.removed", kw_only=True):
    node: str
    org: str


class NodeMoved(Event, frozen=True, tag="node.moved", kw_only=True):
    """The other nodes reach it at this address from now on."""

    node: str
    address: str


class VoterAdded(Event, frozen=True, tag="voter.added", kw_only=True):
    """A node certifies from the next block on."""

    node: str
    org: str
    key: str


class VoterRemoved(Event, frozen=True, tag="voter.removed", kw_only=True):
    """A node does not certify the next block any more."""

    node: str
    org: str


class KeyRotated(Event, frozen=True, tag="account.key_rotated", kw_only=True):
    account: str
    old: str
    new: str


class AccountRecovered(Event, frozen=True, tag="account.recovered", kw_only=True):
    account: str
    key: str
    by: str


class RolesSet(Event, frozen=True, tag="account.roles_set", kw_only=True):
    account: str
    roles: tuple[str, ...]
    """All that it holds now."""


class AccountSuspended(Event, frozen=True, tag="account.suspended", kw_only=True):
    account: str


class AccountResumed(Event, frozen=True, tag="account.resumed", kw_only=True):
    account: str


class ProposalMade(Event, frozen=True, tag="governance.proposed", kw_only=True):
    proposal: str
    org: str
    until_ms: int


class VoteCast(Event, frozen=True, tag="governance.voted", kw_only=True):
    proposal: str
    org: str
    approve: bool


class ProposalPassed(Event, frozen=True, tag="governance.passed", kw_only=True):
    """Its changes are made, in this very transaction; each has its own event after this one."""

    proposal: str


class ProposalRejected(Event, frozen=True, tag="governance.rejected", kw_only=True):
    """Too few orgs are left that could still approve."""

    proposal: str


class OrgAdded(Event, frozen=True, tag="org.added", kw_only=True):
    org: str


class OrgSuspended(Event, frozen=True, tag="org.suspended", kw_only=True):
    org: str


class OrgRemoved(Event, frozen=True, tag="org.removed", kw_only=True):
    """An org has left for good."""

    org: str


class OrgResumed(Event, frozen=True, tag="org.resumed", kw_only=True):
    org: str


class ParametersSet(Event, frozen=True, tag="parameters.set", kw_only=True):
    names: tuple[str, ...]
    """Of those that have a new value."""


class ConsortiumPolicySet(Event, frozen=True, tag="consortium.policy_set", kw_only=True):
    policy: str


class ProtocolScheduled(Event, frozen=True, tag="protocol.scheduled", kw_only=True):
    """A version of the rules of execution comes into force at a height."""

    version: int
    height: int
