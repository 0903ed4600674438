"""What is wrong with a policy before it ever runs, and what an author should think about.

An author wants to hear of a mistake when publishing, not when a sale is refused; so everything that the schema lets us
know is reported, all problems at once, with the place and the nearest name. An error refuses publication: names and
types that do not fit, an optional field without its guard, a `forbid` or `require` that some facts would leave without
a value, a rule that may cost too much. A warning does not. Nothing here changes what a policy does.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Final
from typing import Literal as OneOf

import msgspec

from contracts_vm import cost
from contracts_vm.errors import WARNINGS, nearest, placed, position
from contracts_vm.inference import Inference, inferred
from contracts_vm.policy import Policy
from contracts_vm.schema import Schema
from contracts_vm.shapes import FALSE, TRUE
from contracts_vm.syntax import ANY_ACTION, Expr, FieldPath, Logic, RoyaltyClause, Rule, SourceSpan, children


class RuleProblem(msgspec.Struct, frozen=True):
    """One finding: a code of `errors.CHECK_CODES`, what and where."""

    code: str
    message: str
    line: int
    column: int
    rule: str
    """The rule or royalty it is in; "" for the policy as a whole."""
    excerpt: str
    """The line, with a caret under the place."""

    @property
    def severity(self) -> OneOf["error", "warning"]:
        """An error refuses publication, a warning does not."""
        return "warning" if self.code in WARNINGS else "error"

    def __str__(self) -> str:
        return placed(self.code, self.message, self.line, self.column, self.excerpt)


ERRORS_MAX: Final = 100
"""No author mends more at once, and a hostile source can be made to have thousands."""


def check(policy: Policy, schema: Schema, actions: AbstractSet[str] = frozenset()) -> tuple[RuleProblem, ...]:
    """The problems of a policy under a schema, in source order: all, unless there are more than 100 errors.

    An empty set of actions leaves actions unchecked.
    """
    checker = _Checker(policy, schema)
    with suppress(_EnoughErrors):
        checker.policy(actions)
    return tuple(sorted(checker.problems, key=lambda problem: (problem.line, problem.column, problem.code)))


def bounds(policy: Policy, schema: Schema) -> Mapping[str, int]:
    """The most fuel that each rule and the condition of each royalty may cost, by its name."""
    checker = _Checker(policy, schema)
    with suppress(_EnoughErrors):
        checker.policy(frozenset())
    return checker.fuel


class _EnoughErrors(Exception):
    """As many errors were found as are reported."""


class _Checker:
    def __init__(self, policy: Policy, schema: Schema) -> None:
        self.checked = policy
        self.source = policy.source
        self.schema = schema
        self.rule = ""
        self.problems: list[RuleProblem] = []
        self.errors = 0
        self.fuel: dict[str, int] = {}

    def report(self, code: str, message: str, place: SourceSpan) -> None:
        line, column, excerpt = position(self.source, place.start)
        self.problems.append(RuleProblem(code, message, line, column, self.rule, excerpt))
        self.errors += code not in WARNINGS
        if self.errors == ERRORS_MAX:
            raise _EnoughErrors

    def policy(self, actions: AbstractSet[str]) -> None:
        policy = self.checked
        if policy.schema != self.schema.id:
            message = f"the policy is written for {policy.schema}, not for {self.schema.id}"
            self.report("SCHEMA_OTHER", message, SourceSpan(0, 0))
        for rule in policy.rules:
            self.rule = rule.id
            if actions:
                self.actions(rule, rule.actions, actions)
            asked = "" if rule.effect == "permit" else f"a {rule.effect} must have a value for all facts"
            self.condition(rule, rule.when, _MEANINGS[rule.effect], asked)
        for royalty in policy.royalties:
            self.rule = royalty.id
            self.royalty(royalty)
        self.together(actions)
        permits = [(rule, self.conjuncts(rule.when)) for rule in policy.rules if rule.effect == "permit"]
        for number, (rule, said) in enumerate(permits):
            self.rule = rule.id
            self.implied(rule, said, number, permits)
        self.unconstrained()

    def actions(self, place: SourceSpan, named: Iterable[str], actions: AbstractSet[str]) -> None:
        for name in named:
            if name != ANY_ACTION and name not in actions:
                hint = nearest(name, sorted(actions))
                self.report("ACTION_UNKNOWN", f"there is no action {name}{hint}", place)

    def condition(self, place: Rule | RoyaltyClause, when: Expr, meanings: tuple[str, str], asked: str) -> None:
        """Check one condition; `asked` says why it must have a value, "" where it need not.

        An expression without a known type has no known cost either, so mistakes are reported before costs.
        """
        before = len(self.problems)
        found, walk = inferred(self.schema, when, self.report, "a condition")
        fuel = self.fuel[place.id] = cost.RULE + walk.fuel
        if fuel > cost.RULE_FUEL_MAX and len(self.problems) == before:
            self.report("OVER_BUDGET", f"{place.id} may cost {fuel:,} fuel; {_BUDGET}", when)
        if found in (TRUE, FALSE):
            said = "true" if found == TRUE else "false"
            self.report("CONDITION_CONSTANT", f"this is always {said}: {meanings[found == TRUE]}", when)
        for failing, words in walk.failures if asked else ():
            self.report("CAN_FAIL", f"{words}; {asked}: guard it with a condition before it", failing)

    def together(self, actions: AbstractSet[str]) -> None:
        """Report the actions whose rules cost too much together, with the condition of a royalty that may be due."""
        condition = max((self.fuel.get(royalty.id, 0) for royalty in self.checked.royalties), default=0)
        for action in sorted({action for rule in self.checked.rules for action in rule.actions} | actions):
            about = [ready.rule for ready in self.checked.rules_for(action)]
            costs = [condition, *(self.fuel[rule.id] for rule in about)]
            if sum(costs) > cost.RULE_FUEL_MAX >= max(costs):
                self.rule = about[-1].id
                royalty = " and the condition of a royalty" if condition else ""
                message = f"the rules for {action}{royalty} may cost {sum(costs):,} fuel together; {_BUDGET}"
                self.report("OVER_BUDGET", message, about[-1])

    def implied(
        self, rule: Rule, said: frozenset[str], number: int, permits: list[tuple[Rule, frozenset[str]]]
    ) -> None:
        """Report a permit that another one makes needless."""
        for place, (other, needed) in enumerate(permits):
            wider = ANY_ACTION in other.actions or set(rule.actions) <= set(other.actions)
            first = place < number or needed != said or set(rule.actions) != set(other.actions)
            if other is not rule and wider and needed <= said and first:
                self.report("PERMIT_IMPLIED", f"the permit {other.id} already permits all that this one does", rule)
                return

    def conjuncts(self, node: Expr) -> frozenset[str]:
        """The conditions joined by &&, as they are written, without spaces outside of strings."""
        parts = node.operands if isinstance(node, Logic) and node.operator == "&&" else (node,)
        return frozenset(" ".join(self.source[part.start : part.end].split()) for part in parts)

    def unconstrained(self) -> None:
        """Report the fields of a transaction at which neither a permit nor any forbid or require looks."""
        carried: dict[str, list[str]] = {}
        for root, fields in self.schema.roots.items():
            for name, field in fields.items():
                for action in field.actions:
                    carried.setdefault(action, []).append(f"{root}.{name}")
        looked_at: dict[str, set[str]] = {action: set() for action in carried}
        for action, names in looked_at.items():
            for ready in self.checked.rules_for(action):
                names.update(() if ready.effect == "permit" else _paths(ready.rule.when))
        for permit in self.checked.rules:
            self.rule = permit.id
            for action in permit.actions if permit.effect == "permit" else ():
                unread = [name for name in carried.get(action, ()) if name not in looked_at[action]]
                missing = sorted({*unread}.difference(_paths(permit.when)), key=unread.index) if unread else []
                if missing:
                    what = f"{action} is permitted whatever {', '.join(missing)} may be"
                    self.report("FIELD_UNCONSTRAINED", f"{what}; no forbid or require looks at it either", permit)

    def royalty(self, clause: RoyaltyClause) -> None:
        if clause.when is not None:
            asked = "a royalty that has no value stops the sale, so its condition must have one for all facts"
            self.condition(clause, clause.when, _MEANINGS["royalty"], asked)
        names = Inference(self.schema, self.report)
        for path, wanted in ((clause.base, "int"), (clause.payees, "payees")):
            field = names.field(path)
            if field is not None and field.type != wanted:
                names.mismatch(f"expected a field of type {wanted}; {path.text} is {field.type}", path)


_BUDGET: Final = f"at most {cost.RULE_FUEL_MAX:,} are allowed"
_MEANINGS: Final = {
    "permit": ("the permit never permits anything", "the action is permitted to everybody"),
    "forbid": ("the forbid cannot fire", "the action is forbidden to everybody"),
    "require": ("the action is forbidden to everybody", "the require asks for nothing"),
    "royalty": ("the royalty is never due", "the royalty needs no condition"),
}
"""What a condition means that is always false, and one that is always true."""


def _paths(node: Expr) -> Iterator[str]:
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, FieldPath):
            yield part.text
        waiting += children(part)
