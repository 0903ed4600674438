"""What a command may be refused with, and how it is told."""

from __future__ import annotations

import click
import msgspec

from ledger.errors import Refused
from node.cli.target import Target

REFUSALS = (Refused, OSError)


def tell(error: Exception, ctx: click.Context) -> None:
    """Print a refusal: as JSON on standard output if asked for, else a line on standard error."""
    code = getattr(error, "code", None)
    name = code if isinstance(code, str) else getattr(code, "name", type(error).__name__)
    target = ctx.find_object(Target)
    if target is not None and target.as_json:
        click.echo(msgspec.json.encode({"code": name, "detail": getattr(error, "detail", str(error))}).decode())
    else:
        click.echo(f"refused: {error}", err=True)
