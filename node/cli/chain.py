"""Commands that read the chain, and check receipts without it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from ledger.actions import AnyAction
from ledger.block import Header
from ledger.encoding import NOT_DECODED, encode
from ledger.errors import Code, LedgerError
from ledger.events import event_name
from ledger.receipt import encode_receipt, verify_receipt
from ledger.state_answer import StateAnswer, verify_state_answer
from node.cli.output_files import OutputFile, written_to
from node.cli.printing import in_line, json_text
from node.cli.target import Target, with_target
from node.cli.times import PAST, milliseconds
from remarque.text_files import text_in, without_mark
from remarque.trusted_files import load_genesis, read_known, read_recoveries


@click.command()
@with_target
def status(target: Target) -> None:
    """What the node is doing: role, leader, height."""
    with target.client() as client:
        found = client.status()
    target.show(found, "\n".join(f"{name:8} {in_line(value)}" for name, value in msgspec.to_builtins(found).items()))


@click.command()
@click.argument("path")
@with_target
def get(target: Target, path: str) -> None:
    """Print what a route of the API answers, such as /v1/blocks/7 (see the node's /openapi.json).

    What is no JSON, such as content, is written as it is, and not to a terminal.
    """
    with target.client() as client:
        answer = client.request("GET", path, session=target.account is not None)
    target.give(answer)


@click.command()
@click.argument("file", type=click.File("rb"))
@with_target
def submit(target: Target, file: BinaryIO) -> None:
    """Sign and commit the actions in FILE (`-`: standard input): a JSON array, all carried out or none."""
    wanted = decode_actions(file.read())
    with target.client() as client:
        receipt = client.submit(*wanted)
    target.show(receipt, f"transaction {receipt.signed.id}, block {receipt.header.height}")


def decode_actions(data: bytes) -> list[AnyAction]:
    """Actions from JSON, spelled in any way: what is signed is the canonical form."""
    try:
        return msgspec.json.decode(without_mark(data), type=list[AnyAction])
    except NOT_DECODED as error:
        raise LedgerError(Code.MALFORMED, f"{error}; see ledger/actions/ for every action") from None


@click.command()
@click.option("--after", default="", help="Id of the last event seen; a height alone means its beginning.")
@with_target
def events(target: Target, after: str) -> None:
    """Follow what happens, one event a line, until interrupted."""
    with target.client() as client:
        for place, event in client.events(after):
            click.echo(f"{in_line(place)} {event_name(event.event)} {json_text(event.event, indent=0)}")


def genesis_option(*, required: bool) -> Callable[[Any], Any]:
    """The option that names what everything is checked against."""
    file = click.Path(path_type=Path, exists=True, dir_okay=False)
    return click.option("--genesis", type=file, required=required, help="The genesis file, from a source you trust.")


recovery_option = click.option(
    "--recovery",
    "recoveries",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="A recovery of the chain that you accept, from a source you trust; repeat for several.",
)

known_option = click.option(
    "--known",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A checkpoint that you know to be of the chain, as /v1/checkpoint gives it: nothing above it holds that has "
    "other voters there.",
)


def header_known(file: Path | None) -> Header | None:
    """The header of the checkpoint that was given as known, if one was."""
    return None if file is None else read_known(file)


@click.group()
def receipt() -> None:
    """Fetch and check receipts."""


@receipt.command("get")
@click.argument("transaction")
@written_to("--out", what="File to write.")
@with_target
def get_receipt(target: Target, transaction: str, out: OutputFile) -> None:
    """Write the receipt of TRANSACTION to a file."""
    with target.client() as client:
        out.write(encode_receipt(client.receipt(transaction)))
    target.show({"receipt": str(out)}, f"receipt written to {out}")


@receipt.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@genesis_option(required=True)
@recovery_option
@known_option
@with_target
def verify(target: Target, file: Path, genesis: Path, recoveries: tuple[Path, ...], known: Path | None) -> None:
    """Check the receipt in FILE against a genesis: no node, no network."""
    agreed = load_genesis(genesis)
    accepted = read_recoveries(recoveries, agreed)
    found = verify_receipt(text_in(file).strip(), agreed, accepted, header_known(known))
    anchor = found.certificate
    nodes = [endorsement.node for endorsement in anchor.endorsements]
    target.show(
        {
            "holds": True,
            "transaction": found.signed.id,
            "outcome": found.outcome.code,
            "height": found.header.height,
            "time_ms": found.header.time_ms,
            "certified_by": nodes,
        },
        f"the receipt holds: transaction {found.signed.id}\n"
        f"outcome {found.outcome.code}, block {found.header.height} of {found.header.chain}, "
        f"certified at {anchor.height} by {', '.join(nodes)}",
    )


@click.group()
def state() -> None:
    """Read the state with proofs, of what stands under a key or that nothing does."""


@state.command("get")
@click.argument("keys", nargs=-1, required=True)
@genesis_option(required=False)
@recovery_option
@known_option
@written_to("--out", required=False, what="File to keep the answer in.")
@with_target
def get_state(
    target: Target,
    keys: tuple[str, ...],
    genesis: Path | None,
    recoveries: tuple[Path, ...],
    known: Path | None,
    out: OutputFile | None,
) -> None:
    """Print what stands under KEYS, such as token/<id> or balance/alice@acme/EUR, once it is proven."""
    with target.client() as client:
        agreed = client.genesis() if genesis is None else load_genesis(genesis)
        accepted = read_recoveries(recoveries, agreed)
        answer = client.state(*keys, genesis=agreed, recoveries=accepted, known=header_known(known))
    if out is not None:
        out.write(encode(answer))
    _show_state(target, answer)


@state.command("at")
@click.argument("keys", nargs=-1, required=True)
@click.option("--height", type=click.IntRange(0), help="The block after which it stood so.")
@click.option("--time", type=PAST, help="Instead: a time, such as 2026-12-01T18:00Z.")
@with_target
def state_at(target: Target, keys: tuple[str, ...], height: int | None, time: datetime | None) -> None:
    """Print what stood under KEYS at an earlier height or time, and the transactions that made it so.

    The node answers from its own index; the receipts of those transactions prove it to anybody.
    """
    if (height is None) == (time is None):
        raise click.UsageError("name --height or --time, and not both")
    with target.client() as client:
        found = client.state_at(*keys, height=height, time_ms=None if time is None else milliseconds(time))
    lines = [in_line(f"at block {found.height}, {found.basis}:")]
    for entry in found.entries:
        stood = "nothing" if isinstance(entry.value, msgspec.UnsetType) else bytes(entry.value).decode()
        lines.append(in_line(f"{entry.key}  {stood}"))
        lines.append(in_line(f"    since block {entry.since} {' '.join(entry.transactions)}"))
    target.show(found, "\n".join(lines))


@state.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@genesis_option(required=True)
@recovery_option
@known_option
@with_target
def verify_state(target: Target, file: Path, genesis: Path, recoveries: tuple[Path, ...], known: Path | None) -> None:
    """Check the answer in FILE against a genesis: no node, no network."""
    agreed = load_genesis(genesis)
    accepted = read_recoveries(recoveries, agreed)
    _show_state(target, verify_state_answer(text_in(file).strip(), agreed, accepted, header_known(known)))


def _show_state(target: Target, answer: StateAnswer) -> None:
    lines = [in_line(f"at block {answer.header.height} of {answer.header.chain}, certified:")]
    for entry in answer.entries:
        value = answer.value(entry.key)
        lines.append(in_line(f"{entry.key}  {'nothing, proven' if value is None else value.decode()}"))
    target.show(answer, "\n".join(lines))
