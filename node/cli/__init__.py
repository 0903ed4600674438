"""The `remarque` command. Its `--help` is the reference; every command prints JSON with `--json`."""

from node.cli import chain, market, operate, pictures
from node.cli.main import cli

__all__ = ["chain", "cli", "market", "operate", "pictures"]
