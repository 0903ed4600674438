"""Commands about ownership and money, and about access to confidential pictures."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from ledger import actions
from ledger.events import TokenMinted, TokenSold
from node.cli.shares import shares_of
from node.cli.target import LASTING, Target, with_target
from node.cli.transaction import drafted, hand_on, seconds_of
from remarque.errors import RemarqueError
from remarque.keys.files import load_key


@click.command()
@click.argument("asset")
@click.option("--royalty-ppm", type=click.IntRange(0, 1_000_000), help="Part of each resale's price, in millionths.")
@click.option("--payee", "payees", multiple=True, help="ACCOUNT=PPM; repeat; together 1000000. Default: yourself.")
@click.option("--editions", type=click.IntRange(2, 256), help="Mint this many numbered tokens instead of one.")
@with_target
def mint(target: Target, asset: str, royalty_ppm: int | None, payees: tuple[str, ...], editions: int | None) -> None:
    """Mint the token of an ASSET, or its numbered ones."""
    with target.client() as client:
        _, receipt = client.mint(asset, royalty_ppm, shares_of(payees) or None, editions)
    made = [event.token for event in receipt.outcome.events if isinstance(event, TokenMinted)]
    target.done(receipt, "\n".join(f"token {token}" for token in made))


@click.command("list")
@click.argument("token")
@click.argument("price", type=click.IntRange(1))
@click.argument("currency")
@click.option("--hours", type=LASTING, default=24.0, show_default=True, help="For how long.")
@with_target
def list_token(target: Target, token: str, price: int, currency: str, hours: float) -> None:
    """Offer a TOKEN at a PRICE in minor units."""
    with target.client() as client:
        receipt = client.list_token(token, price, currency, hours)
    target.done(receipt, f"listed at {price} {currency}")


@click.command()
@click.argument("token")
@with_target
def unlist(target: Target, token: str) -> None:
    """Take the offer of a TOKEN back."""
    with target.client() as client:
        receipt = client.submit(actions.UnlistToken(token=token))
    target.done(receipt, "no longer for sale")


@click.command()
@click.argument("token")
@click.argument("price", type=click.IntRange(1))
@click.argument("currency")
@click.option("--terms", help="The terms you have seen, or those in force now; under others nothing is bought.")
@with_target
def buy(target: Target, token: str, price: int, currency: str, terms: str | None) -> None:
    """Buy a TOKEN at the PRICE you have seen; royalties are paid in the same transaction."""
    with target.client() as client:
        receipt = client.buy(token, price, currency, terms)
    sold = next(event for event in receipt.outcome.events if isinstance(event, TokenSold))
    rows = [f"  {payment.amount:>12} {currency} to {payment.to} ({payment.reason})" for payment in sold.payments]
    target.done(receipt, "\n".join([f"bought for {price} {currency}", *rows]))


@click.command()
@click.argument("token")
@click.argument("to")
@click.argument("price", type=click.IntRange(1))
@click.argument("currency")
@drafted
@with_target
def sell(
    target: Target, token: str, to: str, price: int, currency: str, other_key: str, minutes: float, out: Path | None
) -> None:
    """Sell a TOKEN to the account TO without a listing: write the sale, signed by you, for the buyer to sign."""
    with target.client() as client:
        draft = client.draft_sale(token, to, price, currency, key=other_key, valid_s=seconds_of(minutes))
    hand_on(target, draft, out)


@click.command()
@click.argument("token")
@click.argument("other")
@drafted
@with_target
def refund(target: Target, token: str, other: str, other_key: str, minutes: float, out: Path | None) -> None:
    """Undo the newest sale of a TOKEN: write it, signed by you, for OTHER to sign, who bought from you or sold to you.

    Every part goes back to the buyer as it came; of the royalty, what its terms say.
    """
    with target.client() as client:
        draft = client.draft_refund(token, other, key=other_key, valid_s=seconds_of(minutes))
    hand_on(target, draft, out)


@click.command()
@click.argument("token")
@click.argument("to")
@with_target
def transfer(target: Target, token: str, to: str) -> None:
    """Give a TOKEN to the account TO."""
    with target.client() as client:
        receipt = client.transfer(token, to)
    target.done(receipt, f"given to {to}")


@click.command()
@click.argument("to")
@click.argument("amount", type=click.IntRange(1))
@click.argument("currency")
@with_target
def pay(target: Target, to: str, amount: int, currency: str) -> None:
    """Pay AMOUNT minor units to the account TO."""
    with target.client() as client:
        receipt = client.pay(to, amount, currency)
    target.done(receipt, f"paid {amount} {currency} to {to}")


@click.command()
@click.argument("account", required=False)
@with_target
def balance(target: Target, account: str | None) -> None:
    """Show what an ACCOUNT holds; your own if absent."""
    with target.client() as client:
        found = client.balances(account)
    target.show(found, "\n".join(f"{amount:>15} {currency}" for currency, amount in found.items()) or "nothing")


@click.command()
@click.argument("asset")
@click.argument("account")
@click.option("--hours", type=LASTING, help="For how long from now.")
@click.option("--until", help="Until when, as YYYY-MM-DDTHH:MM:SSZ.")
@click.option("--price", type=click.IntRange(1), help="What the ACCOUNT pays for it, in minor units; it signs too.")
@click.option("--currency", default="", help="Of the price.")
@drafted
@with_target
def grant(
    target: Target,
    asset: str,
    account: str,
    hours: float | None,
    until: str | None,
    price: int | None,
    currency: str,
    other_key: str,
    minutes: float,
    out: Path | None,
) -> None:
    """Let an ACCOUNT see a confidential ASSET until a time."""
    if (hours is None) == (until is None):
        raise RemarqueError("REQUEST_MALFORMED", "give either --hours or --until")
    end = time.time() + hours * 3600 if hours is not None else _instant(until or "")
    with target.client() as client:
        if price is not None:
            wanted = (asset, account, int(end * 1000), price, currency)
            hand_on(target, client.draft_grant(*wanted, key=other_key, valid_s=seconds_of(minutes)), out)
            return
        receipt = client.grant(asset, account, int(end * 1000))
    target.done(receipt, f"{account} may see it until {datetime.fromtimestamp(end, UTC).isoformat()}")


def _instant(text: str) -> float:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise RemarqueError("REQUEST_MALFORMED", f"{text!r} is not a time such as 2026-11-27T18:00:00Z") from None


@click.command()
@click.argument("asset")
@click.argument("account")
@with_target
def revoke(target: Target, asset: str, account: str) -> None:
    """End a grant now; it stops future releases only."""
    with target.client() as client:
        receipt = client.revoke(asset, account)
    target.done(receipt, f"{account} may no longer see it")


@click.command()
@click.argument("asset")
@click.argument("nodes", nargs=-1, required=True)
@click.option(
    "--node-key",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    required=True,
    help="The key file of a node that holds the ASSET's key.",
)
@with_target
def reseal(target: Target, asset: str, nodes: tuple[str, ...], node_key: Path) -> None:
    """Have further NODES hold the key of your confidential ASSET, as those of whoever buys it."""
    with target.client() as client:
        receipt = client.reseal(asset, load_key(node_key), nodes)
    target.done(receipt, f"{', '.join(nodes)} can open it too")


@click.command("open")
@click.argument("asset")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write.")
@click.option("--purpose", default="", help="What for; it stands on the chain.")
@with_target
def open_asset(target: Target, asset: str, out: Path, purpose: str) -> None:
    """Ask to see a confidential ASSET, and write it if the rules allow."""
    with target.client() as client:
        out.write_bytes(client.open(asset, purpose))
    target.show({"asset": asset, "file": str(out)}, f"written to {out}")
