"""Commands that read the chain, and check receipts without it."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from ledger.actions import AnyAction
from ledger.errors import Code, LedgerError
from ledger.receipt import encode_receipt, verify_receipt
from node.cli.main import Target, cli, with_target
from node.config import load_genesis


@cli.command()
@with_target
def status(target: Target) -> None:
    """What the node is doing: role, leader, height."""
    with target.client() as client:
        found = client.get("/v1/status", session=False)
    target.show(found, "\n".join(f"{name:8} {value}" for name, value in found.items()))


@cli.command()
@click.argument("path")
@with_target
def get(target: Target, path: str) -> None:
    """Print what a route of the API answers, such as /v1/blocks/7 (see the node's /openapi.json)."""
    with target.client() as client:
        target.show(client.get(path, session=target.account is not None))


@cli.command()
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
        return msgspec.json.decode(data, type=list[AnyAction])
    except msgspec.DecodeError as error:
        raise LedgerError(Code.MALFORMED, f"{error}; see ledger/actions.py for every action") from None


@cli.command()
@click.option("--after", default="", help="Id of the last event seen; a height alone means its beginning.")
@with_target
def events(target: Target, after: str) -> None:
    """Follow what happens, one event a line, until interrupted."""
    with target.client() as client:
        for place, event in client.events(after):
            click.echo(f"{place} {event['event']['type']} {event['event']}")


@cli.group()
def receipt() -> None:
    """Fetch and check receipts."""


@receipt.command("get")
@click.argument("transaction")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write.")
@with_target
def get_receipt(target: Target, transaction: str, out: Path) -> None:
    """Write the receipt of TRANSACTION to a file."""
    with target.client() as client:
        out.write_bytes(encode_receipt(client.receipt(transaction)))
    target.show({"receipt": str(out)}, f"receipt written to {out}")


@receipt.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--genesis", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True, help="The genesis file."
)
@with_target
def verify(target: Target, file: Path, genesis: Path) -> None:
    """Check the receipt in FILE against a genesis: no node, no network."""
    found = verify_receipt(file.read_bytes().strip(), load_genesis(genesis))
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
