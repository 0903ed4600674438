"""Routes about what is signed: the released files of pictures, and time-stamps."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from ledger.errors import Code
from node.api.bodies import read_body
from node.api.operations import OCTETS, OF_READERS, Given, Sent, operation
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.chain import Chain
from node.credentials.released import Released
from node.credentials.stamping import StampAuthority
from pictures.credentials.timestamps import REQUEST_BYTES_MAX, REQUEST_TYPE, RESPONSE_TYPE
from remarque.errors import NodeCode, NodeError

NOSNIFF = {"X-Content-Type-Options": "nosniff"}
OF_MANIFESTS = (
    NodeCode.MANIFEST_MISSING,
    NodeCode.CONTENT_MISSING,
    NodeCode.OVERLOADED,
    NodeCode.DECODER_FAILED,
)
"""What a manifest may be refused with."""


def released_routes(chain: Chain, released: Released, reader: Reader) -> APIRouter:
    """Released files, for members."""
    router = make_router("/v1", "content", reader)

    @router.get(
        "/assets/{asset}/file", summary="A picture's file as it is released: the recorded one with its manifest"
    )
    @operation(
        Given(bytes, media=OCTETS, meaning="The file."),
        refuses=(Code.ASSET_UNKNOWN, NodeCode.BODY_TOO_LARGE, *OF_MANIFESTS),
    )
    async def file(asset: str) -> Response:
        """Without its manifest it is the recorded file, byte for byte. One whose record names no manifest is that at
        once, and of a confidential picture it is the ciphertext. A manifest that this node has not signed itself it
        asks of the nodes of those who made the picture, and keeps once it holds. A manifest that is being signed is
        waited for, eight seconds at most.
        """
        found = await released.file(chain.ledger().asset(asset))
        return Response(found, media_type=OCTETS, headers=NOSNIFF)

    return router


def stamp_routes(stamps: StampAuthority, reader: Reader) -> APIRouter:
    """Time-stamps, for members, and for all where the operator says so."""
    router = make_router("/v1", "open")

    @router.post("/timestamps", summary="A time-stamp for a digest (RFC 3161)")
    @operation(
        Given(bytes, media=RESPONSE_TYPE, meaning="A TimeStampResp, DER: a token, or why there is none."),
        sent=Sent(bytes, "A TimeStampReq, DER.", REQUEST_TYPE),
        refuses=(*OF_READERS, NodeCode.TIMESTAMPS_ABSENT),
    )
    async def stamp(request: Request) -> Response:
        """By this node's clock, to the second. Strangers may ask only where the operator lets them
        (`marks.timestamps_for_all`).
        """
        if await reader.known(request) is None and not stamps.for_all:
            detail = "this node stamps for members; open a session, or sign the request"
            raise NodeError(NodeCode.SESSION_REQUIRED, detail)
        asked = await read_body(request, REQUEST_BYTES_MAX)
        if not asked:
            raise NodeError(NodeCode.REQUEST_MALFORMED, "there is no body; send a TimeStampReq in DER")
        return Response(await stamps.stamped(asked), media_type=RESPONSE_TYPE)

    return router
