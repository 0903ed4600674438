"""Commands about offers, auctions, rentals and derivatives."""

from __future__ import annotations

from pathlib import Path

import click

from ledger import actions
from ledger.events import AuctionClosed
from node.cli.target import LASTING, Target, with_target
from node.cli.transaction import drafted, hand_on, seconds_of

PRICE = click.IntRange(1)


@click.command()
@click.argument("asset")
@click.argument("parents", nargs=-1, required=True)
@click.option(
    "--value", type=PRICE, help="What the right is worth for each parent, in minor units; royalties are of it."
)
@click.option("--currency", default="", help="Of the value.")
@click.option("--terms", multiple=True, help="The terms you saw of each parent, or those now; in their order, repeat.")
@click.option("--owner", "owners", multiple=True, help="A parent's owner, who signs too and so permits it; repeat.")
@click.option("--minutes", type=LASTING, default=10.0, show_default=True, help="For how long owners may sign.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File for the owners to sign.")
@with_target
def derive(
    target: Target,
    asset: str,
    parents: tuple[str, ...],
    value: int | None,
    currency: str,
    terms: tuple[str, ...],
    owners: tuple[str, ...],
    minutes: float,
    out: Path | None,
) -> None:
    """Say that your ASSET was made from its PARENTS, before you mint it; their policies decide and are paid."""
    seen = terms or None
    with target.client() as client:
        if owners:
            valid_s = seconds_of(minutes)
            draft = client.draft_derivation(
                asset, *parents, owners=owners, value=value, currency=currency, terms=seen, valid_s=valid_s
            )
            hand_on(target, draft, out)
            return
        receipt = client.derive(asset, *parents, value=value, currency=currency, terms=seen)
    target.done(receipt, f"made from {len(parents)} recorded")


@click.command()
@click.argument("token")
@click.argument("for_token")
@click.argument("other")
@click.option("--value", type=PRICE, help="What TOKEN is worth, in minor units, as you both say.")
@click.option("--for-value", type=PRICE, help="What FOR_TOKEN is worth.")
@click.option("--currency", default="", help="Of both values.")
@drafted
@with_target
def swap(
    target: Target,
    token: str,
    for_token: str,
    other: str,
    value: int | None,
    for_value: int | None,
    currency: str,
    other_key: str,
    minutes: float,
    out: Path | None,
) -> None:
    """Exchange your TOKEN for FOR_TOKEN of the account OTHER: write it, signed by you, for that account to sign."""
    with target.client() as client:
        draft = client.draft_swap(
            token,
            for_token,
            other,
            value=value,
            for_value=for_value,
            currency=currency,
            key=other_key,
            valid_s=seconds_of(minutes),
        )
    hand_on(target, draft, out)


@click.command()
@click.argument("token")
@click.argument("price", type=PRICE)
@click.argument("currency")
@click.option("--hours", type=LASTING, default=24.0, show_default=True, help="For how long.")
@click.option("--terms", help="The terms you have seen, or those in force now; under others nobody accepts.")
@with_target
def offer(target: Target, token: str, price: int, currency: str, hours: float, terms: str | None) -> None:
    """Offer a PRICE in minor units for a TOKEN; the money waits in escrow."""
    with target.client() as client:
        receipt = client.offer(token, price, currency, hours, terms)
    target.done(receipt, f"offered {price} {currency}")


@click.command()
@click.argument("token")
@click.argument("buyer")
@click.argument("price", type=PRICE)
@click.argument("currency")
@with_target
def accept(target: Target, token: str, buyer: str, price: int, currency: str) -> None:
    """Sell a TOKEN to the BUYER who offered this PRICE for it."""
    with target.client() as client:
        receipt = client.accept(token, buyer, price, currency)
    target.done(receipt, f"sold to {buyer} for {price} {currency}")


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
@click.argument("reserve", type=PRICE)
@click.argument("increment", type=PRICE)
@click.argument("currency")
@click.option("--hours", type=LASTING, default=24.0, show_default=True, help="For how long.")
@click.option("--extension-s", type=click.IntRange(0, 86_400), default=0, help="A late bid leaves this many seconds.")
@with_target
def open_auction(
    target: Target, token: str, reserve: int, increment: int, currency: str, hours: float, extension_s: int
) -> None:
    """Auction a TOKEN from the RESERVE on, each bid at least INCREMENT more."""
    with target.client() as client:
        receipt = client.open_auction(token, reserve, increment, currency, hours, extension_s)
    target.done(receipt, f"auctioned from {reserve} {currency}")


@auction.command()
@click.argument("token")
@click.argument("price", type=PRICE)
@click.argument("currency")
@click.option("--terms", help="The terms you have seen, or those in force now; under others buying is your choice.")
@with_target
def bid(target: Target, token: str, price: int, currency: str, terms: str | None) -> None:
    """Bid a PRICE in minor units for a TOKEN; the money waits in escrow until you are outbid or it is over."""
    with target.client() as client:
        receipt = client.bid(token, price, currency, terms)
    target.done(receipt, f"bid {price} {currency}")


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
    target.done(receipt, "sold to the highest bidder" if closed.sold else f"not sold: {closed.why}")


@click.command()
@click.argument("token")
@click.argument("to")
@click.option("--hours", type=LASTING, required=True, help="For how long.")
@click.option("--price", type=PRICE, help="What TO pays for it, in minor units; it signs too.")
@click.option("--currency", default="", help="Of the price.")
@drafted
@with_target
def rent(
    target: Target,
    token: str,
    to: str,
    hours: float,
    price: int | None,
    currency: str,
    other_key: str,
    minutes: float,
    out: Path | None,
) -> None:
    """Let the account TO use your TOKEN for a time; it lapses by itself."""
    with target.client() as client:
        if price is not None:
            wanted = (token, to, hours, price, currency)
            hand_on(target, client.draft_rental(*wanted, key=other_key, valid_s=seconds_of(minutes)), out)
            return
        receipt = client.rent_out(token, to, hours)
    target.done(receipt, f"{to} uses it")
