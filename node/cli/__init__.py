"""The `remarque` command. Its `--help` is the reference; every command prints JSON with `--json`."""

from node.cli import (
    account,
    audit,
    backup,
    chain,
    collection,
    evidence,
    governance,
    keys,
    log,
    market,
    operate,
    pictures,
    policy,
    recover,
    statement,
    trading,
    transaction,
)
from node.cli.main import cli

__all__ = [
    "account",
    "audit",
    "backup",
    "chain",
    "cli",
    "collection",
    "evidence",
    "governance",
    "keys",
    "log",
    "market",
    "operate",
    "pictures",
    "policy",
    "recover",
    "statement",
    "trading",
    "transaction",
]
