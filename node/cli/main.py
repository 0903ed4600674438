"""The command's frame: its options, where its commands are, and how it fails.

A command's module is imported when the command is used, and only then: `remarque --version` answers at once, and no
command waits for what only others need.
"""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click

COMMANDS = {
    "accept": "node.cli.trading:accept",
    "account": "node.cli.account:account",
    "asset": "node.cli.holdings:asset",
    "auction": "node.cli.trading:auction",
    "audit": "node.cli.audit:audit_command",
    "backup": "node.cli.backup:backup",
    "balance": "node.cli.market:balance",
    "buy": "node.cli.market:buy",
    "collection": "node.cli.collection:collection",
    "consortium": "node.cli.consortium:consortium",
    "content": "node.cli.content:content",
    "credentials": "node.cli.credentials:credentials",
    "currency": "node.cli.currency:currency",
    "derive": "node.cli.trading:derive",
    "devnet": "devnet.cli:devnet",
    "dispute": "node.cli.evidence:dispute",
    "enrol": "node.cli.account:enrol",
    "events": "node.cli.chain:events",
    "export": "node.cli.audit:export",
    "fetch": "node.cli.pictures:fetch",
    "generate": "node.cli.pictures:generate",
    "generator": "node.cli.generator:generator",
    "get": "node.cli.chain:get",
    "governance": "node.cli.governance:governance",
    "grant": "node.cli.market:grant",
    "history": "node.cli.pictures:history",
    "init": "node.cli.operate:init",
    "keys": "node.cli.keys:keys",
    "licence": "node.cli.licences:licence",
    "list": "node.cli.market:list_token",
    "log": "node.cli.log:log",
    "mark": "node.cli.marking:mark",
    "mint": "node.cli.market:mint",
    "model": "node.cli.pictures:model",
    "node": "node.cli.operate:node",
    "offer": "node.cli.trading:offer",
    "open": "node.cli.market:open_asset",
    "openings": "node.cli.openings:openings",
    "pay": "node.cli.market:pay",
    "policy": "node.cli.policy:policy",
    "receipt": "node.cli.chain:receipt",
    "recover": "node.cli.recover:recover",
    "refund": "node.cli.market:refund",
    "regenerate": "node.cli.pictures:regenerate",
    "register": "node.cli.pictures:register",
    "rent": "node.cli.trading:rent",
    "reseal": "node.cli.market:reseal",
    "rekey": "node.cli.market:rekey",
    "restore": "node.cli.backup:restore",
    "revoke": "node.cli.market:revoke",
    "sell": "node.cli.market:sell",
    "session": "node.cli.account:session",
    "show": "node.cli.pictures:show",
    "snapshot": "node.cli.backup:snapshot",
    "state": "node.cli.chain:state",
    "statement": "node.cli.statement:statement",
    "status": "node.cli.chain:status",
    "submit": "node.cli.chain:submit",
    "swap": "node.cli.trading:swap",
    "token": "node.cli.holdings:token",
    "transaction": "node.cli.transaction:transaction",
    "transfer": "node.cli.market:transfer",
    "unlist": "node.cli.market:unlist",
    "verify": "node.cli.pictures:verify",
    "view": "node.cli.market:view",
    "withdraw-dispute": "node.cli.evidence:withdraw_dispute",
    "withdraw-generation": "node.cli.pictures:withdraw_generation",
    "withdraw-offer": "node.cli.trading:withdraw_offer",
}
"""Where each command is: module and name."""


class Command(click.Group):
    """The commands by name. Whatever is not carried out ends with one line, or JSON, and an exit status that says why
    (`node.cli.exits`), and never with a traceback.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        gc.disable()  # what modules make is no garbage, and to look for it takes a fifth of the time of loading them
        found: click.Command = getattr(import_module(module), name)
        gc.enable()
        return found

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        as_json = "--json" in args
        with _told(as_json=as_json):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with _told(as_json=ctx.params["as_json"]):
            try:
                return super().invoke(ctx)
            except (KeyboardInterrupt, click.Abort):
                from node.cli.exits import Exit

                pending = None if ctx.obj is None else ctx.obj.pending()
                if pending is None:
                    click.echo("interrupted", err=True)
                    sys.exit(Exit.INTERRUPTED)
                raise pending from None


@contextmanager
def _told(*, as_json: bool) -> Iterator[None]:
    try:
        yield
    except (click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:
        from node.cli.refusals import REFUSALS, tell

        if not isinstance(error, REFUSALS):
            raise
        sys.exit(tell(error, as_json=as_json))


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from node.ground.version import version

        click.echo(f"remarque, version {version()}")
        ctx.exit()


@click.group(cls=Command, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.option(
    "--node",
    "urls",
    multiple=True,
    default=("http://127.0.0.1:8100",),
    envvar="REMARQUE_NODE",
    show_default=True,
    help="REST address of a node, such as http://10.0.0.1:8100; without a scheme it is http, on this machine only. "
    "May be given several times: the next is used when one does not answer.",
)
@click.option("--account", envvar="REMARQUE_ACCOUNT", help="The account to act as, such as alice@acme.")
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="REMARQUE_KEY",
    help="File with the account's key; it stays on this machine.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, also for refusals and usage errors.")
@click.pass_context
def cli(ctx: click.Context, urls: tuple[str, ...], account: str | None, key: Path | None, as_json: bool) -> None:
    """A private provenance chain for AI-generated images: record, own, sell, grant, verify."""
    from node.cli.target import Target

    ctx.obj = Target(urls, account, key, as_json)


def main() -> None:
    """The `remarque` command."""
    cli()
