"""Parts of a whole as commands take them."""

from __future__ import annotations

from remarque.errors import RemarqueError


def shares_of(payees: tuple[str, ...]) -> dict[str, int]:
    """Accounts with their weights, of ACCOUNT=PPM each."""
    shares = {}
    for payee in payees:
        account, _, weight = payee.partition("=")
        if not weight.isdecimal():
            raise RemarqueError("REQUEST_MALFORMED", f"{payee!r} is not ACCOUNT=PPM, such as alice@acme=700000")
        shares[account] = int(weight)
    return shares
