"""The values that rules see: booleans, 64-bit integers, text, bytes, instants, durations, lists and maps.

There is no float and no clock, so that every node computes the same result. Instants and durations are exact to the
nanosecond. `True` is never the integer 1 here. Unsigned integers, null and the names of types are values of the
expression language that rules do not use: the engine has them so that it can be held against the published cases.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final

import msgspec

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
SAFE_MAX: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly."""
PPM_WHOLE: Final = 1_000_000
"""All of an amount, in parts per million."""


class Timestamp(msgspec.Struct, frozen=True, order=True):
    """An instant."""

    ms: int
    """Milliseconds since 1970-01-01T00:00:00Z, from year 1 to year 9999."""
    ns: int = 0
    """Nanoseconds after that millisecond, from 0 to 999,999."""


class Duration(msgspec.Struct, frozen=True, order=True):
    """A signed span of time."""

    ms: int
    """Whole milliseconds, rounded down; in all within 2^63 nanoseconds either way, about 292 years."""
    ns: int = 0
    """Nanoseconds to be added, from 0 to 999,999."""


class UInt(int):
    """An unsigned integer of 64 bits."""

    __slots__ = ()


class TypeName(msgspec.Struct, frozen=True):
    """What `type(x)` gives."""

    name: str


class BoolKey(msgspec.Struct, frozen=True):
    """A boolean as the key of a map, where Python would take a plain True for 1."""

    value: bool


RuleValue = (
    bool | int | str | bytes | Timestamp | Duration | TypeName
    | Sequence["RuleValue"] | Mapping[Any, "RuleValue"] | None
)  # fmt: skip
Facts = Mapping[str, Mapping[str, RuleValue]]
"""What a decision is made on: roots, each a record of fields."""

UINT_MAX: Final = 2**64 - 1
TIMESTAMP_MS_MIN: Final = -62_135_596_800_000
TIMESTAMP_MS_MAX: Final = 253_402_300_799_999
DURATION_MS_MAX: Final = 9_223_372_036_854
DURATION_NS_MAX: Final = 2**63 - 1
NS_PER_MS: Final = 1_000_000
_DAY_MS: Final = 86_400_000
_EPOCH_DAY: Final = 719_163

_KINDS: Final[dict[type, str]] = {
    bool: "bool", int: "int", UInt: "uint", str: "string", bytes: "bytes", Timestamp: "timestamp", Duration: "duration",
    list: "list", tuple: "list", dict: "map", TypeName: "type", type(None): "null",
}  # fmt: skip


def kind_of(value: object) -> str:
    """The name of a value's kind, or "" when it is no value of the expression language."""
    kind = _KINDS.get(type(value))
    if kind is None:
        return "map" if isinstance(value, Mapping) else ""
    return kind


def in_range(value: object) -> bool:
    """Whether an integer, instant or duration is within the range of its kind (other kinds have none)."""
    if type(value) is int:
        return INT_MIN <= value <= INT_MAX
    if isinstance(value, Timestamp | Duration):
        if type(value.ms) is not int or type(value.ns) is not int or not 0 <= value.ns < NS_PER_MS:
            return False
        if isinstance(value, Timestamp):
            return TIMESTAMP_MS_MIN <= value.ms <= TIMESTAMP_MS_MAX
        return -DURATION_NS_MAX <= nanoseconds(value) <= DURATION_NS_MAX
    return not isinstance(value, UInt) or 0 <= value <= UINT_MAX


def nanoseconds(time: Timestamp | Duration) -> int:
    """The whole of an instant or a span, in nanoseconds."""
    return time.ms * NS_PER_MS + time.ns


def timestamp_of(ns: int) -> Timestamp:
    """The instant so many nanoseconds after 1970 (before it, when negative)."""
    return Timestamp(*divmod(ns, NS_PER_MS))


def duration_of(ns: int) -> Duration:
    """The span of so many nanoseconds."""
    return Duration(*divmod(ns, NS_PER_MS))


_TEXT_CHARACTERS_MAX: Final = 64
"""The longest text that is read as an instant or a span."""
_TEXTS_KEPT: Final = 256
"""How many texts stay read: a rule holds its times as text and reads them at every decision, in a loop many times."""
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])"
    r"(?:\.([0-9]{1,9}))?(?:Z|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)


@lru_cache(maxsize=_TEXTS_KEPT)
def read_timestamp(text: str) -> Timestamp | None:
    """RFC 3339 with capital T and Z; None for anything else, for a leap second, and for parts of a nanosecond."""
    found = _TIMESTAMP.fullmatch(text) if len(text) <= _TEXT_CHARACTERS_MAX else None
    if found is None:
        return None
    year, month, day, hour, minute, second, part, sign, off_hour, off_minute = found.groups("")
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    seconds = (int(hour) * 60 + int(minute)) * 60 + int(second)
    if sign:
        seconds -= (int(off_hour) * 60 + int(off_minute)) * (60 if sign == "+" else -60)
    ms, ns = divmod(int(part.ljust(9, "0")), NS_PER_MS)
    instant = Timestamp(days * _DAY_MS + seconds * 1000 + ms, ns)
    return instant if in_range(instant) else None


def write_timestamp(instant: Timestamp) -> str:
    """The one RFC 3339 text in UTC, with three, six or nine decimals as needed."""
    days, ms = divmod(instant.ms, _DAY_MS)
    seconds, part = divmod(ms, 1000)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{date.fromordinal(days + _EPOCH_DAY).isoformat()}T{clock}{_decimals(part, instant.ns)}Z"


def calendar(instant: Timestamp, offset_minutes: int) -> tuple[date, int] | None:
    """The day and the milliseconds since its midnight at an offset from UTC; None outside years 1 to 9999."""
    days, ms = divmod(instant.ms + offset_minutes * 60_000, _DAY_MS)
    ordinal = days + _EPOCH_DAY
    return (date.fromordinal(ordinal), ms) if 1 <= ordinal <= date.max.toordinal() else None


_UNIT_NS: Final = {"h": 3_600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_DURATION_PART = re.compile(r"([0-9]+)(?:\.([0-9]+))?(h|ms|m|s|us|ns)")
_DURATION = re.compile(r"[+-]?(?:0|(?:[0-9]+(?:\.[0-9]+)?(?:h|ms|m|s|us|ns))+)")


@lru_cache(maxsize=_TEXTS_KEPT)
def read_duration(text: str) -> Duration | None:
    """`1h30m`, `-1.5s`, `250ms`; None for anything else, for parts of a nanosecond, and out of range."""
    if len(text) > _TEXT_CHARACTERS_MAX or _DURATION.fullmatch(text) is None:
        return None
    total = 0
    for whole, part, unit in _DURATION_PART.findall(text):
        fraction, rest = divmod(int(part or "0") * _UNIT_NS[unit], 10 ** len(part))
        if rest:
            return None
        total += int(whole) * _UNIT_NS[unit] + fraction
    return duration_of(-total if text.startswith("-") else total) if total <= DURATION_NS_MAX else None


def write_duration(span: Duration) -> str:
    """Seconds, with three, six or nine decimals as needed: `3600s`, `-0.250s`."""
    total = nanoseconds(span)
    seconds, rest = divmod(abs(total), 10**9)
    return f"{'-' if total < 0 else ''}{seconds}{_decimals(*divmod(rest, NS_PER_MS))}s"


def _decimals(ms: int, ns: int) -> str:
    if ns:
        return f".{ms:03d}{ns:06d}".removesuffix("000")
    return f".{ms:03d}" if ms else ""
