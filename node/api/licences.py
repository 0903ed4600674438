"""Routes about licences: those that stand, and those that owners offer."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter
from starlette.responses import Response

from ledger import records
from ledger.encoding import decode_trusted
from ledger.errors import Code
from ledger.execution.licence import licence_named
from ledger.names import Hex32
from node.api.bodies import answer
from node.api.lists import LIMIT, After, Limit, check_after, items, page_of
from node.api.operations import operation
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.chain import Chain
from remarque.api.assets import LicenceOffersPage, LicencesPage


def routes(chain: Chain, reader: Reader) -> APIRouter:
    """For members."""
    router = make_router("/v1", "ledger", reader)

    @router.get("/licences", summary="Licences by id: all, those for an asset, or those of an account or an org")
    @operation(LicencesPage, after=Hex32)
    async def licences(
        asset: str | None = None, licensee: str | None = None, after: After = "", limit: Limit = LIMIT
    ) -> Response:
        """Also those that have ended or are used up, which say so; those that were revoked are gone. Where both
        an asset and a licensee are named, a page may be short, and even empty, while more follow.
        """
        check_after(after, Hex32)
        place = None if licensee is None else records.licensee_key(licensee, "")
        place = place if asset is None else records.licensed_key(asset, "")
        found, more = page_of(_licences(chain, place, after), limit)
        if licensee is not None:
            found = tuple(one for one in found if one.to == licensee)
        return answer(LicencesPage(licences=found, next=more))

    @router.get("/assets/{asset}/licence-offers", summary="Licences of an asset that its owner offers at a price")
    @operation(LicenceOffersPage, refuses=(Code.ASSET_UNKNOWN,), after=Hex32)
    async def licence_offers(asset: str, after: After = "", limit: Limit = LIMIT) -> Response:
        """Also those that have ended, which say so; those that were withdrawn are gone."""
        check_after(after, Hex32)
        prefix = records.licence_offer_key(chain.ledger().asset(asset).id, "")
        found, more = page_of(items(chain, prefix, after, records.LicenceOffer), limit)
        return answer(LicenceOffersPage(offers=found, next=more))

    @router.get("/licences/{licence}", summary="A licence")
    @operation(records.Licence, refuses=(Code.LICENCE_UNKNOWN,))
    async def licence(licence: str) -> Response:
        """With how often it was used."""
        return answer(licence_named(chain.ledger(), licence))

    return router


def _licences(chain: Chain, index: str | None, after: str) -> Iterator[tuple[str, records.Licence]]:
    """Licences by id: all, or those that stand under an index of the state."""
    if index is None:
        yield from items(chain, records.LICENCE_PREFIX, after, records.Licence)
        return
    for key, _ in chain.state.items(index, after):
        licence = key.removeprefix(index)
        yield licence, decode_trusted(chain.state.get(records.licence_key(licence)) or b"", records.Licence)
