"""Routes about pictures: verify, content, openings, releases, generations."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from ledger.actions import SealedKey
from ledger.errors import Code
from node.api.bodies import JSON_BYTES_MAX, answer, read_body, read_json
from node.api.member import Member, asker
from node.api.operations import EVENTS, OCTETS, OF_READERS, Given, Sent, operation
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.chain import Chain
from node.content.openings import OpeningStore
from node.exchange.releases import Releases
from node.generation.service import GenerationService
from node.verification.fetching import ADDRESS_CHARACTERS_MAX
from node.verification.verifier import Verifier
from pictures.opening import PICTURE_BYTES_MAX
from remarque.api.content import Release
from remarque.api.generation import (
    MASK_BYTES_MAX,
    AskGeneration,
    Generation,
    GenerationTaken,
    Generators,
    OpenedSettings,
)
from remarque.api.verification import Verification
from remarque.errors import NodeCode, NodeError

OF_PICTURES = (
    NodeCode.IMAGE_UNREADABLE,
    NodeCode.IMAGE_TOO_LARGE,
    NodeCode.IMAGE_TOO_COSTLY,
    NodeCode.DECODER_FAILED,
    NodeCode.OVERLOADED,
)
"""What a picture that somebody brings may be refused with."""
OF_UPLOADS = (NodeCode.UPLOADS_FULL, NodeCode.DISK_FULL, NodeCode.SHUTTING_DOWN)
"""What anything that a member stores may be refused with."""


OF_SOURCES = (
    Code.ASSET_UNKNOWN,
    Code.POLICY_DENIED,
    Code.TERMS_CHANGED,
    Code.TERMS_MISSING,
    Code.PRICE_TOO_LOW,
    Code.ROYALTY_INVALID,
    Code.CURRENCY_UNKNOWN,
    Code.CURRENCY_MISMATCH,
    Code.AMOUNT_OVERFLOW,
    Code.INSUFFICIENT_FUNDS,
    Code.LINEAGE_TOO_LARGE,
    Code.LICENCE_UNKNOWN,
    Code.LICENCE_UNFIT,
    Code.FUEL_EXHAUSTED,
)
"""What a picture that others are to be made of may be refused with, by its policies and for what it costs."""
OF_RELEASES = (
    NodeCode.NOT_FOUND,
    NodeCode.RELEASE_DENIED,
    NodeCode.NOT_CUSTODIAN,
    NodeCode.KEEPERS_TOO_FEW,
    NodeCode.BLOCK_PRUNED,
    Code.ASSET_UNKNOWN,
)
"""What a request for a key may be refused with."""
OF_ADDRESSES = (NodeCode.URL_REFUSED, NodeCode.URL_FAILED)
"""What fetching a picture may be refused with."""
NOSNIFF = {"X-Content-Type-Options": "nosniff"}


def verify_routes(verifier: Verifier, reader: Reader) -> APIRouter:
    """Open to anyone: what the chain knows about a picture."""
    router = make_router("/v1", "open")

    @router.post("/verify", summary="What the chain knows about the picture in the body")
    @operation(
        Verification,
        sent=Sent(bytes, "A picture's file: PNG, JPEG, WebP, TIFF, GIF, BMP, AVIF, HEIC or JPEG XL.", OCTETS),
        refuses=(
            *OF_PICTURES,
            *OF_READERS,
            *OF_ADDRESSES,
            NodeCode.INDEX_LOADING,
            NodeCode.NOTHING_CERTIFIED,
            NodeCode.BLOCK_PRUNED,
        ),
    )
    async def verify(request: Request, url: Annotated[str, Query(max_length=ADDRESS_CHARACTERS_MAX)] = "") -> Response:
        """Every record of the picture, whichever way it was found, or that it is not recorded, which is proven; and
        what its Content Credentials, its watermark and its own labels say. The picture is not kept. Open to all: a
        member, who shows it as everywhere, is told of every record; a stranger of those that the rules open to
        strangers (`verify`), and of the others only that they are there, on which evidence.
        """
        member = await reader.known(request)
        data = await read_body(request, PICTURE_BYTES_MAX)
        who = asker(request, member)
        if url and not data:
            return answer(await verifier.verify_at(url, who, member=member is not None))
        return answer(await verifier.verify(data, who, member=member is not None))

    return router


def opening_routes(chain: Chain, openings: OpeningStore, reader: Reader) -> APIRouter:
    """Prompts and settings, for members."""
    router = make_router("/v1", "content", reader)

    @router.get("/assets/{asset}/openings", summary="Prompt and settings of a generated picture, with their salts")
    @operation(OpenedSettings, refuses=(Code.ASSET_UNKNOWN, NodeCode.NOT_FOUND))
    async def opened(asset: str, member: Member = Depends(reader)) -> Response:
        """Those that whoever asks may read: the public ones, those that are disclosed to them by name, and all of
        their own. Each opens a commitment of the asset's record. One that is neither withheld nor erased and yet not
        here has not reached this node.
        """
        ledger = chain.ledger()
        record = ledger.asset(asset)
        if not isinstance(record.request, str):
            raise NodeError(NodeCode.NOT_FOUND, f"{asset[:16]}… was not generated here, so it has no settings")
        disclosure = ledger.disclosure(record.request)
        kept = await asyncio.to_thread(openings.get, record.request)
        readable = kept.only(disclosure.readable_by(member.account))
        return answer(OpenedSettings(disclosure=disclosure, openings=readable))

    return router


def release_routes(releases: Releases, reader: Reader) -> APIRouter:
    """Keys of confidential content, for members whose requests the chain has decided."""
    router = make_router("/v1", "content", reader)

    @router.get("/releases/{transaction}", summary="Shares of a confidential asset's key, for an allowed request")
    @operation(Release, refuses=OF_RELEASES)
    async def release(transaction: str, all_keepers: Annotated[bool, Query(alias="all")] = False) -> Response:
        """For a committed `access.request` that was allowed, within two minutes of it. Shares are sealed to the key
        that the request names, so it matters little who asks. A request that this node has not seen yet is waited for,
        five seconds at most, before it is refused. Of a key that is encapsulated to the consortium's, as many shares
        come as open it; `all` waits for those of all keepers that can be reached, for one may have given a false one.
        """
        return answer(await releases.shares(transaction, all_keepers=all_keepers))

    @router.get("/releases/{transaction}/seals/{node}", summary="A confidential asset's key, sealed to a further node")
    @operation(SealedKey, refuses=OF_RELEASES)
    async def seal(transaction: str, node: str) -> Response:
        """For `asset.reseal`, so that who bought it has their own nodes hold its key. The request must be a committed
        `access.request` as for a release, of an account that owns the asset or has a token of it; the node, one of
        that account's org whose key, as X25519, is the reader key of the request: so its signer means that node.
        """
        return answer(await releases.seal(transaction, node))

    return router


def generation_routes(service: GenerationService | None, chain: Chain, reader: Reader) -> APIRouter:
    """Generations, for the members they belong to."""
    router = make_router("/v1", "generation")

    def present() -> GenerationService:
        if service is None:
            raise NodeError(NodeCode.GENERATOR_ABSENT, "ask a node that has one; GET /v1/generators tells")
        return service

    @router.get(
        "/generators", summary="Models and adapters this node's generator serves", dependencies=[Depends(reader)]
    )
    @operation(Generators)
    async def generators() -> Response:
        """Those of its own worker, and of all others that it has heard of within 90 seconds. None, if this node has no
        generator or that is still starting.
        """
        served = [] if service is None else service.served
        models = dict.fromkeys(model for one in served for model in one.models)
        adapters = dict.fromkeys(adapter for one in served for adapter in one.adapters)
        org = chain.ledger().org_of_node(chain.node)
        return answer(Generators(org=org, models=tuple(models), adapters=tuple(adapters)))

    @router.post("/generations", summary="Ask for pictures with a signed request and its openings")
    @operation(
        Given(GenerationTaken, 202),
        sent=Sent(AskGeneration, "What the creator signed, with its openings."),
        refuses=(
            NodeCode.GENERATION_INVALID,
            NodeCode.GENERATOR_ABSENT,
            NodeCode.MODEL_NOT_LOADED,
            NodeCode.GENERATION_QUEUE_FULL,
            NodeCode.DISK_FULL,
            Code.REQUEST_INVALID,
            Code.MODEL_UNKNOWN,
            Code.ACCOUNT_UNKNOWN,
            *OF_SOURCES,
        ),
    )
    async def ask(request: Request, member: Member = Depends(reader)) -> Response:
        """Recorded by the generator as soon as they are made. The same request again is the generation that it is
        already.
        """
        asked = await read_json(request, AskGeneration, JSON_BYTES_MAX + 2 * MASK_BYTES_MAX)
        if member.account not in ("", asked.request.creator):
            raise NodeError(
                NodeCode.GENERATION_INVALID, f"the session is {member.account}'s, the request {asked.request.creator}'s"
            )
        job = present().ask(asked)
        return answer(GenerationTaken(generation=job.id, state=job.state), 202)

    @router.get("/generations/{generation}", summary="How far a generation is, and its recorded pictures")
    @operation(Generation, refuses=(NodeCode.NOT_FOUND, NodeCode.GENERATOR_ABSENT))
    async def generation(generation: str, member: Member = Depends(reader)) -> Response:
        """For its creator alone, on the node that was asked for it."""
        return answer(present().progress.describe(present().job(generation, member.account)))

    @router.delete("/generations/{generation}", summary="Withdraw a generation")
    @operation(Given(Generation, 202), refuses=(NodeCode.NOT_FOUND, NodeCode.GENERATOR_ABSENT))
    async def withdraw(generation: str, member: Member = Depends(reader)) -> Response:
        """By its creator. One that waits ends at once, one that is made at its next step, then with the code
        GENERATION_CANCELLED; pictures that are recorded by then stay. One that has ended is answered as it is.
        """
        return answer(present().progress.describe(present().withdraw(generation, member.account)), 202)

    @router.get("/generations/{generation}/events", summary="A generation's progress, as server-sent events")
    @operation(
        Given(Generation, media=EVENTS, meaning="One state of the generation a frame: `data` is a Generation."),
        refuses=(NodeCode.NOT_FOUND, NodeCode.GENERATOR_ABSENT),
    )
    async def progress(generation: str, member: Member = Depends(reader)) -> Response:
        """The stream ends once the generation has, or who asked may no longer read."""
        job = present().job(generation, member.account)
        return StreamingResponse(member.while_in_force(present().progress.follow(job.id)), media_type=EVENTS)

    return router
