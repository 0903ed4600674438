"""What is for sale, offered, auctioned and rented, and a token in the forms of ERC-721 and ERC-2981."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from ledger.records import Auction, Listing, Offer, Rental, Token
from remarque.api.shapes import Answer, Page


class TokenView(Answer, frozen=True, kw_only=True):
    """A token with its terms, and what is under way with it."""

    token: Token
    terms: str
    """The policies it is under now, as what is signed about it names them."""
    listing: Listing | UnsetType = UNSET
    """Its offer at a price; absent if there is none, or if it has ended or lapsed with the key that gave it."""
    auction: Auction | UnsetType = UNSET
    rental: Rental | UnsetType = UNSET
    """The one that is in force."""


class TokensOf(Answer, frozen=True, kw_only=True):
    """The tokens of an asset, by number."""

    asset: str
    tokens: tuple[Token, ...]


class TokensPage(Page, frozen=True, kw_only=True):
    """Tokens, by id."""

    tokens: tuple[Token, ...]


class OffersPage(Page, frozen=True, kw_only=True):
    """Offers for a token whose money is in escrow, by buyer."""

    token: str
    offers: tuple[Offer, ...]


class AuctionsPage(Page, frozen=True, kw_only=True):
    """Auctions that are not closed, by token."""

    auctions: tuple[Auction, ...]


class ListingsPage(Page, frozen=True, kw_only=True):
    """Tokens for sale at a price, by token."""

    listings: tuple[Listing, ...]


class RentalsPage(Page, frozen=True, kw_only=True):
    """Rentals in force, by token."""

    rentals: tuple[Rental, ...]


class Trait(Answer, frozen=True, kw_only=True):
    """Something that the chain knows of a token."""

    trait_type: str
    value: str | int


class TokenMetadata(Answer, frozen=True, kw_only=True):
    """A token's metadata in the form of ERC-721."""

    name: str
    description: str
    attributes: tuple[Trait, ...]
    image: str | UnsetType = UNSET
    """`ipfs://` and the content id; a confidential picture has none to point at."""


class RoyaltyInfo(Answer, frozen=True, kw_only=True):
    """What a resale at a price owes, in the form of ERC-2981: one receiver, and one amount."""

    token: str
    sale_price: int
    royalty_amount: int
    """In the unit of the price."""
    rate_ppm: int
    receiver: str
    """The payee with the greatest part."""
    shared_with: int
    """How many other payees there are, whom the form cannot name."""
    left_out: str
    """What else it cannot say, in words."""
