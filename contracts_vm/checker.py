"""What is wrong with a policy before it ever runs, and what an author should think about.

An author wants to hear of a mistake when publishing, not when a sale is refused; so everything that the schema lets us
know is reported, all problems at once, with the place and the nearest name. An error refuses publication: names and
types that do not fit, an optional field without its guard, a `forbid` or `require` that some facts would leave without
a value, a rule that may cost too much. A warning does not. Nothing here changes what a policy does.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Literal as OneOf

import msgspec

from contracts_vm import cost
from contracts_vm.errors import WARNINGS, nearest, placed, position
from contracts_vm.inference import Inference, inferred
from contracts_vm.policy import Policy
from contracts_vm.schema import Schema
from contracts_vm.shapes import FALSE, TRUE
from contracts_vm.syntax import ANY_ACTION, Expr, Logic, Path, Place, RoyaltyClause, Rule, children


class Problem(msgspec.Struct, frozen=True):
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


def check(policy: Policy, schema: Schema, actions: AbstractSet[str] = frozenset()) -> tuple[Problem, ...]:
    """All problems of a policy under a schema, in source order. An empty set of actions leaves actions unchecked."""
    checker = _Checker(policy, schema)
    if policy.schema != schema.id:
        checker.report("SCHEMA_OTHER", f"the policy is written for {policy.schema}, not for {schema.id}", Place(0, 0))
    for rule in policy.rules:
        checker.rule = rule.id
        if actions:
            checker.actions(rule, rule.actions, actions)
        checker.condition(rule)
    checker.whole(policy.rules, actions)
    for royalty in policy.royalties:
        checker.rule = royalty.id
        checker.royalty(royalty)
    return tuple(sorted(checker.problems, key=lambda problem: (problem.line, problem.column, problem.code)))


def bounds(policy: Policy, schema: Schema) -> Mapping[str, int]:
    """The most fuel that each rule may cost, by its name."""
    checker = _Checker(policy, schema)
    for rule in policy.rules:
        checker.condition(rule)
    return checker.fuel


class _Checker:
    def __init__(self, policy: Policy, schema: Schema) -> None:
        self.source = policy.source
        self.schema = schema
        self.rule = ""
        self.problems: list[Problem] = []
        self.fuel: dict[str, int] = {}

    def report(self, code: str, message: str, place: Place) -> None:
        line, column, excerpt = position(self.source, place.start)
        self.problems.append(Problem(code, message, line, column, self.rule, excerpt))

    def actions(self, place: Place, named: Iterable[str], actions: AbstractSet[str]) -> None:
        for name in named:
            if name != ANY_ACTION and name not in actions:
                hint = nearest(name, sorted(actions))
                self.report("ACTION_UNKNOWN", f"there is no action {name}{hint}", place)

    def condition(self, rule: Rule) -> None:
        """One rule by itself. What is of no known type has no bound either, so mistakes are reported before costs."""
        before = len(self.problems)
        found, walk = inferred(self.schema, rule.when, self.report, "a rule")
        fuel = self.fuel[rule.id] = cost.RULE + walk.fuel
        if fuel > cost.RULE_FUEL_MAX and len(self.problems) == before:
            limit = f"at most {cost.RULE_FUEL_MAX:,} are allowed"
            self.report("OVER_BUDGET", f"the rule {rule.id} may cost {fuel:,} fuel; {limit}", rule.when)
        if found in (TRUE, FALSE):
            self.report("CONDITION_CONSTANT", _constant(rule, found == TRUE), rule.when)
        if rule.effect != "permit":
            for place, words in walk.failures:
                asked = f"a {rule.effect} must have a value for all facts"
                self.report("CAN_FAIL", f"{words}; {asked}: guard it with a condition before it", place)

    def whole(self, rules: tuple[Rule, ...], actions: AbstractSet[str]) -> None:
        """The rules together: their cost, permits that others imply, and fields that nothing looks at."""
        for action in sorted({action for rule in rules for action in rule.actions} | actions):
            about = [rule for rule in rules if action in rule.actions or ANY_ACTION in rule.actions]
            fuel = sum(self.fuel[rule.id] for rule in about)
            if fuel > cost.RULE_FUEL_MAX and all(self.fuel[rule.id] <= cost.RULE_FUEL_MAX for rule in about):
                self.rule = about[-1].id
                limit = f"at most {cost.RULE_FUEL_MAX:,} are allowed"
                self.report(
                    "OVER_BUDGET", f"the rules for {action} may cost {fuel:,} fuel together; {limit}", about[-1]
                )
        permits = [(rule, self.conjuncts(rule.when)) for rule in rules if rule.effect == "permit"]
        for number, (rule, said) in enumerate(permits):
            self.rule = rule.id
            self.implied(rule, said, number, permits)
            self.unconstrained(rule, rules)

    def implied(
        self, rule: Rule, said: frozenset[str], number: int, permits: list[tuple[Rule, frozenset[str]]]
    ) -> None:
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

    def unconstrained(self, permit: Rule, rules: tuple[Rule, ...]) -> None:
        for action in permit.actions:
            carried = [
                f"{r}.{n}" for r, fields in self.schema.roots.items() for n, f in fields.items() if action in f.actions
            ]
            if not carried:
                continue
            about = [rule for rule in rules if rule is permit or rule.effect != "permit"]
            about = [rule for rule in about if action in rule.actions or ANY_ACTION in rule.actions]
            read = {name for rule in about for name in _paths(rule.when)}
            missing = ", ".join(name for name in carried if name not in read)
            if missing:
                message = f"{action} is permitted whatever {missing} may be; no forbid or require looks at it either"
                self.report("FIELD_UNCONSTRAINED", message, permit)

    def royalty(self, clause: RoyaltyClause) -> None:
        if clause.when is not None:
            inferred(self.schema, clause.when, self.report, "a royalty")
        names = Inference(self.schema, self.report)
        for path, wanted in ((clause.base, "int"), (clause.payees, "payees")):
            field = names.field(path)
            if field is not None and field.type != wanted:
                self.report("TYPE_MISMATCH", f"expected a field of type {wanted}; {path.text} is {field.type}", path)


def _constant(rule: Rule, value: bool) -> str:
    said = f"this is always {'true' if value else 'false'}"
    meaning = {
        ("permit", True): "the action is permitted to everybody",
        ("permit", False): "the permit never permits anything",
        ("forbid", True): "the action is forbidden to everybody",
        ("forbid", False): "the forbid cannot fire",
        ("require", True): "the require asks for nothing",
        ("require", False): "the action is forbidden to everybody",
    }
    return f"{said}: {meaning[(rule.effect, value)]}"


def _paths(node: Expr) -> Iterator[str]:
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Path):
            yield part.text
        waiting += children(part)
