"""The command's frame: how it reaches a node, how it prints, and how it fails."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import update_wrapper
from pathlib import Path
from typing import Any

import click
import msgspec

from generator.errors import GeneratorError
from ledger.consistency import ConsistencyProof, ConsistencyRefused
from ledger.cose import CoseRefused
from ledger.errors import LedgerError
from ledger.receipt import Receipt, ReceiptRefused
from ledger.recovery import RecoveryRefused
from ledger.snapshot import SnapshotRefused
from ledger.state_answer import StateAnswer, StateAnswerRefused
from node.client import Client, RemarqueError
from node.content.sealing import SealBroken
from node.errors import NodeError
from node.keys import load_key
from node.run import version

EXIT_REFUSED = 2
"""Exit status of a refusal, whoever refused."""


class Lasting(click.FloatRange):
    """How long something lasts: a number above 0, and not what only computers call one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value} is no length of time", param, ctx)
        return found


LASTING = Lasting(min=0, min_open=True, max=1_000_000)


class Target:
    """Which node a command talks to, as whom, and how it prints."""

    def __init__(self, urls: tuple[str, ...], account: str | None, key: Path | None, as_json: bool) -> None:
        self.urls = urls
        self.account = account
        self.key = key
        self.as_json = as_json

    def client(self) -> Client:
        """A client as the chosen account."""
        return Client(self.urls, self.account, None if self.key is None else load_key(self.key))

    def done(self, receipt: Receipt, text: str) -> None:
        """Print what a committed transaction did, and where it stands."""
        self.show(receipt, f"{text}\ntransaction {receipt.signed.id}, block {receipt.header.height}")

    def show(self, value: Any, text: str | None = None) -> None:
        """Print a value: as JSON if asked for, else as text."""
        if self.as_json or text is None:
            formatted = msgspec.json.format(msgspec.json.encode(_plain(value)), indent=2)
            click.echo(formatted.decode())
        else:
            click.echo(text)


def _plain(value: Any) -> Any:
    proof = isinstance(value, Receipt | StateAnswer | ConsistencyProof)
    return msgspec.json.decode(msgspec.json.encode(value)) if proof else value


REFUSALS = (
    RemarqueError, NodeError, LedgerError, ReceiptRefused, StateAnswerRefused, ConsistencyRefused, CoseRefused,
    RecoveryRefused, SnapshotRefused, GeneratorError, SealBroken, OSError,
)  # fmt: skip


class Refusing(click.Group):
    """A group whose commands end with one line and exit status 2 on a refusal, never with a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except REFUSALS as error:
            _fail(ctx, error)


def _fail(ctx: click.Context, error: Exception) -> None:
    code = getattr(error, "code", None)
    name = code if isinstance(code, str) else getattr(code, "name", type(error).__name__)
    target = ctx.find_object(Target)
    if target is not None and target.as_json:
        click.echo(msgspec.json.encode({"code": name, "detail": getattr(error, "detail", str(error))}).decode())
    else:
        click.echo(f"refused: {error}", err=True)
    sys.exit(EXIT_REFUSED)


@click.group(cls=Refusing, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(version(), prog_name="remarque")
@click.option(
    "--node",
    "urls",
    multiple=True,
    default=("http://127.0.0.1:8100",),
    envvar="REMARQUE_NODE",
    show_default=True,
    help="REST address of a node; may be given several times, the next is used when one does not answer.",
)
@click.option("--account", envvar="REMARQUE_ACCOUNT", help="The account to act as, such as alice@acme.")
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="REMARQUE_KEY",
    help="File with the account's key; it stays on this machine.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, also for refusals.")
@click.pass_context
def cli(ctx: click.Context, urls: tuple[str, ...], account: str | None, key: Path | None, as_json: bool) -> None:
    """A private provenance chain for AI-generated images: record, own, sell, grant, verify."""
    ctx.obj = Target(urls, account, key, as_json)


def with_target(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the target as its first argument."""

    @click.pass_obj
    def wrapper(target: Target, *arguments: Any, **named: Any) -> Any:
        return function(target, *arguments, **named)

    return update_wrapper(wrapper, function)
