"""Commands for those who run nodes: found a consortium, run a node."""

from __future__ import annotations

from pathlib import Path

import click

from ledger.actions import AddNode, RemoveNode
from node import run as running
from node.cli.target import Target, with_target
from node.keeping import founding


@click.command()
@click.argument("plan", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@with_target
def init(target: Target, plan: Path, directory: Path) -> None:
    """Found a consortium: from PLAN (TOML) make genesis, keys and node directories in DIRECTORY."""
    genesis = founding.found(founding.load_plan(plan), directory, plan.parent)
    for org in founding.without_administrator(genesis):
        click.echo(f"{org} has no administrator: it casts no vote and enrols no accounts, for ever", err=True)
    target.show(
        {"chain": genesis.chain, "genesis": str(directory / "genesis.json"), "digest": genesis.digest},
        f"chain {genesis.chain} founded in {directory}\n"
        f"give each member its directory of {directory / 'nodes'} and its keys of {directory / 'accounts'}; "
        "all have the same genesis.json",
    )


@click.group()
def node() -> None:
    """Run a node."""


@node.command("run")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("node.toml"),
    show_default=True,
    help="The node's settings.",
)
def run_command(config: Path) -> None:
    """Run a node until it is told to stop (SIGTERM or SIGINT)."""
    running.run_node(config.resolve())


@node.command("prepare")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--genesis", type=click.Path(path_type=Path, exists=True), required=True, help="The consortium's genesis."
)
@click.option("--name", required=True, help="Name of the node in the genesis.")
@click.option("--key", type=click.Path(path_type=Path, exists=True), required=True, help="The node's key file.")
@click.option("--api", default="127.0.0.1:8100", show_default=True, help="host:port of its REST port.")
@click.option("--peer", default="0.0.0.0:7100", show_default=True, help="host:port of its peer port.")
@click.option("--address", "addresses", multiple=True, help="NAME=HOST:PORT of another node's peer port; repeat.")
@with_target
def prepare(
    target: Target,
    directory: Path,
    genesis: Path,
    name: str,
    key: Path,
    api: str,
    peer: str,
    addresses: tuple[str, ...],
) -> None:
    """Make the DIRECTORY of a node whose key you made yourself."""
    others = dict(one.split("=", 1) for one in addresses if "=" in one)
    founding.prepare(directory, genesis, name, key, founding.NodeSettings(api=api, peer=peer, addresses=others))
    target.show({"directory": str(directory)}, f"run it with: remarque node run --config {directory / 'node.toml'}")


@node.command("add")
@click.argument("name")
@click.option("--public", required=True, help="The node's public key, as `remarque keys show` prints it.")
@click.option("--certificate", required=True, help="The certificate that it prints beside.")
@with_target
def add(target: Target, name: str, public: str, certificate: str) -> None:
    """Let the node NAME of one's org in, to follow the chain without voting. By an administrator."""
    with target.client() as client:
        receipt = client.submit(AddNode(node=name, key=public, certificate=certificate))
    target.show(receipt, f"node {name} is let in from block {receipt.header.height} on")


@node.command("remove")
@click.argument("name")
@with_target
def remove(target: Target, name: str) -> None:
    """Shut out the node NAME of one's org, which does not vote. By an administrator."""
    with target.client() as client:
        receipt = client.submit(RemoveNode(node=name))
    target.show(receipt, f"node {name} is shut out from block {receipt.header.height} on")
