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
from node.exchange.archives import archives_with, recorded
from node.exchange.copies import Copies
from node.exchange.pins import Pins
from node.peers.network import Peers
from remarque.api.copies import AskCopies, CopiesState, DepotState, FileCopies, FileCopy
from remarque.cid import CidInvalid, check_block
from remarque.dag import BLOCK_BYTES_MAX

REFUSES = (Code.ROLE_MISSING, Code.ACCOUNT_UNKNOWN)


def routes(chain: Chain, copies: Copies, pins: Pins, blockstore: Blockstore, peers: Peers, reader: Reader) -> APIRouter:
    """What administrators read of copies, and have done."""
    router = make_router("/v1", "content", reader)

    @router.get("/copies", summary="Where this node keeps copies of content, and how they are")
    @operation(CopiesState, refuses=REFUSES)
    async def standing(member: Member = Depends(reader)) -> Response:
        """For administrators of the node's org."""
        check_administrator(chain, member)
        return answer(await _state(chain, copies, pins))

    @router.post("/copies", summary="Have copies repaired, or read again")
    @operation(Given(CopiesState, 202), sent=Sent(AskCopies, "What is to be done."), refuses=REFUSES)
    async def work(request: Request, member: Member = Depends(reader)) -> Response:
        """It goes on behind the answer; `GET /v1/copies` tells how far it is. For administrators of the node's org."""
        check_administrator(chain, member)
        asked = await read_json(request, AskCopies)
        if asked.scrub:
            await copies.scrub()
        if asked.repair:
            await copies.repair()
        return answer(await _state(chain, copies, pins), 202)

    @router.get("/copies/{cid}", summary="Where a file is: here, in which depots and archives, at which members")
    @operation(FileCopies, refuses=REFUSES)
    async def where(cid: str, member: Member = Depends(reader)) -> Response:
        """Every member that is reached is asked for its first block. For administrators of the node's org."""
        check_administrator(chain, member)
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
                archives=await blockstore.aside(archives_with, tuple(recorded(chain.state)), blockstore, cid),
            )
        )

    return router


def check_administrator(chain: Chain, member: Member) -> None:
    """Refuse whoever is no administrator of the node's org."""
    ledger = chain.ledger()
    org = ledger.org_of_node(chain.node)
    if org_of(member.account) != org or ADMINISTRATOR not in ledger.account(member.account).roles:
        raise LedgerError(Code.ROLE_MISSING, f"this is for administrators of {org}")


async def _state(chain: Chain, copies: Copies, pins: Pins) -> CopiesState:
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
    return CopiesState(node=chain.node, depots=depots, pinned=len(pins.cids()))


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
