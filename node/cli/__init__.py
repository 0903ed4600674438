"""The `remarque` command. Its `--help` is the reference; every command prints JSON with `--json`."""

from node.cli import account, audit, chain, evidence, governance, keys, market, operate, pictures, transaction
from node.cli.main import cli

__all__ = [
    "account",
    "audit",
    "chain",
    "cli",
    "evidence",
    "governance",
    "keys",
    "market",
    "operate",
    "pictures",
    "transaction",
]
