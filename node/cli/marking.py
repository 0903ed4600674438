"""The command that marks a picture which was not made here, records it and writes the released file."""

from __future__ import annotations

from pathlib import Path

import click

from node.cli.output_files import OutputFile, written_to
from node.cli.pictures import offered_source, picture_in, released, show_said
from node.cli.shares import shares_of
from node.cli.target import Target, with_target
from pictures.embedded import said_inside
from pictures.source_types import SourceType

CREDENTIALS = "C2PA"
"""How what a file says is called where that is its Content Credentials."""
WORDS = tuple(one.value for one in SourceType)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@written_to("--out", what="File to write.")
@click.option(
    "--source-type",
    type=click.Choice(WORDS),
    help="IPTC's word for where it comes from; recorded, and written into the file.",
)
@click.option("--commit", is_flag=True, help="Commit to it first, so that nobody who sees the record comes before it.")
@click.option("--collection", help="A collection of your own to put it into.")
@click.option(
    "--creator", "creators", multiple=True, help="ACCOUNT=PPM, paid as creator; repeat; together 1000000. Or yourself."
)
@click.option("--title", help="What it is called.")
@click.option("--credit", help="Whom to name where it is shown.")
@click.option("--similar", is_flag=True, help="Record it though it is like pictures of others; the record names them.")
@click.option("--share-metadata", is_flag=True, help="Pass its Content Credentials on without being asked.")
@with_target
def mark(
    target: Target,
    file: Path,
    out: OutputFile,
    *,
    source_type: str | None,
    commit: bool,
    collection: str | None,
    creators: tuple[str, ...],
    title: str | None,
    credit: str | None,
    similar: bool,
    share_metadata: bool,
) -> None:
    """Mark a picture that was not made here, record it as one's own, and write it with all marks.

    What the file says beside its pixels is shown first. Its Content Credentials stay, as an ingredient of the new ones;
    everything else is left out.
    """
    data = picture_in(file)
    said = said_inside(data)
    show_said(said, asked=not share_metadata and any(one.what == CREDENTIALS for one in said))
    offered = source_type or offered_source(data)
    with target.client() as client:
        made, receipt = client.mark(
            data,
            collection,
            source_type=offered if offered in WORDS else None,
            commit=commit,
            creators=shares_of(creators) or None,
            title=title,
            credit=credit,
            similar=similar,
        )
        out.write(released(client, made.pixel_digest))
    if made.unmarked:
        click.echo("it has no watermark: it is too smooth for one to last", err=True)
    found = {"asset": made.pixel_digest, "transaction": receipt.signed.id, "file": str(out)}
    target.show(found, f"asset {made.pixel_digest}\n  written to {out}")
