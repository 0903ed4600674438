"""Execution: what a block does to the state. Pure; says what would change and changes nothing.

`block.execute_block` runs transactions in order; each action is one function of one shape in the file of its family:
what must hold, what changes, what is emitted.
"""

from ledger.execution import (  # each registers its actions
    access,
    account,
    archive,
    asset,
    auction,
    ceremony,
    claim,
    disclosure,
    dispute,
    generated,
    governance,
    keys,
    licence,
    lineage,
    market,
    money,
    node,
    offer,
    policy,
    rental,
    scope,
    statement,
    token,
    voting,
)

__all__ = [
    "access",
    "account",
    "archive",
    "asset",
    "auction",
    "ceremony",
    "claim",
    "disclosure",
    "dispute",
    "generated",
    "governance",
    "keys",
    "licence",
    "lineage",
    "market",
    "money",
    "node",
    "offer",
    "policy",
    "rental",
    "scope",
    "statement",
    "token",
    "voting",
]
