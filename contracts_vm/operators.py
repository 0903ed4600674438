"""What operators and functions compute from values, each charging the meter for its own work.

The meanings are those of the Common Expression Language on the types we have. Values of different kinds are not
equal; every other operator on kinds that do not go together is a fault. Python's own comparisons are reached only
once the kinds are known, since it holds True and 1 for equal.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeGuard

from contracts_vm.cost import COMPARE_UNIT, CONCAT_UNIT, MEMBER_ITEM, OPERATOR, READ_UNIT, Meter, OutOfFuel, charge
from contracts_vm.types import Duration, Timestamp, Value, in_range, kind_of, read_duration, read_timestamp

Operator = Callable[[Value, Value, Meter], Value]
_ORDERED: Final = (Timestamp, int, str, bool, Duration)


class Fault(Exception):
    """An expression without a value: one of the codes in `errors.FAULTS`, and the words for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


def _equal(a: Value, b: Value, meter: Meter) -> bool:
    if type(a) is str and type(b) is str:
        meter[0] -= OPERATOR + min(len(a), len(b)) // COMPARE_UNIT
        if meter[0] < 0:
            raise OutOfFuel
        return a == b
    meter[0] -= OPERATOR
    return _same(a, b, meter)


def _same(a: Value, b: Value, meter: Meter) -> bool:
    """Equality by kind and content. Walks with a stack of its own, so that facts may nest as they like."""
    waiting: list[tuple[Value, Value]] = [(a, b)]
    while waiting:
        a, b = waiting.pop()
        kind, other = kind_of(a), kind_of(b)
        if not kind or not other:
            raise Fault("VALUE_UNSUPPORTED", "the facts hold something that is not a value that rules know")
        if kind != other:
            return False
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            charge(meter, min(len(a), len(b)))
            if a.keys() != b.keys():
                return False
            waiting += [(a[name], b[name]) for name in sorted(a, key=str)]
        elif _is_list(a) and _is_list(b):
            charge(meter, min(len(a), len(b)))
            if len(a) != len(b):
                return False
            waiting += list(zip(a, b, strict=True))[::-1]
        else:
            charge(meter, min(len(a), len(b)) // COMPARE_UNIT if isinstance(a, str) and isinstance(b, str) else 0)
            if a != b:
                return False
    return True


def _different(a: Value, b: Value, meter: Meter) -> bool:
    return not _equal(a, b, meter)


def _in(a: Value, b: Value, meter: Meter) -> bool:
    if not _is_list(b):
        raise _no_overload("in", a, b)
    charge(meter, OPERATOR + MEMBER_ITEM * len(b))
    if type(a) is str:
        return a in b
    return any(_same(a, item, meter) for item in b)


def _ordering(name: str, holds: Callable[[Any, Any], bool]) -> Operator:
    def compare(a: Value, b: Value, meter: Meter) -> Value:
        kind = type(a)
        if kind is not type(b) or kind not in _ORDERED:
            raise _no_overload(name, a, b)
        if isinstance(a, str) and isinstance(b, str):
            charge(meter, OPERATOR + min(len(a), len(b)) // COMPARE_UNIT)
            return holds(a, b)
        meter[0] -= OPERATOR
        return holds(_number(a), _number(b))

    return compare


def _number(value: Value) -> int:
    if isinstance(value, Timestamp | Duration):
        return value.ms
    return value if isinstance(value, int) else 0


def _arithmetic(name: str, compute: Callable[[int, int], int]) -> Operator:
    def calculate(a: Value, b: Value, meter: Meter) -> Value:
        meter[0] -= OPERATOR
        if type(a) is int and type(b) is int:
            return _ranged(compute(a, b))
        make = _TIMES.get((name, type(a), type(b)))
        if make is not None:
            return _ranged(make(compute(_number(a), _number(b))))
        if name == "+":
            return _joined(a, b, meter)
        raise _no_overload(name, a, b)

    return calculate


_TIMES: Final[dict[tuple[str, type, type], type[Timestamp] | type[Duration]]] = {
    ("+", Timestamp, Duration): Timestamp,
    ("+", Duration, Timestamp): Timestamp,
    ("+", Duration, Duration): Duration,
    ("-", Timestamp, Duration): Timestamp,
    ("-", Timestamp, Timestamp): Duration,
    ("-", Duration, Duration): Duration,
}


def _joined(a: Value, b: Value, meter: Meter) -> Value:
    if isinstance(a, str) and isinstance(b, str):
        charge(meter, (len(a) + len(b)) // CONCAT_UNIT)
        return a + b
    if _is_list(a) and _is_list(b):
        charge(meter, (len(a) + len(b)) // CONCAT_UNIT)
        return (*a, *b)
    raise _no_overload("+", a, b)


def minus(value: Value, meter: Meter) -> Value:
    """Unary minus."""
    meter[0] -= OPERATOR
    if type(value) is int:
        return _ranged(-value)
    raise _no_overload("-", value)


def invert(value: Value, meter: Meter) -> Value:
    """`!`."""
    meter[0] -= OPERATOR
    return not truth(value)


def truth(value: Value) -> bool:
    """The value, when it is a boolean."""
    if value is True or value is False:
        return value
    raise Fault("NOT_BOOL", f"expected true or false, found {_a(value)}")


def _divide(a: int, b: int) -> int:
    """Toward zero, as the expression language has it."""
    if b == 0:
        raise Fault("DIVIDE_BY_ZERO", "division by zero")
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _remainder(a: int, b: int) -> int:
    """With the sign of the left side."""
    if b == 0:
        raise Fault("DIVIDE_BY_ZERO", "remainder by zero")
    rest = abs(a) % abs(b)
    return -rest if a < 0 else rest


def _ranged(value: int | Timestamp | Duration) -> Value:
    if not in_range(value):
        raise Fault("OVERFLOW", f"the result is out of the range of {kind_of(value)}")
    return value


def _is_list(value: Value) -> TypeGuard[Sequence[Value]]:
    return type(value) is list or type(value) is tuple


def _a(value: Value) -> str:
    return kind_of(value) or "something else"


def _no_overload(name: str, *values: Value) -> Fault:
    return Fault("NO_OVERLOAD", f"{name} does not take {' and '.join(_a(value) for value in values)}")


OPERATORS: Final[dict[str, Operator]] = {
    "==": _equal,
    "!=": _different,
    "in": _in,
    "<": _ordering("<", operator.lt),
    "<=": _ordering("<=", operator.le),
    ">": _ordering(">", operator.gt),
    ">=": _ordering(">=", operator.ge),
    "+": _arithmetic("+", lambda a, b: a + b),
    "-": _arithmetic("-", lambda a, b: a - b),
    "*": _arithmetic("*", lambda a, b: a * b),
    "/": _arithmetic("/", _divide),
    "%": _arithmetic("%", _remainder),
}


def _size(value: Value, meter: Meter) -> Value:
    meter[0] -= OPERATOR
    if isinstance(value, str | list | tuple | Mapping):
        return len(value)
    raise _no_overload("size", value)


def _timestamp(value: Value, meter: Meter) -> Value:
    if isinstance(value, Timestamp):
        meter[0] -= OPERATOR
        return value
    if not isinstance(value, str):
        raise _no_overload("timestamp", value)
    charge(meter, OPERATOR + len(value) // READ_UNIT)
    found = read_timestamp(value)
    if found is None:
        raise Fault("TIMESTAMP_INVALID", "expected a time such as 2026-11-22T08:00:00Z, to the millisecond at most")
    return found


def _duration(value: Value, meter: Meter) -> Value:
    if isinstance(value, Duration):
        meter[0] -= OPERATOR
        return value
    if not isinstance(value, str):
        raise _no_overload("duration", value)
    charge(meter, OPERATOR + len(value) // READ_UNIT)
    found = read_duration(value)
    if found is None:
        raise Fault("DURATION_INVALID", "expected a duration such as 3600s or 1h30m, to the millisecond at most")
    return found


FUNCTIONS: Final = {"size": _size, "timestamp": _timestamp, "duration": _duration}
