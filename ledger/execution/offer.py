"""Offers: a buyer's money waits in escrow until the owner accepts, the buyer takes it back, or its time is over.

The escrow is an ordinary balance of an account that nobody signs for, so the block's check of conservation covers it.
Once an offer has ended anybody may send its money back; a suspended buyer's too.
"""

from __future__ import annotations

from ledger.actions import AcceptOffer, MakeOffer, WithdrawOffer
from ledger.errors import Code, LedgerError
from ledger.events import EscrowReturned, OfferMade
from ledger.execution.consent import check_stands, consenting_key, has_ended
from ledger.execution.context import Context, action
from ledger.execution.due import check_terms, due, sale_of
from ledger.execution.holding import check_end, require_free
from ledger.execution.settlement import sell
from ledger.execution.view import Ledger
from ledger.records import Offer, escrow_of, offer_key
from ledger.times import moment


@action(MakeOffer)
def offer(ledger: Ledger, tx: Context, ask: MakeOffer) -> None:
    """Offer money for a token; all that the sale would cost the buyer now is set aside."""
    token = ledger.token(ask.token)
    if tx.signer == token.owner:
        raise LedgerError(Code.SELF_SALE, f"{tx.signer} owns it already")
    ledger.currency(ask.currency)
    check_end(tx, ask.until_ms, ledger.parameters().consent_ms_max)
    asset = ledger.asset(token.asset)
    check_terms(ledger, asset, ask.terms)
    key = offer_key(token.id, tx.signer)
    before = ledger.find(key, Offer)
    if before is not None:
        _return(ledger, tx, before)
    sale = sale_of(token, tx.signer, ask.price, ask.currency)
    cost = due(ledger, tx, asset, token, sale, ask.terms).split.buyer_pays
    ledger.debit(tx.signer, ask.currency, cost)
    ledger.credit(escrow_of(key), ask.currency, cost)
    made = Offer(
        token=token.id,
        buyer=tx.signer,
        price=ask.price,
        currency=ask.currency,
        until_ms=ask.until_ms,
        terms=ask.terms,
        escrowed=cost,
        key=consenting_key(tx, tx.signer),
    )
    ledger.put(key, made)
    tx.emit(
        OfferMade(
            token=token.id,
            buyer=tx.signer,
            price=ask.price,
            currency=ask.currency,
            escrowed=cost,
            until_ms=ask.until_ms,
        )
    )


@action(AcceptOffer)
def accept(ledger: Ledger, tx: Context, ask: AcceptOffer) -> None:
    """Sell to a buyer who offered, out of the escrow; what the sale leaves over goes back."""
    token = ledger.token(ask.token)
    tx.require_signer(token.owner, Code.NOT_OWNER)
    found = _offer(ledger, ask.token, ask.buyer)
    if tx.time_ms > found.until_ms:
        raise LedgerError(Code.OFFER_ENDED, f"it ended at {moment(found.until_ms)}, block time is {moment(tx.time_ms)}")
    if ask.currency != found.currency:
        raise LedgerError(Code.CURRENCY_MISMATCH, f"it is in {found.currency}, not {ask.currency}")
    if ask.price != found.price:
        raise LedgerError(
            Code.PRICE_CHANGED,
            f"the offer is {ledger.amount(found.price, found.currency)}, the owner signed "
            f"{ledger.amount(ask.price, ask.currency)}",
        )
    if found.buyer == token.owner:
        raise LedgerError(Code.SELF_SALE, f"{found.buyer} owns it already; withdraw the offer")
    check_stands(ledger, found.buyer, found.key)
    require_free(ledger, token)
    purse = (escrow_of(offer_key(token.id, found.buyer)), found.escrowed)
    sell(ledger, tx, token, sale_of(token, found.buyer, found.price, found.currency), found.terms, purse)
    _return(ledger, tx, found)


@action(WithdrawOffer)
def withdraw(ledger: Ledger, tx: Context, ask: WithdrawOffer) -> None:
    """Return an offer's money to its buyer."""
    found = _offer(ledger, ask.token, ask.buyer)
    if tx.time_ms <= found.until_ms and not has_ended(ledger, found.buyer, found.key):
        tx.require_signer(found.buyer, Code.OFFER_OPEN)
    _return(ledger, tx, found)


def _offer(ledger: Ledger, token: str, buyer: str) -> Offer:
    found = ledger.find(offer_key(token, buyer), Offer)
    if found is None:
        raise LedgerError(Code.OFFER_UNKNOWN, f"{buyer} offers nothing for token {token[:16]}…")
    return found


def _return(ledger: Ledger, tx: Context, found: Offer) -> None:
    """End an offer; what is in its escrow is the buyer's again."""
    key = offer_key(found.token, found.buyer)
    amount = ledger.return_escrow(key, found.buyer, found.currency)
    ledger.remove(key)
    if amount:
        tx.emit(EscrowReturned(token=found.token, to=found.buyer, amount=amount, currency=found.currency))
