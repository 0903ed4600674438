"""The log for those who keep what it once was: proofs that nothing of it was rewritten. Open, as receipts are."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from node.api.bodies import answer
from node.proving import Proving

Height = Annotated[int, Query(ge=0, le=2**53 - 1)]


def routes(proving: Proving) -> APIRouter:
    """The log's routes."""
    router = APIRouter(prefix="/v1/log", tags=["open"])

    @router.get("/consistency", summary="Proof that the log at a certified height begins with that at a lower one")
    async def consistency(
        first: Annotated[Height, Query(alias="from")], second: Annotated[Height, Query(alias="to")]
    ) -> Response:
        return answer(await proving.consistency(first, second))

    return router
