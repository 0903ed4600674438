"""Times on the command line, as people write them: a date, a time with its zone, or a length of time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

_SPAN = re.compile(r"([0-9]{1,6})([smhdw])\Z", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Lasting(click.ParamType[timedelta]):
    """How long something lasts, such as `90s`, `10m`, `12h`, `30d` or `2w`."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        found = span_in(value)
        if found is None:
            self.fail(f"{value!r} is no length of time; write it as 90s, 10m, 12h, 30d or 2w", param, ctx)
        return found


class When(click.ParamType[datetime]):
    """A time: `2026-12-01` (midnight UTC) or `2026-12-01T18:00+01:00`; one to come also as `30d` from now."""

    name = "time"

    def __init__(self, *, to_come: bool = True) -> None:
        self._to_come = to_come

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        found = span_in(value) if self._to_come else None
        if found is not None:
            try:
                return datetime.now(UTC) + found
            except OverflowError:
                self.fail(f"{value!r} from now is after the year 9999; name an earlier time", param, ctx)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            or_span = ", or as 12h or 30d from now" if self._to_come else ""
            self.fail(f"{value!r} is no time; write it as 2026-12-01, 2026-12-01T18:00Z{or_span}", param, ctx)
        if len(value) == len("2026-12-01"):
            return moment.replace(tzinfo=UTC)
        if moment.tzinfo is None:
            self.fail(f"{value!r} has no time zone; add Z for UTC, or an offset such as +01:00", param, ctx)
        return moment


LASTING = Lasting()
WHEN = When()
PAST = When(to_come=False)


def span_in(text: str) -> timedelta | None:
    """A length of time above nothing, as written; None if it is none."""
    spelled = _SPAN.match(text)
    try:
        found = spelled and timedelta(**{_UNITS[spelled[2]]: int(spelled[1])})
    except OverflowError:
        return None
    return found or None


def milliseconds(moment: datetime) -> int:
    """A time as the chain has it: milliseconds since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
