"""Commands for the day on which a majority of the voters is lost for good: docs/operate.md has the drill."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from ledger.encoding import encode
from ledger.recovery import parse_recovery
from node.cli.output_files import OutputFile, written_to
from node.cli.target import Target, with_target
from node.snapshots.recovering import Held, Home
from node.storage.directory import PUBLIC, write_durably
from remarque.requesting import now_ms
from remarque.text_files import text_in

HOME = click.argument("home", type=click.Path(path_type=Path, exists=True, file_okay=False))
FILE = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))


@click.group()
def recover() -> None:
    """Go on with the voters that are left, when a majority is lost for good. For nodes that do not run."""


@recover.command("survey")
@click.argument("homes", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, file_okay=False))
@with_target
def survey(target: Target, homes: tuple[Path, ...]) -> None:
    """Show what the nodes in HOMES hold, the best log first: recover from the first that votes.

    If one that does not vote knows more blocks to be final, let that one `recover fetch` them first.
    """
    found = sorted((Home(home).held() for home in homes), key=lambda held: held.place, reverse=True)
    target.show([msgspec.to_builtins(held) for held in found], "\n".join(map(_in_words, found)))


@recover.command("fetch")
@HOME
@click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False))
@with_target
def fetch(target: Target, home: Path, source: Path) -> None:
    """Bring the node in HOME the final blocks that another, in SOURCE, has beyond it: one that does not vote, say."""
    height = Home(home).fetch(Home(source))
    target.show({"height": height}, f"final blocks up to {height} are in {home}")


@recover.command("propose")
@HOME
@written_to("file")
@click.option("--survivor", "survivors", multiple=True, required=True, help="A voter that is left; repeat.")
@click.option("--reason", required=True, help="What happened, in words that stay with the chain.")
@with_target
def propose(target: Target, home: Path, file: OutputFile, survivors: tuple[str, ...], reason: str) -> None:
    """Write to FILE that the survivors go on from the newest block of the node in HOME, signed by it."""
    signed = Home(home).propose(list(survivors), reason, now_ms())
    file.write(encode(signed))
    target.show(
        {"file": str(file), "height": signed.recovery.height, "lost": signed.recovery.lost},
        f"recovery {signed.recovery.number} from block {signed.recovery.height} without "
        f"{', '.join(signed.recovery.lost)}; every other survivor signs {file} now",
    )


@recover.command("sign")
@FILE
@HOME
@with_target
def sign(target: Target, file: Path, home: Path) -> None:
    """Add the signature of the node in HOME to the recovery in FILE."""
    signed = Home(home).sign(parse_recovery(text_in(file)))
    write_durably(file, encode(signed), PUBLIC)
    names = [one.node for one in signed.signatures]
    target.show({"file": str(file), "signed": names}, f"signed by {', '.join(names)}")


@recover.command("install")
@FILE
@HOME
@with_target
def install(target: Target, file: Path, home: Path) -> None:
    """Put the recovery in FILE in force for the node in HOME, once all survivors have signed it."""
    recovery = Home(home).install(parse_recovery(text_in(file)))
    names = [voter.node for voter in recovery.voters.voters]
    target.show(
        {"number": recovery.number, "height": recovery.height, "voters": names},
        f"in force: {', '.join(names)} vote from block {recovery.height + 1} on; start the node",
    )


def _in_words(held: Held) -> str:
    return (
        f"{held.node:12} block {held.height} of term {held.term} ({held.header}), "
        f"certified up to {held.certified}, {held.recoveries} recoveries{'' if held.votes else ', does not vote'}"
    )
