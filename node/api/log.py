"""The log for those who keep what it once was: proofs that nothing was rewritten, and COSE receipts. All open."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from ledger import cbor
from ledger.names import INTEGER_MAX
from node.api.bodies import answer, transaction_id
from node.chain.proving import Proving
from node.transparency.cose_receipts import CoseReceipts

COSE_RECEIPT = "application/scitt-receipt+cose"
From = Annotated[int, Query(alias="from", ge=0, le=INTEGER_MAX)]
To = Annotated[int, Query(alias="to", ge=0, le=INTEGER_MAX)]
Anchor = Annotated[int | None, Query(ge=0, le=INTEGER_MAX, description="The certified height to prove it up to.")]
"""Left out, it is the first certified height at or above."""


def routes(proving: Proving, receipts: CoseReceipts) -> APIRouter:
    """The log's routes."""
    router = APIRouter(prefix="/v1", tags=["open"])

    @router.get("/log/consistency", summary="Proof that the log at a certified height begins with that at a lower one")
    async def consistency(first: From, second: To) -> Response:
        return answer(await proving.consistency(first, second))

    @router.get("/log/consistency.cose", summary="The same as this node's COSE receipt (RFC 9942)")
    async def consistency_receipt(first: From, second: To) -> Response:
        return Response(await receipts.consistency(first, second), media_type=COSE_RECEIPT)

    @router.get("/transactions/{transaction}/receipt.cose", summary="This node's COSE receipt of a transaction")
    async def receipt(transaction: str, anchor: Anchor = None) -> Response:
        found = await receipts.of_transaction(transaction_id(transaction), anchor)
        return Response(found, media_type=COSE_RECEIPT)

    @router.get("/transactions/{transaction}/receipts.cose", summary="COSE receipts of all nodes that answer in time")
    async def all_receipts(transaction: str) -> Response:
        found = await receipts.all_of_transaction(transaction_id(transaction))
        return Response(cbor.encode(found), media_type="application/cbor")

    return router
