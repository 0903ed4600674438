"""Commands about the certificates by which a consortium's pictures are signed: found, issue, renew, show."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from node.cli.printing import in_line
from node.cli.target import Target, with_target
from node.keeping.authorities import CertificateShown, found_authority, issue_credentials, renew_credentials, shown

FOLDER = click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
OUT = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where to write them."
)


@click.group()
def credentials() -> None:
    """Make and show the certificates that sign Content Credentials and time-stamps."""


@credentials.command("found")
@OUT
@click.option("--name", required=True, help="Name of the consortium, as certificates show it.")
@click.option("--country", required=True, help="Its country: two letters.")
@with_target
def found(target: Target, out: Path, name: str, country: str) -> None:
    """Make a consortium's root and its key. Keep the key off every machine that serves."""
    found_authority(out, name, country)
    text = f"every member puts {out / 'root.pem'} into its `anchors`; keep {out / 'root.key'} away from networks"
    target.show({"root": str(out / "root.pem"), "key": str(out / "root.key")}, text)


@credentials.command("issue")
@FOLDER
@click.option("--org", required=True, help="The org, as certificates show it.")
@OUT
@with_target
def issue(target: Target, directory: Path, org: str, out: Path) -> None:
    """Make an org's authority and its leaves, below the root in DIRECTORY."""
    issue_credentials(directory, org, out)
    _show(target, out)


@credentials.command("renew")
@FOLDER
@with_target
def renew(target: Target, directory: Path) -> None:
    """Put new leaves in the place of the old ones in DIRECTORY, by the org's authority there."""
    renew_credentials(directory)
    _show(target, directory)


@credentials.command("show")
@FOLDER
@with_target
def show(target: Target, directory: Path) -> None:
    """Show whose the certificates in DIRECTORY are, and when they end."""
    _show(target, directory)


def _show(target: Target, folder: Path) -> None:
    certificates = shown(folder, datetime.now(UTC))
    target.show(certificates, "\n".join(map(_line, certificates)))


def _line(one: CertificateShown) -> str:
    left = f"{one.days_left} days left" if one.days_left >= 0 else "ended"
    return f"{one.file}  {in_line(one.subject)}  until {one.ends}, {left}"
