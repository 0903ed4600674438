"""The values that rules see: booleans, 64-bit integers, text, instants, durations, lists and records.

There is no float, no null and no clock, so that every node computes the same result. Instants and durations are exact
integers of milliseconds; a text finer than that is refused rather than rounded. `True` is never the integer 1 here.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import msgspec

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
SAFE_MAX: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly."""


class Timestamp(msgspec.Struct, frozen=True):
    """An instant."""

    ms: int
    """Milliseconds since 1970-01-01T00:00:00Z, from year 1 to year 9999."""


class Duration(msgspec.Struct, frozen=True):
    """A signed span of time."""

    ms: int
    """Milliseconds, within 2^63 nanoseconds either way (about 292 years), the range of the expression language."""


Value = bool | int | str | Timestamp | Duration | Sequence["Value"] | Mapping[str, "Value"]
Facts = Mapping[str, Mapping[str, Value]]
"""What a decision is made on: roots, each a record of fields."""

TIMESTAMP_MS_MIN: Final = -62_135_596_800_000
TIMESTAMP_MS_MAX: Final = 253_402_300_799_999
DURATION_MS_MAX: Final = 9_223_372_036_854
_DAY_MS: Final = 86_400_000
_EPOCH_DAY: Final = 719_163

_KINDS: Final[dict[type, str]] = {
    bool: "bool", int: "int", str: "string", Timestamp: "timestamp", Duration: "duration", list: "list", tuple: "list",
}  # fmt: skip


def kind_of(value: object) -> str:
    """The name of a value's kind, or "" when it is no value that rules know."""
    kind = _KINDS.get(type(value))
    if kind is None:
        return "record" if isinstance(value, Mapping) else ""
    return kind


def in_range(value: object) -> bool:
    """Whether an integer, instant or duration is within the range of its kind (other kinds have none)."""
    if type(value) is int:
        return INT_MIN <= value <= INT_MAX
    if type(value) is Timestamp:
        return type(value.ms) is int and TIMESTAMP_MS_MIN <= value.ms <= TIMESTAMP_MS_MAX
    if type(value) is Duration:
        return type(value.ms) is int and -DURATION_MS_MAX <= value.ms <= DURATION_MS_MAX
    return True


_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])"
    r"(?:\.([0-9]{3})0{0,6}|\.([0-9]{1,2}))?(?:Z|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)


def read_timestamp(text: str) -> Timestamp | None:
    """RFC 3339 with capital T and Z; None for anything else, for a leap second, and for parts of a millisecond."""
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, long, short, sign, off_hour, off_minute = found.groups("")
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    seconds = (int(hour) * 60 + int(minute)) * 60 + int(second)
    if sign:
        seconds -= (int(off_hour) * 60 + int(off_minute)) * (60 if sign == "+" else -60)
    instant = Timestamp(days * _DAY_MS + seconds * 1000 + int((long or short).ljust(3, "0")))
    return instant if in_range(instant) else None


def write_timestamp(instant: Timestamp) -> str:
    """The one RFC 3339 text in UTC, with three decimals only when they are not all zero."""
    days, ms = divmod(instant.ms, _DAY_MS)
    seconds, part = divmod(ms, 1000)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{date.fromordinal(days + _EPOCH_DAY).isoformat()}T{clock}{f'.{part:03d}' if part else ''}Z"


_UNIT_NS: Final = {"h": 3_600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_DURATION_PART = re.compile(r"([0-9]+)(?:\.([0-9]+))?(h|ms|m|s|us|ns)")
_DURATION = re.compile(r"[+-]?(?:0|(?:[0-9]+(?:\.[0-9]+)?(?:h|ms|m|s|us|ns))+)")


def read_duration(text: str) -> Duration | None:
    """`1h30m`, `-1.5s`, `250ms`; None for anything else, for parts of a millisecond, and out of range."""
    if len(text) > 64 or _DURATION.fullmatch(text) is None:
        return None
    total = 0
    for whole, part, unit in _DURATION_PART.findall(text):
        fraction, rest = divmod(int(part or "0") * _UNIT_NS[unit], 10 ** len(part))
        if rest:
            return None
        total += int(whole) * _UNIT_NS[unit] + fraction
    ms, rest = divmod(total, 10**6)
    span = Duration(-ms if text.startswith("-") else ms)
    return span if rest == 0 and in_range(span) else None


def write_duration(span: Duration) -> str:
    """Seconds, with three decimals only when they are not all zero: `3600s`, `-0.250s`."""
    seconds, part = divmod(abs(span.ms), 1000)
    return f"{'-' if span.ms < 0 else ''}{seconds}{f'.{part:03d}' if part else ''}s"
