"""Commands about content archives: files as pieces for a store that takes large ones, and out of them again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click

from ledger.actions import ArchiveContent
from ledger.names import org_of
from ledger.records import ArchiveRecord, Asset
from node.cli.output_files import OutputFile, written_to
from node.cli.printing import in_line
from node.cli.target import Target, with_target
from node.keeping.archiving import piece_of, reader_of, roots_in, write
from remarque.archives import PIECE_BYTES, Archive, ArchivePlan, MeasuredFile, directory_file, files_in, measured, plans
from remarque.cid import CidInvalid
from remarque.client import Client
from remarque.errors import RemarqueError
from remarque.pieces import Piece


class WrittenArchive(NamedTuple):
    """An archive in a folder."""

    plan: ArchivePlan
    file: Path
    piece: Piece

    def told(self) -> dict[str, Any]:
        """What a store of pieces, and an auditor, have to know of it."""
        return {
            "file": str(self.file),
            "root": self.plan.root,
            "files": len(self.plan.files),
            "size": self.piece.size,
            "piece_cid": self.piece.cid,
            "piece_cid_v1": self.piece.cid_v1,
            "piece": self.piece.commitment.hex(),
            "padded": self.piece.padded,
        }

    def line(self) -> str:
        return f"{self.file}: {len(self.plan.files)} files, {self.piece.size} bytes, root {self.plan.root}"


@click.command("archive")
@click.argument("cids", nargs=-1)
@click.option("--to", "folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
@click.option("--size", type=click.IntRange(min=1), default=PIECE_BYTES, show_default=True, help="Bytes of an archive.")
@click.option(
    "--what", type=click.Choice(["own", "all"]), default="own", show_default=True, help="Whose pictures, without CIDS."
)
@click.option("--again", is_flag=True, help="Archive also what a recorded archive of the org has already.")
@click.option("--record", "place", help="Record each archive on the chain, as one that is kept at this place.")
@with_target
def archive(
    target: Target, cids: tuple[str, ...], folder: Path, size: int, what: str, again: bool, place: str | None
) -> None:
    """Write the files CIDS, or those of recorded pictures, to content archives: CARs, each named by its piece CID.

    A picture is the org's own if an account of it created or owns it. Confidential ones stay encrypted. A file that is
    larger than an archive has one for itself. What was cut off goes on where it was: archives that are there are not
    written again. A deal with a provider of Filecoin is made with the CAR and its piece CID, and not by this command.
    """
    org = org_of(target.signer)
    with target.client() as client:
        wanted = list(dict.fromkeys(cids)) or _recorded(client, org, what)
        done = set[str]() if again else set(_archived(client, org))
        written = list[WrittenArchive]()
        for plan in plans(_measured(client, [cid for cid in wanted if cid not in done]), size):
            written.append(_written(client, plan, folder))
            if place is not None:
                _record(client, written[-1], place)
    lines = [in_line(one.line()) for one in written] or ["nothing is to be archived"]
    target.show({"archives": [one.told() for one in written]}, "\n".join(lines))


def _recorded(client: Client, org: str, what: str) -> list[str]:
    assets = client.assets()
    if what == "own":
        owned = {token.asset for token in client.all_tokens() if org_of(token.owner) == org}
        assets = [asset for asset in assets if asset.id in owned or org in _orgs_of(asset)]
    return list(dict.fromkeys(asset.content.cid for asset in assets))


def _orgs_of(asset: Asset) -> set[str]:
    return {org_of(asset.creator), *(org_of(share.account) for share in asset.creators)}


def _archived(client: Client, org: str) -> Iterator[str]:
    """The files in the recorded archives of an org."""
    for one in client.archives():
        if one.org == org:
            yield from files_in(client.content_block(directory_file(one.root)))


def _measured(client: Client, cids: Iterable[str]) -> Iterator[MeasuredFile]:
    """How large the files are; those that the node does not give are told, and left out."""
    for cid in cids:
        try:
            yield measured(cid, client.content_block)
        except (CidInvalid, RemarqueError) as error:
            click.echo(f"left out: {cid}: {in_line(error)}", err=True)


def _written(client: Client, plan: ArchivePlan, folder: Path) -> WrittenArchive:
    file = roots_in(folder).get(plan.root)
    if file is not None:
        return WrittenArchive(plan, file, piece_of(file))
    return WrittenArchive(plan, *write(plan, client.content_block, folder))


def _record(client: Client, written: WrittenArchive, place: str) -> None:
    client.put_directory(written.plan.directory)
    piece = written.piece
    files = len(written.plan.files)
    client.submit(
        ArchiveContent(root=written.plan.root, piece=piece.commitment.hex(), size=piece.size, files=files, place=place)
    )


@click.command("archives")
@with_target
def archives(target: Target) -> None:
    """List the content archives that orgs have recorded, with their piece CIDs."""
    with target.client() as client:
        found = client.archives()
    lines = [in_line(f"{Piece(bytes.fromhex(one.piece), one.size).cid}: {archive_line(one)}") for one in found]
    target.show(found, "\n".join(lines) or "no archive is recorded")


def archive_line(one: ArchiveRecord) -> str:
    """An archive in a line, without its piece."""
    return f"{one.files} files, {one.size} bytes, kept by {one.org}: {one.place}"


@click.command("restore")
@click.argument("archive")
@click.argument("cid")
@written_to("out")
@click.option("--part", type=(click.IntRange(min=0), click.IntRange(min=1)), help="First byte wanted, and how many.")
@with_target
def restore(target: Target, archive: str, cid: str, out: OutputFile, part: tuple[int, int] | None) -> None:
    """Write the file CID out of the content archive ARCHIVE, held against its id; only what it needs is read.

    ARCHIVE is a file's path, or an address: http, https, s3, gs or az. No node is asked.
    """
    found, (start, size) = Archive(reader_of(archive)), part or (0, None)
    with out.opened() as file:
        for piece in found.pieces(cid, start, None if size is None else start + size):
            file.write(piece)
    target.show({"cid": cid, "archive": found.root, "file": str(out)}, f"written to {out}")
