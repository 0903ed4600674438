"""What happened to tokens, and to money."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from ledger.events.parts import Event, Payment, PaymentIn


class TokenMinted(Event, frozen=True, tag="token.minted", kw_only=True):
    token: str
    asset: str
    owner: str
    royalty_ppm: int
    number: int | UnsetType = UNSET
    """Which of the numbered tokens of its asset."""


class TokenTransferred(Event, frozen=True, tag="token.transferred", kw_only=True):
    token: str
    sender: str
    to: str
    payer: str | UnsetType = UNSET
    payments: tuple[PaymentIn, ...] = ()
    """What the policies ask where nothing is paid for it."""


class TokenRented(Event, frozen=True, tag="token.rented", kw_only=True):
    """`to` uses the token until `until_ms`, or until it has another owner."""

    token: str
    owner: str
    to: str
    until_ms: int
    payments: tuple[PaymentIn, ...] = ()


class TokenListed(Event, frozen=True, tag="market.listed", kw_only=True):
    token: str
    seller: str
    price: int
    currency: str
    until_ms: int


class TokenUnlisted(Event, frozen=True, tag="market.unlisted", kw_only=True):
    token: str


class TokenSold(Event, frozen=True, tag="market.sold", kw_only=True):
    """A settled sale: the payments add up to the price, to the unit."""

    token: str
    seller: str
    buyer: str
    price: int
    currency: str
    kind: str
    """`primary_sale` by the creator, else `secondary_sale`."""
    payments: tuple[Payment, ...]


class SaleRefunded(Event, frozen=True, tag="market.refunded", kw_only=True):
    """The token is the seller's again; each payment is what that account gave back to the buyer."""

    token: str
    seller: str
    buyer: str
    currency: str
    payments: tuple[Payment, ...]


class OfferMade(Event, frozen=True, tag="market.offered", kw_only=True):
    token: str
    buyer: str
    price: int
    currency: str
    escrowed: int
    until_ms: int


class EscrowReturned(Event, frozen=True, tag="escrow.returned", kw_only=True):
    """Money that waited for a sale is its owner's again: an offer withdrawn, a bid outbid, what a sale left over."""

    token: str
    to: str
    amount: int
    currency: str


class AuctionOpened(Event, frozen=True, tag="auction.opened", kw_only=True):
    token: str
    seller: str
    reserve: int
    currency: str
    until_ms: int


class BidPlaced(Event, frozen=True, tag="auction.bid_placed", kw_only=True):
    token: str
    bidder: str
    price: int
    currency: str
    escrowed: int
    until_ms: int
    """The auction's end, moved by this bid or not."""


class AuctionClosed(Event, frozen=True, tag="auction.closed", kw_only=True):
    token: str
    sold: bool
    why: str = ""
    """The code of what stood against the sale; `NO_BIDS` and `CANCELLED` say the same of an auction without bids."""


class CurrencyCreated(Event, frozen=True, tag="currency.created", kw_only=True):
    currency: str
    issuer: str


class CurrencyIssued(Event, frozen=True, tag="currency.issued", kw_only=True):
    currency: str
    to: str
    amount: int


class CurrencyRedeemed(Event, frozen=True, tag="currency.redeemed", kw_only=True):
    currency: str
    holder: str
    amount: int


class Paid(Event, frozen=True, tag="payment.transferred", kw_only=True):
    sender: str
    to: str
    currency: str
    amount: int
