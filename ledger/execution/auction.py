"""English auctions: bids wait in escrow, the outbid have theirs back at once, and anybody may close one that is over.

Closing always ends it: the token is sold to the highest bidder, or, where the rules forbid it, the bidder does not take
it under other terms than it saw, or a week has passed, the money goes back. So no auction that nobody looks after keeps
money. The first bid binds the seller: what decides are the rules that the auction was opened under, and besides them
only what the consortium votes.
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ledger.actions import CancelAuction, OpenAuction, PlaceBid, SettleAuction
from ledger.errors import Code, LedgerError
from ledger.events import AuctionClosed, AuctionOpened, BidPlaced, EscrowReturned
from ledger.execution.beside import paid_beside
from ledger.execution.consent import consenting_key, is_void
from ledger.execution.context import ACTION_FUEL, Context, action
from ledger.execution.due import check_currency, check_terms, due, sale_of
from ledger.execution.holding import check_end, require_free, user_of
from ledger.execution.policy import decide
from ledger.execution.scope import in_force
from ledger.execution.settlement import sell
from ledger.execution.view import Ledger
from ledger.records import Auction, auction_key, escrow_of, listing_key
from ledger.times import moment

SETTLE_MS = 7 * 24 * 3_600_000
"""For how long after its end an auction can still sell."""


@action(OpenAuction)
def open_auction(ledger: Ledger, tx: Context, ask: OpenAuction) -> None:
    """Auction a token. Until the auction is closed it can neither be sold otherwise nor given away."""
    token = ledger.token(ask.token)
    tx.require_signer(token.owner, Code.NOT_OWNER)
    require_free(ledger, token)
    _check_rental(ledger, tx, ask)
    if ledger.holds(listing_key(token.id)):
        raise LedgerError(Code.TOKEN_LISTED, f"token {token.id[:16]}… is for sale; unlist it first")
    ledger.currency(ask.currency)
    check_end(tx, ask.until_ms, ledger.parameters().consent_ms_max)
    asset = ledger.asset(token.asset)
    decide(ledger, tx, asset, "list", token, price=ask.reserve, currency=ask.currency)
    check_currency(ledger, tx, asset, token, ask.reserve, ask.currency)
    opened = Auction(
        token=token.id,
        seller=token.owner,
        reserve=ask.reserve,
        increment=ask.increment,
        currency=ask.currency,
        until_ms=ask.until_ms,
        extension_ms=ask.extension_ms,
        policies=in_force(ledger, asset),
        key=consenting_key(tx, token.owner),
    )
    ledger.put(auction_key(token.id), opened)
    tx.emit(
        AuctionOpened(
            token=token.id, seller=token.owner, reserve=ask.reserve, currency=ask.currency, until_ms=ask.until_ms
        )
    )


@action(CancelAuction)
def cancel(ledger: Ledger, tx: Context, ask: CancelAuction) -> None:
    """Take an auction back while nobody has bid."""
    found = _auction(ledger, ask.token)
    tx.require_signer(found.seller, Code.NOT_OWNER)
    if found.bidder is not UNSET:
        raise LedgerError(Code.AUCTION_OPEN, f"{found.bidder} has bid {found.bid}; it is settled after its end")
    _close(ledger, tx, found, "CANCELLED")


@action(PlaceBid)
def bid(ledger: Ledger, tx: Context, ask: PlaceBid) -> None:
    """Bid more than the highest; all that the sale would cost the bidder now is set aside."""
    found = _without_void_bid(ledger, tx, _auction(ledger, ask.token))
    if is_void(ledger, found.seller, found.key):
        raise LedgerError(Code.CONSENT_ENDED, f"the key with which {found.seller} opened it was lost; settle it")
    if tx.signer == found.seller:
        raise LedgerError(Code.SELF_SALE, f"{tx.signer} owns it already")
    if tx.time_ms >= found.until_ms:
        raise LedgerError(
            Code.AUCTION_ENDED, f"it ended at {moment(found.until_ms)}, block time is {moment(tx.time_ms)}; settle it"
        )
    if ask.currency != found.currency:
        raise LedgerError(Code.CURRENCY_MISMATCH, f"bids are in {found.currency}, not {ask.currency}")
    if ask.price < found.least:
        raise LedgerError(
            Code.BID_TOO_LOW, f"{ledger.amount(found.least, found.currency)} is the least bid now; bid at least that"
        )
    token = ledger.token(found.token)
    asset = ledger.asset(token.asset)
    check_terms(ledger, asset, ask.terms)
    _return(ledger, tx, found, found.bidder)
    sale = sale_of(token, tx.signer, ask.price, found.currency)
    cost = due(ledger, tx, asset, token, sale, ask.terms).split.buyer_pays
    ledger.debit(tx.signer, found.currency, cost)
    ledger.credit(escrow_of(auction_key(found.token)), found.currency, cost)
    found = replace(
        found,
        bidder=tx.signer,
        bidder_key=consenting_key(tx, tx.signer),
        bid=ask.price,
        terms=ask.terms,
        escrowed=cost,
        until_ms=max(found.until_ms, tx.time_ms + found.extension_ms),
    )
    ledger.put(auction_key(found.token), found)
    tx.emit(
        BidPlaced(
            token=found.token,
            bidder=tx.signer,
            price=ask.price,
            currency=found.currency,
            escrowed=cost,
            until_ms=found.until_ms,
        )
    )


@action(SettleAuction)
def settle(ledger: Ledger, tx: Context, ask: SettleAuction) -> None:
    """Close an auction that is over: sell to the highest bidder, or give the money back."""
    found = _without_void_bid(ledger, tx, _auction(ledger, ask.token))
    if is_void(ledger, found.seller, found.key):
        _close(ledger, tx, found, Code.CONSENT_ENDED.name)
        return
    if tx.time_ms < found.until_ms:
        raise LedgerError(
            Code.AUCTION_OPEN, f"it ends at {moment(found.until_ms)}, block time is {moment(tx.time_ms)}; wait for it"
        )
    bidder = found.bidder
    if bidder is UNSET:
        _close(ledger, tx, found, "NO_BIDS")
    elif tx.time_ms > found.until_ms + SETTLE_MS:
        _close(ledger, tx, found, Code.AUCTION_ENDED.name)
    else:
        found = _agreed(ledger, tx, found, bidder, ask.terms)
        _close(ledger, tx, found, _sell(ledger, tx, found, bidder))


def _without_void_bid(ledger: Ledger, tx: Context, found: Auction) -> Auction:
    """The auction, with the money of a bid returned whose key was lost."""
    if found.bidder is UNSET or found.bidder_key is UNSET or not is_void(ledger, found.bidder, found.bidder_key):
        return found
    _return(ledger, tx, found, found.bidder)
    return replace(found, bidder=UNSET, bidder_key=UNSET, bid=0, terms=UNSET, escrowed=0)


def _agreed(ledger: Ledger, tx: Context, found: Auction, bidder: str, terms: str | UnsetType) -> Auction:
    """The auction with the terms that its bidder buys under. Only the bidder may accept others than it saw."""
    if terms is not UNSET:
        tx.require_signer(bidder)
        return replace(found, terms=terms)
    if bidder not in tx.accounts:
        check_terms(ledger, ledger.asset(ledger.token(found.token).asset), found.terms)
    return found


def _check_rental(ledger: Ledger, tx: Context, ask: OpenAuction) -> None:
    """Refuse to auction what somebody has paid to use for longer than the auction lasts."""
    rental = user_of(ledger, ask.token, tx.time_ms)
    if rental is not None and rental.paid and rental.until_ms > ask.until_ms:
        raise LedgerError(
            Code.TOKEN_RENTED,
            f"{rental.user} has paid to use it until {moment(rental.until_ms)}; let the auction end no earlier",
        )


def _sell(ledger: Ledger, tx: Context, found: Auction, bidder: str) -> str:
    """Sell to the highest bidder, or return the code of what stands against it, which is never a lack of fuel."""
    if paid_beside(tx):
        raise LedgerError(Code.NOT_ALONE, "nobody spoils an auction by what they pay beside it; settle it alone")
    alone = ledger.parameters().transaction_fuel_max - ACTION_FUEL
    if tx.fuel_left < min(alone, tx.version.decision_fuel_max):
        raise LedgerError(Code.FUEL_EXHAUSTED, "it is decided with all the fuel that it may need; settle it alone")
    token = ledger.token(found.token)
    events = len(tx.events)
    try:
        with ledger.tried():
            purse = (escrow_of(auction_key(found.token)), found.escrowed)
            sale = sale_of(token, bidder, found.bid, found.currency)
            sell(ledger, tx, token, sale, found.terms, purse, found.policies)
    except LedgerError as refusal:
        if refusal.code is Code.FUEL_EXHAUSTED:
            raise
        del tx.events[events:]
        return refusal.code.name
    return ""


def _auction(ledger: Ledger, token: str) -> Auction:
    found = ledger.find(auction_key(token), Auction)
    if found is None:
        raise LedgerError(Code.AUCTION_UNKNOWN, f"token {token[:16]}… is not being auctioned")
    return found


def _close(ledger: Ledger, tx: Context, found: Auction, why: str) -> None:
    """End an auction; what is in its escrow is the bidder's again."""
    _return(ledger, tx, found, found.bidder)
    ledger.remove(auction_key(found.token))
    tx.emit(AuctionClosed(token=found.token, sold=not why, why=why))


def _return(ledger: Ledger, tx: Context, found: Auction, to: str | UnsetType) -> None:
    if to is UNSET:
        return
    amount = ledger.return_escrow(auction_key(found.token), to, found.currency)
    if amount:
        tx.emit(EscrowReturned(token=found.token, to=to, amount=amount, currency=found.currency))
