"""The log for those who keep what it once was: proofs that nothing was rewritten, and COSE receipts. All open."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from ledger import cbor
from ledger.consistency import ConsistencyProof
from ledger.names import INTEGER_MAX
from node.api.bodies import answer
from node.api.operations import Given, operation
from node.api.routing import router as make_router
from node.chain.proving import Proving
from node.transparency.cose_receipts import CoseReceipts
from remarque.errors import NodeCode

COSE_RECEIPT = "application/scitt-receipt+cose"
From = Annotated[int, Query(alias="from", ge=0, le=INTEGER_MAX)]
To = Annotated[int, Query(alias="to", ge=0, le=INTEGER_MAX)]
Anchor = Annotated[int | None, Query(ge=0, le=INTEGER_MAX, description="The certified height to prove it up to.")]
"""Left out, it is the first certified height at or above."""
BETWEEN = (NodeCode.HEIGHTS_REVERSED, NodeCode.HEIGHT_UNCERTIFIED, NodeCode.BLOCK_PRUNED, NodeCode.NOTHING_CERTIFIED)
"""What a proof between two heights may be refused with."""
ANCHORED = (NodeCode.NOT_FOUND, *BETWEEN)
"""What a proof of something, up to a height, may be refused with."""


def routes(proving: Proving, receipts: CoseReceipts) -> APIRouter:
    """The log's routes."""
    router = make_router("/v1", "open")

    @router.get("/log/consistency", summary="Proof that the log at a certified height begins with that at a lower one")
    @operation(ConsistencyProof, refuses=BETWEEN)
    async def consistency(first: From, second: To) -> Response:
        """Whoever kept the header of the lower height checks with it that nothing below was rewritten. Both heights
        must be certified here; `HEIGHT_UNCERTIFIED` names the nearest that are.
        """
        return answer(await proving.consistency(first, second))

    @router.get("/log/consistency.cose", summary="The same as this node's COSE receipt (RFC 9942)")
    @operation(Given(bytes, media=COSE_RECEIPT, meaning="COSE_Sign1, made by this node alone."), refuses=BETWEEN)
    async def consistency_receipt(first: From, second: To) -> Response:
        """For verifiers that know COSE receipts and not this chain."""
        return Response(await receipts.consistency(first, second), media_type=COSE_RECEIPT)

    @router.get("/transactions/{transaction}/receipt.cose", summary="This node's COSE receipt of a transaction")
    @operation(Given(bytes, media=COSE_RECEIPT, meaning="COSE_Sign1, made by this node alone."), refuses=ANCHORED)
    async def receipt(transaction: str, anchor: Anchor = None) -> Response:
        """Proves that the transaction stands in the log, with the genesis or the set of the nodes' keys."""
        found = await receipts.of_transaction(transaction, anchor)
        return Response(found, media_type=COSE_RECEIPT)

    @router.get("/transactions/{transaction}/receipts.cose", summary="COSE receipts of all nodes that answer in time")
    @operation(
        Given(bytes, media="application/cbor", meaning="An array of COSE receipts, one of each node."),
        refuses=(*ANCHORED, NodeCode.OVERLOADED),
    )
    async def all_receipts(transaction: str) -> Response:
        """Nodes that do not answer in time are left out, so there may be one receipt only."""
        found = await receipts.all_of_transaction(transaction)
        return Response(cbor.encode(found), media_type="application/cbor")

    return router
