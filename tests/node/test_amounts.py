"""Amounts are written and read in decimals of their currency, by commands as by rules and pages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from contracts_vm import Money
from ledger.records import Currency
from node.cli.main import cli
from remarque.amounts import amount_in_words, units_of

CASES = json.loads((Path(__file__).parent.parent / "vectors" / "amounts.json").read_text())
EUR = Currency(currency="EUR", decimals=2, issuer="treasury@club")
JPY = Currency(currency="JPY", decimals=0, issuer="treasury@club")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"])
def test_what_is_written_is_read_as_the_same(case: dict[str, object]) -> None:
    currency = Currency(currency=str(case["currency"]), decimals=int(str(case["decimals"])), issuer="treasury@club")
    text = amount_in_words(int(str(case["units"])), currency)

    assert text == case["text"]
    assert units_of(text.split()[0], currency) == case["units"]


@pytest.mark.parametrize(("amount", "units"), [("12", 1200), ("12.5", 1250), ("12.50", 1250), ("12.500", 1250)])
def test_zeros_behind_the_point_may_be_left_out_or_added(amount: str, units: int) -> None:
    assert units_of(amount, EUR) == units == Money(1200 if amount == "12" else 1250, 2, "EUR").units(2)


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        ("12.345", EUR, "finer than EUR, which has 2 decimals"),
        ("12.5", JPY, "finer than JPY, which has no decimals"),
        ("0", EUR, "no amount above nothing"),
        ("0.00", EUR, "no amount above nothing"),
        ("90071992547409.92", EUR, "up to 90071992547409.91 EUR"),
        *(
            (text, EUR, "is no amount")
            for text in ("", "-1", "+1", "1,5", "1.", ".5", "1e3", "1 000", "0x10", "١", "1\n")
        ),
    ],
)
def test_what_is_no_amount_is_refused_with_the_reason(amount: str, currency: Currency, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        units_of(amount, currency)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["grant", "a", "b@c", "--until", "1h", "--currency", "EUR"], "--currency goes with an amount"),
        (["grant", "a", "b@c", "--until", "1h", "--out", "file"], "--out goes with an amount"),
        (["rent", "a", "b@c", "--until", "1h", "--currency", "EUR"], "--currency goes with an amount"),
        (["rent", "a", "b@c", "--until", "1h", "--out", "file"], "--out goes with an amount"),
        (["derive", "a", "b", "--currency", "EUR"], "--currency goes with an amount"),
        (["derive", "a", "b", "--out", "file"], "--out goes with an amount"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_what_was_meant_to_be_paid_for_is_not_done_for_nothing(words: list[str], said: str) -> None:
    done = CliRunner().invoke(cli, ["--json", *words])

    told = json.loads(done.stdout)
    assert (done.exit_code, told["code"]) == (2, "COMMAND_MALFORMED")
    assert said in told["detail"]


@pytest.mark.parametrize("amount", ["1,200", "-5", "1e3", "all"])
def test_a_command_refuses_what_is_no_amount_before_it_asks_anybody(amount: str) -> None:
    done = CliRunner().invoke(cli, ["--json", "pay", "--", "alice@studio", amount, "EUR"])

    told = json.loads(done.stdout)
    assert (done.exit_code, told["code"]) == (2, "COMMAND_MALFORMED")
    assert "is no amount" in told["detail"]


def test_a_price_without_its_currency_is_no_price() -> None:
    words = ["rent", "ab" * 32, "carla@club", "--until", "1h", "--price", "5", "--out", "rental.json"]
    done = CliRunner().invoke(cli, ["--json", *words])

    assert done.exit_code == 2
    assert "give --currency" in done.stdout
