"""Rental: an account uses a token until a time, with the meaning of ERC-4907.

It lapses by the block's time, without a transaction, and a new owner begins without it. Whoever rents for a price pays
it at once, with the royalty that the policies ask for a rental, and does not lose it: until it lapses the token has
another owner only with the user's signature.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from ledger.actions import RentToken
from ledger.errors import Code, LedgerError
from ledger.events import PaymentIn, TokenRented
from ledger.execution.consent import consenting_key
from ledger.execution.context import Context, action
from ledger.execution.due import Occasion, check_terms, due
from ledger.execution.holding import check_end, require_free, user_of
from ledger.execution.policy import decide
from ledger.execution.settlement import pay_apart
from ledger.execution.view import Ledger
from ledger.records import Rental, rental_key
from ledger.times import moment


@action(RentToken)
def rent(ledger: Ledger, tx: Context, ask: RentToken) -> None:
    """Let an account use a token. While the rental lasts another account may only if the user signs too."""
    token = ledger.token(ask.token)
    tx.require_signer(token.owner, Code.NOT_OWNER)
    ledger.account(ask.to)
    if ask.to == token.owner:
        raise LedgerError(Code.SELF_SALE, f"{ask.to} owns it; name another account")
    require_free(ledger, token)
    check_end(tx, ask.until_ms, ledger.parameters().rental_ms_max)
    before = user_of(ledger, token.id, tx.time_ms)
    if before is not None and before.user not in tx.accounts:
        raise LedgerError(
            Code.TOKEN_RENTED,
            f"{before.user} uses it until {moment(before.until_ms)}; wait for that, or have them sign too",
        )
    asset = ledger.asset(token.asset)
    price = None if ask.price is UNSET else ask.price
    about: dict[str, Any] = {} if price is None else {"price": price.amount, "currency": price.currency}
    check_terms(ledger, asset, ask.terms)
    decide(ledger, tx, asset, "rent", token, token.owner, to=ask.to, **about)
    payments: tuple[PaymentIn, ...] = ()
    if price is not None:
        tx.require_signer(ask.to)
        ledger.currency(price.currency)
        occasion = Occasion("rental", token.owner, ask.to, price.amount, price.currency)
        found = due(ledger, tx, asset, token, occasion, ask.terms)
        payments = pay_apart(ledger, ask.to, found, token.owner)
    rental = Rental(
        token=token.id,
        user=ask.to,
        until_ms=ask.until_ms,
        paid=price is not None,
        owner=token.owner,
        key=consenting_key(tx, token.owner),
    )
    ledger.put(rental_key(token.id), rental)
    tx.emit(TokenRented(token=token.id, owner=token.owner, to=ask.to, until_ms=ask.until_ms, payments=payments))
