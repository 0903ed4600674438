"""What functions and methods compute: sizes, searches, conversions, and the parts of instants and spans.

A method is a function of its receiver: `x.contains(y)` is `contains` of x and y. Each charges the meter for its own
work before doing it. Time zones are UTC or a fixed offset: what a named zone means depends on the machine's tables.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from contracts_vm.cost import OPERATOR, READ_UNIT, SEARCH_UNIT, Meter, charge
from contracts_vm.operators import EvaluationError, is_list, no_overload, ranged
from contracts_vm.types import (
    INT_MAX,
    INT_MIN,
    PPM_WHOLE,
    UINT_MAX,
    Duration,
    RuleValue,
    Timestamp,
    TypeName,
    UInt,
    calendar,
    in_range,
    kind_of,
    nanoseconds,
    read_duration,
    read_timestamp,
    write_duration,
    write_timestamp,
)

Function = Callable[[tuple[Any, ...], Meter], RuleValue]
"""From the arguments, of which there are as many as `ARITY` says."""

_INT = re.compile("[+-]?[0-9]{1,20}")
_ZONE = re.compile("([+-]?)([0-9]{2}):([0-9]{2})")
_BOOLS: Final = {
    **dict.fromkeys(("1", "t", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "false", "FALSE", "False"), False),
}


def _size(arguments: tuple[Any, ...], meter: Meter) -> RuleValue:
    meter[0] -= OPERATOR
    (value,) = arguments
    if isinstance(value, str | bytes | list | tuple | Mapping):
        return len(value)
    raise no_overload("size", value)


def _search(name: str, compute: Callable[[str, str], bool]) -> Function:
    def search(arguments: tuple[Any, ...], meter: Meter) -> RuleValue:
        text, sought = arguments
        if type(text) is not str or type(sought) is not str:
            raise no_overload(name, text, sought)
        charge(meter, search_cost(name, len(text), len(sought)))
        return compute(text, sought)

    return search


def search_cost(name: str, text: int, sought: int) -> int:
    """What a search costs for so many characters."""
    if name == "contains":
        return OPERATOR * (1 + text // SEARCH_UNIT) * (1 + sought // SEARCH_UNIT)
    return OPERATOR + sought // SEARCH_UNIT


def _converted(name: str, convert: Callable[[Any], RuleValue | None]) -> Function:
    """A conversion; None from `convert` means that the value has no equal in the other type."""
    code = {"timestamp": "TIMESTAMP_INVALID", "duration": "DURATION_INVALID"}.get(name, "CONVERSION_INVALID")

    def conversion(arguments: tuple[Any, ...], meter: Meter) -> RuleValue:
        (value,) = arguments
        charge(meter, OPERATOR + (len(value) // READ_UNIT if isinstance(value, str | bytes) else 0))
        if kind_of(value) not in CONVERSIONS[name]:
            raise no_overload(name, value)
        if not in_range(value):
            raise EvaluationError("VALUE_UNSUPPORTED", "the facts hold a value out of the range of its kind")
        found = convert(value)
        if found is None:
            shown = f"{value[:40]!a}" if isinstance(value, str | bytes) else f"{value}"
            raise EvaluationError(code, f"{name} has no value for {shown}")
        return found

    return conversion


CONVERSIONS: Final = {
    "int": ("int", "uint", "string", "timestamp"),
    "uint": ("int", "uint", "string"),
    "string": ("string", "int", "uint", "bool", "bytes", "timestamp", "duration"),
    "bytes": ("bytes", "string"),
    "bool": ("bool", "string"),
    "timestamp": ("timestamp", "string", "int"),
    "duration": ("duration", "string"),
}
"""The kinds that each conversion takes."""


def _to_int(value: Any) -> RuleValue | None:
    if isinstance(value, Timestamp):
        return value.ms // 1000
    if isinstance(value, str) and not _INT.fullmatch(value):
        return None
    number = int(value)
    return number if INT_MIN <= number <= INT_MAX else None


def _to_uint(value: Any) -> RuleValue | None:
    if isinstance(value, str) and not _INT.fullmatch(value):
        return None
    number = int(value)
    return UInt(number) if 0 <= number <= UINT_MAX else None


def _to_string(value: Any) -> RuleValue | None:
    match value:
        case bool():
            return "true" if value else "false"
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                return None
        case Timestamp():
            return write_timestamp(value)
        case Duration():
            return write_duration(value)
        case _:
            return str(value)


def _to_bytes(value: Any) -> RuleValue | None:
    try:
        return value.encode() if isinstance(value, str) else bytes(value)
    except UnicodeEncodeError:
        return None


def _to_timestamp(value: Any) -> RuleValue | None:
    if isinstance(value, str):
        return read_timestamp(value)
    return ranged(Timestamp(value * 1000)) if type(value) is int else value


def _part(name: str, of_day: Callable[[date], int] | None, of_ms: Callable[[int], int]) -> Function:
    """An accessor: of a calendar day, or of the milliseconds since midnight; of a span, where that has a meaning."""

    def part(arguments: tuple[Any, ...], meter: Meter) -> RuleValue:
        meter[0] -= OPERATOR
        time = arguments[0]
        if type(time) is Duration and name in _SPAN and len(arguments) == 1:
            return _SPAN[name](nanoseconds(time))
        if type(time) is not Timestamp or not all(type(zone) is str for zone in arguments[1:]):
            raise no_overload(name, *arguments)
        found = calendar(time, zone_minutes(arguments[1]) if len(arguments) > 1 else 0)
        if found is None:
            raise EvaluationError("OVERFLOW", "in that zone the time is outside the years 1 to 9999")
        return of_day(found[0]) if of_day else of_ms(found[1])

    return part


def zone_minutes(zone: str) -> int:
    """The minutes that a zone is ahead of UTC, or an EvaluationError."""
    if zone == "UTC":
        return 0
    found = _ZONE.fullmatch(zone)
    if found is None or int(found[2]) > 14 or int(found[3]) > 59:
        raise EvaluationError("ZONE_INVALID", "a zone is UTC or a fixed offset such as +01:00")
    return (int(found[2]) * 60 + int(found[3])) * (-1 if found[1] == "-" else 1)


def _toward_zero(ns: int, unit: int) -> int:
    return ns // unit if ns >= 0 else -(-ns // unit)


_SPAN: Final[dict[str, Callable[[int], int]]] = {
    "getHours": lambda ns: _toward_zero(ns, 3_600 * 10**9),
    "getMinutes": lambda ns: _toward_zero(ns, 60 * 10**9),
    "getSeconds": lambda ns: _toward_zero(ns, 10**9),
    "getMilliseconds": lambda ns: _toward_zero(ns, 10**6) - _toward_zero(ns, 10**9) * 1000,
}


def _extreme(name: str, better: Callable[[Any, Any], bool]) -> Function:
    def extreme(arguments: tuple[Any, ...], meter: Meter) -> RuleValue:
        items: Any = arguments[0] if len(arguments) == 1 and is_list(arguments[0]) else arguments
        charge(meter, OPERATOR * max(1, len(items)))
        if not items or not all(type(item) is int or type(item) is UInt for item in items):
            raise no_overload(name, *items)
        best: RuleValue = items[0]
        for item in items[1:]:
            if better(item, best):
                best = item
        return best

    return extreme


def _portion(arguments: tuple[Any, ...], meter: Meter) -> RuleValue:
    meter[0] -= OPERATOR
    amount, ppm = arguments
    if type(amount) is not int or type(ppm) is not int:
        raise no_overload("portion", amount, ppm)
    if amount < 0 or not 0 <= ppm <= PPM_WHOLE:
        raise EvaluationError("PORTION_INVALID", "a portion is of an amount from 0, at a rate from 0 to 1,000,000 ppm")
    return amount * ppm // PPM_WHOLE


def _type(arguments: tuple[Any, ...], meter: Meter) -> RuleValue:
    meter[0] -= OPERATOR
    kind = kind_of(arguments[0])
    return TypeName(TYPE_NAMES.get(kind, kind))


def _dyn(arguments: tuple[RuleValue, ...], meter: Meter) -> RuleValue:
    meter[0] -= OPERATOR
    return arguments[0]


TYPE_NAMES: Final = {
    "null": "null_type",
    "timestamp": "google.protobuf.Timestamp",
    "duration": "google.protobuf.Duration",
}
"""The types whose name in the expression language is not that of the kind."""

FUNCTIONS: Final[dict[str, Function]] = {
    "size": _size,
    "contains": _search("contains", lambda text, sought: sought in text),
    "startsWith": _search("startsWith", str.startswith),
    "endsWith": _search("endsWith", str.endswith),
    "int": _converted("int", _to_int),
    "uint": _converted("uint", _to_uint),
    "string": _converted("string", _to_string),
    "bytes": _converted("bytes", _to_bytes),
    "bool": _converted("bool", lambda value: value if type(value) is bool else _BOOLS.get(value)),
    "timestamp": _converted("timestamp", _to_timestamp),
    "duration": _converted("duration", lambda value: read_duration(value) if isinstance(value, str) else value),
    "math.greatest": _extreme("math.greatest", lambda a, b: a > b),
    "math.least": _extreme("math.least", lambda a, b: a < b),
    "portion": _portion,
    "getFullYear": _part("getFullYear", lambda day: day.year, int),
    "getMonth": _part("getMonth", lambda day: day.month - 1, int),
    "getDate": _part("getDate", lambda day: day.day, int),
    "getDayOfMonth": _part("getDayOfMonth", lambda day: day.day - 1, int),
    "getDayOfWeek": _part("getDayOfWeek", lambda day: day.isoweekday() % 7, int),
    "getDayOfYear": _part("getDayOfYear", lambda day: day.timetuple().tm_yday - 1, int),
    "getHours": _part("getHours", None, lambda ms: ms // 3_600_000),
    "getMinutes": _part("getMinutes", None, lambda ms: ms // 60_000 % 60),
    "getSeconds": _part("getSeconds", None, lambda ms: ms // 1000 % 60),
    "getMilliseconds": _part("getMilliseconds", None, lambda ms: ms % 1000),
    "type": _type,
    "dyn": _dyn,
}

SPAN_PARTS: Final = tuple(_SPAN)
ENGINE_ONLY: Final = ("dyn", "type", "uint")
"""Functions that the engine has for the sake of the published cases, and rules do not."""
METHODS: Final = ("size", "contains", "startsWith", "endsWith", *(name for name in FUNCTIONS if name.startswith("get")))
"""What is written after a dot: `x.size()`."""
ARITY: Final[dict[str, tuple[int, int]]] = {
    **dict.fromkeys(FUNCTIONS, (1, 1)),
    **dict.fromkeys(("contains", "startsWith", "endsWith", "portion"), (2, 2)),
    **dict.fromkeys(("math.greatest", "math.least"), (1, 32)),
    **{name: (1, 2) for name in FUNCTIONS if name.startswith("get")},
}
"""The fewest and the most arguments, a method's receiver among them."""
