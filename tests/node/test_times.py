"""Times in words: what people write for a time or a span, and how refusals tell them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest

from ledger.times import moment, span
from node.cli.times import LASTING, PAST, WHEN, milliseconds
from remarque.errors import RemarqueError
from remarque.requesting import end_ms

SIX = datetime(2026, 12, 1, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-12-01", datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-12-01T18:00Z", SIX),
        ("2026-12-01T18:00:00Z", SIX),
        ("2026-12-01T19:00+01:00", SIX),
        ("2026-12-01 19:00:00.250+01:00", SIX + timedelta(milliseconds=250)),
    ],
)
def test_a_time_has_a_zone_or_is_a_date(text: str, wanted: datetime) -> None:
    assert WHEN.convert(text, None, None) == PAST.convert(text, None, None) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("90s", timedelta(seconds=90)),
        ("10m", timedelta(minutes=10)),
        ("30d", timedelta(days=30)),
        ("2w", timedelta(14)),
    ],
)
def test_a_time_to_come_may_be_a_span_from_now(text: str, wanted: timedelta) -> None:
    assert LASTING.convert(text, None, None) == wanted
    assert abs(WHEN.convert(text, None, None) - datetime.now(UTC) - wanted) < timedelta(seconds=5)
    with pytest.raises(click.BadParameter, match="is no time"):
        PAST.convert(text, None, None)


@pytest.mark.parametrize("text", ["", "soon", "0h", "-1h", "5", "1y", "2026-13-01", "2026-12-01T18:00", "nan", "١h"])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        WHEN.convert(text, None, None)


@pytest.mark.parametrize(
    ("time_ms", "words"),
    [
        (0, "1970-01-01 00:00:00 UTC"),
        (1_796_148_000_000, "2026-12-01 18:00:00 UTC"),
        (1_796_148_000_250, "2026-12-01 18:00:00.250 UTC"),
        (2**53 - 1, "9007199254740991 ms since 1970"),
    ],
)
def test_a_moment_in_words(time_ms: int, words: str) -> None:
    assert moment(time_ms) == words
    assert milliseconds(SIX) == 1_796_148_000_000


@pytest.mark.parametrize(
    ("length_ms", "words"),
    [
        (0, "no time"),
        (1, "1 millisecond"),
        (1_500, "1 second 500 milliseconds"),
        (5_400_000, "1 hour 30 minutes"),
        (604_800_000, "7 days"),
        (86_400_001, "1 day 1 millisecond"),
    ],
)
def test_a_span_in_words(length_ms: int, words: str) -> None:
    assert span(length_ms) == words


@pytest.mark.parametrize("hours", [float("nan"), float("inf"), 0, -1, 1e300])
def test_the_sdk_takes_no_length_of_time_that_is_none(hours: float) -> None:
    with pytest.raises(RemarqueError, match="no length of time"):
        end_ms(hours)


def test_the_sdk_takes_a_moment_with_its_zone() -> None:
    assert end_ms(SIX) == milliseconds(SIX)
    with pytest.raises(RemarqueError, match="no time zone"):
        end_ms(datetime(2026, 12, 1))
