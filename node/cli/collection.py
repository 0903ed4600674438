"""Commands about collections: assets under one policy, whoever owns them."""

from __future__ import annotations

import click

from node.cli.printing import in_line
from node.cli.target import Target, with_target


@click.group()
def collection() -> None:
    """Collections of assets, which may have a policy of their own (`remarque policy apply --collection`)."""


@collection.command("create")
@click.argument("name")
@with_target
def create(target: Target, name: str) -> None:
    """Begin the collection NAME, such as spring-2027@acme, of your org; you own it."""
    with target.client() as client:
        receipt = client.create_collection(name)
    target.done(receipt, f"{name} is yours")


@collection.command("add")
@click.argument("name")
@click.argument("asset")
@with_target
def add(target: Target, name: str, asset: str) -> None:
    """Put an ASSET of yours in your collection NAME, for good, before it is minted.

    Where another account owns the collection, draft `collection.add` for both to sign: `remarque transaction draft`.
    """
    with target.client() as client:
        receipt = client.add_to_collection(name, asset)
    target.done(receipt, f"in {name}")


@collection.command("show")
@click.argument("name")
@with_target
def show(target: Target, name: str) -> None:
    """Show the collection NAME and its assets."""
    with target.client() as client:
        found = client.collection(name)
        assets = client.collection_assets(name)
    policy = found.policy or "no policy of its own"
    lines = map(in_line, (f"{name} of {found.owner}: {policy}", *assets))
    target.show({"collection": found, "assets": assets}, "\n".join(lines))
