"""Commands about money itself: name a currency, issue units of it, take units out of circulation."""

from __future__ import annotations

import click

from ledger import actions
from node.cli.amounts import AMOUNT, sum_of
from node.cli.printing import in_line
from node.cli.target import Target, with_target
from remarque.amounts import amount_in_words


@click.group()
def currency() -> None:
    """Currencies of the chain, and their issuers."""


@currency.command("list")
@with_target
def list_currencies(target: Target) -> None:
    """List the currencies, with their supply and their issuers."""
    with target.client() as client:
        found = client.currencies()
    lines = (in_line(f"{amount_in_words(one.supply, one):>24}  issued by {one.issuer}") for one in found)
    target.show(found, "\n".join(lines) or "none")


@currency.command("create")
@click.argument("code")
@click.option("--decimals", type=click.IntRange(0, 8), default=2, show_default=True, help="Digits behind the point.")
@with_target
def create(target: Target, code: str, decimals: int) -> None:
    """Name the currency CODE, such as EUR: three to eight capitals. You issue it; that takes the role `issuer`."""
    with target.client() as client:
        receipt = client.submit(actions.CreateCurrency(currency=code, decimals=decimals))
    target.done(receipt, f"{code} has {decimals} decimals, and you issue it")


@currency.command("issue")
@click.argument("to")
@click.argument("amount", type=AMOUNT)
@click.argument("code")
@with_target
def issue(target: Target, to: str, amount: str, code: str) -> None:
    """Make an AMOUNT of your currency CODE, such as 5000.00 EUR, and give it to the account TO."""
    with target.client() as client:
        money = sum_of(client, amount, code)
        receipt = client.submit(actions.IssueCurrency(currency=code, to=to, amount=money.units))
    target.done(receipt, f"{to} has {money.text} more")


@currency.command("redeem")
@click.argument("amount", type=AMOUNT)
@click.argument("code")
@with_target
def redeem(target: Target, amount: str, code: str) -> None:
    """Take an AMOUNT that you hold out of circulation."""
    with target.client() as client:
        money = sum_of(client, amount, code)
        receipt = client.submit(actions.RedeemCurrency(currency=code, amount=money.units))
    target.done(receipt, f"{money.text} are out of circulation")
