"""Commands about offers, auctions, rentals and derivatives."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from ledger import actions
from ledger.events import AuctionClosed
from ledger.times import moment
from node.cli.amounts import AMOUNT, check_priced, sum_of, units_if_given
from node.cli.output_files import OutputFile, written_to
from node.cli.printing import in_line
from node.cli.target import Target, with_target
from node.cli.times import LASTING, WHEN, milliseconds
from node.cli.transaction import drafted, hand_on, valid_seconds


@click.command()
@click.argument("asset")
@click.argument("parents", nargs=-1, required=True)
@click.option(
    "--value", type=AMOUNT, help="What the right is worth for each parent, such as 300.00; royalties are of it."
)
@click.option("--currency", default="", help="Of the value.")
@click.option("--terms", multiple=True, help="The terms you saw of each parent, or those now; in their order, repeat.")
@click.option("--licence", "licences", multiple=True, help="A licence of yours for a parent; repeat.")
@click.option("--owner", "owners", multiple=True, help="A parent's owner, who signs too and so permits it; repeat.")
@click.option("--within", type=LASTING, default="10m", show_default=True, help="For how long owners may sign.")
@written_to("--out", required=False, what="File for the owners to sign.")
@with_target
def derive(
    target: Target,
    asset: str,
    parents: tuple[str, ...],
    value: str | None,
    currency: str,
    terms: tuple[str, ...],
    licences: tuple[str, ...],
    owners: tuple[str, ...],
    within: timedelta,
    out: OutputFile | None,
) -> None:
    """Say that your ASSET was made from its PARENTS, before you mint it; their policies decide and are paid."""
    seen = terms or None
    check_priced(value, currency, drafted=out is not None and not owners)
    with target.client() as client:
        worth = units_if_given(client, value, currency)
        if owners:
            valid_s = valid_seconds(within)
            draft = client.draft_derivation(
                asset, *parents, owners=owners, value=worth, currency=currency, terms=seen, valid_s=valid_s
            )
            hand_on(target, draft, out)
            return
        receipt = client.derive(asset, *parents, value=worth, currency=currency, terms=seen, licences=licences)
    target.done(receipt, f"made from {len(parents)} recorded")


@click.command()
@click.argument("token")
@click.argument("for_token")
@click.argument("other")
@click.option("--value", type=AMOUNT, help="What TOKEN is worth, such as 900.00, as you both say.")
@click.option("--for-value", type=AMOUNT, help="What FOR_TOKEN is worth.")
@click.option("--currency", default="", help="Of both values.")
@drafted
@with_target
def swap(
    target: Target,
    token: str,
    for_token: str,
    other: str,
    value: str | None,
    for_value: str | None,
    currency: str,
    other_key: str,
    within: timedelta,
    out: OutputFile | None,
) -> None:
    """Exchange your TOKEN for FOR_TOKEN of the account OTHER: write it, signed by you, for that account to sign."""
    with target.client() as client:
        draft = client.draft_swap(
            token,
            for_token,
            other,
            value=units_if_given(client, value, currency),
            for_value=units_if_given(client, for_value, currency),
            currency=currency,
            key=other_key,
            valid_s=valid_seconds(within),
        )
    hand_on(target, draft, out)


@click.command()
@click.argument("token")
@click.argument("price", type=AMOUNT)
@click.argument("currency")
@click.option("--until", type=WHEN, default="24h", show_default=True, help="Until when, or for how long.")
@click.option("--terms", help="The terms you have seen, or those in force now; under others nobody accepts.")
@with_target
def offer(target: Target, token: str, price: str, currency: str, until: datetime, terms: str | None) -> None:
    """Offer a PRICE for a TOKEN; the money waits in escrow."""
    with target.client() as client:
        money = sum_of(client, price, currency)
        receipt = client.offer(token, money.units, currency, until, terms)
    target.done(receipt, f"offered {money.text} until {moment(milliseconds(until))}")


@click.command()
@click.argument("token")
@click.argument("buyer")
@click.argument("price", type=AMOUNT)
@click.argument("currency")
@with_target
def accept(target: Target, token: str, buyer: str, price: str, currency: str) -> None:
    """Sell a TOKEN to the BUYER who offered this PRICE for it."""
    with target.client() as client:
        money = sum_of(client, price, currency)
        receipt = client.accept(token, buyer, money.units, currency)
    target.done(receipt, f"sold to {buyer} for {money.text}")


@click.command("withdraw-offer")
@click.argument("token")
@click.option("--buyer", help="Whose offer; your own if absent. Another's only once it has ended.")
@with_target
def withdraw_offer(target: Target, token: str, buyer: str | None) -> None:
    """Return the money of an offer for a TOKEN to its buyer."""
    with target.client() as client:
        receipt = client.withdraw_offer(token, buyer)
    target.done(receipt, "the money is its buyer's again")


@click.group()
def auction() -> None:
    """Auction a token, bid for one, and close what is over."""


@auction.command("open")
@click.argument("token")
@click.argument("reserve", type=AMOUNT)
@click.argument("increment", type=AMOUNT)
@click.argument("currency")
@click.option("--until", type=WHEN, default="24h", show_default=True, help="Until when, or for how long.")
@click.option("--extension", type=LASTING, help="How much time a late bid leaves at least, such as 5m.")
@with_target
def open_auction(
    target: Target,
    token: str,
    reserve: str,
    increment: str,
    currency: str,
    until: datetime,
    extension: timedelta | None,
) -> None:
    """Auction a TOKEN from the RESERVE on, each bid at least INCREMENT more."""
    with target.client() as client:
        money, step = sum_of(client, reserve, currency), sum_of(client, increment, currency)
        extension_s = 0 if extension is None else extension // timedelta(seconds=1)
        receipt = client.open_auction(token, money.units, step.units, currency, until, extension_s)
    target.done(receipt, f"auctioned from {money.text} until {moment(milliseconds(until))}")


@auction.command()
@click.argument("token")
@click.argument("price", type=AMOUNT)
@click.argument("currency")
@click.option("--terms", help="The terms you have seen, or those in force now; under others buying is your choice.")
@with_target
def bid(target: Target, token: str, price: str, currency: str, terms: str | None) -> None:
    """Bid a PRICE for a TOKEN; the money waits in escrow until you are outbid or it is over."""
    with target.client() as client:
        money = sum_of(client, price, currency)
        receipt = client.bid(token, money.units, currency, terms)
    target.done(receipt, f"bid {money.text}")


@auction.command()
@click.argument("token")
@with_target
def cancel(target: Target, token: str) -> None:
    """Take your auction of a TOKEN back while nobody has bid."""
    with target.client() as client:
        receipt = client.submit(actions.CancelAuction(token=token))
    target.done(receipt, "no longer auctioned")


@auction.command()
@click.argument("token")
@click.option("--terms", help="Yours as the highest bidder, where others are in force than you saw and you still buy.")
@with_target
def settle(target: Target, token: str, terms: str | None) -> None:
    """Close the auction of a TOKEN that is over; anybody may, unless terms have changed: then the highest bidder."""
    with target.client() as client:
        receipt = client.settle_auction(token, terms)
    closed = next(event for event in receipt.outcome.events if isinstance(event, AuctionClosed))
    target.done(receipt, "sold to the highest bidder" if closed.sold else f"not sold: {in_line(closed.why)}")


@click.command()
@click.argument("token")
@click.argument("to")
@click.option("--until", type=WHEN, required=True, help="Until when, or for how long.")
@click.option("--price", type=AMOUNT, help="What TO pays for it; it signs too.")
@click.option("--currency", default="", help="Of the price.")
@drafted
@with_target
def rent(
    target: Target,
    token: str,
    to: str,
    until: datetime,
    price: str | None,
    currency: str,
    other_key: str,
    within: timedelta,
    out: OutputFile | None,
) -> None:
    """Let the account TO use your TOKEN for a time; it lapses by itself."""
    check_priced(price, currency, drafted=out is not None)
    with target.client() as client:
        units = units_if_given(client, price, currency)
        if units is not None:
            wanted = (token, to, until, units, currency)
            hand_on(target, client.draft_rental(*wanted, key=other_key, valid_s=valid_seconds(within)), out)
            return
        receipt = client.rent_out(token, to, until)
    target.done(receipt, f"{to} uses it until {moment(milliseconds(until))}")
