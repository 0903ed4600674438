"""Routes about pictures: verify, content, openings, releases, generations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from msgspec import UNSET
from starlette.responses import Response, StreamingResponse

from ledger.actions import SealedKey
from ledger.errors import Code, LedgerError
from node.api.bodies import JSON_BYTES_MAX, answer, read_body, read_json
from node.api.member import Member, asker
from node.api.operations import EVENTS, OCTETS, OF_READERS, Given, Sent, operation
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.chain import Chain
from node.content.blockstore import FILE_BYTES_MAX, Blockstore
from node.content.cid import CidInvalid, parse_cid
from node.content.openings import OpeningStore
from node.credentials.marking import Marker
from node.decoding.lanes import Lane
from node.exchange.releases import Releases
from node.generation.service import GenerationService
from node.ordering.submitter import Submitter
from node.verification.fetching import ADDRESS_CHARACTERS_MAX
from node.verification.verifier import Verifier
from pictures.opening import PICTURE_BYTES_MAX
from remarque.api.content import MarkedPicture, Release, StoredCiphertext, StoredPicture
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
from remarque.sealing import CIPHERTEXT_BYTES_MIN

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
    Code.FUEL_EXHAUSTED,
)
"""What a picture that others are to be made of may be refused with, by its policies and for what it costs."""
OF_RELEASES = (
    NodeCode.NOT_FOUND,
    NodeCode.RELEASE_DENIED,
    NodeCode.NOT_CUSTODIAN,
    NodeCode.BLOCK_PRUNED,
    Code.ASSET_UNKNOWN,
)
"""What a request for a key may be refused with."""
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
            NodeCode.URL_REFUSED,
            NodeCode.URL_FAILED,
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


def upload_routes(
    members: Lane, verifier: Verifier, blockstore: Blockstore, submitter: Submitter, marker: Marker, reader: Reader
) -> APIRouter:
    """What members store before they register it."""
    router = make_router("/v1", "content", reader)

    @router.post("/content", summary="Store a picture's bytes before registering it")
    @operation(
        Given(StoredPicture, 201),
        sent=Sent(bytes, "A picture's file: PNG, JPEG, WebP, TIFF, GIF, BMP, AVIF, HEIC or JPEG XL.", OCTETS),
        refuses=(*OF_PICTURES, *OF_UPLOADS, NodeCode.INDEX_LOADING),
    )
    async def put(request: Request, member: Member = Depends(reader)) -> Response:
        """What identifies it comes back, ready for `asset.register`. Nothing is recorded by this yet: what no record
        names within a day is gone, and an account has 512 MiB waiting at most. `similar` names pictures of others that
        it is a near-duplicate of: derive from one of them, or have the registration name them.
        """
        submitter.check_room()
        data = await read_body(request, PICTURE_BYTES_MAX)
        with members.room(len(data), asker(request, member)):
            facts = await members.facts(data)
            similar = await verifier.similar(facts, members, member.account)
            cid = await blockstore.aside(blockstore.take, member.account, data)
        stored = StoredPicture(
            cid=cid,
            pixel_digest=facts.pixel_digest,
            file_digest=facts.file_digest,
            image_code=facts.main.code,
            width=facts.width,
            height=facts.height,
            media_type=facts.media_type,
            similar=similar,
        )
        return answer(stored, 201)

    @router.post("/marks", summary="Mark a picture that was not made here, and store it before registering it")
    @operation(
        Given(MarkedPicture, 201),
        sent=Sent(bytes, "A picture's file: PNG, JPEG, WebP, TIFF, GIF, BMP, AVIF, HEIC or JPEG XL.", OCTETS),
        refuses=(
            *OF_PICTURES,
            *OF_UPLOADS,
            NodeCode.INDEX_LOADING,
            NodeCode.NOT_LABELLED,
            NodeCode.NOT_SIGNED,
        ),
    )
    async def put_marked(
        request: Request, source_type: Annotated[str, Query(max_length=48)] = "", member: Member = Depends(reader)
    ) -> Response:
        """Watermark and label are put in, and what identifies the marked file comes back, ready for `asset.register`
        with `mark`, `manifest` and `source_type`. Once that is final this node signs the manifest, in which that of
        the file before becomes an ingredient; of everything else that it said, nothing is kept.
        """
        submitter.check_room()
        data = await read_body(request, PICTURE_BYTES_MAX)
        with members.room(len(data), asker(request, member)):
            marked = await marker.marked(data, source_type, member.account, members)
            facts = await members.facts(marked.picture.data)
            similar = await verifier.similar(facts, members, member.account)
            cid = await blockstore.aside(blockstore.take, member.account, marked.picture.data)
        stored = MarkedPicture(
            cid=cid,
            size=len(marked.picture.data),
            pixel_digest=facts.pixel_digest,
            file_digest=facts.file_digest,
            image_code=facts.main.code,
            width=facts.width,
            height=facts.height,
            media_type=facts.media_type,
            similar=similar,
            mark=marked.picture.mark or UNSET,
            manifest=marked.manifest or UNSET,
            unmarked=marked.watermarks and marked.picture.mark is None,
        )
        return answer(stored, 201)

    @router.post("/ciphertexts", summary="Store the ciphertext of a confidential picture before registering it")
    @operation(
        Given(StoredCiphertext, 201),
        sent=Sent(bytes, "What `remarque.sealing.encrypt` makes of a picture.", OCTETS),
        refuses=(Code.CONTENT_INVALID, *OF_UPLOADS),
    )
    async def put_encrypted(request: Request, member: Member = Depends(reader)) -> Response:
        """No node sees the picture, so its registrant says what identifies it. It is kept as long as a picture is that
        no record names yet, and counts as one.
        """
        submitter.check_room()
        data = await read_body(request, FILE_BYTES_MAX)
        if len(data) < CIPHERTEXT_BYTES_MIN:
            detail = f"{len(data)} bytes, a ciphertext has at least {CIPHERTEXT_BYTES_MIN}; encrypt the picture first"
            raise LedgerError(Code.CONTENT_INVALID, detail)
        cid = await blockstore.aside(blockstore.take, member.account, data)
        return answer(StoredCiphertext(cid=cid, size=len(data)), 201)

    return router


def content_routes(chain: Chain, blockstore: Blockstore, openings: OpeningStore, reader: Reader) -> APIRouter:
    """Content and openings, for members."""
    router = make_router("/v1", "content", reader)

    @router.get("/content/{cid}", summary="Bytes of stored content; a confidential asset's are encrypted")
    @operation(
        Given(bytes, media=OCTETS, meaning="The file."), refuses=(NodeCode.CONTENT_MISSING, NodeCode.BODY_TOO_LARGE)
    )
    async def get_content(cid: str) -> Response:
        """Under its content id, so whoever asks can hold the bytes against it."""
        try:
            parse_cid(cid)
            taken = await blockstore.aside(blockstore.uploads.read, cid)
            if taken is not None:
                return Response(taken, media_type=OCTETS, headers=NOSNIFF)
            leaves = await blockstore.aside(blockstore.leaves, cid)
        except CidInvalid as error:
            raise NodeError(NodeCode.REQUEST_MALFORMED, str(error)) from None

        async def parts() -> AsyncIterator[bytes]:
            for leaf, _ in leaves:
                yield await blockstore.aside(blockstore.present, leaf, cid)

        headers = {**NOSNIFF, "Content-Length": str(sum(size for _, size in leaves))}
        return StreamingResponse(parts(), media_type=OCTETS, headers=headers)

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
    async def release(transaction: str) -> Response:
        """For a committed `access.request` that was allowed, within two minutes of it. Shares are sealed to the key
        that the request names, so it matters little who asks. A request that this node has not seen yet is waited for,
        five seconds at most, before it is refused.
        """
        return answer(await releases.shares(transaction))

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
