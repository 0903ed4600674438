"""How a command that was not carried out is told: in one line or as JSON, with its exit status."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import click

from ledger.consistency import ConsistencyRefused
from ledger.cose import CoseRefused
from ledger.errors import Code, Refused
from ledger.receipt import ReceiptRefused
from ledger.snapshot import SnapshotRefused
from ledger.state_answer import StateAnswerRefused
from node.cli.exits import Exit
from node.cli.printing import in_line, in_lines, json_text
from node.cli.target import Unprinted
from node.storage.directory import write_durably
from remarque.errors import NodeCode, Pending

REFUSALS = (Refused, OSError, click.ClickException, Unprinted)
DISPROVEN = (
    ConsistencyRefused,
    CoseRefused,
    ReceiptRefused,
    SnapshotRefused,
    StateAnswerRefused,
)
"""What was checked and does not prove what it says."""


def tell(error: Exception, *, as_json: bool) -> Exit:
    """Print a refusal: as JSON on standard output if asked for, else on standard error. Give the exit status."""
    if isinstance(error, Pending):
        return _tell_pending(error, as_json=as_json)
    if isinstance(error, click.ClickException):
        return _tell_usage(error, as_json=as_json)
    if isinstance(error, Unprinted):
        return _tell_unprinted(error)
    unreached = isinstance(error, ConnectionError)
    code = NodeCode.NODE_UNREACHED if unreached else getattr(error, "code", None)
    name = code if isinstance(code, str) else getattr(code, "name", type(error).__name__)
    if as_json:
        _print_json(code=name, detail=getattr(error, "detail", str(error)))
    else:
        said = in_lines(str(error)) if name == Code.POLICY_INVALID.name else in_line(error)
        click.echo(f"{name}: {said}" if unreached else f"refused: {said}", err=True)
    if isinstance(error, DISPROVEN):
        return Exit.FOUND_FALSE
    return Exit.UNREACHED if unreached else Exit.REFUSED


def _tell_usage(error: click.ClickException, *, as_json: bool) -> Exit:
    if as_json:
        _print_json(code=NodeCode.COMMAND_MALFORMED.name, detail=error.format_message())
    else:
        error.show()
    return Exit.USAGE


def _tell_unprinted(error: Unprinted) -> Exit:
    with suppress(OSError):
        click.echo(str(error), err=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that the interpreter does not fail on what is left in its buffer
    return Exit.UNPRINTED


def _tell_pending(pending: Pending, *, as_json: bool) -> Exit:
    """Keep a transaction whose end nobody knows, so that it is sent again and not signed anew."""
    signed = pending.signed
    kept = Path(f"pending-{signed.id[:16]}.json")
    try:
        write_durably(kept, signed.envelope())
    except OSError as error:
        click.echo(f"{kept} cannot be written ({error.strerror}); keep this line in a file of that name:", err=True)
        click.echo(signed.envelope().decode(), err=True)
    if as_json:
        _print_json(code=pending.code, detail=pending.detail, transaction=signed.id, pending=str(kept))
    else:
        click.echo(
            f"pending: {in_line(pending.detail)}\n"
            "It may be committed already, or still be; so do not ask for the same again. "
            f"The signed transaction is in {kept}: remarque transaction resume {kept}",
            err=True,
        )
    return Exit.PENDING


def _print_json(**told: str) -> None:
    click.echo(json_text(told, indent=0))
