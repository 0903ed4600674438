"""Times in words for people, as refusals and commands tell them: always UTC, to the millisecond where there are any.

On the chain a time is whole milliseconds since 1970, and stays that in every value.
"""

from __future__ import annotations

from datetime import UTC, datetime

_LAST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999; a record may name a later one, of which there is no date."""
_UNITS = (("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1000), ("millisecond", 1))


def moment(time_ms: int) -> str:
    """A time in milliseconds since 1970, such as `2026-11-27 18:00:00 UTC`."""
    if not 0 <= time_ms <= _LAST_MS:
        return f"{time_ms} ms since 1970"
    seconds, rest = divmod(time_ms, 1000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{text}{f'.{rest:03}' if rest else ''} UTC"


def span(length_ms: int) -> str:
    """A length of time in milliseconds, in its two greatest units: `7 days`, `1 hour 30 minutes`."""
    parts, rest = [], length_ms
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}{'s' if count > 1 else ''}")
        if len(parts) == 2:
            break
    return " ".join(parts) or "no time"
