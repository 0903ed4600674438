"""The `remarque` command. Its `--help` is the reference; every command prints JSON with `--json`."""

from node.cli import audit, chain, log, market, operate, pictures, recover, statement
from node.cli.main import cli

__all__ = ["audit", "chain", "cli", "log", "market", "operate", "pictures", "recover", "statement"]
