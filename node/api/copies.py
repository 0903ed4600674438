"""Routes about the copies of content that a node keeps in depots, for administrators of its org."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ledger.errors import Code, LedgerError
from ledger.names import ADMINISTRATOR, org_of
from node.api.bodies import answer, read_json
from node.api.member import Member
from node.api.operations import Given, Sent, operation
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.chain import Chain
from node.content.blockstore import Blockstore
from node.exchange.copies import Copies
from node.peers.network import Peers
from remarque.api.copies import AskCopies, AskPin, CopiesState, DepotState, FileCopies, FileCopy, Pin
from remarque.cid import CidInvalid, check_block
from remarque.dag import BLOCK_BYTES_MAX

REFUSES = (Code.ROLE_MISSING, Code.ACCOUNT_UNKNOWN)


def routes(chain: Chain, copies: Copies, blockstore: Blockstore, peers: Peers, reader: Reader) -> APIRouter:
    """What administrators read of copies, and have done."""
    router = make_router("/v1", "content", reader)
    _pins(router, chain, copies, reader)

    @router.get("/copies", summary="Where this node keeps copies of content, and how they are")
    @operation(CopiesState, refuses=REFUSES)
    async def standing(member: Member = Depends(reader)) -> Response:
        """For administrators of the node's org."""
        _check(chain, member)
        return answer(await _state(chain, copies))

    @router.post("/copies", summary="Have copies repaired, or read again")
    @operation(Given(CopiesState, 202), sent=Sent(AskCopies, "What is to be done."), refuses=REFUSES)
    async def work(request: Request, member: Member = Depends(reader)) -> Response:
        """It goes on behind the answer; `GET /v1/copies` tells how far it is. For administrators of the node's org."""
        _check(chain, member)
        asked = await read_json(request, AskCopies)
        if asked.scrub:
            await copies.scrub()
        if asked.repair:
            await copies.repair()
        return answer(await _state(chain, copies), 202)

    @router.get("/copies/{cid}", summary="Where a file is: here, in which depots, at which members")
    @operation(FileCopies, refuses=REFUSES)
    async def where(cid: str, member: Member = Depends(reader)) -> Response:
        """Every member that is reached is asked for its first block. For administrators of the node's org."""
        _check(chain, member)
        here = not await blockstore.aside(_missing, blockstore, cid)
        found = await copies.where(cid)
        members = await asyncio.gather(*(_has(peers, peer, cid) for peer in sorted(peers.connected)))
        return answer(
            FileCopies(
                cid=cid,
                node=chain.node,
                here=here,
                copies=tuple(FileCopy(depot=one.depot, there=one.there, at_ms=int(one.at * 1_000)) for one in found),
                members=tuple(name for name in members if name),
            )
        )

    return router


def _pins(router: APIRouter, chain: Chain, copies: Copies, reader: Reader) -> None:
    @router.post("/pins", summary="Keep a file whatever becomes of its record")
    @operation(Given(CopiesState, 201), sent=Sent(AskPin, "The file, and why."), refuses=REFUSES)
    async def pin(request: Request, member: Member = Depends(reader)) -> Response:
        """What no record names is deleted after a day, here and in all depots, unless it is pinned. For administrators
        of the node's org.
        """
        _check(chain, member)
        asked = await read_json(request, AskPin)
        await copies.pin(asked.cid, asked.reason)
        return answer(await _state(chain, copies), 201)

    @router.delete("/pins/{cid}", summary="Keep a file only as long as a record names it")
    @operation(CopiesState, refuses=REFUSES)
    async def unpin(cid: str, member: Member = Depends(reader)) -> Response:
        """For administrators of the node's org."""
        _check(chain, member)
        await copies.unpin(cid)
        return answer(await _state(chain, copies))


def _check(chain: Chain, member: Member) -> None:
    """Refuse whoever is no administrator of the node's org."""
    ledger = chain.ledger()
    org = ledger.org_of_node(chain.node)
    if org_of(member.account) != org or ADMINISTRATOR not in ledger.account(member.account).roles:
        raise LedgerError(Code.ROLE_MISSING, f"this is for administrators of {org}")


async def _state(chain: Chain, copies: Copies) -> CopiesState:
    depots = tuple(
        DepotState(
            depot=one.section.name,
            kind=one.section.kind,
            when=one.section.when,
            what=one.section.what,
            files=one.counts.files,
            size=one.counts.bytes,
            wanted=one.counts.wanted,
            fault=one.fault,
        )
        for one in await copies.standing()
    )
    pins = tuple(Pin(cid=cid, reason=reason) for cid, reason in (await copies.pins()).items())
    return CopiesState(node=chain.node, depots=depots, pins=pins)


def _missing(blockstore: Blockstore, cid: str) -> list[str]:
    try:
        return blockstore.missing(cid)
    except CidInvalid:
        return [cid]


async def _has(peers: Peers, peer: str, cid: str) -> str:
    """The name of a node that gives the first block of a file; empty if it does not."""
    block = await peers.ask(peer, f"/v1/blocks/{cid}", BLOCK_BYTES_MAX)
    try:
        check_block(cid, block or b"")
    except CidInvalid:
        return ""
    return "" if block is None else peer
