"""Commands for transactions that several accounts sign: draft, pass the file from signer to signer, submit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from ledger.actions import action_name
from ledger.times import moment
from ledger.transaction import parse_envelope
from node.cli.chain import decode_actions
from node.cli.output_files import OutputFile, written_to
from node.cli.target import Target, with_target
from node.cli.times import LASTING
from node.storage.directory import PUBLIC, write_durably
from remarque.drafts import Draft, encode_draft, missing, parse_draft, sign_draft
from remarque.keys.files import load_key
from remarque.text_files import text_in

DRAFT = click.argument("draft", type=click.Path(path_type=Path, exists=True, dir_okay=False))


@click.group()
def transaction() -> None:
    """Transactions that several accounts sign."""


@transaction.command("draft")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--signer",
    "signers",
    multiple=True,
    required=True,
    help="ACCOUNT or ACCOUNT=PUBLIC-KEY; repeat. The first acts; without a key it is the account's only one.",
)
@click.option("--within", type=LASTING, default="10m", show_default=True, help="For how long it can be carried out.")
@click.option("--memo", help="A line for people; it stands on the chain.")
@with_target
def draft(target: Target, file: BinaryIO, signers: tuple[str, ...], within: timedelta, memo: str | None) -> None:
    """Print a draft of the actions in FILE (`-`: standard input; a JSON array) for its signers to sign."""
    wanted = decode_actions(file.read())
    asked = {account: key for account, _, key in (signer.partition("=") for signer in signers)}
    with target.client() as client:
        made = client.draft(*wanted, signers=asked, valid_s=valid_seconds(within), memo=memo)
    click.echo(encode_draft(made), nl=False)


def valid_seconds(within: timedelta) -> int:
    """Whole seconds, a few fewer than asked for: the nodes' clocks may be behind."""
    return max(1, within // timedelta(seconds=1) - 5)


@transaction.command("sign")
@DRAFT
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Key file of a signer; else the global one.",
)
@with_target
def sign(target: Target, draft: Path, key: Path | None) -> None:
    """Sign the DRAFT with a key, into the same file. Read it first: `remarque transaction show`."""
    path = key or target.key
    if path is None:
        raise click.UsageError("nothing to sign with; give --key")
    signed = sign_draft(parse_draft(text_in(draft)), load_key(path))
    write_durably(draft, encode_draft(signed), PUBLIC)
    target.show(_facts(signed), _in_words(signed))


@transaction.command("show")
@DRAFT
@with_target
def show(target: Target, draft: Path) -> None:
    """Show what the DRAFT asks for, who has signed it and who has not."""
    found = parse_draft(text_in(draft))
    target.show(_facts(found), _in_words(found))


@transaction.command("submit")
@DRAFT
@with_target
def submit(target: Target, draft: Path) -> None:
    """Commit the DRAFT, signed by all."""
    with target.client() as client:
        receipt = client.send_draft(parse_draft(text_in(draft)))
    target.done(receipt, "committed")


@transaction.command("resume")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_target
def resume(target: Target, file: Path) -> None:
    """Send a signed transaction that was left pending, in FILE, once more. It is committed once, however often sent."""
    signed = parse_envelope(text_in(file).strip())
    with target.client() as client:
        receipt = client.send(signed)
    file.unlink()
    target.done(receipt, "committed")


def drafted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that drafts for another account its options: that account's key, for how long, and the file."""
    for option in (
        written_to("--out", required=False, what="File for the other to sign."),
        click.option("--within", type=LASTING, default="10m", show_default=True, help="For how long it may be signed."),
        click.option("--other-key", default="", help="Public key the other will sign with; its only one if absent."),
    ):
        function = option(function)
    return function


def hand_on(target: Target, draft: Draft, out: OutputFile | None) -> None:
    """Write a draft for those who have not signed it, and say what they do with it."""
    if out is None:
        raise click.UsageError(f"{', '.join(missing(draft))} signs it too; give --out")
    out.write(encode_draft(draft))
    signers = " and ".join(missing(draft))
    target.show(
        {"draft": str(out)}, f"{signers} signs it: remarque transaction sign {out}, then transaction submit {out}"
    )


def _facts(draft: Draft) -> dict[str, object]:
    return {"transaction": draft.wanted, "missing": missing(draft)}


def _in_words(draft: Draft) -> str:
    wanted, lacking = draft.wanted, missing(draft)
    lines = [f"{action_name(ask)}  {msgspec.json.encode(ask).decode()}" for ask in wanted.actions]
    lines += [
        f"{'not signed yet' if signer.account in lacking else 'signed'}  {signer.account} {signer.key}"
        for signer in wanted.signers
    ]
    return "\n".join([f"for {wanted.chain}, to be carried out until {moment(wanted.valid_until_ms)}", *lines])
