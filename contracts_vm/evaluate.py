"""Compiles expressions to closures that compute them under a meter.

A tree is compiled once, when the policy is parsed; a decision then calls closures and touches no syntax. Inside this
module an expression that fails raises `EvaluationError`, which `&&` and `||` absorb from the left, as the Common
Expression Language has it; to the callers of `run` it is a value like others. Running out of fuel is another exception,
which no operator catches.

The meter may go below zero between two looks at it: without a macro, the work of a rule is bounded by its nodes, a
macro looks before each item, and everything else that grows with the data is charged, and checked, before it is done.
So the answer is `BUDGET` exactly when the sum of all costs exceeds the fuel, however the rules are ordered.

The variable of a macro has its place in the meter, given by how many variables are around it. So one assignment binds
an item, and no scope is ever copied.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from contracts_vm import cost
from contracts_vm.cost import Meter, OutOfFuel
from contracts_vm.functions import FUNCTIONS, TYPE_NAMES, Function
from contracts_vm.operators import (
    OPERATORS,
    EvaluationError,
    Operator,
    in_order,
    invert,
    is_list,
    key_of,
    minus,
    no_overload,
    truth,
)
from contracts_vm.syntax import (
    Bind,
    Call,
    Choice,
    Expr,
    FieldPath,
    Has,
    Index,
    ListOf,
    Literal,
    Local,
    Logic,
    Macro,
    MapOf,
    Negate,
    Not,
    OperatorChain,
    Select,
    SourceSpan,
)
from contracts_vm.types import TIMESTAMP_MS_MAX, BoolKey, Facts, RuleValue, Timestamp, TypeName, UInt, in_range, kind_of

Run = Callable[[Facts, Meter], RuleValue]


def run(compiled: Run, facts: Facts, meter: Meter) -> RuleValue | EvaluationError:
    """The value of a compiled expression, or why it has none; lowers the meter."""
    try:
        value = compiled(facts, meter)
    except EvaluationError as error:
        return error.with_traceback(None)
    except OutOfFuel:
        return EvaluationError("BUDGET", "the fuel ran out")
    return EvaluationError("BUDGET", "the fuel ran out") if meter[0] < 0 else value


def compile_expression(node: Expr) -> Run:
    """The closure that computes an expression."""
    return _CLOSURES[type(node)](node)


def _read(names: tuple[str, ...]) -> Run:
    if len(names) != 2:
        return _read_far(names)
    root, field = names
    price = 2 * cost.NAME

    def read(facts: Facts, meter: Meter) -> RuleValue:
        meter[0] -= price
        try:
            value = facts[root][field]
        except (KeyError, TypeError, IndexError):
            value = _walk(facts, names)
        return value if type(value) in _PLAIN or _is_plain_time(value) else _admit(value, field)

    return read


_PLAIN: Final = frozenset((str, bool, tuple, list))
"""Types whose values need no look at their range."""


def _is_plain_time(value: RuleValue) -> bool:
    return type(value) is Timestamp and 0 <= value.ms <= TIMESTAMP_MS_MAX and value.ns == 0


def _read_far(names: tuple[str, ...]) -> Run:
    price, text = len(names) * cost.NAME, ".".join(names)

    def read(facts: Facts, meter: Meter) -> RuleValue:
        meter[0] -= price
        if text in _TYPES and names[0] not in facts:
            return _TYPES[text]
        return _admit(_walk(facts, names), text)

    return read


_TYPES = {
    name: TypeName(name)
    for name in (*TYPE_NAMES.values(), "bool", "int", "uint", "string", "bytes", "list", "map", "type")
}
"""The names of types, where no root has the name. No root of a schema has it, so `check` refuses them in a rule."""


def _has(node: FieldPath | Select) -> Run:
    if isinstance(node, Select):
        return _has_far(compile_expression(node.operand), node.field)
    names, price = node.names, len(node.names) * cost.NAME
    above, field = names[:-1], names[-1]

    def has(facts: Facts, meter: Meter) -> RuleValue:
        meter[0] -= price
        return field in _record(_walk(facts, above), ".".join(above))

    return has


def _has_far(operand: Run, field: str) -> Run:
    def has(facts: Facts, meter: Meter) -> RuleValue:
        meter[0] -= cost.NAME
        return field in _record(operand(facts, meter), "the value")

    return has


def _select(operand: Run, field: str) -> Run:
    def select(facts: Facts, meter: Meter) -> RuleValue:
        meter[0] -= cost.NAME
        record = _record(operand(facts, meter), "the value")
        if field not in record:
            raise EvaluationError("FIELD_MISSING", f"{field} is absent")
        return _admit(record[field], field)

    return select


def _walk(facts: Facts, names: tuple[str, ...]) -> Any:
    value: Any = facts
    for depth, name in enumerate(names):
        record = _record(value, ".".join(names[:depth]) or "the facts")
        if name not in record:
            code, what = ("FIELD_MISSING", "is absent") if depth else ("ROOT_MISSING", "is not among the facts")
            raise EvaluationError(code, f"{'.'.join(names[: depth + 1])} {what}")
        value = record[name]
    return value


def _record(value: RuleValue, what: str) -> Mapping[str, RuleValue]:
    if isinstance(value, Mapping):
        return value
    raise EvaluationError("NOT_A_RECORD", f"{what} has no fields")


def _admit(value: RuleValue, what: str) -> RuleValue:
    if not kind_of(value) or not in_range(value):
        raise EvaluationError("VALUE_UNSUPPORTED", f"{what} is not a value that rules know")
    return value


def _index(operand: Run, index: Run) -> Run:
    def item(facts: Facts, meter: Meter) -> RuleValue:
        meter[0] -= cost.OPERATOR
        holder: Any = operand(facts, meter)
        at: Any = index(facts, meter)
        if isinstance(holder, Mapping):
            key = key_of(at)
            if key not in holder:
                raise EvaluationError("KEY_MISSING", "the map does not have the key")
            return _admit(holder[key], "the item")
        if not is_list(holder) or type(at) not in (int, UInt):
            raise no_overload("[]", holder, at)
        if not 0 <= at < len(holder):
            raise EvaluationError("INDEX_OUT_OF_RANGE", f"the list of {len(holder)} has no item {at}")
        return _admit(holder[at], "the item")

    return item


def _local(slot: int) -> Run:
    def local(facts: Facts, meter: Meter) -> RuleValue:
        meter[0] -= cost.NAME
        value: RuleValue = meter[slot]
        return value

    return local


def _constant(value: RuleValue, price: int) -> Run:
    def constant(facts: Facts, meter: Meter) -> RuleValue:
        meter[0] -= price
        return value

    return constant


def _list(node: ListOf) -> Run:
    price = cost.LIST + cost.LIST_ITEM * len(node.items)
    if all(isinstance(item, Literal) for item in node.items):
        return _constant(tuple(item.value for item in node.items if isinstance(item, Literal)), price)
    items = tuple(map(compile_expression, node.items))

    def build(facts: Facts, meter: Meter) -> RuleValue:
        meter[0] -= price
        return tuple([item(facts, meter) for item in items])

    return build


def _map_of(node: MapOf) -> Run:
    price = cost.MAP + cost.MAP_ENTRY * len(node.entries)
    entries = tuple((compile_expression(key), compile_expression(value)) for key, value in node.entries)

    def build(facts: Facts, meter: Meter) -> RuleValue:
        meter[0] -= price
        made: dict[Any, RuleValue] = {}
        for key, value in entries:
            name = key_of(key(facts, meter))
            if name in made:
                raise EvaluationError("KEY_INVALID", "the map has a key twice")
            made[name] = value(facts, meter)
        return made

    return build


def _apply(function: Callable[[RuleValue, Meter], RuleValue], argument: Run) -> Run:
    def apply(facts: Facts, meter: Meter) -> RuleValue:
        return function(argument(facts, meter), meter)

    return apply


def _call(function: Function, arguments: tuple[Run, ...]) -> Run:
    def call(facts: Facts, meter: Meter) -> RuleValue:
        return function(tuple([argument(facts, meter) for argument in arguments]), meter)

    return call


def _bind(slot: int, value: Run, body: Run) -> Run:
    def bind(facts: Facts, meter: Meter) -> RuleValue:
        meter[0] -= cost.OPERATOR
        _make_room(meter, slot)
        meter[slot] = value(facts, meter)
        return body(facts, meter)

    return bind


def _make_room(meter: Meter, slot: int) -> None:
    while len(meter) <= slot:
        meter.append(None)


def _macro(node: Macro) -> Run:
    source, body = compile_expression(node.source), compile_expression(node.body)
    test = compile_expression(node.test) if node.test is not None else None
    if node.kind == "filter":
        return _collect(source, node.variable.slot, body, None)
    if node.kind == "map":
        return _collect(source, node.variable.slot, test, body)
    if node.kind == "exists_one":
        return _exists_one(source, node.variable.slot, body)
    return _quantifier(source, node.variable.slot, body, node.kind == "exists")


def _items(source: Run, slot: int, facts: Facts, meter: Meter) -> Any:
    """What a macro goes through: the items of a list, or the keys of a map in their one order."""
    value: Any = source(facts, meter)
    _make_room(meter, slot)
    if is_list(value):
        return value
    if isinstance(value, Mapping):
        cost.charge(meter, len(value))
        return [key.value if isinstance(key, BoolKey) else key for key in in_order(value)]
    raise no_overload("a macro", value)


def _quantifier(source: Run, slot: int, body: Run, decisive: bool) -> Run:
    """`exists` with True, `all` with False: like a long `||` or `&&`."""

    def quantifier(facts: Facts, meter: Meter) -> RuleValue:
        first: EvaluationError | None = None
        for item in _items(source, slot, facts, meter):
            meter[0] -= cost.FOLD_ITEM
            if meter[0] < 0:
                raise OutOfFuel
            meter[slot] = item
            try:
                value = body(facts, meter)
                if value is decisive:
                    return decisive
                if value is not (not decisive):
                    truth(value)
            except EvaluationError as error:
                first = first or error.with_traceback(None)
        if first is not None:
            raise first
        return not decisive

    return quantifier


def _exists_one(source: Run, slot: int, body: Run) -> Run:
    def exists_one(facts: Facts, meter: Meter) -> RuleValue:
        found = 0
        for item in _items(source, slot, facts, meter):
            meter[0] -= cost.FOLD_ITEM
            if meter[0] < 0:
                raise OutOfFuel
            meter[slot] = item
            found += truth(body(facts, meter))
        return found == 1

    return exists_one


def _collect(source: Run, slot: int, test: Run | None, made: Run | None) -> Run:
    """`filter` with a test alone, `map` with what is made of each item."""

    def collect(facts: Facts, meter: Meter) -> RuleValue:
        result: list[RuleValue] = []
        for item in _items(source, slot, facts, meter):
            meter[0] -= cost.FOLD_ITEM
            if meter[0] < 0:
                raise OutOfFuel
            meter[slot] = item
            if test is None or truth(test(facts, meter)):
                result.append(item if made is None else made(facts, meter))
        return tuple(result)

    return collect


def _logic(operands: tuple[Run, ...], decisive: bool) -> Run:
    """`||` with True, `&&` with False: the decisive value wins over everything, then the first error."""
    price, indecisive = cost.OPERATOR * (len(operands) - 1), not decisive

    def logic(facts: Facts, meter: Meter) -> RuleValue:
        meter[0] -= price
        first: EvaluationError | None = None
        for operand in operands:
            try:
                value = operand(facts, meter)
                if value is decisive:
                    return decisive
                if value is not indecisive:
                    truth(value)
            except EvaluationError as error:
                first = first or error.with_traceback(None)
        if first is not None:
            raise first
        return indecisive

    return logic


def _choice(test: Run, yes: Run, no: Run) -> Run:
    def choice(facts: Facts, meter: Meter) -> RuleValue:
        meter[0] -= cost.OPERATOR
        return (yes if truth(test(facts, meter)) else no)(facts, meter)

    return choice


def _chain(node: OperatorChain) -> Run:
    if len(node.rest) == 1:
        return _pair(node.first, *node.rest[0])
    first = compile_expression(node.first)
    steps = tuple((OPERATORS[operator], compile_expression(operand)) for operator, operand in node.rest)

    def chain(facts: Facts, meter: Meter) -> RuleValue:
        value = first(facts, meter)
        for operator, operand in steps:
            value = operator(value, operand(facts, meter), meter)
        return value

    return chain


def _pair(one: Expr, sign: str, other: Expr) -> Run:
    operator, left, right = OPERATORS[sign], compile_expression(one), compile_expression(other)

    def pair(facts: Facts, meter: Meter) -> RuleValue:
        return operator(left(facts, meter), right(facts, meter), meter)

    if isinstance(one, FieldPath) and isinstance(other, FieldPath) and len(one.names) == len(other.names) == 2:
        return _pair_of_fields(one.names, operator, other.names, pair)
    return pair


def _pair_of_fields(one: tuple[str, ...], operator: Operator, other: tuple[str, ...], pair: Run) -> Run:
    """A comparison of two fields, as in most conditions. Unusual values go the general way, before any charge."""
    (root, field), (other_root, other_field), price = one, other, 4 * cost.NAME
    most = TIMESTAMP_MS_MAX

    def pair_of_fields(facts: Facts, meter: Meter) -> RuleValue:
        try:
            left, right = facts[root][field], facts[other_root][other_field]
        except (KeyError, TypeError, IndexError):
            return pair(facts, meter)
        if type(left) is Timestamp and type(right) is Timestamp:
            ordinary = 0 <= left.ms <= most and 0 <= right.ms <= most and left.ns == right.ns == 0
        else:
            ordinary = type(left) in _PLAIN and type(right) in _PLAIN
        if not ordinary:
            return pair(facts, meter)
        meter[0] -= price
        return operator(left, right, meter)

    return pair_of_fields


_CLOSURES: Final[Mapping[type[SourceSpan], Callable[[Any], Run]]] = {
    FieldPath: lambda node: _read(node.names),
    Literal: lambda node: _constant(node.value, cost.LITERAL),
    Local: lambda node: _local(node.slot),
    Logic: lambda node: _logic(tuple(map(compile_expression, node.operands)), node.operator == "||"),
    OperatorChain: _chain,
    Has: lambda node: _has(node.path),
    Not: lambda node: _apply(invert, compile_expression(node.operand)),
    Negate: lambda node: _apply(minus, compile_expression(node.operand)),
    Call: lambda node: _call(FUNCTIONS[node.function], tuple(map(compile_expression, node.arguments))),
    Select: lambda node: _select(compile_expression(node.operand), node.field),
    Index: lambda node: _index(compile_expression(node.operand), compile_expression(node.index)),
    ListOf: _list,
    MapOf: _map_of,
    Choice: lambda node: _choice(*map(compile_expression, (node.test, node.yes, node.no))),
    Macro: _macro,
    Bind: lambda node: _bind(node.variable.slot, compile_expression(node.value), compile_expression(node.body)),
}
