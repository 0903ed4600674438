"""The market as members see it: what is for sale, offered, auctioned and rented, and who is owed what on a sale.

The views of ERC-721 and ERC-2981 are exports for tools that know those: the first is a token's metadata, the second one
receiver and one amount for a price. What they cannot say, such as floors, caps and ancestors, they say they leave out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query
from msgspec import UNSET
from starlette.responses import Response

from contracts_vm import PPM_WHOLE, RoyaltyClause, portion
from ledger import records
from ledger.errors import Code
from ledger.execution.due import SECONDARY_SALE
from ledger.execution.holding import listing_of, token_id, user_of
from ledger.execution.scope import policies_for, policies_named, terms_for
from ledger.execution.view import Ledger
from ledger.names import INTEGER_MAX, AccountName, Hex32
from node.api.bodies import answer
from node.api.lists import LIMIT, After, Limit, check_after, in_force, items, page_of
from node.api.operations import operation
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.chain import Chain
from remarque.api.assets import AncestorView, LineageView, UpstreamClause
from remarque.api.market import (
    AuctionsPage,
    ListingsPage,
    OffersPage,
    RentalsPage,
    RoyaltyInfo,
    TokenMetadata,
    TokensOf,
    Trait,
)

SalePrice = Annotated[int, Query(ge=0, le=INTEGER_MAX, description="Price in minor units.")]
OF_TOKENS = (Code.TOKEN_UNKNOWN,)
LEFT_OUT = "floors, caps, ancestors, buyers who pay on top, and conditions; GET /v1/tokens/{token} has the terms"


def routes(chain: Chain, reader: Reader) -> APIRouter:
    """The market's routes."""
    router = make_router("/v1", "market", reader)

    @router.get("/assets/{asset}/lineage", summary="What an asset was made from, and who is owed what of its sales")
    @operation(LineageView, refuses=(Code.ASSET_UNKNOWN,))
    async def lineage(asset: str) -> Response:
        """Ancestors with their creators, nearest first, and the clauses of the policies in force by which they are
        paid.
        """
        return answer(lineage_view(chain.ledger(), asset))

    @router.get("/assets/{asset}/tokens", summary="The tokens of an asset, by number")
    @operation(TokensOf, refuses=(Code.ASSET_UNKNOWN,))
    async def tokens(asset: str) -> Response:
        """One without a number, or up to 256 numbered ones; none before it is minted."""
        ledger = chain.ledger()
        record = ledger.asset(asset)
        numbers: Iterable[int | None] = [None] if record.editions is UNSET else range(1, record.editions + 1)
        ids = [token_id(record.id, number) for number in numbers]
        found = tuple(ledger.token(one) for one in ids if ledger.holds(records.token_key(one)))
        return answer(TokensOf(asset=record.id, tokens=found))

    @router.get("/tokens/{token}/offers", summary="Offers for a token whose money is in escrow, by buyer")
    @operation(OffersPage, refuses=(Code.TOKEN_UNKNOWN,), after=AccountName)
    async def offers(token: str, after: After = "", limit: Limit = LIMIT) -> Response:
        """Ended ones too, until their money is returned."""
        check_after(after, AccountName)
        prefix = records.offer_key(chain.ledger().token(token).id, "")
        found, more = page_of(items(chain, prefix, after, records.Offer), limit)
        return answer(OffersPage(token=token, offers=found, next=more))

    @router.get("/auctions", summary="Auctions that are not closed, by token")
    @operation(AuctionsPage, after=Hex32)
    async def auctions(after: After = "", limit: Limit = LIMIT) -> Response:
        """An auction is there until it is settled or cancelled, so its end may have passed."""
        check_after(after, Hex32)
        found, more = page_of(items(chain, records.auction_key(""), after, records.Auction), limit)
        return answer(AuctionsPage(auctions=found, next=more))

    @router.get("/listings", summary="Tokens for sale at a price, by token; what ended or lapsed is left out")
    @operation(ListingsPage, after=Hex32)
    async def listings(after: After = "", limit: Limit = LIMIT) -> Response:
        """What has ended, or lapsed with the key that gave it, is left out of its page, so a page may be short, and
        even empty, while more follow.
        """
        check_after(after, Hex32)
        ledger, now = chain.ledger(), chain.committed.time_ms
        found, more = in_force(
            chain,
            records.listing_key(""),
            after,
            records.Listing,
            limit,
            lambda one: listing_of(ledger, one.token, now) is not None,
        )
        return answer(ListingsPage(listings=found, next=more))

    @router.get("/rentals", summary="Rentals in force, by token")
    @operation(RentalsPage, after=Hex32)
    async def rentals(after: After = "", limit: Limit = LIMIT) -> Response:
        """What has ended, or lapsed with the key that gave it, is left out of its page, so a page may be short, and
        even empty, while more follow.
        """
        check_after(after, Hex32)
        ledger, now = chain.ledger(), chain.committed.time_ms
        found, more = in_force(
            chain,
            records.rental_key(""),
            after,
            records.Rental,
            limit,
            lambda one: user_of(ledger, one.token, now) is not None,
        )
        return answer(RentalsPage(rentals=found, next=more))

    @router.get("/tokens/{token}/metadata.json", summary="A token's metadata in the form of ERC-721")
    @operation(TokenMetadata, refuses=OF_TOKENS)
    async def metadata(token: str) -> Response:
        """An export for tools that know ERC-721. A confidential picture has no image in it."""
        return answer(metadata_view(chain.ledger(), token, chain.committed.time_ms))

    @router.get("/tokens/{token}/royalty_info", summary="What a resale at a price owes, in the form of ERC-2981")
    @operation(RoyaltyInfo, refuses=OF_TOKENS)
    async def royalty_info(token: str, sale_price: SalePrice) -> Response:
        """An export for tools that know ERC-2981. What that form cannot say stands in `left_out`."""
        return answer(royalty_view(chain.ledger(), token, sale_price))

    return router


def lineage_view(ledger: Ledger, asset: str) -> LineageView:
    """Ancestors with their creators and what each is owed, in ppm of a price, by either mode."""
    record = ledger.asset(asset)
    found = ledger.lineage(record.id)
    ancestors = tuple(
        AncestorView(
            asset=one.asset,
            depth=one.depth,
            lap_ppm=one.stacked_ppm,
            lrp_ppm=one.direct_ppm,
            creators=ledger.asset(one.asset).creators,
        )
        for one in found.ancestors
    )
    clauses = tuple(
        UpstreamClause(trigger=clause.trigger, mode=clause.upstream.mode, max_depth=clause.upstream.max_depth)
        for policy in policies_for(ledger, record)
        for clause in policy.royalties
        if clause.upstream is not None
    )
    return LineageView(
        asset=record.id,
        parents=record.parents,
        depth=record.depth,
        ancestors=ancestors,
        derivatives=found.derivatives,
        upstream=clauses,
    )


def metadata_view(ledger: Ledger, token: str, time_ms: int) -> TokenMetadata:
    """ERC-721's metadata; traits say what the chain knows. A confidential picture has no image to point at."""
    found = ledger.token(token)
    asset = ledger.asset(found.asset)
    number = "" if found.number is UNSET else f" #{found.number}"
    traits: dict[str, str | int] = {
        "creator": asset.creator,
        "owner": found.owner,
        "evidence": asset.evidence_level,
        "depth": asset.depth,
    }
    rental = user_of(ledger, found.id, time_ms)
    if rental is not None:
        traits |= {"user": rental.user, "user_until_ms": rental.until_ms}
    if asset.model is not UNSET:
        traits["model"] = asset.model
    return TokenMetadata(
        name=f"Picture {asset.id[:8]}{number}",
        description=f"Recorded by {asset.registrant} as {asset.id}, {asset.width} x {asset.height} pixels.",
        attributes=tuple(Trait(trait_type=name, value=value) for name, value in traits.items()),
        image=UNSET if asset.confidential else f"ipfs://{asset.content.cid}",
    )


def royalty_view(ledger: Ledger, token: str, sale_price: int) -> RoyaltyInfo:
    """ERC-2981's `royaltyInfo`: a percentage of the price whatever it is, in the unit of the price, to one receiver.

    The receiver is the payee with the greatest part (ties: the first by name), for the standard knows but one.
    """
    found = ledger.token(token)
    clause = resale_clause(ledger, found)
    rate, shares = 0 if clause is None else clause.rate_ppm, ledger.asset(found.asset).creators
    if found.royalty is not UNSET:
        rate, shares = found.royalty.rate_ppm, found.royalty.payees
    named = () if clause is None else clause.named
    parts = Counter({one.payee: one.rate_ppm * PPM_WHOLE for one in named})
    for share in shares:
        parts[share.account] += share.weight_ppm * (rate if rate or named else 1)
    whole = rate + sum(one.rate_ppm for one in named)
    return RoyaltyInfo(
        token=found.id,
        sale_price=sale_price,
        royalty_amount=portion(sale_price, whole),
        rate_ppm=whole,
        receiver=min(parts, key=lambda payee: (-parts[payee], payee)),
        shared_with=len(parts) - 1,
        left_out=LEFT_OUT,
    )


def resale_clause(ledger: Ledger, token: records.Token) -> RoyaltyClause | None:
    """What the policies state for a resale of a token: by its minted terms, or by what was agreed since."""
    found = []
    for group in terms_for(ledger, ledger.asset(token.asset), token):
        clauses = [clause for policy in policies_named(ledger, group) for clause in policy.royalties]
        found.append(next((clause for clause in clauses if clause.trigger == SECONDARY_SALE), None))
    return min(found, key=lambda clause: 0 if clause is None else clause.whole_ppm)
