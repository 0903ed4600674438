"""`remarque devnet`: a consortium on this machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from devnet.cluster import Cluster
from devnet.story import STUDIO, default_model
from node.cli.printing import in_line
from node.cli.target import Target, with_target
from node.ground.config import load_config
from remarque.client import Client


@click.group()
def devnet() -> None:
    """Run a consortium of several nodes on this machine."""


_directory = click.option(
    "--dir",
    "root",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("devnet-data"),
    show_default=True,
    envvar="REMARQUE_DEVNET",
    help="Where everything of the devnet lies.",
)


@devnet.command()
@_directory
@click.option("--nodes", type=click.IntRange(1, 7), default=3, show_default=True, help="How many nodes to found.")
@click.option(
    "--generator",
    is_flag=True,
    help="Give the first node a generator and register its model (needs the generator's packages).",
)
@click.option("--fresh", is_flag=True, help="Remove an existing devnet of this directory first.")
@with_target
def up(target: Target, root: Path, nodes: int, generator: bool, fresh: bool) -> None:
    """Found a devnet if there is none, and start its nodes."""
    if fresh and (root / "genesis.json").exists():
        Cluster(root).down()
        shutil.rmtree(root)
    cluster = Cluster(root) if (root / "genesis.json").exists() else Cluster.create(root, nodes, generator=generator)
    cluster.up()
    _register_model(cluster)
    _show(target, cluster)


def _register_model(cluster: Cluster) -> None:
    """Put the generator's model on the chain, without which it is asked for nothing."""
    if load_config(cluster.home(cluster.names[0]) / "node.toml").generator is None:
        return
    wanted = default_model()
    with Client(cluster.urls, STUDIO, cluster.key(STUDIO)) as house:
        if wanted.model not in {one.model for one in house.models()}:
            house.submit(wanted)


@devnet.command()
@_directory
@with_target
def down(target: Target, root: Path) -> None:
    """Stop all nodes; their data stays."""
    cluster = Cluster(root)
    cluster.down()
    _show(target, cluster)


@devnet.command()
@_directory
@with_target
def status(target: Target, root: Path) -> None:
    """Show every node: pid, role, height."""
    _show(target, Cluster(root))


@devnet.command()
@_directory
@click.argument("name")
@click.option("--lines", type=click.IntRange(1, 10_000), default=40, show_default=True, help="How many lines.")
def logs(root: Path, name: str, lines: int) -> None:
    """Print the end of a node's log."""
    text = (Cluster(root).home(name) / "node.log").read_text(errors="replace")
    click.echo("\n".join(map(in_line, text.splitlines()[-lines:])))


@devnet.command()
@_directory
@click.argument("name")
@with_target
def kill(target: Target, root: Path, name: str) -> None:
    """End a node with SIGKILL."""
    cluster = Cluster(root)
    cluster.kill(name)
    _show(target, cluster)


@devnet.command()
@_directory
@click.argument("name")
@with_target
def restart(target: Target, root: Path, name: str) -> None:
    """Stop a node if it runs, start it, and wait until it is ready."""
    cluster = Cluster(root)
    cluster.stop(name)
    cluster.start(name)
    cluster.wait_ready([name])
    _show(target, cluster)


def _show(target: Target, cluster: Cluster) -> None:
    rows = [cluster.status(name) for name in cluster.names]
    lines = [
        f"{row['node']:8} {row['state']:9} {row.get('role', ''):9} height {row.get('height', '-'):<8} "
        f"pid {row.get('pid', '-'):<8} {row.get('url', '')}"
        for row in rows
    ]
    target.show(rows, "\n".join(lines))
