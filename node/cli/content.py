"""Commands about content: where it is kept, in how many copies, and how they are."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from msgspec import UnsetType

from node.cli.archives import archive, archive_line, archives, restore
from node.cli.output_files import OutputFile, written_to
from node.cli.printing import in_line
from node.cli.target import Target, with_target
from remarque.api.copies import CopiesState, DepotState, FileCopies
from remarque.api.pinning import PinStatus


@click.group()
def content() -> None:
    """Content: where it is kept, in how many copies; for administrators of the node's org."""


content.add_command(archive)
content.add_command(archives)
content.add_command(restore)


@content.command("status")
@with_target
def status(target: Target) -> None:
    """Say in which depots the node keeps copies, how many are there, and what is wrong."""
    with target.client() as client:
        _show(target, client.copies())


@content.command("where")
@click.argument("cid")
@with_target
def where(target: Target, cid: str) -> None:
    """Say where the file CID is: at the node, in its depots, at other members."""
    with target.client() as client:
        found = client.where(cid)
    target.show(found, "\n".join(map(in_line, _where_lines(found))))


@content.command("repair")
@with_target
def repair(target: Target) -> None:
    """Have the node try all copies that are wanted now, whatever failed before."""
    with target.client() as client:
        _show(target, client.keep_copies(repair=True))


@content.command("scrub")
@with_target
def scrub(target: Target) -> None:
    """Have the node read every copy again, as fast as its settings say; what is not as it was is brought anew."""
    with target.client() as client:
        _show(target, client.keep_copies(scrub=True))


@content.command("pin")
@click.argument("cid")
@click.argument("reason")
@with_target
def pin(target: Target, cid: str, reason: str) -> None:
    """Have the node keep the file CID whatever becomes of its record; REASON says why."""
    with target.client() as client:
        found = client.pin(cid, reason)
    target.show(found, in_line(_pin_line(found)))


@content.command("pins")
@with_target
def pins(target: Target) -> None:
    """List the newest pins, a thousand at most, and how they are."""
    with target.client() as client:
        found = client.pins()
    target.show(found, "\n".join(in_line(_pin_line(one)) for one in found.results) or "nothing is pinned")


@content.command("unpin")
@click.argument("cid")
@with_target
def unpin(target: Target, cid: str) -> None:
    """Have the node keep the file CID only as long as a record names it."""
    with target.client() as client:
        gone = client.unpin(cid)
    target.show({"cid": cid, "pins": gone}, f"{gone} pins of {cid} are gone")


@content.command("export")
@click.argument("cid")
@written_to("out")
@with_target
def export(target: Target, cid: str, out: OutputFile) -> None:
    """Write the file CID as it is stored, held against its id; a confidential one stays encrypted."""
    with target.client() as client:
        out.write(client.content(cid))
    target.show({"cid": cid, "file": str(out)}, f"written to {out}")


def _show(target: Target, state: CopiesState) -> None:
    lines = [_depot_line(one) for one in state.depots] or [f"{state.node} keeps no copies in depots"]
    lines.append(f"{state.pinned} files are pinned")
    target.show(state, "\n".join(map(in_line, lines)))


def _depot_line(one: DepotState) -> str:
    kept = f"{one.files} files, {one.size} bytes, {one.wanted} wanted"
    fault = f"; FAILS: {one.fault}" if one.fault else ""
    return f"{one.depot} ({one.kind}, {one.what}, {one.when}): {kept}{fault}"


def _pin_line(one: PinStatus) -> str:
    name = "" if isinstance(one.pin.name, UnsetType) else one.pin.name
    return f"{one.status} {one.pin.cid}: {name}{''.join(f' ({why})' for why in one.info.values())}"


def _where_lines(found: FileCopies) -> list[str]:
    lines = [f"{found.node}: {'here' if found.here else 'not here'}"]
    for one in found.copies:
        moment = datetime.fromtimestamp(one.at_ms / 1_000, UTC).isoformat(timespec="seconds")
        lines.append(f"{one.depot}: {f'there, read at {moment}' if one.there else f'wanted, tried from {moment} on'}")
    lines += [f"{name}: gives its first block" for name in found.members]
    return lines + [f"archive {one.piece[:16]}…: {archive_line(one)}" for one in found.archives]
