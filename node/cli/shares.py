"""Parts of a whole as commands take them."""

from __future__ import annotations

import re

import click


def shares_of(payees: tuple[str, ...]) -> dict[str, int]:
    """Accounts with their weights, of ACCOUNT=PPM each."""
    shares = {}
    for payee in payees:
        account, _, weight = payee.partition("=")
        if not re.fullmatch("[0-9]{1,7}", weight):
            raise click.UsageError(f"{payee!r} is not ACCOUNT=PPM, such as alice@acme=700000")
        shares[account] = int(weight)
    return shares
