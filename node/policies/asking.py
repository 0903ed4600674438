"""What a policy says, asked without anything being done: its faults, and its decision on the state of any height."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, convert

import contracts_vm
from contracts_vm import Policy
from ledger.errors import Code, LedgerError
from ledger.execution.policy import Asked, explain, facts_for
from ledger.execution.scope import ASSET, governing, scoped_policies
from ledger.execution.view import Ledger
from ledger.policy_source import KINDS, SCHEMA
from ledger.version import ProtocolVersion
from node.policies.replaying import PastState
from node.storage.state_store import StateStore
from remarque.api.explanations import Explanation
from remarque.api.policies import Evaluation, PolicyCheck, PolicyProblem, Question


def faults_of(source: str | bytes) -> PolicyCheck:
    """Whether a source may be published, and what each rule costs at most; if not, why: every fault with its place."""
    try:
        policy = contracts_vm.parse(source)
    except contracts_vm.PolicyError as error:
        return PolicyCheck(holds=False, problems=(_told(error),))
    problems = tuple(_told(problem) for problem in contracts_vm.check(policy, SCHEMA, KINDS))
    holds = not any(problem.severity == "error" for problem in problems)
    return PolicyCheck(
        holds=holds,
        policy=policy.id,
        digest=policy.digest,
        problems=problems,
        fuel=dict(contracts_vm.bounds(policy, SCHEMA)) if holds else UNSET,
    )


def _told(problem: Any) -> PolicyProblem:
    told = {name: getattr(problem, name, "") for name in ("code", "message", "rule", "excerpt")}
    severity = getattr(problem, "severity", "error")
    return PolicyProblem(line=problem.line, column=problem.column, severity=severity, text=str(problem), **told)


def parsed(source: str) -> Policy:
    """A policy that may be published, from its source; or POLICY_INVALID."""
    found = faults_of(source)
    if not found.holds:
        raise LedgerError(Code.POLICY_INVALID, "\n".join(one.text for one in found.problems[:5]))
    return contracts_vm.parse(source)


def evaluate(
    state: StateStore, asked: Question, instead: Policy | None, height: int, time_ms: int, version: ProtocolVersion
) -> Evaluation:
    """The decision after a block, explained whole. LedgerError if the asset or account was not there yet.

    `instead`: the policy that the question brings, parsed; that takes up to 60 ms, so it is no part of this.
    """
    ledger = Ledger(PastState(state, height))
    asset = ledger.asset(asked.asset)
    token = ledger.token(asset.token) if isinstance(asset.token, str) else None
    scopes = scoped_policies(ledger, governing(ledger, asset))
    if instead is not None:
        scopes = [*(one for one in scopes if one[0] != ASSET), (ASSET, instead)]
    about = {name: getattr(asked, name) for name in ("price", "currency", "to", "paid")} | {"paid_apart": asked.paid}
    given = {name: value for name, value in about.items() if value is not None}
    shown = Asked(request={} if asked.viewer is None else {"viewer": asked.viewer})
    facts = facts_for(ledger, height + 1, time_ms, asset, asked.kind, token, asked.requester, given, shown)
    decision = contracts_vm.decide([policy for _, policy in scopes], asked.kind, facts, version.decision_fuel_max)
    explanation = convert(explain(decision, scopes), Explanation)
    return Evaluation(allowed=decision.allowed, height=height, explanation=explanation)
