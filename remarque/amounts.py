"""Amounts as people write and read them: decimals of a currency, such as `1200.50 EUR`, as rules write them too.

On the chain, in the API and in this package's methods an amount is whole minor units, here 120050.
"""

from __future__ import annotations

import re

from contracts_vm import Money
from ledger.names import INTEGER_MAX
from ledger.records import Currency

SPELLED = re.compile(r"([0-9]{1,16})(?:\.([0-9]{1,8}))?\Z", re.ASCII)


def amount_in_words(units: int, currency: Currency) -> str:
    """Minor units as an amount with its currency: `1200.50 EUR`."""
    return Money(units, currency.decimals, currency.currency).text


def units_of(amount: str, currency: Currency) -> int:
    """Minor units of an amount above nothing, such as `1200.50`. ValueError says what is wrong with it."""
    spelled = SPELLED.match(amount)
    if spelled is None:
        raise ValueError(f"{amount[:40]!r} is no amount; write it as 1200 or 1200.50, without sign or separators")
    whole, part = spelled[1], spelled[2] or ""
    units = Money(int(whole + part), len(part), currency.currency).units(currency.decimals)
    if units is None:
        have = f"has {currency.decimals} decimals" if currency.decimals else "has no decimals"
        raise ValueError(f"{amount} is finer than {currency.currency}, which {have}; leave out the rest")
    if not 0 < units <= INTEGER_MAX:
        most = amount_in_words(INTEGER_MAX, currency)
        raise ValueError(f"{amount} is no amount above nothing and up to {most}; choose another")
    return units
