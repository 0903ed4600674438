"""The market: a listing, a sale by listing or by two signatures, and undoing a sale."""

from __future__ import annotations

from ledger.actions import BuyToken, ListToken, RefundSale, SellToken, UnlistToken
from ledger.errors import Code, LedgerError
from ledger.events import SaleRefunded, TokenListed, TokenUnlisted
from ledger.execution.consent import check_stands, consenting_key
from ledger.execution.context import Context, action
from ledger.execution.due import check_currency, sale_of
from ledger.execution.holding import check_end, hand_over, require_free
from ledger.execution.policy import decide
from ledger.execution.settlement import sell as settle_sale
from ledger.execution.view import Ledger
from ledger.records import Listing, Sale, listing_key, sale_key
from ledger.times import moment


@action(ListToken)
def list_token(ledger: Ledger, tx: Context, ask: ListToken) -> None:
    """List a token at a price until a time; a second listing replaces the first."""
    token = ledger.token(ask.token)
    tx.require_signer(token.owner, Code.NOT_OWNER)
    require_free(ledger, token)
    ledger.currency(ask.currency)
    if ask.until_ms <= tx.time_ms:
        raise LedgerError(
            Code.LISTING_EXPIRED, f"it would end at {moment(ask.until_ms)}, block time is {moment(tx.time_ms)}"
        )
    check_end(tx, ask.until_ms, ledger.parameters().consent_ms_max)
    asset = ledger.asset(token.asset)
    decide(ledger, tx, asset, "list", token, price=ask.price, currency=ask.currency)
    check_currency(ledger, tx, asset, token, ask.price, ask.currency)
    listing = Listing(
        token=token.id,
        seller=token.owner,
        key=consenting_key(tx, token.owner),
        price=ask.price,
        currency=ask.currency,
        until_ms=ask.until_ms,
    )
    ledger.put(listing_key(token.id), listing)
    tx.emit(
        TokenListed(token=token.id, seller=token.owner, price=ask.price, currency=ask.currency, until_ms=ask.until_ms)
    )


@action(UnlistToken)
def unlist(ledger: Ledger, tx: Context, ask: UnlistToken) -> None:
    """Take a listing back."""
    listing = _listing(ledger, ask.token)
    tx.require_signer(listing.seller, Code.NOT_OWNER)
    ledger.remove(listing_key(ask.token))
    tx.emit(TokenUnlisted(token=ask.token))


@action(BuyToken)
def buy(ledger: Ledger, tx: Context, ask: BuyToken) -> None:
    """Buy at the price the buyer saw: the token, the price and every royalty move together."""
    token = ledger.token(ask.token)
    listing = _listing(ledger, ask.token)
    _check_quote(ledger, tx, listing, ask)
    check_stands(ledger, listing.seller, listing.key)
    settle_sale(ledger, tx, token, sale_of(token, tx.signer, ask.price, ask.currency), ask.terms)


@action(SellToken)
def sell(ledger: Ledger, tx: Context, ask: SellToken) -> None:
    """Sell without a listing: both have signed token, price and buyer, so neither needs the other's standing word."""
    token = ledger.token(ask.token)
    tx.require_signer(token.owner, Code.NOT_OWNER)
    ledger.account(ask.to)
    if ask.to == token.owner:
        raise LedgerError(Code.SELF_SALE, f"{ask.to} owns it already; name another buyer")
    tx.require_signer(ask.to)
    require_free(ledger, token)
    ledger.currency(ask.currency)
    settle_sale(ledger, tx, token, sale_of(token, ask.to, ask.price, ask.currency), ask.terms)


@action(RefundSale)
def refund(ledger: Ledger, tx: Context, ask: RefundSale) -> None:
    """Undo the newest sale: each part goes back from whom it was paid to, to the unit, and the token to the seller.

    No policy is asked: a takedown must not keep money from going back.
    """
    token = ledger.token(ask.token)
    sale = ledger.find(sale_key(ask.token), Sale)
    if sale is None:
        raise LedgerError(Code.REFUND_UNKNOWN, f"the owner of token {ask.token[:16]}… has not bought it")
    tx.require_signer(sale.seller)
    tx.require_signer(sale.buyer)
    if tx.time_ms > sale.until_ms:
        raise LedgerError(
            Code.REFUND_ENDED, f"it could be until {moment(sale.until_ms)}, block time is {moment(tx.time_ms)}"
        )
    require_free(ledger, token)
    payments = tuple(one for one in sale.payments if sale.refund == "reverse" or one.reason == "price")
    for payment in payments:
        ledger.debit(payment.to, sale.currency, payment.amount)
        ledger.credit(sale.buyer, sale.currency, payment.amount)
    hand_over(ledger, tx, token, sale.seller, token.sales - 1)
    tx.emit(
        SaleRefunded(token=token.id, seller=sale.seller, buyer=sale.buyer, currency=sale.currency, payments=payments)
    )


def _listing(ledger: Ledger, token: str) -> Listing:
    listing = ledger.find(listing_key(token), Listing)
    if listing is None:
        raise LedgerError(Code.LISTING_UNKNOWN, f"token {token[:16]}… is not for sale; ask its owner to list it")
    return listing


def _check_quote(ledger: Ledger, tx: Context, listing: Listing, ask: BuyToken) -> None:
    if listing.seller == tx.signer:
        raise LedgerError(Code.SELF_SALE, f"{tx.signer} owns it already; unlist it instead")
    if tx.time_ms > listing.until_ms:
        raise LedgerError(
            Code.LISTING_EXPIRED,
            f"it ended at {moment(listing.until_ms)}, block time is {moment(tx.time_ms)}; "
            "ask the seller to list it again",
        )
    if ask.currency != listing.currency:
        raise LedgerError(Code.CURRENCY_MISMATCH, f"it is priced in {listing.currency}, not {ask.currency}")
    if ask.price != listing.price:
        raise LedgerError(
            Code.PRICE_CHANGED,
            f"the price is {ledger.amount(listing.price, listing.currency)}, the buyer signed "
            f"{ledger.amount(ask.price, ask.currency)}",
        )
