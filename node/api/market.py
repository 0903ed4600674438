"""The market as members see it: what is for sale, offered, auctioned and rented, and who is owed what on a sale.

The views of ERC-721 and ERC-2981 are exports for tools that know those: the first is a token's metadata, the second one
receiver and one amount for a price. What they cannot say, such as floors, caps and ancestors, they say they leave out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query
from msgspec import UNSET
from starlette.responses import Response

from contracts_vm import portion
from ledger import records
from ledger.encoding import decode_trusted
from ledger.execution.due import SECONDARY_SALE
from ledger.execution.holding import token_id, user_of
from ledger.execution.scope import policies_for, policies_named, terms_for
from ledger.execution.view import Ledger
from ledger.names import INTEGER_MAX, AccountName, Hex32
from node.api.bodies import answer
from node.api.lists import LIMIT, After, Limit, check_after, page_of
from node.api.readers import Reader
from node.chain.chain import Chain

SalePrice = Annotated[int, Query(ge=0, le=INTEGER_MAX, description="Price in minor units.")]
LEFT_OUT = "floors, caps, ancestors, buyers who pay on top, and conditions; GET /v1/tokens/{token} has the terms"


def routes(chain: Chain, reader: Reader) -> APIRouter:
    """The market's routes."""
    router = APIRouter(prefix="/v1", tags=["market"], dependencies=[Depends(reader)])

    @router.get("/assets/{asset}/lineage", summary="What an asset was made from, and who is owed what of its sales")
    async def lineage(asset: str) -> Response:
        return answer(lineage_view(chain.ledger(), asset))

    @router.get("/assets/{asset}/tokens", summary="The tokens of an asset, by number")
    async def tokens(asset: str) -> Response:
        ledger = chain.ledger()
        record = ledger.asset(asset)
        numbers: Iterable[int | None] = [None] if record.editions is UNSET else range(1, record.editions + 1)
        ids = [token_id(record.id, number) for number in numbers]
        found = [ledger.token(one) for one in ids if ledger.holds(records.token_key(one))]
        return answer({"asset": record.id, "tokens": found})

    @router.get("/tokens/{token}/offers", summary="Offers for a token whose money is in escrow, by buyer")
    async def offers(token: str, after: After = "", limit: Limit = LIMIT) -> Response:
        check_after(after, AccountName)
        found = _items(chain, records.offer_key(chain.ledger().token(token).id, ""), after)
        return answer({"token": token, **page_of("offers", found, limit)})

    @router.get("/auctions", summary="Auctions that are not closed, by token")
    async def auctions(after: After = "", limit: Limit = LIMIT) -> Response:
        check_after(after, Hex32)
        return answer(page_of("auctions", _items(chain, records.auction_key(""), after), limit))

    @router.get("/listings", summary="Tokens for sale at a price, by token; ended ones are left out")
    async def listings(after: After = "", limit: Limit = LIMIT) -> Response:
        return answer(_in_force(chain, "listings", records.listing_key(""), records.Listing, after, limit))

    @router.get("/rentals", summary="Rentals in force, by token")
    async def rentals(after: After = "", limit: Limit = LIMIT) -> Response:
        return answer(_in_force(chain, "rentals", records.rental_key(""), records.Rental, after, limit))

    @router.get("/tokens/{token}/metadata.json", summary="A token's metadata in the form of ERC-721")
    async def metadata(token: str) -> Response:
        return answer(metadata_view(chain.ledger(), token, chain.committed.time_ms))

    @router.get("/tokens/{token}/royalty_info", summary="What a resale at a price owes, in the form of ERC-2981")
    async def royalty_info(token: str, sale_price: SalePrice) -> Response:
        return answer(royalty_view(chain.ledger(), token, sale_price))

    return router


def lineage_view(ledger: Ledger, asset: str) -> dict[str, Any]:
    """Ancestors with their creators and what each is owed, in ppm of a price, by either mode."""
    record = ledger.asset(asset)
    found = ledger.lineage(record.id)
    ancestors = [
        {
            "asset": one.asset,
            "depth": one.depth,
            "lap_ppm": one.stacked_ppm,
            "lrp_ppm": one.direct_ppm,
            "creators": ledger.asset(one.asset).creators,
        }
        for one in found.ancestors
    ]
    clauses = [
        {"trigger": clause.trigger, "mode": clause.upstream.mode, "max_depth": clause.upstream.max_depth}
        for policy in policies_for(ledger, record)
        for clause in policy.royalties
        if clause.upstream is not None
    ]
    return {
        "asset": record.id,
        "parents": record.parents,
        "depth": record.depth,
        "ancestors": ancestors,
        "derivatives": found.derivatives,
        "upstream": clauses,
    }


def metadata_view(ledger: Ledger, token: str, time_ms: int) -> dict[str, Any]:
    """ERC-721's metadata; traits say what the chain knows. A confidential picture has no image to point at."""
    found = ledger.token(token)
    asset = ledger.asset(found.asset)
    number = "" if found.number is UNSET else f" #{found.number}"
    traits: dict[str, Any] = {
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
    metadata: dict[str, Any] = {
        "name": f"Picture {asset.id[:8]}{number}",
        "description": f"Recorded by {asset.registrant} as {asset.id}, {asset.width} x {asset.height} pixels.",
        "attributes": [{"trait_type": name, "value": value} for name, value in traits.items()],
    }
    if not asset.confidential:
        metadata["image"] = f"ipfs://{asset.content.cid}"
    return metadata


def royalty_view(ledger: Ledger, token: str, sale_price: int) -> dict[str, Any]:
    """ERC-2981's `royaltyInfo`: a percentage of the price whatever it is, in the unit of the price, to one receiver.

    The receiver is the payee with the greatest weight (ties: the first by name), for the standard knows but one.
    """
    found = ledger.token(token)
    asset = ledger.asset(found.asset)
    if found.royalty is not UNSET:
        rate, shares = found.royalty.rate_ppm, found.royalty.payees
    else:
        rate, shares = resale_rate_stated(ledger, found), asset.creators
    receiver = min(shares, key=lambda share: (-share.weight_ppm, share.account))
    amount = portion(sale_price, rate)
    view: dict[str, Any] = {"token": found.id, "sale_price": sale_price, "royalty_amount": amount, "rate_ppm": rate}
    view |= {"receiver": receiver.account, "shared_with": len(shares) - 1, "left_out": LEFT_OUT}
    return view


def resale_rate_stated(ledger: Ledger, token: records.Token) -> int:
    """The rate that the policies state for a resale of a token, by its minted terms and by what was agreed since."""
    rates = []
    for group in terms_for(ledger, ledger.asset(token.asset), token):
        clauses = [clause for policy in policies_named(ledger, group) for clause in policy.royalties]
        rates.append(next((clause.rate_ppm for clause in clauses if clause.trigger == SECONDARY_SALE), 0))
    return min(rates)


def _in_force(chain: Chain, name: str, prefix: str, kind: Any, after: str, limit: int) -> dict[str, Any]:
    """A page of what has an end; ended ones are left out, so it may be short, and even empty."""
    check_after(after, Hex32)
    page = page_of(name, _items(chain, prefix, after), limit)
    found = [decode_trusted(value, kind) for value in page[name]]
    return {**page, name: [one for one in found if one.until_ms > chain.committed.time_ms]}


def _items(chain: Chain, prefix: str, after: str) -> Iterator[tuple[str, msgspec.Raw]]:
    for key, value in chain.state.items(prefix, after):
        yield key.removeprefix(prefix), msgspec.Raw(value)
