"""Rules on the ledger: publishing them, and the one place where they decide.

Every action that moves, shows or sells asks `decide`. What the rules see is built here, from the state as it is at
that action and from nothing else; the schema `remarque@1` (`ledger/policy_source.py`) names it. Which policies have a
say is in `scope.py`.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

import contracts_vm
from contracts_vm import Timestamp
from contracts_vm.types import TIMESTAMP_MS_MAX
from ledger import crypto
from ledger.actions import PublishPolicy
from ledger.block import Decision
from ledger.encoding import encode
from ledger.errors import Code, LedgerError
from ledger.events import PolicyPublished
from ledger.execution.beside import paid_apart, paid_beside
from ledger.execution.consent import is_void
from ledger.execution.context import Context, action
from ledger.execution.scope import RIGHTS_MANAGER, ScopedPolicy, governing, scoped_policies, still_governing
from ledger.execution.view import Ledger
from ledger.names import INTEGER_MAX, org_of
from ledger.policy_source import TIME_MS_MAX, check_source, policy_record
from ledger.records import Asset, Governing, Grant, Token, grant_key, policy_key

EXPLAINED = "view"
"""Decisions of this kind are explained whole even when they allow: who was shown what, and why, is never in doubt."""


@action(PublishPolicy)
def publish(ledger: Ledger, tx: Context, ask: PublishPolicy) -> None:
    """Publish a version of a policy, for ever."""
    tx.require_role(RIGHTS_MANAGER)
    tx.spend(len(ask.source))
    policy = check_source(ask.source)
    _check_money(ledger, policy)
    key = policy_key(policy.name, policy.version)
    if ledger.holds(key):
        raise LedgerError(
            Code.POLICY_EXISTS, f"{policy.name}@{policy.version} is published; publish the change as a new version"
        )
    record = policy_record(policy, tx.signer)
    ledger.put(key, record)
    tx.emit(PolicyPublished(policy=policy.id, digest=record.digest))


def _check_money(ledger: Ledger, policy: contracts_vm.Policy) -> None:
    """Refuse a floor or a fallback that its currency cannot express."""
    for clause in policy.royalties:
        for money in (clause.floor, clause.fallback):
            if money is None:
                continue
            units = money.units(ledger.currency(money.currency).decimals)
            if units is None or units > INTEGER_MAX:
                raise LedgerError(
                    Code.POLICY_INVALID, f"royalty {clause.id}: {money.text} is no whole number of minor units"
                )


def facts_for(
    ledger: Ledger,
    height: int,
    time_ms: int,
    asset: Asset,
    kind: str,
    token: Token | None,
    requester: str,
    about: dict[str, Any],
) -> dict[str, dict[str, Any]]:
    """What the rules see (schema `remarque@1`). A requester without a name is a stranger."""
    account = ledger.account(requester) if requester else None
    seen_asset: dict[str, Any] = {
        "id": asset.id,
        "owner": token.owner if token is not None else ledger.owner(asset),
        "creator": asset.creator,
        "creators": tuple((share.account, share.weight_ppm) for share in asset.creators),
        "org": org_of(asset.creator),
        "confidential": asset.confidential,
        "evidence": asset.evidence_at(time_ms),
        "parents": asset.parents,
        "depth": asset.depth,
    }
    for name, value in (("model", asset.model), ("collection", asset.collection)):
        if value is not UNSET:
            seen_asset[name] = value
    grant = grant_of(ledger, asset, requester)
    return {
        "requester": {
            "id": requester,
            "org": org_of(requester),
            "roles": () if account is None else account.roles,
            "suspended": account is not None and ledger.is_suspended(account),
        },
        "asset": seen_asset,
        "token": {} if token is None else {"id": token.id, "owner": token.owner},
        "grant": {}
        if grant is None
        else {"until": Timestamp(min(grant.until_ms, TIMESTAMP_MS_MAX)), "granted_by": grant.granted_by},
        "tx": {"kind": kind, "paid": False, "paid_apart": False, **about},
        "block": {"height": height, "time": Timestamp(min(time_ms, TIME_MS_MAX))},
    }


def decide(
    ledger: Ledger,
    tx: Context,
    asset: Asset,
    kind: str,
    token: Token | None = None,
    requester: str | None = None,
    governed: tuple[Governing, ...] = (),
    **about: Any,
) -> str:
    """Ask the rules; return the id of the rule that allowed it, or refuse with POLICY_DENIED.

    The requester is the signer, but for a sale, which is the seller's act: a listing is its standing consent. The rules
    are those in force, unless others are named, or were paid for.
    """
    requester = requester or tx.signer
    about |= {"paid": paid_beside(tx), "paid_apart": paid_apart(tx)}
    facts = facts_for(ledger, tx.height, tx.time_ms, asset, kind, token, requester, about)
    fuel = min(tx.version.decision_fuel_max, tx.fuel_left)
    scopes = scoped_policies(ledger, governed or governing_for(ledger, asset, kind, requester, tx.time_ms))
    policies = [policy for _, policy in scopes]
    decision = contracts_vm.decide(policies, kind, facts, fuel)
    tx.spend(decision.fuel)
    explained = not decision.allowed or kind == EXPLAINED
    explanation: dict[str, Any] = {}
    if explained:
        explanation, cost = explain_metered(decision, scopes)
        tx.spend(cost if decision.allowed else min(cost, tx.fuel_left))
        tx.explanations.append(explanation)
    tx.decisions.append(
        Decision(
            action=tx.action_index,
            kind=kind,
            code=decision.code,
            policy=decision.policy or " ".join(policy.id for policy in policies),
            rule=decision.rule or "",
            digest=crypto.digest(crypto.DECISION, encode(explanation)) if explained else "0" * 64,
        )
    )
    if not decision.allowed:
        raise LedgerError(Code.POLICY_DENIED, denial(scopes, kind, decision))
    return decision.rule or ""


def explain(decision: contracts_vm.PolicyDecision, scopes: list[ScopedPolicy]) -> dict[str, Any]:
    """A decision explained, with the scope that each policy has its say from."""
    return explain_metered(decision, scopes)[0]


def explain_metered(decision: contracts_vm.PolicyDecision, scopes: list[ScopedPolicy]) -> tuple[dict[str, Any], int]:
    """The same, and the fuel that it cost: an allowed view pays it, a denial as far as there is fuel."""
    explanation, fuel = decision.explain_metered()
    return explanation | {"scopes": [{"scope": scope, "policy": policy.id} for scope, policy in scopes]}, fuel


def may(
    ledger: Ledger, asset: Asset, kind: str, account: str, height: int, time_ms: int, fuel: int, viewer: str = ""
) -> bool:
    """Whether the rules, asked now, let an account view an asset, or a stranger (no account) verify it.

    `viewer`: the org whose node would show it; empty if none would.
    """
    facts = facts_for(ledger, height, time_ms, asset, kind, None, account, {"viewer": viewer} if viewer else {})
    scopes = scoped_policies(ledger, governing_for(ledger, asset, kind, account, time_ms))
    return contracts_vm.decide([policy for _, policy in scopes], kind, facts, fuel).allowed


def governing_for(ledger: Ledger, asset: Asset, kind: str, requester: str, time_ms: int) -> tuple[Governing, ...]:
    """The policies that decide; for somebody who paid to see it, those of then, with the consortium's of now."""
    grant = grant_of(ledger, asset, requester) if kind == EXPLAINED else None
    if grant is None or grant.policies is UNSET or grant.until_ms <= time_ms:
        return governing(ledger, asset)
    return still_governing(ledger, grant.policies)


def grant_of(ledger: Ledger, asset: Asset, account: str) -> Grant | None:
    """An account's grant, unless it is void: of a record that is no more, or given for nothing with a lost key.

    Whether it has ended is for whoever asks, at a time.
    """
    grant = ledger.find(grant_key(asset.id, account), Grant) if asset.confidential else None
    if grant is None or grant.record != asset.transaction:
        return None
    return None if grant.policies is UNSET and is_void(ledger, grant.granted_by, grant.key) else grant


def denial(scopes: list[ScopedPolicy], kind: str, decision: contracts_vm.PolicyDecision) -> str:
    """A denial in words: what was asked, which rule said no, and why."""
    permits = [
        ready.rule.id for _, policy in scopes for ready in policy.rules_for(kind) if ready.rule.effect == "permit"
    ]
    if decision.rule:
        scope = next(scope for scope, policy in scopes if policy.id == decision.policy)
        why = f"rule {decision.rule} of {decision.policy} ({scope}): {decision.reason}"
    else:
        why = f"none of these permits holds: {', '.join(permits)}" if permits else decision.reason
    return f"{kind} is denied ({decision.code}), {why}; the transaction's explanation says what each rule saw"
