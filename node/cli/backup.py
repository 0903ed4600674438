"""Commands that keep a chain for a bad day, or for analysts: snapshots, backups, restoring, Parquet."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click
from msgspec import UNSET

from ledger.snapshot import SnapshotRefused, parse_manifest
from ledger.state_tree import EMPTY, apply_changes, root_hash
from node.chain.chain import Chain
from node.cli.audit import lines_of
from node.cli.chain import genesis_option, header_known, known_option, recovery_option
from node.cli.printing import in_line
from node.cli.target import Target, with_target
from node.keeping import backup as backups
from node.keeping import founding
from node.keeping.backup import OpenedRequest, Writer, content_in, openings_in
from node.snapshots.recovering import keep_recoveries, load_recoveries, require_chain
from node.snapshots.snapshots import MANIFEST, read_entries, take, write
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.cid import parse_cid
from remarque.client import Client
from remarque.dag import import_file
from remarque.errors import NodeCode, NodeError, RemarqueError
from remarque.keys.files import load_key, new_key
from remarque.trusted_files import load_genesis, read_recoveries

PLACE = click.argument("place", type=click.Path(path_type=Path, exists=True, file_okay=False))


@click.group()
def snapshot() -> None:
    """Take and check snapshots of the state."""


@snapshot.command("take")
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("place", type=click.Path(path_type=Path, file_okay=False))
@genesis_option(required=True)
@with_target
def take_snapshot(target: Target, data: Path, place: Path, genesis: Path) -> None:
    """Write the newest final state of a node that does not run, from its DATA directory, to PLACE."""
    agreed = load_genesis(genesis)
    require_chain(data)
    with closing(RaftLogStore(data / "log")) as raft_log, closing(StateStore(data / "state")) as state:
        chain = Chain(agreed, new_key(), "snapshot", raft_log, state, load_recoveries(data, agreed))
        taken = take(chain)
        if taken is None:
            raise NodeError(NodeCode.NOTHING_CERTIFIED, f"block {chain.committed.height} has no certificate of its own")
        manifest = write(taken, place)
    target.show(
        {"snapshot": str(place), "height": manifest.header.height, "entries": manifest.entries},
        f"{manifest.entries} entries at block {manifest.header.height} in {place}",
    )


@snapshot.command("verify")
@PLACE
@genesis_option(required=True)
@recovery_option
@known_option
@with_target
def verify_snapshot(
    target: Target, place: Path, genesis: Path, recoveries: tuple[Path, ...], known: Path | None
) -> None:
    """Check the snapshot in PLACE against a genesis: its certificate, every chunk, and the root that they make."""
    agreed = load_genesis(genesis)
    accepted = read_recoveries(recoveries, agreed)
    manifest = parse_manifest((place / MANIFEST).read_bytes(), agreed, accepted, header_known(known))
    if root_hash(apply_changes(EMPTY, read_entries(place, manifest))).hex() != manifest.header.state_root:
        raise SnapshotRefused("its entries do not make the state root of its header")
    target.show(
        {"holds": True, "height": manifest.header.height, "entries": manifest.entries},
        f"the snapshot holds: {manifest.entries} entries at block {manifest.header.height}",
    )


@click.command()
@click.argument("source")
@click.argument("place", type=click.Path(path_type=Path, file_okay=False))
@genesis_option(required=True)
@click.option(
    "--node-key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The key file of the node whose data directory SOURCE is; node.key beside it if left out.",
)
@with_target
def backup(target: Target, source: str, place: Path, genesis: Path, node_key: Path | None) -> None:
    """Write the chain in SOURCE with its content and openings to the directory PLACE.

    SOURCE is the data directory of a node that does not run, or the address of one that does. A backup holds the
    prompts of confidential pictures in clear: keep it where only their owners' operators can read it.
    """
    writer = Writer(place, load_genesis(genesis))
    with lines_of(target, source, load_genesis(genesis)) as lines:
        writer.archive(lines)
    if Path(source).is_dir():
        writer.content(content_in(Path(source)))
        writer.openings(openings_in(Path(source), load_key(node_key or Path(source).parent / "node.key")))
    else:
        with Target((source,), target.account, target.key, target.as_json).client() as client:
            assets = client.assets()
            writer.content(_content_at(client, sorted({asset.content.cid for asset in assets})))
            writer.openings(_openings_at(client, [asset.id for asset in assets if asset.commitments is not UNSET]))
    contents = writer.finish()
    target.show(
        {"backup": str(place), "height": contents.height, "files": len(contents.files)},
        f"block {contents.height} and {len(contents.files)} files in {place}",
    )


def _content_at(client: Client, cids: list[str]) -> Iterator[tuple[str, bytes]]:
    for cid in cids:
        try:
            data = client.content(cid)
        except RemarqueError as error:
            click.echo(f"left out: {in_line(error)}", err=True)
            continue
        for name, block in import_file(data)[1]:
            yield f"{parse_cid(name)[1][:1].hex()}/{name}", block


def _openings_at(client: Client, assets: list[str]) -> Iterator[OpenedRequest]:
    for asset in assets:
        try:
            found = client.openings(asset)
            yield OpenedRequest(request=found.disclosure.request, openings=found.openings)
        except RemarqueError as error:
            click.echo(f"left out: {in_line(error)}", err=True)


@click.command()
@PLACE
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@genesis_option(required=True)
@recovery_option
@click.option("--name", required=True, help="Of the new node.")
@click.option("--key", "key_file", type=click.Path(path_type=Path, exists=True), required=True, help="Its key file.")
@click.option("--api", default="127.0.0.1:8100", show_default=True, help="host:port of its REST port.")
@click.option("--peer", default="0.0.0.0:7100", show_default=True, help="host:port of its peer port.")
@click.option("--address", "addresses", multiple=True, help="NAME=HOST:PORT of another node's peer port; repeat.")
@with_target
def restore(
    target: Target,
    place: Path,
    directory: Path,
    genesis: Path,
    recoveries: tuple[Path, ...],
    name: str,
    key_file: Path,
    api: str,
    peer: str,
    addresses: tuple[str, ...],
) -> None:
    """Make the DIRECTORY of a new node from the backup in PLACE: every signature is checked, every block run again."""
    agreed = load_genesis(genesis)
    others = dict(one.split("=", 1) for one in addresses if "=" in one)
    settings = founding.NodeSettings(api=api, peer=peer, addresses=others)
    accepted = read_recoveries(recoveries, agreed)
    if directory.exists() and any(directory.iterdir()):
        raise NodeError(NodeCode.DATA_DIRECTORY_EXISTS, f"{directory} is not empty; choose another directory")
    unfinished = directory.with_name(directory.name + ".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    founding.prepare(unfinished, genesis, name, key_file, settings)
    try:
        keep_recoveries(unfinished / "data", recoveries)
        contents = backups.restore(place, unfinished / "data", agreed, load_key(key_file), name, accepted)
        unfinished.rename(directory)
    except BaseException:
        shutil.rmtree(unfinished)
        raise
    target.show(
        {"directory": str(directory), "height": contents.height},
        f"restored up to block {contents.height}; let it in with `remarque node add {name}`, then run it",
    )
