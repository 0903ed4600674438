"""Policies before they are published: checked, asked what they would decide, replayed on the last requests."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ledger.errors import Code
from ledger.records import PolicyRecord
from node.api.as_of import PAST, height_meant
from node.api.bodies import answer, read_json
from node.api.member import Member
from node.api.operations import Sent, operation
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.chain import Chain
from node.chain.reading import Reading
from node.policies.asking import evaluate, faults_of, parsed
from node.policies.desk import Desk
from node.policies.replaying import BindingAll, Proposed, Replays
from remarque.api.policies import AskReplay, Evaluation, PolicyCheck, Question, Replay, Written
from remarque.errors import NodeCode

OF_DECISIONS = (
    Code.ASSET_UNKNOWN,
    Code.TOKEN_UNKNOWN,
    Code.ACCOUNT_UNKNOWN,
    Code.ORG_UNKNOWN,
    Code.COLLECTION_UNKNOWN,
    Code.POLICY_UNKNOWN,
    Code.POLICY_INVALID,
)
"""What a decision looks up, and may not find at the height asked about."""


def routes(chain: Chain, reading: Reading, replays: Replays, reader: Reader) -> APIRouter:
    """The routes that rights managers work with. Nothing they answer changes anything."""
    router = make_router("/v1/policies", "policies", reader)
    desk = Desk()

    @router.post("/check", summary="Whether a policy may be published: every fault, with its place")
    @operation(PolicyCheck, sent=Sent(Written, "The policy's text."))
    async def check(request: Request, member: Member = Depends(reader)) -> Response:
        """A policy that does not hold is no refusal: the answer says what is wrong with it, and where."""
        body = await read_json(request, Written)
        return answer(await desk.done(member.account, faults_of, body.source))

    @router.post("/evaluate", summary="What would be decided, on the state after any block, explained")
    @operation(
        Evaluation,
        sent=Sent(Question, "What is asked of which asset, by whom."),
        refuses=(*OF_DECISIONS, *PAST),
    )
    async def decision(request: Request, member: Member = Depends(reader)) -> Response:
        """By the policies in force after a block, or with one more in the place of the asset's own. Nothing is
        changed by it.
        """
        asked = await read_json(request, Question)
        instead = await desk.done(member.account, parsed, asked.source) if asked.source else None
        newest = chain.committed.height
        height = await height_meant(chain, reading, newest if asked.height is None else asked.height, None)
        time_ms = asked.time_ms if asked.time_ms is not None else (await reading.piece(chain.header, height)).time_ms
        version = chain.version(newest + 1)
        return answer(await reading.piece(evaluate, chain.state, asked, instead, height, time_ms, version))

    @router.post("/replay", summary="The last requests under a proposed policy: which are decided otherwise")
    @operation(
        Replay,
        sent=Sent(AskReplay, "The policy's text, and on how many requests it is tried."),
        refuses=(Code.POLICY_INVALID, NodeCode.NOT_FOUND, NodeCode.BLOCK_PRUNED, NodeCode.OVERLOADED),
    )
    async def replayed(request: Request, member: Member = Depends(reader)) -> Response:
        """Runs the newest requests of the chain again, as if the policy had been in force, and compares."""
        body = await read_json(request, AskReplay)
        policy = await desk.done(member.account, parsed, body.source)
        under = BindingAll if body.binding_all else Proposed
        return answer(await replays.newest(policy, body.requests, under=under))

    @router.get("/{name}/{version}", summary="A published policy, with the most that a decision by it costs")
    @operation(PolicyRecord, refuses=(Code.POLICY_UNKNOWN,))
    async def published(name: str, version: int) -> Response:
        """A version that is published never changes."""
        return answer(chain.ledger().policy(name, version))

    return router
