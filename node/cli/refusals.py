"""What a command may be refused with, and how it is told."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from ledger.errors import Refused
from node.cli.target import EXIT_PENDING, EXIT_REFUSED, Target
from node.storage.directory import write_durably
from remarque.errors import Pending

REFUSALS = (Refused, OSError)


def tell(error: Exception, ctx: click.Context) -> int:
    """Print a refusal: as JSON on standard output if asked for, else a line on standard error. Give the exit status."""
    if isinstance(error, Pending):
        return _tell_pending(error, ctx)
    code = getattr(error, "code", None)
    name = code if isinstance(code, str) else getattr(code, "name", type(error).__name__)
    if _as_json(ctx):
        click.echo(msgspec.json.encode({"code": name, "detail": getattr(error, "detail", str(error))}).decode())
    else:
        click.echo(f"refused: {error}", err=True)
    return EXIT_REFUSED


def _tell_pending(pending: Pending, ctx: click.Context) -> int:
    """Keep a transaction whose end nobody knows, so that it is sent again and not signed anew."""
    signed = pending.signed
    kept = Path(f"pending-{signed.id[:16]}.json")
    write_durably(kept, signed.envelope())
    if _as_json(ctx):
        told = {"code": pending.code, "detail": pending.detail, "transaction": signed.id, "pending": str(kept)}
        click.echo(msgspec.json.encode(told).decode())
    else:
        click.echo(
            f"pending: {pending.detail}\nIt may be committed already, or still be; so do not ask for the same again. "
            f"The signed transaction is in {kept}: remarque transaction resume {kept}",
            err=True,
        )
    return EXIT_PENDING


def _as_json(ctx: click.Context) -> bool:
    target = ctx.find_object(Target)
    return target is not None and target.as_json
