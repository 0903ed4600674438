"""The market: a listing, and a sale that moves token, price and royalties in one step or not at all."""

from __future__ import annotations

from msgspec import UNSET
from msgspec.structs import replace

import contracts_vm
from ledger.actions import BuyToken, ListToken, SellToken, UnlistToken
from ledger.errors import Code, LedgerError
from ledger.events import Payment, TokenListed, TokenSold, TokenUnlisted
from ledger.execution.context import Context, action
from ledger.execution.policy import decide, facts_for, policies_for
from ledger.execution.token import SECONDARY_SALE
from ledger.execution.view import Ledger
from ledger.records import Asset, Listing, Token, listing_key, token_key

PRIMARY_SALE = "primary_sale"


@action(ListToken)
def list_token(ledger: Ledger, tx: Context, ask: ListToken) -> None:
    """Offer a token at a price until a time; a second listing replaces the first."""
    token = ledger.token(ask.token)
    tx.require_signer(token.owner, Code.NOT_OWNER)
    ledger.currency(ask.currency)
    if ask.until_ms <= tx.time_ms:
        raise LedgerError(Code.LISTING_EXPIRED, f"it would end at {ask.until_ms}, block time is {tx.time_ms}")
    decide(ledger, tx, ledger.asset(token.asset), "list", token, price=ask.price, currency=ask.currency)
    listing = Listing(token=token.id, seller=token.owner, price=ask.price, currency=ask.currency, until_ms=ask.until_ms)
    ledger.put(listing_key(token.id), listing)
    tx.emit(
        TokenListed(token=token.id, seller=token.owner, price=ask.price, currency=ask.currency, until_ms=ask.until_ms)
    )


@action(UnlistToken)
def unlist(ledger: Ledger, tx: Context, ask: UnlistToken) -> None:
    """Take an offer back."""
    listing = _listing(ledger, ask.token)
    tx.require_signer(listing.seller, Code.NOT_OWNER)
    ledger.remove(listing_key(ask.token))
    tx.emit(TokenUnlisted(token=ask.token))


@action(BuyToken)
def buy(ledger: Ledger, tx: Context, ask: BuyToken) -> None:
    """Buy at the price the buyer saw: the token, the price and every royalty move together."""
    token = ledger.token(ask.token)
    listing = _listing(ledger, ask.token)
    _check_quote(tx, listing, ask)
    _move(ledger, tx, token, listing.seller, tx.signer, ask)


@action(SellToken)
def sell(ledger: Ledger, tx: Context, ask: SellToken) -> None:
    """Sell without a listing: both have signed token, price and buyer, so neither needs the other's standing word."""
    token = ledger.token(ask.token)
    tx.require_signer(token.owner, Code.NOT_OWNER)
    ledger.account(ask.to)
    if ask.to == token.owner:
        raise LedgerError(Code.SELF_SALE, f"{ask.to} owns it already; name another buyer")
    tx.require_signer(ask.to)
    ledger.currency(ask.currency)
    _move(ledger, tx, token, token.owner, ask.to, ask)


def _move(ledger: Ledger, tx: Context, token: Token, seller: str, buyer: str, ask: BuyToken | SellToken) -> None:
    """A sale that both sides want: decided for the seller, then token, price and royalties move together."""
    asset = ledger.asset(token.asset)
    decide(ledger, tx, asset, "sale", token, seller, price=ask.price, currency=ask.currency, to=buyer)
    kind = PRIMARY_SALE if token.sales == 0 and seller == token.creator else SECONDARY_SALE
    settlement = _settlement(ledger, tx, asset, token, kind, buyer, ask)
    ledger.debit(buyer, ask.currency, settlement.buyer_pays)
    payments = [Payment(to=payee, amount=amount, reason="royalty") for payee, amount in settlement.payments if amount]
    if settlement.seller_receives:
        payments.append(Payment(to=seller, amount=settlement.seller_receives, reason="price"))
    for payment in payments:
        ledger.credit(payment.to, ask.currency, payment.amount)
    ledger.put(token_key(token.id), replace(token, owner=buyer, sales=token.sales + 1))
    if ledger.holds(listing_key(token.id)):
        ledger.remove(listing_key(token.id))
    tx.emit(
        TokenSold(
            token=token.id,
            seller=seller,
            buyer=buyer,
            price=ask.price,
            currency=ask.currency,
            kind=kind,
            payments=tuple(payments),
        )
    )


def _listing(ledger: Ledger, token: str) -> Listing:
    listing = ledger.find(listing_key(token), Listing)
    if listing is None:
        raise LedgerError(Code.LISTING_UNKNOWN, f"token {token[:16]}… is not for sale; ask its owner to list it")
    return listing


def _check_quote(tx: Context, listing: Listing, ask: BuyToken) -> None:
    if listing.seller == tx.signer:
        raise LedgerError(Code.SELF_SALE, f"{tx.signer} owns it already; unlist it instead")
    if tx.time_ms > listing.until_ms:
        raise LedgerError(
            Code.LISTING_EXPIRED,
            f"it ended at {listing.until_ms}, block time is {tx.time_ms}; ask the seller to list it again",
        )
    if ask.currency != listing.currency:
        raise LedgerError(Code.CURRENCY_MISMATCH, f"it is priced in {listing.currency}, not {ask.currency}")
    if ask.price != listing.price:
        raise LedgerError(
            Code.PRICE_CHANGED, f"the price is {listing.price} {listing.currency}, the buyer signed {ask.price}"
        )


def _settlement(
    ledger: Ledger, tx: Context, asset: Asset, token: Token, kind: str, buyer: str, ask: BuyToken | SellToken
) -> contracts_vm.Settlement:
    """Who receives what: by the token's own royalty on a resale, else by the policies' clause for this kind of sale."""
    if kind == SECONDARY_SALE and token.royalty is not UNSET:
        payees = [(share.account, share.weight_ppm) for share in token.royalty.payees]
        return _settled(ask.price, token.royalty.rate_ppm, payees, "seller")
    about = {"price": ask.price, "currency": ask.currency, "to": buyer}
    facts = facts_for(ledger, tx.height, tx.time_ms, asset, "sale", token, token.owner, about)
    for policy in policies_for(ledger, asset):
        clause = policy.royalty_for(kind, facts, tx.version.decision_fuel_max)
        if clause is None:
            continue
        if clause.fault:
            raise LedgerError(Code.ROYALTY_INVALID, f"royalty {clause.id} of {policy.name}: {clause.fault}")
        tx.spend(clause.fuel)
        payees = [(share.account, share.weight_ppm) for share in asset.creators]
        return _settled(ask.price, clause.rate_ppm, payees, clause.payer)
    return _settled(ask.price, 0, [(token.creator, 1)], "seller")


def _settled(price: int, rate_ppm: int, payees: list[tuple[str, int]], payer: str) -> contracts_vm.Settlement:
    try:
        return contracts_vm.settle(price, rate_ppm, payees, payer)
    except contracts_vm.RoyaltyError as error:
        raise LedgerError(
            Code.AMOUNT_OVERFLOW, f"the sale cannot be settled: {error}; list it at a lower price"
        ) from None
