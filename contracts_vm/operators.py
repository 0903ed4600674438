"""What operators compute from values, each charging the meter for its own work.

The meanings are those of the Common Expression Language on the types we have. Values of different kinds are not equal,
but an `int` and a `uint` are numbers and compare as such; every other operator on kinds that do not go together is an
error. Python's own comparisons are reached only once the kinds are known, since to Python True equals 1.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeGuard

from contracts_vm.cost import COMPARE_UNIT, CONCAT_UNIT, MEMBER_ITEM, OPERATOR, Meter, OutOfFuel, charge
from contracts_vm.types import (
    INT_MAX,
    INT_MIN,
    BoolKey,
    Duration,
    RuleValue,
    Timestamp,
    UInt,
    duration_of,
    in_range,
    kind_of,
    nanoseconds,
    timestamp_of,
)

Operator = Callable[[RuleValue, RuleValue, Meter], RuleValue]
_ORDERED: Final = (Timestamp, int, UInt, str, bool, bytes, Duration)
_NUMBERS: Final = (int, UInt)
_TEXTS: Final = (str, bytes)


class EvaluationError(Exception):
    """An expression without a value: one of the codes in `errors.EVALUATION_CODES`, and the words for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


def equal(a: Any, b: Any, meter: Meter) -> bool:
    """`==`."""
    kind = type(a)
    if kind is type(b):
        if kind is str:
            meter[0] -= OPERATOR + min(len(a), len(b)) // COMPARE_UNIT
            if meter[0] < 0:
                raise OutOfFuel
            return bool(a == b)
        if kind is int or kind is bool:
            meter[0] -= OPERATOR
            return bool(a == b)
    meter[0] -= OPERATOR
    return same(a, b, meter)


def same(a: Any, b: Any, meter: Meter) -> bool:  # noqa: C901 - a case for each kind of value
    """Equality by kind and content. Walks with a stack of its own, so that facts may nest as they like."""
    waiting: list[tuple[Any, Any]] = [(a, b)]
    while waiting:
        a, b = waiting.pop()
        kind, other = kind_of(a), kind_of(b)
        if not kind or not other:
            raise EvaluationError("VALUE_UNSUPPORTED", "the facts hold something that is not a value that rules know")
        if kind != other and not (type(a) in _NUMBERS and type(b) in _NUMBERS):
            return False
        if kind == "map":
            charge(meter, min(len(a), len(b)))
            if len(a) != len(b) or any(key not in b for key in a):
                return False
            waiting += [(a[key], b[key]) for key in in_order(a)]
        elif kind == "list":
            charge(meter, min(len(a), len(b)))
            if len(a) != len(b):
                return False
            waiting += list(zip(a, b, strict=True))[::-1]
        elif kind in ("string", "bytes"):
            charge(meter, min(len(a), len(b)) // COMPARE_UNIT)
            if a != b:
                return False
        elif a != b:
            return False
    return True


def in_order(record: Mapping[Any, RuleValue]) -> list[Any]:
    """The keys of a map in their one order: booleans, then numbers, then text."""
    return sorted(record, key=_rank)


def _rank(key: object) -> tuple[int, int, str]:
    if isinstance(key, str):
        return 2, 0, key
    if isinstance(key, BoolKey):
        return 0, key.value, ""
    if isinstance(key, int) and type(key) in _NUMBERS:
        return 1, key, ""
    raise EvaluationError("VALUE_UNSUPPORTED", "the facts hold a map whose keys are not text")


def key_of(value: RuleValue) -> Any:
    """A value as the key of a map, or an EvaluationError when it cannot be one."""
    if type(value) is bool:
        return BoolKey(value)
    if type(value) is str or type(value) in _NUMBERS:
        return value
    raise EvaluationError("KEY_INVALID", f"{a_kind(value)} is not the key of a map")


def _different(a: RuleValue, b: RuleValue, meter: Meter) -> bool:
    return not equal(a, b, meter)


def member(a: Any, b: Any, meter: Meter) -> bool:
    """`in`."""
    if type(b) is tuple or type(b) is list:
        meter[0] -= OPERATOR + MEMBER_ITEM * len(b)
        if meter[0] < 0:
            raise OutOfFuel
        return a in b if type(a) is str else any(same(a, item, meter) for item in b)
    if isinstance(b, Mapping):
        meter[0] -= OPERATOR
        return key_of(a) in b
    raise no_overload("in", a, b)


def _ordering(name: str, holds: Callable[[Any, Any], bool]) -> Operator:
    def compare(a: Any, b: Any, meter: Meter) -> RuleValue:
        kind = type(a)
        if kind is type(b) and (kind is int or kind is Timestamp):
            meter[0] -= OPERATOR
            return holds(a, b)
        if kind is not type(b) or kind not in _ORDERED:
            if kind not in _NUMBERS or type(b) not in _NUMBERS:
                raise no_overload(name, a, b)
        elif kind is str or kind is bytes:
            charge(meter, OPERATOR + min(len(a), len(b)) // COMPARE_UNIT)
            return holds(a, b)
        meter[0] -= OPERATOR
        return holds(a, b)

    return compare


def _arithmetic(name: str, compute: Callable[[int, int], int]) -> Operator:
    def calculate(a: Any, b: Any, meter: Meter) -> RuleValue:
        meter[0] -= OPERATOR
        kind = type(a)
        if kind is int and type(b) is int:
            result = compute(a, b)
            if INT_MIN <= result <= INT_MAX:
                return result
            raise EvaluationError("OVERFLOW", "the result is out of the range of int")
        if kind is UInt and type(b) is UInt:
            return ranged(UInt(compute(int(a), int(b))))
        make = _TIMES.get((name, kind, type(b)))
        if make is not None:
            return ranged(make(compute(nanoseconds(a), nanoseconds(b))))
        if name == "+":
            return _joined(a, b, meter)
        raise no_overload(name, a, b)

    return calculate


_TIMES: Final[dict[tuple[str, type, type], Callable[[int], Timestamp | Duration]]] = {
    ("+", Timestamp, Duration): timestamp_of,
    ("+", Duration, Timestamp): timestamp_of,
    ("+", Duration, Duration): duration_of,
    ("-", Timestamp, Duration): timestamp_of,
    ("-", Timestamp, Timestamp): duration_of,
    ("-", Duration, Duration): duration_of,
}


def _joined(a: Any, b: Any, meter: Meter) -> RuleValue:
    if type(a) is type(b) and type(a) in _TEXTS:
        charge(meter, (len(a) + len(b)) // CONCAT_UNIT)
        text: str | bytes = a + b
        return text
    if is_list(a) and is_list(b):
        charge(meter, (len(a) + len(b)) // CONCAT_UNIT)
        return (*a, *b)
    raise no_overload("+", a, b)


def minus(value: RuleValue, meter: Meter) -> RuleValue:
    """Unary minus."""
    meter[0] -= OPERATOR
    if type(value) is int:
        return ranged(-value)
    raise no_overload("-", value)


def invert(value: RuleValue, meter: Meter) -> RuleValue:
    """`!`."""
    meter[0] -= OPERATOR
    return not truth(value)


def truth(value: RuleValue) -> bool:
    """The value, when it is a boolean."""
    if value is True or value is False:
        return value
    raise EvaluationError("NOT_BOOL", f"expected true or false, found {a_kind(value)}")


def _divide(a: int, b: int) -> int:
    """The quotient, rounded toward zero as the expression language has it."""
    if b == 0:
        raise EvaluationError("DIVIDE_BY_ZERO", "division by zero")
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _remainder(a: int, b: int) -> int:
    """The remainder, with the sign of the left side."""
    if b == 0:
        raise EvaluationError("DIVIDE_BY_ZERO", "remainder by zero")
    if b == -1 and a == INT_MIN:
        raise EvaluationError("OVERFLOW", "the quotient is out of the range of int")
    rest = abs(a) % abs(b)
    return -rest if a < 0 else rest


def ranged(value: int | Timestamp | Duration) -> RuleValue:
    """A value that is in the range of its kind, or an EvaluationError."""
    if not in_range(value):
        raise EvaluationError("OVERFLOW", f"the result is out of the range of {kind_of(value)}")
    return value


def is_list(value: object) -> TypeGuard[Sequence[RuleValue]]:
    """Whether a value is a list."""
    return type(value) is tuple or type(value) is list


def a_kind(value: object) -> str:
    """The kind of a value in a message."""
    return kind_of(value) or "something else"


def no_overload(name: str, *values: object) -> EvaluationError:
    """The error of an operator or a function on kinds that it does not take."""
    return EvaluationError("NO_OVERLOAD", f"{name} does not take {' and '.join(a_kind(value) for value in values)}")


OPERATORS: Final[dict[str, Operator]] = {
    "==": equal,
    "!=": _different,
    "in": member,
    "<": _ordering("<", operator.lt),
    "<=": _ordering("<=", operator.le),
    ">": _ordering(">", operator.gt),
    ">=": _ordering(">=", operator.ge),
    "+": _arithmetic("+", operator.add),
    "-": _arithmetic("-", operator.sub),
    "*": _arithmetic("*", operator.mul),
    "/": _arithmetic("/", _divide),
    "%": _arithmetic("%", _remainder),
}
