"""Tokens, what is done with them for money and without, and money itself."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from ledger.actions.parts import (
    Action,
    Royalty,
)
from ledger.names import (
    AccountName,
    CurrencyCode,
    Hex32,
    Positive,
    TimeMs,
)
from ledger.prices import Price, Terms


class MintToken(Action, frozen=True, tag="token.mint", kw_only=True):
    """Make the one token of an asset, or all its numbered ones. By the asset's owner, who then owns them."""

    asset: Hex32
    editions: Annotated[int, Meta(ge=2, le=256)] | UnsetType = UNSET
    """How many numbered tokens; one without a number if absent."""
    royalty: Royalty | UnsetType = UNSET
    """Terms for every resale, within the policy's cap; if absent, the policy's own clause applies."""


class TransferToken(Action, frozen=True, tag="token.transfer", kw_only=True):
    """Give a token away, without a price. Where the policies ask for a payment, the terms are named."""

    token: Hex32
    to: AccountName
    terms: Terms | UnsetType = UNSET


class SwapTokens(Action, frozen=True, tag="token.swap", kw_only=True):
    """Exchange two tokens. Both owners sign; what the policies ask for a swap is paid.

    A royalty is a part of the greater of the values that they declare, and no less than the policy's fallback.
    """

    token: Hex32
    for_token: Hex32
    value: Price | UnsetType = UNSET
    """What `token` is worth, as both say."""
    for_value: Price | UnsetType = UNSET
    """What `for_token` is worth, in the same currency."""
    terms: Terms | UnsetType = UNSET
    """The policies of `token` that both saw; needed where they ask for a payment."""
    for_terms: Terms | UnsetType = UNSET
    """The same of `for_token`."""


class RentToken(Action, frozen=True, tag="token.rent", kw_only=True):
    """Let an account use a token until a time, without owning it; it lapses by itself. By the owner.

    For a price the user signs too, and pays, with the royalty that the policies ask for a rental.
    """

    token: Hex32
    to: AccountName
    until_ms: TimeMs
    price: Price | UnsetType = UNSET
    terms: Terms | UnsetType = UNSET
    """The policies that the user saw; needed where a royalty comes on top of the price."""


class ListToken(Action, frozen=True, tag="market.list", kw_only=True):
    """List a token at a price until a time."""

    token: Hex32
    price: Positive
    currency: CurrencyCode
    until_ms: TimeMs


class UnlistToken(Action, frozen=True, tag="market.unlist", kw_only=True):
    """Take a listing back."""

    token: Hex32


class BuyToken(Action, frozen=True, tag="market.buy", kw_only=True):
    """Buy a listed token at the price and currency that the buyer saw: token, price and royalties in one step."""

    token: Hex32
    price: Positive
    currency: CurrencyCode
    terms: Terms | UnsetType = UNSET
    """The policies that the buyer saw; if others are in force, nothing is bought.

    Needed where more than the price is due.
    """


class SellToken(Action, frozen=True, tag="market.sell", kw_only=True):
    """Sell a token without a listing: seller and buyer both sign, and royalties are paid as in any sale."""

    token: Hex32
    to: AccountName
    """The buyer."""
    price: Positive
    currency: CurrencyCode
    terms: Terms | UnsetType = UNSET
    """The policies that the buyer saw; needed where a royalty comes on top of the price."""


class RefundSale(Action, frozen=True, tag="market.refund", kw_only=True):
    """Undo the newest sale of a token, within 14 days. Seller and buyer both sign; every part goes back as it came."""

    token: Hex32


class MakeOffer(Action, frozen=True, tag="market.offer", kw_only=True):
    """Offer money for a token. The money waits in escrow; an earlier offer of the same buyer is returned."""

    token: Hex32
    price: Positive
    currency: CurrencyCode
    until_ms: TimeMs
    terms: Terms | UnsetType = UNSET
    """The policies that the buyer saw; if others are in force, the offer cannot be accepted."""


class AcceptOffer(Action, frozen=True, tag="market.accept", kw_only=True):
    """Sell a token to a buyer who offered, at the price and currency that the owner saw."""

    token: Hex32
    buyer: AccountName
    price: Positive
    currency: CurrencyCode


class WithdrawOffer(Action, frozen=True, tag="market.withdraw", kw_only=True):
    """Return an offer's money to its buyer. By the buyer at any time, by anybody once it has ended."""

    token: Hex32
    buyer: AccountName


class OpenAuction(Action, frozen=True, tag="auction.open", kw_only=True):
    """Auction a token to the highest bidder until a time. By its owner."""

    token: Hex32
    reserve: Positive
    """The least first bid."""
    increment: Positive
    """How much more than the highest a bid must be."""
    currency: CurrencyCode
    until_ms: TimeMs
    extension_ms: Annotated[int, Meta(ge=0, le=86_400_000)] = 0
    """A bid nearer to the end than this moves the end to this long after it."""


class CancelAuction(Action, frozen=True, tag="auction.cancel", kw_only=True):
    """Take an auction back while nobody has bid. By its seller."""

    token: Hex32


class PlaceBid(Action, frozen=True, tag="auction.bid", kw_only=True):
    """Bid for a token; the money waits in escrow, and whoever is outbid has theirs back in the same transaction."""

    token: Hex32
    price: Positive
    currency: CurrencyCode
    terms: Terms | UnsetType = UNSET
    """The policies that the bidder saw; if others are in force at the end, the money comes back instead."""


class SettleAuction(Action, frozen=True, tag="auction.settle", kw_only=True):
    """Sell to the highest bidder after the end, or return the money where that cannot be. By anybody.

    If other policies are in force than those the bidder saw, by the bidder alone, who then has the choice.
    """

    token: Hex32
    terms: Terms | UnsetType = UNSET
    """The policies that the bidder buys under instead of those it saw; without them its money is returned."""


class CreateCurrency(Action, frozen=True, tag="currency.create", kw_only=True):
    """Name a currency; its creator becomes its issuer. By an account with role `issuer`."""

    currency: CurrencyCode
    decimals: Annotated[int, Meta(ge=0, le=8)]
    """How many digits of an amount stand behind the point when shown to people."""


class IssueCurrency(Action, frozen=True, tag="currency.issue", kw_only=True):
    """Make units of a currency. By its issuer."""

    currency: CurrencyCode
    to: AccountName
    amount: Positive


class RedeemCurrency(Action, frozen=True, tag="currency.redeem", kw_only=True):
    """Take units that the signer holds out of circulation."""

    currency: CurrencyCode
    amount: Positive


class Pay(Action, frozen=True, tag="payment.transfer", kw_only=True):
    """Move money from the signer to another account."""

    to: AccountName
    currency: CurrencyCode
    amount: Positive
