"""Routes about pictures: verify, content, openings, releases, generations."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter, Depends, Request
from msgspec.structs import asdict
from starlette.responses import Response, StreamingResponse

from generator.fingerprint import PICTURE_BYTES_MAX
from node.api.bodies import answer, read_body, read_json, transaction_id
from node.api.readers import Reader
from node.chain.chain import Chain
from node.content.blockstore import Blockstore
from node.content.cid import CidInvalid, parse_cid
from node.content.openings import OpeningStore
from node.exchange.releases import Releases
from node.generation.service import GenerationService
from node.verification.verifier import Verifier
from remarque.api.content import StoredPicture
from remarque.api.generation import AskGeneration, GenerationTaken, Generators
from remarque.errors import NodeCode, NodeError


def verify_routes(verifier: Verifier) -> APIRouter:
    """Open to anyone: what the chain knows about a picture."""
    router = APIRouter(prefix="/v1", tags=["open"])

    @router.post("/verify", summary="What the chain knows about the picture in the body")
    async def verify(request: Request) -> Response:
        with verifier.room():
            return answer(await verifier.verify(await read_body(request, PICTURE_BYTES_MAX)))

    return router


def content_routes(
    chain: Chain,
    verifier: Verifier,
    blockstore: Blockstore,
    openings: OpeningStore,
    releases: Releases,
    reader: Reader,
) -> APIRouter:
    """Content, openings and releases, for members."""
    router = APIRouter(prefix="/v1", tags=["content"], dependencies=[Depends(reader)])

    @router.post("/content", summary="Store a picture's bytes before registering it")
    async def put(request: Request) -> Response:
        data = await read_body(request, PICTURE_BYTES_MAX)
        facts = await verifier.describe_upload(data)
        cid = await blockstore.aside(blockstore.put_file, data)
        return answer(StoredPicture(cid=cid, **asdict(facts)), 201)

    @router.get("/content/{cid}", summary="Bytes of stored content; a confidential asset's are encrypted")
    async def get(cid: str) -> Response:
        try:
            parse_cid(cid)
            leaves = await blockstore.aside(blockstore.leaves, cid)
        except CidInvalid as error:
            raise NodeError(NodeCode.REQUEST_MALFORMED, str(error)) from None

        async def parts() -> AsyncIterator[bytes]:
            for leaf, _ in leaves:
                yield await blockstore.aside(blockstore.present, leaf, cid)

        headers = {"X-Content-Type-Options": "nosniff", "Content-Length": str(sum(size for _, size in leaves))}
        return StreamingResponse(parts(), media_type="application/octet-stream", headers=headers)

    @router.get("/assets/{asset}/openings", summary="Prompt and settings of a generated picture, with their salts")
    async def opened(asset: str, account: str = Depends(reader)) -> Response:
        record = chain.ledger().asset(asset)
        found = openings.get(asset)
        if found is None or (record.confidential and account != record.creator):
            raise NodeError(NodeCode.NOT_FOUND, f"the openings of {asset[:16]}… are withheld, or not on this node")
        return answer(found)

    @router.get("/releases/{transaction}", summary="Shares of a confidential asset's key, for an allowed request")
    async def release(transaction: str) -> Response:
        return answer(await releases.shares(transaction_id(transaction)))

    return router


def generation_routes(service: GenerationService | None, reader: Reader) -> APIRouter:
    """Generations, for the members they belong to."""
    router = APIRouter(prefix="/v1", tags=["generation"])

    def present() -> GenerationService:
        if service is None:
            raise NodeError(NodeCode.GENERATOR_ABSENT, "ask a node that has one; GET /v1/generators tells")
        return service

    @router.get("/generators", summary="Models this node's generator serves", dependencies=[Depends(reader)])
    async def generators() -> Response:
        return answer(Generators(models=() if service is None else tuple(service.models)))

    @router.post("/generations", summary="Ask for pictures with a signed request and its openings")
    async def ask(request: Request, account: str = Depends(reader)) -> Response:
        asked = await read_json(request, AskGeneration)
        if account and account != asked.request.creator:
            raise NodeError(
                NodeCode.GENERATION_INVALID, f"the session is {account}'s, the request {asked.request.creator}'s"
            )
        job = present().ask(asked)
        return answer(GenerationTaken(generation=job.id, state=job.state), 202)

    @router.get("/generations/{generation}", summary="How far a generation is, and its recorded pictures")
    async def get(generation: str, account: str = Depends(reader)) -> Response:
        return answer(present().progress.describe(present().job(generation, account)))

    @router.get("/generations/{generation}/events", summary="A generation's progress, as server-sent events")
    async def events(generation: str, account: str = Depends(reader)) -> Response:
        job = present().job(generation, account)
        return StreamingResponse(present().progress.follow(job.id), media_type="text/event-stream")

    return router
