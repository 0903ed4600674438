"""Expressions to closures that compute them under a meter.

A tree is compiled once, when the policy is parsed; a decision then calls closures and touches no syntax. Inside this
module an expression that fails raises `Fault`, which `&&` and `||` absorb as the Common Expression Language has it,
from the left; the callers of `run` see a value or a Fault, never an exception. Running out of fuel is another
exception that no operator catches.

The meter may go below zero inside one rule before anybody looks: without loops, the work of a rule is bounded by its
nodes, and everything that grows with the data is charged, and checked, before it is done. So the answer is `BUDGET`
exactly when the sum of all costs exceeds the fuel, however the rules are ordered.
"""

from collections.abc import Callable, Mapping

from contracts_vm import cost
from contracts_vm.cost import Meter, OutOfFuel
from contracts_vm.operators import FUNCTIONS, OPERATORS, Fault, Operator, invert, minus, truth
from contracts_vm.syntax import Call, Chain, Choice, Expr, Has, ListOf, Literal, Logic, Negate, Not, Path
from contracts_vm.types import Facts, Value, in_range, kind_of

Run = Callable[[Facts, Meter], Value]


def run(compiled: Run, facts: Facts, meter: Meter) -> Value | Fault:
    """The value of a compiled expression, or why it has none; lowers the meter."""
    try:
        value = compiled(facts, meter)
    except Fault as fault:
        return fault.with_traceback(None)
    except OutOfFuel:
        return Fault("BUDGET", "the fuel ran out")
    return Fault("BUDGET", "the fuel ran out") if meter[0] < 0 else value


def compile_expression(node: Expr) -> Run:
    """The closure that computes an expression."""
    match node:
        case Path():
            return _read(node.names)
        case Literal():
            return _constant(node.value, cost.LITERAL)
        case ListOf():
            return _list(node)
        case Has():
            return _has(node.path.names)
        case Not() | Negate():
            return _apply(invert if isinstance(node, Not) else minus, compile_expression(node.operand))
        case Logic():
            return _logic(tuple(map(compile_expression, node.operands)), node.operator == "||")
        case Chain():
            return _chain(node)
        case Choice():
            return _choice(compile_expression(node.test), compile_expression(node.yes), compile_expression(node.no))
        case Call():
            return _apply(FUNCTIONS[node.function], compile_expression(node.argument))


def _read(names: tuple[str, ...]) -> Run:
    if len(names) != 2:
        return _read_far(names)
    root, field = names
    price = 2 * cost.NAME

    def read(facts: Facts, meter: Meter) -> Value:
        meter[0] -= price
        try:
            value = facts[root][field]
        except (KeyError, TypeError, IndexError):
            value = _walk(facts, names)
        return value if type(value) is str or type(value) is bool else _admit(value, names)

    return read


def _read_far(names: tuple[str, ...]) -> Run:
    def read(facts: Facts, meter: Meter) -> Value:
        meter[0] -= len(names) * cost.NAME
        return _admit(_walk(facts, names), names)

    return read


def _has(names: tuple[str, ...]) -> Run:
    above, field, price = names[:-1], names[-1], len(names) * cost.NAME

    def has(facts: Facts, meter: Meter) -> Value:
        meter[0] -= price
        return field in _record(_walk(facts, above), above)

    return has


def _walk(facts: Facts, names: tuple[str, ...]) -> Value:
    value: Value = facts
    for depth, name in enumerate(names):
        record = _record(value, names[:depth])
        if name not in record:
            code, what = ("FIELD_MISSING", "is absent") if depth else ("ROOT_MISSING", "is not among the facts")
            raise Fault(code, f"{'.'.join(names[: depth + 1])} {what}")
        value = record[name]
    return value


def _record(value: Value, names: tuple[str, ...]) -> Mapping[str, Value]:
    if isinstance(value, Mapping):
        return value
    raise Fault("NOT_A_RECORD", f"{'.'.join(names) or 'the facts'} has no fields")


def _admit(value: Value, names: tuple[str, ...]) -> Value:
    if not kind_of(value) or not in_range(value):
        raise Fault("VALUE_UNSUPPORTED", f"{'.'.join(names)} is not a value that rules know")
    return value


def _constant(value: Value, price: int) -> Run:
    def constant(facts: Facts, meter: Meter) -> Value:
        meter[0] -= price
        return value

    return constant


def _list(node: ListOf) -> Run:
    price = cost.LIST + cost.LIST_ITEM * len(node.items)
    if all(isinstance(item, Literal) for item in node.items):
        return _constant(tuple(item.value for item in node.items if isinstance(item, Literal)), price)
    items = tuple(map(compile_expression, node.items))

    def build(facts: Facts, meter: Meter) -> Value:
        meter[0] -= price
        return tuple([item(facts, meter) for item in items])

    return build


def _apply(function: Callable[[Value, Meter], Value], argument: Run) -> Run:
    def apply(facts: Facts, meter: Meter) -> Value:
        return function(argument(facts, meter), meter)

    return apply


def _logic(operands: tuple[Run, ...], decisive: bool) -> Run:
    """`||` with True, `&&` with False: the decisive value wins over everything, then the first fault."""
    price = cost.OPERATOR * (len(operands) - 1)

    def logic(facts: Facts, meter: Meter) -> Value:
        meter[0] -= price
        first: Fault | None = None
        for operand in operands:
            try:
                if truth(operand(facts, meter)) is decisive:
                    return decisive
            except Fault as fault:
                first = first or fault.with_traceback(None)
        if first is not None:
            raise first
        return not decisive

    return logic


def _choice(test: Run, yes: Run, no: Run) -> Run:
    def choice(facts: Facts, meter: Meter) -> Value:
        meter[0] -= cost.OPERATOR
        return (yes if truth(test(facts, meter)) else no)(facts, meter)

    return choice


def _chain(node: Chain) -> Run:
    first = compile_expression(node.first)
    steps = tuple((OPERATORS[operator], compile_expression(operand)) for operator, operand in node.rest)
    if len(steps) == 1:
        return _pair(first, *steps[0])

    def chain(facts: Facts, meter: Meter) -> Value:
        value = first(facts, meter)
        for operator, operand in steps:
            value = operator(value, operand(facts, meter), meter)
        return value

    return chain


def _pair(left: Run, operator: Operator, right: Run) -> Run:
    def pair(facts: Facts, meter: Meter) -> Value:
        return operator(left(facts, meter), right(facts, meter), meter)

    return pair
