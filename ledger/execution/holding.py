"""What belongs to a token's holder: its listing, its rental, its newest sale. A new holder begins without them."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import UNSET
from msgspec.structs import replace

from ledger import crypto, records
from ledger.errors import Code, LedgerError
from ledger.execution.consent import is_void, stands
from ledger.execution.context import Context
from ledger.execution.view import Ledger
from ledger.records import Asset, Token, auction_key, listing_key, rental_key, sale_key, token_key, withdrawn_key
from ledger.times import moment, span


def token_id(asset: str, number: int | None = None) -> str:
    """Id of the one token of an asset, or of a numbered one; known before, so that one transaction mints and lists."""
    return crypto.digest(crypto.ASSET_TOKEN, (asset if number is None else f"{asset}/{number}").encode())


def tokens_of(ledger: Ledger, asset: Asset) -> Iterator[Token]:
    """The tokens that an asset has, by number."""
    if isinstance(asset.token, str):
        yield ledger.token(asset.token)
    for number in range(1, 1 if asset.editions is UNSET else asset.editions + 1):
        yield ledger.token(token_id(asset.id, number))


def hand_over(ledger: Ledger, tx: Context, token: Token, to: str, sales: int) -> None:
    """Give a token another owner. Whoever has paid to use it signs too, for a new owner begins without rentals."""
    rental = user_of(ledger, token.id, tx.time_ms)
    if rental is not None and rental.paid and rental.user not in (to, *tx.accounts):
        raise LedgerError(
            Code.TOKEN_RENTED,
            f"{rental.user} has paid to use it until {moment(rental.until_ms)}; wait for that, or have them sign too",
        )
    ledger.put(token_key(token.id), replace(token, owner=to, sales=sales))
    if ledger.asset(token.asset).confidential:
        ledger.put(withdrawn_key(token.asset, token.owner), tx.height)
    for key in (listing_key(token.id), rental_key(token.id), sale_key(token.id)):
        if ledger.holds(key):
            ledger.remove(key)


def require_free(ledger: Ledger, token: Token) -> None:
    """Refuse while the token is being auctioned: until the auction is closed it is the highest bidder's to have."""
    if ledger.holds(auction_key(token.id)):
        raise LedgerError(
            Code.TOKEN_AUCTIONED, f"token {token.id[:16]}… is being auctioned; close the auction, then ask again"
        )


def user_of(ledger: Ledger, token: str, time_ms: int) -> records.Rental | None:
    """The rental of a token that is in force at a time."""
    rental = ledger.find(rental_key(token), records.Rental)
    if rental is None or rental.until_ms <= time_ms:
        return None
    return None if not rental.paid and is_void(ledger, rental.owner, rental.key) else rental


def listing_of(ledger: Ledger, token: str, time_ms: int) -> records.Listing | None:
    """The listing of a token that can be bought from at a time; none that has ended, or whose seller's word lapsed."""
    listing = ledger.find(listing_key(token), records.Listing)
    if listing is None or listing.until_ms < time_ms:
        return None
    return listing if stands(ledger, listing.seller, listing.key) else None


def check_end(tx: Context, until_ms: int, most_ms: int) -> None:
    """Refuse an end that has passed or lies too far ahead."""
    if not tx.time_ms < until_ms <= tx.time_ms + most_ms:
        raise LedgerError(
            Code.END_INVALID,
            f"it would end at {moment(until_ms)}, block time is {moment(tx.time_ms)}; "
            f"choose an end within {span(most_ms)} after that",
        )
