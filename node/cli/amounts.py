"""Amounts on the command line, in decimals of their currency. The node says how many those are."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from remarque.amounts import SPELLED, amount_in_words, units_of
from remarque.client import Client


class Amount(click.ParamType[str]):
    """An amount as people write it; what it is in minor units is known once its currency is."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if SPELLED.match(value) is None:
            self.fail(f"{value!r} is no amount; write it as 1200 or 1200.50, without sign or separators", param, ctx)
        return str(value)


AMOUNT = Amount()


class Sum(msgspec.Struct, frozen=True):
    """An amount in minor units, as it is signed, and as people read it with its currency."""

    units: int
    text: str


def sum_of(client: Client, amount: str, currency: str) -> Sum:
    """What an amount comes to in its currency."""
    kind = client.currency(currency)
    try:
        units = units_of(amount, kind)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return Sum(units, amount_in_words(units, kind))


def units_in_words(client: Client, units: int, currency: str) -> str:
    """Minor units as people read them, with their currency."""
    return amount_in_words(units, client.currency(currency))


def check_priced(amount: str | None, currency: str, *, drafted: bool) -> None:
    """That a command which does something for nothing without an amount was not meant to do it for one.

    `drafted`: whether it is given a file for the other side to sign.
    """
    if amount is None and (currency or drafted):
        given = "--currency" if currency else "--out"
        raise click.UsageError(
            f"{given} goes with an amount, and none is given: it would be done for nothing, and at once"
        )


def units_if_given(client: Client, amount: str | None, currency: str) -> int | None:
    """An amount that may be left out, in minor units; None if it is."""
    if amount is None:
        return None
    if not currency:
        raise click.UsageError("an amount has a currency; give --currency with it")
    return sum_of(client, amount, currency).units
