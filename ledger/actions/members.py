"""What accounts, orgs and nodes ask for themselves: keys, roles, votes, nodes."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from ledger.actions.parts import (
    Action,
    Roles,
)
from ledger.governance import Changes, Reason, Replayed
from ledger.names import (
    AccountName,
    Hex32,
    NodeName,
    PeerAddress,
    TimeMs,
)


class EnrolAccount(Action, frozen=True, tag="account.enrol", kw_only=True):
    """Give an account a name, its first key and its roles. By an administrator of its org."""

    account: AccountName
    key: Hex32
    roles: Roles = ()


class AddKey(Action, frozen=True, tag="account.add-key", kw_only=True):
    """Give the signing account a further key. By that account."""

    key: Hex32


class RevokeKey(Action, frozen=True, tag="account.revoke-key", kw_only=True):
    """Take a key from an account for ever. By that account, or an administrator of its org."""

    account: AccountName
    key: Hex32


class RotateKey(Action, frozen=True, tag="account.rotate-key", kw_only=True):
    """Replace a key of the signing account in one step. By that account."""

    old: Hex32
    new: Hex32


class RecoverAccount(Action, frozen=True, tag="account.recover", kw_only=True):
    """Revoke all keys of an account that lost them, and give it a new one. By another administrator of its org."""

    account: AccountName
    key: Hex32


class SetRoles(Action, frozen=True, tag="account.set_roles", kw_only=True):
    """Say which roles an account holds; those given by vote stay. By an administrator of its org."""

    account: AccountName
    roles: Roles


class SuspendAccount(Action, frozen=True, tag="account.suspend", kw_only=True):
    """Let an account sign nothing until it is resumed. By another administrator of its org."""

    account: AccountName


class ResumeAccount(Action, frozen=True, tag="account.resume", kw_only=True):
    """Let a suspended account sign again. By an administrator of its org."""

    account: AccountName


class Propose(Action, frozen=True, tag="governance.propose", kw_only=True):
    """Put changes to the vote; by this the proposer's org approves them. By an administrator."""

    changes: Changes
    until_ms: TimeMs
    """The last block time at which votes are taken."""
    reason: Reason = ""
    replay: Replayed | UnsetType = UNSET
    """What the last requests would have come to under the policy that is to bind all assets."""


class CastVote(Action, frozen=True, tag="governance.vote", kw_only=True):
    """Say an org's word on a proposal, once and for good. By an administrator.

    Where there is a quorum only because an org was suspended since, an org that approved says so again, which carries
    the changes out.
    """

    proposal: Hex32
    approve: bool


class AddNode(Action, frozen=True, tag="node.add", kw_only=True):
    """Let a further node of the signer's org in, which does not vote yet. By an administrator."""

    node: NodeName
    key: Hex32
    certificate: Annotated[str, Meta(min_length=2, max_length=2_048, pattern=r"^([0-9a-f]{2})+\Z")]
    """Self-signed X.509 of the key, DER, hex: what `remarque keys show` prints."""
    address: PeerAddress | UnsetType = UNSET
    """Where the other nodes reach it."""


class RemoveNode(Action, frozen=True, tag="node.remove", kw_only=True):
    """Shut out a node of the signer's org that does not vote, or whose place another takes. By an administrator."""

    node: NodeName


class SetNodeAddress(Action, frozen=True, tag="node.set_address", kw_only=True):
    """Say where the other nodes reach a node of the signer's org, from now on. By an administrator."""

    node: NodeName
    address: PeerAddress
