"""C2PA's Soft Binding Resolution API: manifests found again by what a picture looks like. Open, as `verify` is."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from ledger import records
from node.api.bodies import answer, read_body, read_json
from node.api.credentials import OF_MANIFESTS
from node.api.log import ANCHORED, COSE_RECEIPT
from node.api.member import asker
from node.api.operations import OCTETS, OF_READERS, Given, Sent, operation
from node.api.pictures import OF_ADDRESSES, OF_PICTURES
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.chain import Chain
from node.chain.entries import Entries
from node.credentials.manifest_store import name_of
from node.credentials.released import Released
from node.verification.bindings import RESULTS_MAX, Bindings
from pictures.credentials.manifest import SOFT_BINDING
from pictures.credentials.stores import active_alone
from pictures.opening import PICTURE_BYTES_MAX
from remarque.api.bindings import (
    AskBinding,
    AskReference,
    BindingAlgorithm,
    BindingAlgorithms,
    ManifestMatches,
    ManifestReceipt,
    ManifestRepository,
    ReceiptAnchor,
    ReceiptProof,
)
from remarque.errors import NodeCode, NodeError

STORE = "application/c2pa"
CONTEXT, KIND = "https://c2pa.org/", "org.c2pa.manifest-receipt"

Alg = Annotated[str, Query(max_length=100)]
Value = Annotated[str, Query(max_length=1_002)]
Most = Annotated[int, Query(alias="maxResults", ge=1, le=RESULTS_MAX)]
ReceiptOf = Callable[[str], Awaitable[bytes]]


def binding_routes(
    chain: Chain, bindings: Bindings, released: Released, entries: Entries, receipt_of: ReceiptOf, reader: Reader
) -> APIRouter:
    """The routes that ask; nothing is taken in by them."""
    router = make_router("/c2pa", "open")

    async def is_member(request: Request) -> bool:
        return await reader.known(request) is not None

    @router.get("/services/supportedAlgorithms", summary="Soft bindings that are looked up here")
    @operation(BindingAlgorithms)
    async def algorithms() -> Response:
        """By the names of C2PA's list."""
        return answer(BindingAlgorithms(watermarks=(), fingerprints=(BindingAlgorithm(alg=SOFT_BINDING),)))

    @router.get("/manifests/{manifest}", summary="A manifest with those of its ingredients, as its file has them")
    @operation(
        Given(bytes, media=STORE, meaning="A manifest store (JUMBF)."),
        refuses=(*OF_READERS, *OF_MANIFESTS, NodeCode.INDEX_LOADING, NodeCode.NOT_FOUND, NodeCode.BODY_TOO_LARGE),
    )
    async def manifest(
        request: Request, manifest: str, active: Annotated[bool, Query(alias="returnActiveManifest")] = False
    ) -> Response:
        """Put it beside a copy that has lost it: it says what the recorded file was."""
        store = await _store(released, bindings.named(manifest, member=await is_member(request)))
        return Response(active_alone(store) if active else store, media_type=STORE)

    @router.get("/manifests/{manifest}/receipts", summary="Proof that a record which names the manifest is in the log")
    @operation(ManifestReceipt, refuses=(*OF_READERS, *ANCHORED, NodeCode.INDEX_LOADING))
    async def receipts(request: Request, manifest: str) -> Response:
        """By this node's COSE receipt of the earliest record. It says nothing else of that record."""
        record = bindings.named(manifest, member=await is_member(request))[0]
        entry, receipt = await entries.of_transaction(record.transaction), await receipt_of(record.transaction)
        proof = ReceiptProof(
            type=COSE_RECEIPT, receipt=urlsafe_b64encode(receipt).decode().rstrip("="), entry=entry.data.hex()
        )
        repository = ManifestRepository(uri=f"urn:remarque:{chain.name}", manifest_id=manifest)
        anchor = ReceiptAnchor(uri=f"urn:remarque:{chain.name}:{record.transaction}", proof=proof)
        return answer(ManifestReceipt(context=CONTEXT, kind=KIND, repository=repository, anchor=anchor))

    _match_routes(router, bindings, reader)
    return router


def _match_routes(router: APIRouter, bindings: Bindings, reader: Reader) -> None:
    """The routes that look for manifests."""

    async def by_value(request: Request, value: str, most: int) -> Response:
        member = await reader.known(request) is not None
        return answer(ManifestMatches(matches=await bindings.by_value(value, most, member=member)))

    @router.get("/matches/byBinding", summary="Manifests by the value of a soft binding")
    @operation(ManifestMatches, refuses=(*OF_READERS, NodeCode.INDEX_LOADING))
    async def by_binding(request: Request, value: Value, alg: Alg = SOFT_BINDING, most: Most = 10) -> Response:
        """Of pictures whose image codes are near; none of it is confirmed, for no picture is brought."""
        return await by_value(request, value, most)

    @router.post("/matches/byBinding", summary="Manifests by a value of a soft binding that is long")
    @operation(
        ManifestMatches,
        sent=Sent(AskBinding, "The soft binding."),
        refuses=(*OF_READERS, NodeCode.INDEX_LOADING),
    )
    async def by_long_binding(request: Request, most: Most = 10) -> Response:
        """The same with the value in the body."""
        asked = await read_json(request, AskBinding)
        return await by_value(request, asked.value, most)

    @router.post("/matches/byContent", summary="Manifests by the picture in the body")
    @operation(
        ManifestMatches,
        sent=Sent(bytes, "A picture's file: PNG, JPEG, WebP, TIFF, GIF, BMP, AVIF, HEIC or JPEG XL.", OCTETS),
        refuses=(*OF_PICTURES, *OF_READERS, NodeCode.INDEX_LOADING),
    )
    async def by_content(request: Request, alg: Alg = SOFT_BINDING, most: Most = 10) -> Response:
        """Of recorded pictures that are confirmed to be this one, a part of it, or altered. It is not kept."""
        member = await reader.known(request)
        data, who = await read_body(request, PICTURE_BYTES_MAX), asker(request, member)
        found = await bindings.by_content(data, who, most, member=member is not None)
        return answer(ManifestMatches(matches=found))

    @router.post("/matches/byReference", summary="Manifests by the address of a picture")
    @operation(
        ManifestMatches,
        sent=Sent(AskReference, "Where the picture is."),
        refuses=(*OF_PICTURES, *OF_READERS, *OF_ADDRESSES, NodeCode.INDEX_LOADING),
    )
    async def by_reference(request: Request, alg: Alg = SOFT_BINDING, most: Most = 10) -> Response:
        """The node fetches it, if its settings say so, as for `POST /v1/verify?url=`: over https, from public hosts."""
        member = await reader.known(request)
        asked, who = await read_json(request, AskReference), asker(request, member)
        found = await bindings.by_reference(asked.reference_url, who, most, member=member is not None)
        return answer(ManifestMatches(matches=found))


async def _store(released: Released, named: list[records.Asset]) -> bytes:
    """The manifest of the first of some records that has one; another's record may name it too. MANIFEST_MISSING."""
    missing: NodeError | None = None
    for record in named:
        name = name_of(record)
        try:
            if name is not None:
                return await released.store(record, name)
        except NodeError as error:
            missing = error
    raise missing or NodeError(NodeCode.NOT_FOUND, "no record names it")
