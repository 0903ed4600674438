"""What each change does once it has been voted: one function a change, of the shape that actions have.

They run when a proposal is made, as a trial, and when the last vote comes, for good: on the state of that moment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from ledger import version
from ledger.errors import Code, LedgerError, ensure
from ledger.events import (
    ConsortiumPolicySet,
    OrgAdded,
    OrgResumed,
    OrgSuspended,
    ParametersSet,
    ProtocolScheduled,
    RolesSet,
)
from ledger.execution.account import RESERVED_ROLES, add_account, with_roles
from ledger.execution.context import Context
from ledger.execution.view import Ledger
from ledger.governance import (
    ORGS_MAX,
    ActivateProtocol,
    AddOrg,
    Change,
    ResumeOrg,
    SetConsortiumPolicy,
    SetParameters,
    SetReservedRoles,
    SuspendOrg,
    quorum,
)
from ledger.names import ADMINISTRATOR, org_of
from ledger.records import CONSORTIUM_POLICY, Org, account_key, org_key, parameters_key
from ledger.version import PROTOCOL, Activation, Protocol

CHANGE_FUEL = 200
"""What carrying out a change costs."""

C = TypeVar("C", bound=Change)
CHANGES: dict[type[Change], Callable[[Ledger, Context, Any], None]] = {}
"""The function of each change."""


def change(kind: type[C]) -> Callable[[Callable[[Ledger, Context, C], None]], Callable[[Ledger, Context, C], None]]:
    """Make a function the one that carries out a change."""

    def register(function: Callable[[Ledger, Context, C], None]) -> Callable[[Ledger, Context, C], None]:
        ensure(kind not in CHANGES, f"{kind.__name__} has one function")
        CHANGES[kind] = function
        return function

    return register


def make_changes(ledger: Ledger, tx: Context, changes: tuple[Change, ...]) -> None:
    """Carry out all changes, in order. CHANGE_FAILED names the first that does not hold."""
    for place, one in enumerate(changes):
        tx.spend(CHANGE_FUEL)
        try:
            CHANGES[type(one)](ledger, tx, one)
        except LedgerError as refusal:
            name = one.__struct_config__.tag
            raise LedgerError(Code.CHANGE_FAILED, f"change {place} ({name}) does not hold now: {refusal}") from None


def active_orgs(ledger: Ledger) -> set[str]:
    """Names of the orgs that are not suspended: those whose votes count."""
    names = (key.removeprefix(org_key("")) for key in ledger.keys(org_key("")))
    return {name for name in names if not ledger.org(name).suspended}


@change(AddOrg)
def add_org(ledger: Ledger, tx: Context, ask: AddOrg) -> None:
    """Take in a member, with an administrator to enrol its accounts."""
    if ledger.holds(org_key(ask.org)):
        raise LedgerError(Code.ORG_EXISTS, f"{ask.org} is a member; choose another name")
    if len(ledger.keys(org_key(""))) >= ORGS_MAX:
        raise LedgerError(Code.ORGS_FULL, f"there are {ORGS_MAX} orgs, the most there may be")
    if org_of(ask.account) != ask.org:
        raise LedgerError(Code.ORG_MISMATCH, f"{ask.account} is no account of {ask.org}; its first one administers it")
    ledger.put(org_key(ask.org), Org(name=ask.org, title=ask.title, administered=True))
    tx.emit(OrgAdded(org=ask.org))
    add_account(ledger, tx, ask.account, ask.key, (ADMINISTRATOR,))


@change(SuspendOrg)
def suspend_org(ledger: Ledger, tx: Context, ask: SuspendOrg) -> None:
    """Let none of a member's accounts sign; the rest of this block refuses them already."""
    org = ledger.org(ask.org)
    if org.suspended:
        raise LedgerError(Code.NOTHING_TO_CHANGE, f"{ask.org} is suspended already")
    if active_orgs(ledger) == {ask.org}:
        raise LedgerError(Code.LAST_ORG, f"{ask.org} is the last org that can act; resume another first")
    ledger.put(org_key(org.name), replace(org, suspended=True, withdrawn_height=tx.height))
    require_quorum_in_reach(ledger)
    tx.emit(OrgSuspended(org=org.name))


@change(ResumeOrg)
def resume_org(ledger: Ledger, tx: Context, ask: ResumeOrg) -> None:
    """Let a suspended member's accounts sign again."""
    org = ledger.org(ask.org)
    if org.removed:
        raise LedgerError(Code.ORG_REMOVED, f"{ask.org} has left for good; take it in under another name")
    if not org.suspended:
        raise LedgerError(Code.NOTHING_TO_CHANGE, f"{ask.org} is not suspended")
    ledger.put(org_key(org.name), replace(org, suspended=False))
    require_quorum_in_reach(ledger)
    tx.emit(OrgResumed(org=org.name))


def require_quorum_in_reach(ledger: Ledger) -> None:
    """Refuse a membership in which the orgs that can vote no longer make a quorum, for nothing could mend it."""
    active = active_orgs(ledger)
    voting, needed = sum(ledger.org(name).administered for name in sorted(active)), quorum(len(active))
    if voting < needed:
        raise LedgerError(
            Code.QUORUM_LOST,
            f"{voting} of {len(active)} orgs would have an administrator, {needed} have to approve; give another one",
        )


@change(SetReservedRoles)
def set_reserved_roles(ledger: Ledger, tx: Context, ask: SetReservedRoles) -> None:
    """Say which roles an account holds of those that no org gives itself; make it its org's first administrator."""
    account, wanted = ledger.account(ask.account), set(ask.roles)
    others = sorted(wanted - RESERVED_ROLES - {ADMINISTRATOR})
    if others:
        raise LedgerError(
            Code.ROLE_RESERVED, f"{', '.join(others)} is not given by vote; an administrator of its org gives it"
        )
    if ADMINISTRATOR in wanted - set(account.roles):
        org = ledger.org(org_of(account.name))
        if org.administered:
            raise LedgerError(
                Code.ADMINISTRATOR_EXISTS, f"{org.name} has an administrator, who gives the role; a vote does not"
            )
        ledger.put(org_key(org.name), replace(org, administered=True))
    roles = tuple(sorted((set(account.roles) - RESERVED_ROLES) | wanted))
    ledger.put(account_key(account.name), with_roles(account, roles, tx.height))
    tx.emit(RolesSet(account=account.name, roles=roles))


@change(SetParameters)
def set_parameters(ledger: Ledger, tx: Context, ask: SetParameters) -> None:
    """Give some parameters new values, in force from the next block on."""
    before = ledger.parameters()
    wanted = {name: value for name in ask.__struct_fields__ if (value := getattr(ask, name)) is not msgspec.UNSET}
    changed = {name: value for name, value in wanted.items() if getattr(before, name) != value}
    if not changed:
        raise LedgerError(Code.NOTHING_TO_CHANGE, "every parameter named has this value already, or none is named")
    ledger.put(parameters_key(), replace(before, **changed))
    tx.emit(ParametersSet(names=tuple(sorted(changed))))


@change(SetConsortiumPolicy)
def set_consortium_policy(ledger: Ledger, tx: Context, ask: SetConsortiumPolicy) -> None:
    """Put all assets under a published policy version, in place of the one before."""
    ledger.policy(ask.policy, ask.version)
    name = f"{ask.policy}@{ask.version}"
    if ledger.find(CONSORTIUM_POLICY, str) == name:
        raise LedgerError(Code.NOTHING_TO_CHANGE, f"{name} is the consortium's policy already")
    ledger.put(CONSORTIUM_POLICY, name)
    tx.emit(ConsortiumPolicySet(policy=name))


@change(ActivateProtocol)
def activate_protocol(ledger: Ledger, tx: Context, ask: ActivateProtocol) -> None:
    """Put a version of the rules of execution in force from a height on, which leaves time to stop before it."""
    protocol = ledger.find(PROTOCOL, Protocol) or Protocol()
    in_force, soonest = protocol.number_at(tx.height), tx.height + version.ACTIVATION_NOTICE_BLOCKS
    for holds, fault in (
        (ask.version > in_force, f"version {in_force} is in force, and none comes back; name a newer one"),
        (ask.height >= soonest, f"block {ask.height} is too near; name block {soonest} or a later one"),
    ):
        if not holds:
            raise LedgerError(Code.ACTIVATION_INVALID, fault)
    kept = tuple(one for one in protocol.activations if one.height <= tx.height)
    activation = Activation(version=ask.version, height=ask.height)
    ledger.put(PROTOCOL, Protocol(activations=(*kept, activation)))
    tx.emit(ProtocolScheduled(version=ask.version, height=ask.height))
