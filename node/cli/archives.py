"""Commands that put content into archives for a provider that stores few large things, and take it out again."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ledger.names import org_of
from ledger.records import Asset
from node.cli.output_files import OutputFile, written_to
from node.cli.printing import in_line
from node.cli.target import Target, with_target
from remarque.archives import FILES_MAX, ContentArchive, read_archive, restored, write_archive
from remarque.client import Client
from remarque.errors import NodeCode, RemarqueError

DEFAULT_BYTES = 1 << 30
ANSWER_SECONDS = 60


@click.command("archive")
@click.argument("cids", nargs=-1)
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the archives; what one in it holds already is left out.",
)
@click.option(
    "--size",
    type=click.IntRange(min=1 << 20),
    default=DEFAULT_BYTES,
    show_default=True,
    help="About how many bytes of files an archive has; a larger file has one of its own.",
)
@click.option("--what", type=click.Choice(["own", "all"]), default="own", show_default=True, help="Without CIDS.")
@with_target
def archive(target: Target, cids: tuple[str, ...], folder: Path, size: int, what: str) -> None:
    """Write the files CIDS into archives: CARs, each with an index that names its piece CID. Ended, it goes on.

    Without CIDS they are the files of all records of your org's accounts, or of all. Confidential ones stay encrypted.
    A deal with a provider of Filecoin is made with the CAR and the piece CID, and not by this command.
    """
    folder.mkdir(parents=True, exist_ok=True)
    there = {cid for index in folder.glob("*.json") for cid in read_archive(index).files}
    with target.client() as client:
        sizes = _named(client, cids) if cids else _recorded(client, org_of(target.signer), what)
        wanted = [cid for cid in sizes if cid not in there]
        made = []
        for files in _together(wanted, sizes, size):
            click.echo(f"{len(files)} files, about {sum(sizes[cid] for cid in files)} bytes", err=True)
            made.append(write_archive(folder, _free_name(folder), files, client.content_blocks))
            click.echo(in_line(_line(made[-1])), err=True)
    said = f"{len(made)} archives in {folder}, with {len(wanted)} files; {len(sizes) - len(wanted)} were there"
    target.show([{"car": one.car, "piece_cid": one.piece_cid, "files": len(one.files)} for one in made], said)


@click.command("restore")
@click.argument("index", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.argument("cid")
@written_to("out")
@click.option("--url", default="", help="Where the CAR is, if it is not beside INDEX; parts of it are asked for.")
@click.option("--part", type=(click.IntRange(min=0), click.IntRange(min=1)), help="First byte wanted, and how many.")
@with_target
def restore(target: Target, index: Path, cid: str, out: OutputFile, url: str, part: tuple[int, int] | None) -> None:
    """Write the file CID out of the archive that INDEX describes, reading just the blocks that it needs.

    Every block is held against its id. It asks no node.
    """
    found = read_archive(index)
    wanted = None if part is None else (part[0], sum(part))
    with _reading(url or index.with_name(found.car)) as read, out.opened() as file:
        for data in restored(found, read, cid, wanted):
            file.write(data)
    target.show({"cid": cid, "file": str(out)}, f"written to {out}")


def _named(client: Client, cids: tuple[str, ...]) -> dict[str, int]:
    """Sizes of files that were named, by what records say; what none names counts as nothing."""
    known = {one.content.cid: one.content.size for one in client.assets()}
    return {cid: known.get(cid, 0) for cid in cids}


def _recorded(client: Client, org: str, what: str) -> dict[str, int]:
    """Content ids with their sizes, of records of an org's accounts, or of all."""

    def own(asset: Asset) -> bool:
        return org in {org_of(asset.creator), *(org_of(one.account) for one in asset.creators)}

    return {one.content.cid: one.content.size for one in client.assets() if what == "all" or own(one)}


def _together(cids: list[str], sizes: dict[str, int], most: int) -> Iterator[tuple[str, ...]]:
    """Files for one archive after the other."""
    some, held = list[str](), 0
    for cid in cids:
        if some and (held + sizes[cid] > most or len(some) == FILES_MAX):
            yield tuple(some)
            some, held = [], 0
        some.append(cid)
        held += sizes[cid]
    if some:
        yield tuple(some)


def _free_name(folder: Path) -> str:
    number = 1
    while (folder / f"archive-{number:05}.json").exists():
        number += 1
    return f"archive-{number:05}"


def _line(one: ContentArchive) -> str:
    return f"{one.car}: {len(one.files)} files, {one.bytes} bytes, piece {one.piece_cid} of {one.piece_bytes}"


@contextmanager
def _reading(place: str | Path) -> Iterator[Callable[[int, int], bytes]]:
    """Reads parts of a CAR in a file, or at an http or https address that gives ranges."""
    if isinstance(place, Path):
        with place.open("rb") as file:

            def from_file(at: int, size: int) -> bytes:
                file.seek(at)
                return file.read(size)

            yield from_file
        return
    if not place.startswith(("http://", "https://")):
        raise click.UsageError(f"{place} is no http or https address")
    yield lambda at, size: _range(place, at, size)


def _range(url: str, at: int, size: int) -> bytes:
    asked = urllib.request.Request(url, headers={"Range": f"bytes={at}-{at + size - 1}"})
    try:
        with urllib.request.urlopen(asked, timeout=ANSWER_SECONDS) as answer:
            if answer.status != 206:
                raise RemarqueError(NodeCode.URL_FAILED.name, f"{url} gives no parts (status {answer.status})")
            return bytes(answer.read(size))
    except OSError as error:
        raise RemarqueError(NodeCode.URL_FAILED.name, f"{url}: {error}") from None
