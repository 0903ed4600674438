"""Policies before they are published: checked, asked what they would decide, replayed on the last requests."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from node.api.as_of import height_meant
from node.api.bodies import answer, read_json
from node.api.readers import Reader
from node.chain.chain import Chain
from node.chain.reading import Reading
from node.policies.asking import evaluate, faults_of, parsed
from node.policies.replaying import BindingAll, Proposed, Replays
from remarque.api.policies import AskReplay, Question, Written


def routes(chain: Chain, reading: Reading, replays: Replays, reader: Reader) -> APIRouter:
    """The routes that rights managers work with. Nothing they answer changes anything."""
    router = APIRouter(prefix="/v1/policies", tags=["policies"], dependencies=[Depends(reader)])

    @router.post("/check", summary="Whether a policy may be published: every fault, with its place")
    async def check(request: Request) -> Response:
        body = await read_json(request, Written)
        return answer(await asyncio.to_thread(faults_of, body.source))

    @router.post("/evaluate", summary="What would be decided, on the state after any block, explained")
    async def decision(request: Request) -> Response:
        asked = await read_json(request, Question)
        instead = await asyncio.to_thread(parsed, asked.source) if asked.source else None
        newest = chain.committed.height
        height = await height_meant(chain, reading, newest if asked.height is None else asked.height, None)
        time_ms = asked.time_ms if asked.time_ms is not None else (await reading.piece(chain.header, height)).time_ms
        version = chain.version(newest + 1)
        return answer(await reading.piece(evaluate, chain.state, asked, instead, height, time_ms, version))

    @router.post("/replay", summary="The last requests under a proposed policy: which are decided otherwise")
    async def replayed(request: Request) -> Response:
        body = await read_json(request, AskReplay)
        policy = await asyncio.to_thread(parsed, body.source)
        under = BindingAll if body.binding_all else Proposed
        return answer(await replays.newest(policy, body.requests, under=under))

    @router.get("/{name}/{version}", summary="A published policy, with the most that a decision by it costs")
    async def published(name: str, version: int) -> Response:
        return answer(chain.ledger().policy(name, version))

    return router
