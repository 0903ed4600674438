"""The answer to "may this be done?", from all policies in scope at once.

Every rule that names the action is evaluated and the verdicts are combined without regard to order, so that an
organisation that appends a rule cannot change what another's rule means by where it stands. An error is never a way in:
in a `forbid` or a `require` it denies, in a `permit` it does not allow.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from contracts_vm import cost
from contracts_vm.evaluate import run
from contracts_vm.explain import JSON, explain_rules
from contracts_vm.operators import EvaluationError
from contracts_vm.policy import Policy, ReadyRule
from contracts_vm.syntax import Effect
from contracts_vm.types import Facts, RuleValue

DECISION_CODES: Final = {
    "BUDGET": "the fuel ran out before all rules were evaluated",
    "FORBIDDEN": "a forbid rule is true",
    "FORBID_ERROR": "a forbid rule could not be evaluated",
    "UNMET": "a require rule is false",
    "REQUIRE_ERROR": "a require rule could not be evaluated",
    "PERMITTED": "nothing stands against it and a permit rule is true",
    "NOT_PERMITTED": "nothing stands against it, but no permit rule is true",
}
"""All codes of a decision; each takes precedence over those after it. Only PERMITTED allows."""

_VERDICTS: Final[Mapping[Effect, Callable[[RuleValue | EvaluationError], str]]] = {
    "forbid": lambda value: "" if value is False else "FORBIDDEN" if value is True else "FORBID_ERROR",
    "require": lambda value: "" if value is True else "UNMET" if value is False else "REQUIRE_ERROR",
    "permit": lambda value: "PERMITTED" if value is True else "",
}
"""What a rule says by its value, which is an error unless it is true or false; "" when it says nothing."""


class RuleQuestion(msgspec.Struct, frozen=True):
    """What was asked: kept in the decision so that it can be explained later."""

    policies: Sequence[Policy]
    action: str
    facts: Facts
    fuel: int


class PolicyDecision(msgspec.Struct, frozen=True):
    """Whether an action may be done, and why."""

    code: str
    """One of DECISION_CODES."""
    reason: str
    """One sentence for people."""
    fuel: int
    """Fuel used; with BUDGET, all there was."""
    rule: str | None
    """The id of the deciding rule; None with NOT_PERMITTED and BUDGET, as are the next two."""
    policy: str | None
    """The policy of the deciding rule: `asset_default@3`."""
    digest: str | None
    """The digest of that policy."""
    question: RuleQuestion

    @property
    def allowed(self) -> bool:
        """Whether the action may be done."""
        return self.code == "PERMITTED"

    def explain(self) -> dict[str, JSON]:
        """All rules that had a say, with their values and what these came from, as plain JSON values.

        Computed on demand by evaluating again, so the facts must still be what they were. Lists and records show their
        sizes, never their contents. What does not fit is counted as `left_out`.
        """
        return self.explain_metered()[0]

    def explain_metered(self) -> tuple[dict[str, JSON], int]:
        """The same, and the fuel that it cost."""
        asked = self.question
        result: dict[str, JSON] = {"decision": "ALLOW" if self.allowed else "DENY", "code": self.code}
        result |= {"action": asked.action, "reason": self.reason, "fuel": self.fuel}
        if self.rule is not None and self.policy is not None and self.digest is not None:
            result |= {"rule": self.rule, "policy": self.policy, "hash": self.digest}
        elif len(asked.policies) == 1:
            result |= {"policy": asked.policies[0].id, "hash": asked.policies[0].digest}
        rules = [ready for policy in asked.policies for ready in policy.rules_for(asked.action)]
        found = explain_rules(rules, asked.facts, asked.fuel, (self.policy or "", self.rule or ""))
        result["rules"] = found.rules
        if found.left_out:
            result["left_out"] = found.left_out
        return result, found.fuel

    def __repr__(self) -> str:
        return f"PolicyDecision(code={self.code!r}, rule={self.rule!r}, policy={self.policy!r}, fuel={self.fuel})"


def decide(policies: Sequence[Policy], action: str, facts: Facts, fuel: int) -> PolicyDecision:
    """Decide an action under policies, broadest scope first: their order changes only the explanation. Never raises."""
    meter = [fuel]
    decisive: dict[str, tuple[ReadyRule, EvaluationError | None]] = {}
    question = RuleQuestion(policies, action, facts, fuel)
    for policy in policies:
        for ready in policy.rules_for(action):
            meter[0] -= cost.RULE
            value = run(ready.run, facts, meter)
            if meter[0] < 0:
                reason = f"the rules for {action} cost more than {fuel}"
                return PolicyDecision("BUDGET", reason, fuel, None, None, None, question)
            code = _VERDICTS[ready.effect](value)
            if code and (code not in decisive or ready.rank < decisive[code][0].rank):
                decisive[code] = (ready, value if isinstance(value, EvaluationError) else None)
    used = fuel - meter[0]
    for code in DECISION_CODES:
        if code in decisive:
            ready, error = decisive[code]
            reason = _reason(code, ready, action, error)
            return PolicyDecision(code, reason, used, ready.rule.id, ready.policy, ready.digest, question)
    return PolicyDecision("NOT_PERMITTED", f"no rule permits {action}", used, None, None, None, question)


def _reason(code: str, ready: ReadyRule, action: str, error: EvaluationError | None) -> str:
    if code in ("FORBID_ERROR", "REQUIRE_ERROR"):
        why = f"{error.code}: {error.message}" if error else "NOT_BOOL: its condition is neither true nor false"
        return f"the rule {ready.rule.id} could not be evaluated ({why})"
    if ready.rule.reason:
        return ready.rule.reason
    does = {"FORBIDDEN": "forbids", "UNMET": "is not met for", "PERMITTED": "permits"}[code]
    return f"the rule {ready.rule.id} {does} {action}"
