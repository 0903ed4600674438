"""What is wrong with a policy before it ever runs: names, types, and optional fields read without a guard.

An author wants to hear of a typing error when publishing, not when a sale is refused; so everything that the schema
lets us know is reported, all problems at once, with the place and the nearest name. Nothing here changes what a
policy does.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

import msgspec

from contracts_vm.errors import nearest, placed, position
from contracts_vm.policy import Policy
from contracts_vm.schema import Field, Schema
from contracts_vm.syntax import (
    ANY_ACTION,
    Call,
    Chain,
    Choice,
    Expr,
    Has,
    ListOf,
    Literal,
    Logic,
    Negate,
    Not,
    Path,
    Place,
    RoyaltyClause,
)  # fmt: skip
from contracts_vm.types import kind_of, read_duration, read_timestamp

Known = frozenset[str]
"""Paths of optional fields that a guard has made sure of."""
UNKNOWN = "?"
_ORDERED = ("bool", "int", "string", "timestamp", "duration")
_ARITHMETIC = {
    ("+", "string", "string"): "string",
    ("+", "timestamp", "duration"): "timestamp",
    ("+", "duration", "timestamp"): "timestamp",
    ("+", "duration", "duration"): "duration",
    ("-", "timestamp", "duration"): "timestamp",
    ("-", "timestamp", "timestamp"): "duration",
    ("-", "duration", "duration"): "duration",
}


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
        checker.expects("bool", rule.when, frozenset(), "a rule")
    for royalty in policy.royalties:
        checker.rule = royalty.id
        checker.royalty(royalty)
    return tuple(sorted(checker.problems, key=lambda problem: (problem.line, problem.column, problem.code)))


class _Checker:
    def __init__(self, policy: Policy, schema: Schema) -> None:
        self.source = policy.source
        self.schema = schema
        self.rule = ""
        self.problems: list[Problem] = []

    def report(self, code: str, message: str, place: Place) -> None:
        line, column, excerpt = position(self.source, place.start)
        self.problems.append(Problem(code, message, line, column, self.rule, excerpt))

    def actions(self, place: Place, named: Iterable[str], actions: AbstractSet[str]) -> None:
        for name in named:
            if name != ANY_ACTION and name not in actions:
                hint = nearest(name, sorted(actions))
                self.report("ACTION_UNKNOWN", f"there is no action {name}{hint}", place)

    def royalty(self, clause: RoyaltyClause) -> None:
        known: Known = frozenset()
        if clause.when is not None:
            self.expects("bool", clause.when, known, "a royalty")
            known = _sure(clause.when, True)
        for path, wanted in ((clause.base, "int"), (clause.payees, "payees")):
            field = self.field(path)
            if field is not None and field.type != wanted:
                self.report("TYPE_MISMATCH", f"expected a field of type {wanted}; {path.text} is {field.type}", path)

    # -- types

    def expects(self, wanted: str, node: Expr, known: Known, what: str) -> None:
        found = self.type_of(node, known)
        if not _fits(found, wanted):
            self.report("TYPE_MISMATCH", f"{what} takes {wanted}, found {found}", node)

    def type_of(self, node: Expr, known: Known) -> str:
        """The type of an expression, or "?" where it cannot be known; reports what it finds inside."""
        match node:
            case Literal():
                return kind_of(node.value)
            case Path():
                return self.path(node, known)
            case Has():
                self.field(node.path)
                return "bool"
            case Not() | Negate():
                operator, wanted = ("!", "bool") if isinstance(node, Not) else ("-", "int")
                self.expects(wanted, node.operand, known, operator)
                return wanted
            case Logic():
                return self.logic(node, known)
            case ListOf():
                return self.list_of(node, known)
            case Chain():
                return self.chain(node, known)
            case Choice():
                return self.choice(node, known)
            case Call():
                return self.call(node, known)

    def path(self, node: Path, known: Known) -> str:
        if len(node.names) == 1 and node.names[0] in self.schema.roots:
            return "record"
        field = self.field(node)
        if field is None:
            return UNKNOWN
        if field.optional and node.text not in known:
            message = f"{node.text} is optional; write has({node.text}) && ... or !has({node.text}) || ... around it"
            self.report("OPTIONAL_UNGUARDED", message, node)
        if field.type == "payees":
            self.report("TYPE_MISMATCH", f'{node.text} is a list of payees, which only "pay ... to" reads', node)
            return UNKNOWN
        return field.type

    def field(self, node: Path) -> Field | None:
        """The field that a path names; reports a root or a field that is not there."""
        fields = self.schema.roots.get(node.names[0])
        if fields is None:
            hint = nearest(node.names[0], sorted(self.schema.roots))
            self.report("ROOT_UNKNOWN", f"{self.schema.id} has no {node.names[0]}{hint}", node)
            return None
        found = fields.get(node.names[1]) if len(node.names) == 2 else None
        if found is None:
            hint = nearest(node.names[1], sorted(fields)) if len(node.names) == 2 else ""
            self.report("FIELD_UNKNOWN", f"{self.schema.id} has no {node.text}{hint}", node)
        return found

    def logic(self, node: Logic, known: Known) -> str:
        for operand in node.operands:
            self.expects("bool", operand, known, node.operator)
            known |= _sure(operand, node.operator == "&&")
        return "bool"

    def choice(self, node: Choice, known: Known) -> str:
        self.expects("bool", node.test, known, "?:")
        yes = self.type_of(node.yes, known | _sure(node.test, True))
        no = self.type_of(node.no, known | _sure(node.test, False))
        if not _fits(yes, no):
            self.report("TYPE_MISMATCH", f"?: has {yes} on one side and {no} on the other", node)
        return yes if no == UNKNOWN else no

    def list_of(self, node: ListOf, known: Known) -> str:
        inner = UNKNOWN
        for item in node.items:
            found = self.type_of(item, known)
            if not _fits(found, inner):
                self.report("TYPE_MISMATCH", f"a list holds one type; found {found} among {inner}", item)
            inner = found if inner == UNKNOWN else inner
        return f"list<{inner}>"

    def call(self, node: Call, known: Known) -> str:
        if node.function == "size":
            found = self.type_of(node.argument, known)
            if found not in (UNKNOWN, "string", "record") and not found.startswith("list<"):
                self.report("TYPE_MISMATCH", f"size takes a string or a list, found {found}", node.argument)
            return "int"
        self.expects("string", node.argument, known, node.function)
        if isinstance(node.argument, Literal) and isinstance(node.argument.value, str):
            read = read_timestamp if node.function == "timestamp" else read_duration
            if read(node.argument.value) is None:
                self.report("LITERAL_INVALID", f"this is not a {node.function} to the millisecond", node.argument)
        return node.function

    def chain(self, node: Chain, known: Known) -> str:
        left = self.type_of(node.first, known)
        for operator, operand in node.rest:
            right = self.type_of(operand, known)
            left = self.applied(operator, left, right, operand)
        return left

    def applied(self, operator: str, left: str, right: str, place: Place) -> str:
        """The type of `left operator right`; reports operands that do not go together."""
        if operator in ("==", "!="):
            fits, result = _fits(left, right), "bool"
        elif operator == "in":
            fits, result = _fits(right, f"list<{left}>"), "bool"
        elif operator in ("<", "<=", ">", ">="):
            fits, result = _fits(left, right) and {left, right} <= {UNKNOWN, *_ORDERED}, "bool"
        else:
            result = _arithmetic(operator, left, right)
            fits = result != ""
        if not fits:
            self.report("TYPE_MISMATCH", f"{operator} does not take {left} and {right}", place)
        return result or UNKNOWN


def _arithmetic(operator: str, left: str, right: str) -> str:
    """The type of the result, "?" when a side is unknown, "" when the sides do not go together."""
    if UNKNOWN in (left, right):
        return UNKNOWN
    if left == right == "int":
        return "int"
    if operator == "+" and left.startswith("list<") and _fits(left, right):
        return left
    return _ARITHMETIC.get((operator, left, right), "")


def _fits(left: str, right: str) -> bool:
    if left.startswith("list<") and right.startswith("list<"):
        return _fits(left[5:-1], right[5:-1])
    return left == right or UNKNOWN in (left, right)


def _sure(node: Expr, value: bool) -> Known:
    """The optional fields that are certainly there when an expression has the given value."""
    match node:
        case Has():
            return frozenset((node.path.text,)) if value else frozenset()
        case Not():
            return _sure(node.operand, not value)
        case Logic():
            found = [_sure(operand, value) for operand in node.operands]
            if value is (node.operator == "&&"):
                return frozenset().union(*found)
            return found[0].intersection(*found[1:])
        case _:
            return frozenset()
