"""Collections: who owns one, the policy of its assets, and which these are."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ledger import records
from ledger.errors import Code
from ledger.names import Hex32
from ledger.records import Collection
from node.api.bodies import answer
from node.api.lists import LIMIT, After, Limit, check_after, page_of
from node.api.operations import operation
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.chain import Chain
from remarque.api.assets import CollectionAssetsPage


def routes(chain: Chain, reader: Reader) -> APIRouter:
    """What members may read of collections; the list of all is among the others."""
    router = make_router("/v1/collections", "ledger", reader)

    @router.get("/{collection}", summary="A collection, with the policy of its assets")
    @operation(Collection, refuses=(Code.COLLECTION_UNKNOWN,))
    async def collection(collection: str) -> Response:
        """Its owner, and the policy that governs the assets in it."""
        return answer(chain.ledger().collection(collection))

    @router.get("/{collection}/assets", summary="The assets of a collection, by id")
    @operation(CollectionAssetsPage, refuses=(Code.COLLECTION_UNKNOWN,), after=Hex32)
    async def assets(collection: str, after: After = "", limit: Limit = LIMIT) -> Response:
        """Ids only; each asset has its own route."""
        check_after(after, Hex32)
        prefix = records.collection_asset_key(chain.ledger().collection(collection).name, "")
        places = (key.removeprefix(prefix) for key, _ in chain.state.items(prefix, after))
        found, more = page_of(((place, place) for place in places), limit)
        return answer(CollectionAssetsPage(collection=collection, assets=found, next=more))

    return router
