"""Routes for generators on other machines: they take work from their node, and give pictures back."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import APIRouter, Depends, Request
from msgspec import UNSET
from starlette.responses import Response

from ledger.encoding import NOT_DECODED
from ledger.errors import Code
from node.api.bodies import answer, read_body, read_json
from node.api.member import Member
from node.api.operations import OCTETS, Sent, operation
from node.api.pictures import OF_PICTURES, OF_UPLOADS
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.generation.pulled import PulledWork
from node.ordering.submitter import Submitter
from remarque.api.work import (
    GIVEN_PICTURE_BYTES_MAX,
    AskWork,
    MadePicture,
    PictureTaken,
    WorkEnd,
    WorkFound,
    WorkProgress,
    WorkStanding,
)
from remarque.errors import NodeCode, NodeError

AROUND_BYTES_MAX = 16 * 1024
"""What comes with a picture: its attestation, and MessagePack around both."""
OF_WORKERS = (NodeCode.GENERATOR_ABSENT, NodeCode.NOT_A_WORKER)
"""What whoever is no worker here is refused with."""


def work_routes(pulled: PulledWork | None, submitter: Submitter, reader: Reader) -> APIRouter:
    """For accounts of the node's own org with the role `generator`."""
    router = make_router("/v1", "generation", reader)

    def present() -> PulledWork:
        if pulled is None:
            raise NodeError(NodeCode.GENERATOR_ABSENT, "ask a node with [generator] in its settings")
        return pulled

    @router.post("/leases", summary="Take a generation to work on")
    @operation(
        WorkFound,
        sent=Sent(AskWork, "Which models the worker serves, and how long to wait."),
        refuses=(*OF_WORKERS, NodeCode.DISK_FULL, NodeCode.SHUTTING_DOWN),
    )
    async def take(request: Request, member: Member = Depends(reader)) -> Response:
        """The oldest for one of its models that nobody works on, with its prompt in clear. It is the worker's until
        it ends it, or is not heard of for `lasts_ms`; then another goes on with what is not recorded.
        """
        asked = await read_json(request, AskWork)
        submitter.check_room()
        found = await present().take(asked, member.account, request.is_disconnected)
        return answer(WorkFound(work=found or UNSET))

    @router.post("/leases/progress", summary="Say that work goes on")
    @operation(
        WorkStanding,
        sent=Sent(WorkProgress, "How far the worker is."),
        refuses=(*OF_WORKERS, NodeCode.WORK_LOST),
    )
    async def progress(request: Request, member: Member = Depends(reader)) -> Response:
        """The lease begins anew. Which pictures are recorded the node knows of the chain."""
        told = await read_json(request, WorkProgress)
        return answer(await present().progress(told, member.account))

    @router.post("/leases/pictures", summary="Store a picture that was made, before recording it")
    @operation(
        PictureTaken,
        sent=Sent(bytes, "A `MadePicture` in MessagePack: lease, file, attestation and its signature.", OCTETS),
        refuses=(
            *OF_WORKERS,
            NodeCode.WORK_LOST,
            NodeCode.GENERATION_CANCELLED,
            Code.ATTESTATION_INVALID,
            Code.REQUEST_USED,
            *OF_PICTURES,
            *OF_UPLOADS,
        ),
    )
    async def picture(request: Request, member: Member = Depends(reader)) -> Response:
        """The file is decoded and held to its attestation; if the generation is confidential, it is encrypted. The
        worker then records it by `asset.register_generated`; what is not recorded within a day is gone.
        """
        submitter.check_room()
        made = await _made(await read_body(request, GIVEN_PICTURE_BYTES_MAX + AROUND_BYTES_MAX))
        return answer(PictureTaken(content=await present().picture(made, member.account)))

    @router.post("/leases/end", summary="Do no more of a generation")
    @operation(
        WorkStanding,
        sent=Sent(WorkEnd, "Why, if it cannot be done."),
        refuses=(*OF_WORKERS, NodeCode.WORK_LOST),
    )
    async def end(request: Request, member: Member = Depends(reader)) -> Response:
        """It is done if all its pictures are recorded or refused. Else it fails with the code that is given, or goes
        on with another worker if there is none.
        """
        ended = await read_json(request, WorkEnd)
        return answer(await present().end(ended, member.account))

    return router


async def _made(body: bytes) -> MadePicture:
    try:
        return await asyncio.to_thread(msgspec.msgpack.decode, body, type=MadePicture)
    except NOT_DECODED as error:
        raise NodeError(NodeCode.REQUEST_MALFORMED, f"{error}; send a MadePicture in MessagePack") from None
