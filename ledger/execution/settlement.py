"""The money itself: royalties and price move in one step, and with a sale the token.

How much to whom is said in `due.py`; here it leaves an account or an escrow and arrives, to the unit.
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from ledger.errors import Code, LedgerError
from ledger.events import Payment, PaymentIn, TokenSold
from ledger.execution.context import Context
from ledger.execution.due import Due, Occasion, check_terms, due
from ledger.execution.holding import hand_over
from ledger.execution.policy import decide
from ledger.execution.scope import governing, keep_terms, still_governing
from ledger.execution.view import Ledger
from ledger.prices import Price
from ledger.records import Asset, Governing, Sale, Token, sale_key

REFUND_MS = 14 * 24 * 3_600_000
"""For how long a sale may be undone."""


def pay(ledger: Ledger, purse: str, found: Due, seller: str) -> tuple[Payment, ...]:
    """Move the money of an occasion out of an account or an escrow: royalties, and the price to the seller."""
    if not found.split.buyer_pays:
        return ()
    ledger.debit(purse, found.currency, found.split.buyer_pays)
    payments = [Payment(to=payee, amount=amount, reason="royalty") for payee, amount in found.split.payments]
    if found.split.seller_receives:
        payments.append(Payment(to=seller, amount=found.split.seller_receives, reason="price"))
    for payment in payments:
        ledger.credit(payment.to, found.currency, payment.amount)
    return tuple(payments)


def pay_royalty(ledger: Ledger, purse: str, found: Due) -> tuple[PaymentIn, ...]:
    """Move the royalty alone, where no price is paid."""
    if not found.split.royalty:
        return ()
    ledger.debit(purse, found.currency, found.split.royalty)
    for payee, amount in found.split.payments:
        ledger.credit(payee, found.currency, amount)
    return tuple(
        PaymentIn(to=payee, amount=amount, reason="royalty", currency=found.currency)
        for payee, amount in found.split.payments
    )


def pay_apart(ledger: Ledger, purse: str, found: Due, seller: str) -> tuple[PaymentIn, ...]:
    """Move price and royalties, with payments that name their currency because no price in the event does."""
    return tuple(
        PaymentIn(to=one.to, amount=one.amount, reason=one.reason, currency=found.currency)
        for one in pay(ledger, purse, found, seller)
    )


def pay_licence(
    ledger: Ledger, tx: Context, asset: Asset, payer: str, price: Price, terms: str | UnsetType
) -> tuple[PaymentIn, ...]:
    """The price of a right to an asset, to its owner, and the royalties that its policies ask for a licence."""
    tx.require_signer(payer)
    ledger.currency(price.currency)
    owner = ledger.owner(asset)
    if payer == owner:
        raise LedgerError(Code.SELF_SALE, f"{payer} owns it; give it without a price")
    token = ledger.token(asset.token) if isinstance(asset.token, str) else None
    occasion = Occasion("licence", owner, payer, price.amount, price.currency)
    return pay_apart(ledger, payer, due(ledger, tx, asset, token, occasion, terms), owner)


def sell(
    ledger: Ledger,
    tx: Context,
    token: Token,
    occasion: Occasion,
    terms: str | UnsetType = UNSET,
    purse: tuple[str, int] | None = None,
    then: tuple[Governing, ...] = (),
) -> None:
    """A sale that both sides want: decided for the seller, then token, price and royalties move together.

    The money comes from the buyer, or from an escrow of so many units; a sale that the escrow no longer covers is
    refused. Decided by the policies in force, or by those of then, under which both have bound themselves.
    """
    asset = ledger.asset(token.asset)
    check_terms(ledger, asset, terms)
    governed = still_governing(ledger, then) if then else governing(ledger, asset)
    decide(
        ledger, tx, asset, "sale", token, occasion.giver, governed,
        price=occasion.price, currency=occasion.currency, to=occasion.to,
    )  # fmt: skip
    found = due(ledger, tx, asset, token, occasion, terms)
    account, held = purse or (occasion.to, found.split.buyer_pays)
    if found.split.buyer_pays > held:
        raise LedgerError(
            Code.TERMS_CHANGED, f"the sale costs {found.split.buyer_pays} now, {held} are in escrow; offer again"
        )
    payments = pay(ledger, account, found, occasion.giver)
    keep_terms(ledger, asset, then if terms is UNSET else ())
    hand_over(ledger, tx, token, occasion.to, token.sales + 1)
    sale = Sale(
        token=token.id,
        seller=occasion.giver,
        buyer=occasion.to,
        currency=occasion.currency,
        payments=payments,
        refund=found.refund,
        until_ms=tx.time_ms + REFUND_MS,
    )
    ledger.put(sale_key(token.id), sale)
    tx.emit(
        TokenSold(
            token=token.id,
            seller=occasion.giver,
            buyer=occasion.to,
            price=occasion.price,
            currency=occasion.currency,
            kind=occasion.trigger,
            payments=payments,
        )
    )
