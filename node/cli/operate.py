"""Commands for those who run nodes: found a consortium, run a node."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click
import msgspec
from msgspec import UNSET

from ledger.actions import AddNode, RemoveNode, SetNodeAddress
from ledger.names import PeerAddress
from ledger.records import NodeRecord
from node import run as running
from node.cli.printing import in_line
from node.cli.target import Target, with_target
from node.ground.config import split_address
from node.keeping import founding
from node.peers.introduced import load_introduced
from remarque.keys.files import certificate_in, public_key
from remarque.trusted_files import load_genesis

EVERYWHERE = ("0.0.0.0", "::")
"""Hosts at which a node listens on all its addresses: none that others could call."""


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
    """Run nodes, and look after those of one's org."""


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
@click.option("--name", required=True, help="Name of the node, in the genesis or as it is added.")
@click.option("--key", type=click.Path(path_type=Path, exists=True), required=True, help="The node's key file.")
@click.option("--api", default="127.0.0.1:8100", show_default=True, help="host:port of its REST port.")
@click.option("--peer", default="0.0.0.0:7100", show_default=True, help="host:port of its peer port.")
@click.option("--address", "addresses", multiple=True, help="NAME=HOST:PORT of another node's peer port; repeat.")
@click.option(
    "--members",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What `remarque --json node list` printed, from a source as good as that of the genesis: whom it asks where "
    "the nodes of the genesis are gone.",
)
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
    members: Path | None,
) -> None:
    """Make the DIRECTORY of a node whose key you made yourself."""
    others = dict(one.split("=", 1) for one in addresses if "=" in one)
    introduced = () if members is None else load_introduced(members)
    settings = founding.NodeSettings(api=api, peer=peer, addresses=others, members=introduced)
    founding.prepare(directory, genesis, name, key, settings)
    run = f"run it with: remarque node run --config {directory / 'node.toml'}"
    known = name in {one.name for one in load_genesis(genesis).nodes}
    target.show({"directory": str(directory)}, run if known else f"{_let_in(name, key, peer)}\n{run}")


def _let_in(name: str, key: Path, peer: str) -> str:
    """The command that lets a new node in, with its address if others can reach it where it listens."""
    words = ["remarque node add", name, "--public", public_key(key), "--certificate", certificate_in(key)]
    with suppress(msgspec.ValidationError):
        address = msgspec.convert(peer, PeerAddress)
        words += [] if split_address(address)[0] in EVERYWHERE else ["--address", address]
    return f"let it in with: {' '.join(words)}"


@node.command("list")
@with_target
def list_nodes(target: Target) -> None:
    """Print the chain's nodes: whose each is, whether it votes, and at which address the others reach it."""
    with target.client() as client:
        found = client.nodes()
    target.show(found, "\n".join(map(_line, found)))


def _line(one: NodeRecord) -> str:
    role = "voter" if one.role is UNSET else one.role
    address = "where the settings of the others say" if one.address is UNSET else one.address
    return in_line(f"{one.name}  {one.org}  {role}  {address}")


@node.command("add")
@click.argument("name")
@click.option("--public", required=True, help="The node's public key, as `remarque keys show` prints it.")
@click.option("--certificate", required=True, help="The certificate that it prints beside.")
@click.option("--address", help="host:port at which the other nodes reach it; without, they call it by their settings.")
@with_target
def add(target: Target, name: str, public: str, certificate: str, address: str | None) -> None:
    """Let the node NAME of one's org in, to follow the chain. By an administrator.

    It votes once the consortium says so: see `remarque consortium set-voter` and `replace`.
    """
    ask = AddNode(
        node=name, key=public, certificate=certificate, address=UNSET if address is None else _checked(address)
    )
    with target.client() as client:
        receipt = client.submit(ask)
    target.show(receipt, f"node {name} is let in from block {receipt.header.height} on")


@node.command("set-address")
@click.argument("name")
@click.argument("address")
@with_target
def set_address(target: Target, name: str, address: str) -> None:
    """Say that the node NAME of one's org is reached at ADDRESS (host:port) from now on. By an administrator."""
    with target.client() as client:
        receipt = client.submit(SetNodeAddress(node=name, address=_checked(address)))
    target.show(receipt, f"node {name} is reached at {address} from block {receipt.header.height} on")


def _checked(address: str) -> str:
    """An address that a record may have."""
    try:
        return msgspec.convert(address, PeerAddress)
    except msgspec.ValidationError:
        detail = (
            f"{address!r} is no host:port: the host is a DNS name in lower case, an IPv4 address, or an IPv6 address "
            "in brackets"
        )
        raise click.UsageError(detail) from None


@node.command("remove")
@click.argument("name")
@with_target
def remove(target: Target, name: str) -> None:
    """Shut out the node NAME of one's org, which does not vote, or whose place another took. By an administrator."""
    with target.client() as client:
        receipt = client.submit(RemoveNode(node=name))
    target.show(receipt, f"node {name} is shut out from block {receipt.header.height} on")
