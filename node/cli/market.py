"""Commands about ownership and money, and about access to confidential pictures."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import get_args

import click

from ledger import actions
from ledger.actions.licences import Access
from ledger.events import TokenMinted, TokenSold
from ledger.times import moment
from node.cli.amounts import AMOUNT, check_priced, sum_of, units_if_given
from node.cli.output_files import OutputFile, written_to
from node.cli.shares import shares_of
from node.cli.target import Target, with_target
from node.cli.times import WHEN, milliseconds
from node.cli.transaction import drafted, hand_on, valid_seconds
from remarque.amounts import amount_in_words
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
@click.argument("price", type=AMOUNT)
@click.argument("currency")
@click.option("--until", type=WHEN, default="24h", show_default=True, help="Until when, or for how long.")
@with_target
def list_token(target: Target, token: str, price: str, currency: str, until: datetime) -> None:
    """Offer a TOKEN at a PRICE, such as 1200.00 EUR."""
    with target.client() as client:
        money = sum_of(client, price, currency)
        receipt = client.list_token(token, money.units, currency, until)
    target.done(receipt, f"listed at {money.text} until {moment(milliseconds(until))}")


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
@click.argument("price", type=AMOUNT)
@click.argument("currency")
@click.option("--terms", help="The terms you have seen, or those in force now; under others nothing is bought.")
@with_target
def buy(target: Target, token: str, price: str, currency: str, terms: str | None) -> None:
    """Buy a TOKEN at the PRICE you have seen; royalties are paid in the same transaction."""
    with target.client() as client:
        kind = client.currency(currency)
        receipt = client.buy(token, sum_of(client, price, currency).units, currency, terms)
    sold = next(event for event in receipt.outcome.events if isinstance(event, TokenSold))
    rows = [f"  {amount_in_words(one.amount, kind):>18} to {one.to} ({one.reason})" for one in sold.payments]
    target.done(receipt, "\n".join([f"bought for {amount_in_words(sold.price, kind)}", *rows]))


@click.command()
@click.argument("token")
@click.argument("to")
@click.argument("price", type=AMOUNT)
@click.argument("currency")
@drafted
@with_target
def sell(
    target: Target,
    token: str,
    to: str,
    price: str,
    currency: str,
    other_key: str,
    within: timedelta,
    out: OutputFile | None,
) -> None:
    """Sell a TOKEN to the account TO without a listing: write the sale, signed by you, for the buyer to sign."""
    with target.client() as client:
        money = sum_of(client, price, currency)
        draft = client.draft_sale(token, to, money.units, currency, key=other_key, valid_s=valid_seconds(within))
    hand_on(target, draft, out)


@click.command()
@click.argument("token")
@click.argument("other")
@drafted
@with_target
def refund(target: Target, token: str, other: str, other_key: str, within: timedelta, out: OutputFile | None) -> None:
    """Undo the newest sale of a TOKEN: write it, signed by you, for OTHER to sign, who bought from you or sold to you.

    Every part goes back to the buyer as it came; of the royalty, what its terms say.
    """
    with target.client() as client:
        draft = client.draft_refund(token, other, key=other_key, valid_s=valid_seconds(within))
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
@click.argument("amount", type=AMOUNT)
@click.argument("currency")
@with_target
def pay(target: Target, to: str, amount: str, currency: str) -> None:
    """Pay an AMOUNT, such as 1200.50 EUR, to the account TO."""
    with target.client() as client:
        money = sum_of(client, amount, currency)
        receipt = client.pay(to, money.units, currency)
    target.done(receipt, f"paid {money.text} to {to}")


@click.command()
@click.argument("account", required=False)
@with_target
def balance(target: Target, account: str | None) -> None:
    """Show what an ACCOUNT holds; your own if absent."""
    with target.client() as client:
        found = client.balances(account)
        kinds = {one.currency: one for one in client.currencies()}
    lines = (f"{amount_in_words(units, kinds[currency]):>22}" for currency, units in found.items())
    target.show(found, "\n".join(lines) or "nothing")


@click.command()
@click.argument("asset")
@click.argument("account")
@click.option("--until", type=WHEN, required=True, help="Until when, or for how long.")
@click.option("--price", type=AMOUNT, help="What the ACCOUNT pays for it; it signs too.")
@click.option("--currency", default="", help="Of the price.")
@drafted
@with_target
def grant(
    target: Target,
    asset: str,
    account: str,
    until: datetime,
    price: str | None,
    currency: str,
    other_key: str,
    within: timedelta,
    out: OutputFile | None,
) -> None:
    """Let an ACCOUNT see a confidential ASSET until a time."""
    check_priced(price, currency, drafted=out is not None)
    end = milliseconds(until)
    with target.client() as client:
        units = units_if_given(client, price, currency)
        if units is not None:
            wanted = (asset, account, end, units, currency)
            hand_on(target, client.draft_grant(*wanted, key=other_key, valid_s=valid_seconds(within)), out)
            return
        receipt = client.grant(asset, account, end)
    target.done(receipt, f"{account} may see it until {moment(end)}")


@click.command()
@click.argument("asset")
@click.argument("account")
@with_target
def revoke(target: Target, asset: str, account: str) -> None:
    """End a grant now; it stops future releases only. Says whether the rules still let the ACCOUNT see it."""
    with target.client() as client:
        receipt = client.revoke(asset, account)
        now = client.evaluate(asset, "view", account)
    by = now.explanation
    still = f"{account} may still see it: rule {by.rule} of {by.policy} permits it" if now.allowed else ""
    target.done(receipt, f"the grant has ended; {still or f'{account} may no longer see it'}")


@click.command()
@click.argument("asset")
@click.argument("nodes", nargs=-1)
@click.option(
    "--node-key",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The key file of a node that holds the ASSET's key, to do it without asking one; for nodes of any org.",
)
@with_target
def reseal(target: Target, asset: str, nodes: tuple[str, ...], node_key: Path | None) -> None:
    """Have further NODES hold the key of your confidential ASSET: those of your org, unless you name some.

    A node that holds it gives it to them, by a decision on the chain. So who bought a picture opens it without the
    nodes of who sold it.
    """
    with target.client() as client:
        receipt = client.reseal(asset, nodes, load_key(node_key) if node_key else None)
        held = client.asset(asset).asset.content.sealed_keys or ()
    target.done(receipt, f"{', '.join(one.node for one in held)} can open it")


@click.command()
@click.argument("asset")
@with_target
def rekey(target: Target, asset: str) -> None:
    """Give your confidential ASSET another key: it is opened, encrypted anew on this machine, and stored.

    What was stored before is forgotten by all nodes a day later. Whoever has seen it has seen it.
    """
    with target.client() as client:
        receipt = client.rekey(asset)
        content = client.asset(asset).asset.content
    target.done(receipt, f"its content is {content.cid} now")


@click.command("open")
@click.argument("asset")
@written_to("--out", what="File to write.")
@click.option("--purpose", default="", help="What for; it stands on the chain.")
@click.option("--use", type=click.Choice(get_args(Access)), default="view", show_default=True, help="For what use.")
@click.option("--licence", help="A licence of yours for it, of which a use is counted.")
@with_target
def open_asset(target: Target, asset: str, out: OutputFile, purpose: str, use: Access, licence: str | None) -> None:
    """Ask to see a confidential ASSET, and write it if the rules allow."""
    with target.client() as client:
        out.write(client.open(asset, purpose, use=use, licence=licence))
    target.show({"asset": asset, "file": str(out)}, f"written to {out}")


@click.command()
@click.argument("asset")
@written_to("--out", what="File to write.")
@click.option("--purpose", default="", help="What for; it stands on the chain, and whoever finds a copy is led to it.")
@with_target
def view(target: Target, asset: str, out: OutputFile, purpose: str) -> None:
    """Have the node show you a confidential ASSET, with a mark that leads to this request."""
    with target.client() as client:
        out.write(client.view(asset, purpose))
    target.show({"asset": asset, "file": str(out)}, f"written to {out}")
