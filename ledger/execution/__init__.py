"""Execution: what a block does to the state. Pure; says what would change and changes nothing.

`block.execute_block` runs transactions in order; each action is one function of one shape in the file of its family:
what must hold, what changes, what is emitted.
"""

# Each registers its actions.
from ledger.execution import (
    access,
    account,
    asset,
    dispute,
    generated,
    governance,
    keys,
    market,
    money,
    policy,
    token,
)

__all__ = [
    "access",
    "account",
    "asset",
    "dispute",
    "generated",
    "governance",
    "keys",
    "market",
    "money",
    "policy",
    "token",
]
