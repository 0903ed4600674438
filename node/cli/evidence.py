"""Commands about the evidence for a picture: dispute it, and take that back."""

from __future__ import annotations

from pathlib import Path

import click

from node.cli.target import Target, with_target


@click.command()
@click.argument("asset")
@click.option("--reason", required=True, help="What is wrong; it stands on the chain, and every answer shows it.")
@click.option(
    "--evidence",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="File that shows it; its digest goes on the chain, the file stays with you.",
)
@with_target
def dispute(target: Target, asset: str, reason: str, evidence: Path) -> None:
    """Dispute for your org what is recorded of an ASSET."""
    with target.client() as client:
        receipt = client.dispute(asset, reason, evidence.read_bytes())
    target.done(receipt, f"disputed; keep {evidence}")


@click.command("withdraw-dispute")
@click.argument("asset")
@with_target
def withdraw_dispute(target: Target, asset: str) -> None:
    """Take your org's dispute about an ASSET back."""
    with target.client() as client:
        receipt = client.withdraw_dispute(asset)
    target.done(receipt, "no longer disputed by your org")
