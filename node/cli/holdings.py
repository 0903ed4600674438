"""Commands that list what is whose: assets by creator, tokens by owner."""

from __future__ import annotations

import click

from ledger.records import Asset, Token
from ledger.times import moment
from node.cli.amounts import units_in_words
from node.cli.printing import in_line
from node.cli.target import Target, with_target

WHOSE = click.argument("account", required=False)
ALL = click.option("--all", "everybody", is_flag=True, help="Those of all accounts.")


@click.group()
def asset() -> None:
    """Recorded assets. One of them: `remarque show`."""


@asset.command("list")
@WHOSE
@ALL
@with_target
def list_assets(target: Target, account: str | None, everybody: bool) -> None:
    """List the assets that ACCOUNT created, alone or with others; your own if absent."""
    with target.client() as client:
        found = client.assets() if everybody else client.assets(account or target.signer)
    target.show(found, "\n".join(map(_asset, found)) or "none")


def _asset(one: Asset) -> str:
    kept = ", confidential" if one.confidential else ""
    minted = f", token {one.token}" if isinstance(one.token, str) else ""
    return in_line(f"{one.id}  {moment(one.created_ms)}  {one.evidence_level} by {one.creator}{kept}{minted}")


@click.group()
def token() -> None:
    """Minted tokens."""


@token.command("list")
@WHOSE
@ALL
@with_target
def list_tokens(target: Target, account: str | None, everybody: bool) -> None:
    """List the tokens that ACCOUNT owns; your own if absent."""
    with target.client() as client:
        found = client.all_tokens() if everybody else client.owned(account or target.signer)
    target.show(found, "\n".join(map(_token, found)) or "none")


def _token(one: Token) -> str:
    number = f" number {one.number}" if isinstance(one.number, int) else ""
    return in_line(f"{one.id}  of {one.owner}, asset {one.asset}{number}")


@token.command("show")
@click.argument("token")
@with_target
def show(target: Target, token: str) -> None:
    """Show a TOKEN: who owns it, its terms, and what is under way with it now."""
    with target.client() as client:
        found = client.token(token)
        lines = [f"token {_token(found.token)}", f"terms    {found.terms}"]
        if found.listing:
            price = units_in_words(client, found.listing.price, found.listing.currency)
            lines.append(f"for sale at {price} until {moment(found.listing.until_ms)}")
        if found.auction:
            least = units_in_words(client, found.auction.reserve, found.auction.currency)
            lines.append(f"auctioned from {least} until {moment(found.auction.until_ms)}")
        if found.rental:
            lines.append(f"used by {found.rental.user} until {moment(found.rental.until_ms)}")
    target.show(found, "\n".join(map(in_line, lines)))
