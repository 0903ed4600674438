"""Routes about content: storing it before it is recorded, whole or in pieces, and reading it, whole or in part."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from msgspec import UNSET
from starlette.responses import Response

from ledger.errors import Code, LedgerError
from node.api.bodies import answer, read_json
from node.api.incoming import append, incoming
from node.api.member import Member, asker
from node.api.operations import OCTETS, Given, Sent, operation
from node.api.pictures import OF_PICTURES
from node.api.ranges import PART_HEADERS, file_answer
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.content.blockstore import Blockstore
from node.credentials.marking import Marker
from node.decoding.lanes import Lane
from node.exchange.copies import Copies
from node.ordering.submitter import Submitter
from node.verification.verifier import Verifier
from pictures.opening import PICTURE_BYTES_MAX
from remarque.api.content import BeginUpload, MarkedPicture, StoredCiphertext, StoredPicture, Upload
from remarque.cid import CidInvalid
from remarque.dag import FILE_BYTES_MAX
from remarque.errors import NodeCode, NodeError
from remarque.sealing import CIPHERTEXT_BYTES_MIN

OF_UPLOADS = (NodeCode.UPLOADS_FULL, NodeCode.DISK_FULL, NodeCode.DEPOT_FAILED, NodeCode.SHUTTING_DOWN)
"""What anything that a member stores may be refused with."""
OF_PIECES = (NodeCode.NOT_FOUND, NodeCode.UPLOAD_OFFSET)
"""What naming an upload may be refused with."""
PIECE_BYTES_MAX = 64 * 1024 * 1024
"""Of an upload, in one request."""


def upload_routes(
    members: Lane,
    verifier: Verifier,
    blockstore: Blockstore,
    submitter: Submitter,
    marker: Marker,
    copies: Copies,
    reader: Reader,
) -> APIRouter:
    """What members store before they register it."""
    router = make_router("/v1", "content", reader)
    pieces(router, blockstore, submitter, reader)

    @router.post("/content", summary="Store a picture's bytes before registering it")
    @operation(
        Given(StoredPicture, 201),
        sent=Sent(bytes, "A picture's file: PNG, JPEG, WebP, TIFF, GIF, BMP, AVIF, HEIC or JPEG XL.", OCTETS),
        refuses=(*OF_PICTURES, *OF_UPLOADS, *OF_PIECES, NodeCode.INDEX_LOADING),
    )
    async def put(request: Request, upload: str = "", member: Member = Depends(reader)) -> Response:
        """What identifies it comes back, ready for `asset.register`. Nothing is recorded by this yet: what no record
        names within a day is gone, and an account has 2 GiB waiting at most. `similar` names pictures of others that
        it is a near-duplicate of: derive from one of them, or have the registration name them. A file that was sent
        piece after piece is named by `upload`, and the body is left empty.
        """
        submitter.check_room()
        async with incoming(request, blockstore, member.account, upload, PICTURE_BYTES_MAX) as file:
            with members.room(len(file.data), asker(request, member)):
                facts = await members.facts(file.data)
                similar = await verifier.similar(facts, members, member.account)
                cid = await file.finish()
        await copies.before_it_is_answered(member.account, cid)
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
            *OF_PIECES,
            NodeCode.INDEX_LOADING,
            NodeCode.NOT_LABELLED,
            NodeCode.NOT_SIGNED,
        ),
    )
    async def put_marked(
        request: Request,
        source_type: Annotated[str, Query(max_length=48)] = "",
        upload: str = "",
        member: Member = Depends(reader),
    ) -> Response:
        """Watermark and label are put in, and what identifies the marked file comes back, ready for `asset.register`
        with `mark`, `manifest` and `source_type`. Once that is final this node signs the manifest, in which that of
        the file before becomes an ingredient; of everything else that it said, nothing is kept. `upload` as for
        `POST /v1/content`; that file goes a day after it came.
        """
        submitter.check_room()
        async with incoming(request, blockstore, member.account, upload, PICTURE_BYTES_MAX) as file:
            with members.room(len(file.data), asker(request, member)):
                marked = await marker.marked(file.data, source_type, member.account, members)
                facts = await members.facts(marked.picture.data)
                similar = await verifier.similar(facts, members, member.account)
                cid = await blockstore.aside(blockstore.take, member.account, marked.picture.data)
        await copies.before_it_is_answered(member.account, cid)
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
        refuses=(Code.CONTENT_INVALID, *OF_UPLOADS, *OF_PIECES),
    )
    async def put_encrypted(request: Request, upload: str = "", member: Member = Depends(reader)) -> Response:
        """No node sees the picture, so its registrant says what identifies it. It is kept as long as a picture is that
        no record names yet, and counts as one; it may have a gibibyte. `upload` as for `POST /v1/content`.
        """
        submitter.check_room()
        async with incoming(request, blockstore, member.account, upload, FILE_BYTES_MAX) as file:
            size = len(file.data)
            if size < CIPHERTEXT_BYTES_MIN:
                detail = f"{size} bytes, a ciphertext has at least {CIPHERTEXT_BYTES_MIN}; encrypt the picture first"
                raise LedgerError(Code.CONTENT_INVALID, detail)
            cid = await file.finish()
        await copies.before_it_is_answered(member.account, cid)
        return answer(StoredCiphertext(cid=cid, size=size), 201)

    return router


def pieces(router: APIRouter, blockstore: Blockstore, submitter: Submitter, reader: Reader) -> None:
    """Routes of files that come piece after piece, so that what was sent before a fault need not be sent again."""
    uploads = blockstore.uploads

    @router.post("/uploads", summary="Begin a file that is sent piece after piece")
    @operation(Given(Upload, 201), sent=Sent(BeginUpload, "How large it will be."), refuses=OF_UPLOADS)
    async def begin(request: Request, member: Member = Depends(reader)) -> Response:
        """Send its pieces to `POST /v1/uploads/{upload}`, and name it to `POST /v1/content`, `/v1/ciphertexts` or
        `/v1/marks` once it is whole. It counts as what no record names, as far as it has come, and goes a day after it
        was begun.
        """
        submitter.check_room()
        asked = await read_json(request, BeginUpload)
        if asked.size > FILE_BYTES_MAX:
            detail = f"it will have {asked.size} bytes, a file has at most {FILE_BYTES_MAX}"
            raise NodeError(NodeCode.BODY_TOO_LARGE, detail)
        name = await blockstore.aside(uploads.begin, member.account, asked.size)
        return answer(Upload(upload=name, size=0), 201)

    @router.get("/uploads/{upload}", summary="How much of a file has come")
    @operation(Upload, refuses=(NodeCode.NOT_FOUND,))
    async def come(upload: str, member: Member = Depends(reader)) -> Response:
        """For who began it, on the node where it was begun: what comes next begins at `size`."""
        _, size = await blockstore.aside(uploads.come, member.account, upload)
        return answer(Upload(upload=upload, size=size))

    @router.post("/uploads/{upload}", summary="Send the next piece of a file")
    @operation(
        Upload,
        sent=Sent(bytes, "The piece, of 64 MiB at most.", OCTETS),
        refuses=(*OF_UPLOADS, *OF_PIECES),
    )
    async def piece(
        request: Request, upload: str, at: Annotated[int, Query(ge=0)], member: Member = Depends(reader)
    ) -> Response:
        """`at` is how much has come before. What came of a piece that was cut off stays, so ask how much that is, and
        go on there.
        """
        submitter.check_room()
        size = await append(request, blockstore, member.account, upload, min(at + PIECE_BYTES_MAX, FILE_BYTES_MAX), at)
        return answer(Upload(upload=upload, size=size))

    @router.delete("/uploads/{upload}", summary="Forget what has come of a file")
    @operation(Upload, refuses=(NodeCode.NOT_FOUND,))
    async def forget(upload: str, member: Member = Depends(reader)) -> Response:
        """It no longer counts."""
        _, size = await blockstore.aside(uploads.come, member.account, upload)
        await blockstore.aside(uploads.cancel, member.account, upload)
        return answer(Upload(upload=upload, size=size))


def content_routes(blockstore: Blockstore, reader: Reader) -> APIRouter:
    """Content, for members."""
    router = make_router("/v1", "content", reader)

    @router.get("/content/{cid}", summary="Bytes of stored content; a confidential asset's are encrypted")
    @operation(
        Given(bytes, media=OCTETS, meaning="The file."),
        Given(bytes, 206, media=OCTETS, meaning="The part of it that `Range` names.", headers=PART_HEADERS),
        refuses=(NodeCode.CONTENT_MISSING, NodeCode.BODY_TOO_LARGE, NodeCode.RANGE_INVALID),
    )
    async def get_content(cid: str, wanted: Annotated[str, Header(alias="range", max_length=64)] = "") -> Response:
        """Under its content id, so whoever asks can hold the bytes against it. A part that is asked for (`Range:
        bytes=FIRST-LAST`, RFC 9110) is read alone, so a download that was cut off goes on where it was.
        """
        try:
            opened = await blockstore.aside(blockstore.open, cid)
        except CidInvalid as error:
            raise NodeError(NodeCode.REQUEST_MALFORMED, str(error)) from None
        return file_answer(opened, blockstore, wanted, OCTETS, {"ETag": f'"{cid}"'})

    return router
