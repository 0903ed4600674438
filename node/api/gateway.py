"""A trustless gateway of IPFS: for members, and, where the operator says so, for strangers.

What is given can be held against its content id by whoever gets it: blocks and CARs, nothing put together. A stranger
is given what is public (`node.exchange.public_content`), and told of everything else that it is not here. Uploads that
no record names are no blocks yet. Source: the Trustless Gateway specification.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response, StreamingResponse

from node.api.gateway_requests import RAW, GatewayAsk, Scope, read_ask
from node.api.operations import OF_READERS, Given, operation
from node.api.ranges import NOSNIFF, PART_HEADERS, part_of
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.content.blockstore import Blockstore
from node.exchange.public_content import PublicContent
from remarque.cars import MEDIA_TYPE as CAR
from remarque.cars import car_block, header_of
from remarque.cid import CidInvalid, cid_bytes
from remarque.dag import depth_first, size_of
from remarque.errors import NodeCode, NodeError
from remarque.spellings import cid_in

PROBE = "bafkqaaa"
"""The id that clients ask for to see whether a gateway answers: of no bytes, which stand in it."""
PROBE_BYTES = bytes((1, 0x55, 0, 0))
FOR_EVER = "public, max-age=29030400, immutable"


class Gateway:
    """What of this node's blocks is given to whom."""

    def __init__(self, blockstore: Blockstore, public: PublicContent, reader: Reader, *, for_all: bool) -> None:
        """`for_all`: whether strangers are given anything."""
        self._blockstore = blockstore
        self._public = public
        self._reader = reader
        self._for_all = for_all

    async def is_stranger(self, request: Request) -> bool:
        """Whether a stranger asks. SESSION_REQUIRED where strangers are given nothing."""
        stranger = await self._reader.known(request) is None
        if stranger and not self._for_all:
            detail = "this node's gateway is for members; open a session, or sign the request"
            raise NodeError(NodeCode.SESSION_REQUIRED, detail)
        return stranger

    async def block(self, cid: str, *, stranger: bool) -> bytes:
        """A block. CONTENT_MISSING if it is not here, or not for who asks."""
        if cid == PROBE:
            return b""
        if stranger and not await self._public.has(cid):
            raise NodeError(NodeCode.CONTENT_MISSING, f"block {cid} is not on this node")
        return await self._blockstore.aside(self._blockstore.present, cid)

    async def car(self, cid: str, ask: GatewayAsk) -> AsyncIterator[bytes]:
        """A CAR whose root is here, in pieces. CONTENT_MISSING at once if a node is missing, and in the middle if a
        leaf is; REQUEST_MALFORMED.
        """
        if cid == PROBE:
            return self._sections(PROBE_BYTES, [])
        try:
            return self._sections(cid_bytes(cid), await self._blockstore.aside(self._found, cid, ask))
        except CidInvalid as error:
            raise NodeError(NodeCode.REQUEST_MALFORMED, str(error)) from None

    def _found(self, cid: str, ask: GatewayAsk) -> list[str]:
        """Ids of the blocks that a CAR has, the root first."""
        read = self._blockstore.present
        part = None if ask.part is None else ask.part.within(size_of(cid, read(cid)))
        if ask.scope == "block" or part == (0, 0):
            return [cid]
        found = depth_first(cid, read, part)
        return found if ask.dups else list(dict.fromkeys(found))

    async def _sections(self, root: bytes, found: list[str]) -> AsyncIterator[bytes]:
        yield header_of(root)
        for cid in found:
            yield car_block(cid, await self._blockstore.aside(self._blockstore.present, cid))


def routes(gateway: Gateway) -> APIRouter:
    """The gateway's route."""
    router = make_router("/ipfs", "ipfs")

    @router.get("/{block}", summary="A block, or a CAR of a file, by a content id")
    @operation(
        Given(bytes, media=RAW, meaning="The block."),
        Given(bytes, media=CAR, meaning="A CAR of version 1, in depth-first order."),
        Given(bytes, 206, media=RAW, meaning="The part of the block that `Range` names.", headers=PART_HEADERS),
        Given(None, 304, meaning="It is the one that `If-None-Match` names."),
        refuses=(
            *OF_READERS,
            NodeCode.CONTENT_MISSING,
            NodeCode.CONTENT_NOT_CACHED,
            NodeCode.FORMAT_UNSERVED,
            NodeCode.RANGE_INVALID,
        ),
    )
    async def get(
        request: Request,
        block: str,
        form: Annotated[str | None, Query(alias="format", max_length=40)] = None,
        scope: Annotated[Scope, Query(alias="dag-scope")] = "all",
        entity_bytes: Annotated[str | None, Query(alias="entity-bytes")] = None,
        version: Annotated[Literal["1"] | None, Query(alias="car-version")] = None,
        order: Annotated[Literal["dfs", "unk"] | None, Query(alias="car-order")] = None,
        dups: Annotated[Literal["y", "n"] | None, Query(alias="car-dups")] = None,
        wanted: Annotated[str, Header(alias="range", max_length=64)] = "",
    ) -> Response:
        """By the Trustless Gateway specification of IPFS: `format`, or else `Accept`, says which of the two. What is
        given is held against its id by whoever gets it. Strangers are given what is public, where the operator lets
        them (`api.gateway`).
        """
        cid, stranger = spelled(block), await gateway.is_stranger(request)
        given = {"version": version, "order": order, "dups": dups}
        ask = read_ask(
            ",".join(request.headers.getlist("accept")),
            form,
            scope,
            entity_bytes,
            {name: value for name, value in given.items() if value is not None},
        )
        try:
            data = await gateway.block(cid, stranger=stranger)
        except NodeError as error:
            if "only-if-cached" not in request.headers.get("cache-control", ""):
                raise
            raise NodeError(NodeCode.CONTENT_NOT_CACHED, error.detail) from None
        headers = _headers(cid, block, ask) | ({"Cache-Control": FOR_EVER} if stranger else {})
        if _is_named(headers["Etag"], request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        if form is None:
            headers["Content-Location"] = f"/ipfs/{block}?format={ask.form}"
        if ask.form == "raw":
            return _raw(data, wanted, headers)
        return StreamingResponse(await gateway.car(cid, ask), media_type=ask.media_type, headers=headers)

    return router


def spelled(block: str) -> str:
    if block == PROBE:
        return block
    try:
        return cid_in(block)
    except CidInvalid as error:
        raise NodeError(NodeCode.REQUEST_MALFORMED, str(error)) from None


def _headers(cid: str, block: str, ask: GatewayAsk) -> dict[str, str]:
    ending, ranges = ("bin", "bytes") if ask.form == "raw" else ("car", "none")
    return {
        **NOSNIFF,
        "Accept-Ranges": ranges,
        "Content-Disposition": f'attachment; filename="{cid}.{ending}"',
        "Etag": f'"{cid}.{ask.name}"',
        "Vary": "Accept",
        "X-Ipfs-Path": f"/ipfs/{block}",
        "X-Ipfs-Roots": cid,
    }


def _is_named(etag: str, wanted: str) -> bool:
    """Whether `If-None-Match` names an answer (RFC 9110, 13.1.2)."""
    named = [one.strip().removeprefix("W/") for one in wanted.split(",")]
    return etag in named or "*" in named


def _raw(block: bytes, wanted: str, headers: dict[str, str]) -> Response:
    part = part_of(wanted, len(block))
    if part is None:
        return Response(block, headers=headers, media_type=RAW)
    headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{len(block)}"
    return Response(block[part.start : part.end], 206, headers=headers, media_type=RAW)
