"""Routes about viewings: a node that opens a confidential picture and shows it, marked with the request."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ledger.errors import Code
from node.api.bodies import answer, read_json
from node.api.member import Member
from node.api.operations import OCTETS, Given, Sent, operation
from node.api.pictures import NOSNIFF, OF_PICTURES, OF_RELEASES
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.exchange.viewings import Viewings
from remarque.api.content import AskViewing, ViewingOffered
from remarque.errors import NodeCode, NodeError


def routes(viewings: Viewings | None, reader: Reader) -> APIRouter:
    """Viewings, for members; refused where the node shows nothing."""
    router = make_router("/v1", "content", reader)

    def present() -> Viewings:
        if viewings is None:
            raise NodeError(NodeCode.VIEWER_ABSENT, "ask a node that shows pictures (viewing.enabled)")
        return viewings

    def account_of(member: Member) -> str:
        if not member.account:
            raise NodeError(NodeCode.SESSION_REQUIRED, "what is shown is marked with who asked; open a session")
        return member.account

    @router.post("/viewings", summary="A reader key of this node, to be shown a confidential picture here")
    @operation(
        ViewingOffered,
        sent=Sent(AskViewing, "Which picture."),
        refuses=(NodeCode.VIEWER_ABSENT, Code.ASSET_UNKNOWN, Code.NOT_CONFIDENTIAL),
    )
    async def offer(request: Request, member: Member = Depends(reader)) -> Response:
        """It goes into `access.request`, with `viewer` naming the node and its signature. The key is this account's and
        this asset's alone, so whoever puts another in the request is refused. Nothing is decided or kept by this.
        """
        asked = await read_json(request, AskViewing)
        return answer(present().offer(asked.asset, account_of(member)))

    @router.post("/viewings/{transaction}", summary="The picture of an allowed request, marked with it")
    @operation(
        Given(bytes, media=OCTETS, meaning="A picture, in the container of the recorded file if that can be written."),
        refuses=(
            *OF_RELEASES,
            *OF_PICTURES,
            NodeCode.VIEWER_ABSENT,
            NodeCode.CONTENT_MISSING,
            NodeCode.NOT_LABELLED,
            NodeCode.ACCOUNT_BUSY,
        ),
    )
    async def show(transaction: str, member: Member = Depends(reader)) -> Response:
        """For who signed a committed `access.request` that was allowed and names this node as its viewer, within two
        minutes of it. This node opens the picture in memory, marks it and shows it; asked again, it shows the same. A
        picture that is too smooth or too small to carry a mark is not shown (NOT_LABELLED).
        """
        shown = await present().shown(transaction, account_of(member))
        return Response(shown.data, media_type=shown.media_type, headers=NOSNIFF)

    return router
