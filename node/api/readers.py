"""Who reads: a member, known by a session's token or by the request's own signature."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request

from node.api.sessions import Sessions
from node.api.signed_requests import SignedRequests
from node.chain.chain import Chain

Reader = Callable[[Request], Awaitable[str]]
"""The account that asks; empty if this chain's reads are open to all."""


def make_reader(chain: Chain, sessions: Sessions, signed: SignedRequests) -> Reader:
    """What routes for members depend on. A coroutine, so that it runs on the loop and a nonce is taken in one step."""

    async def reader(request: Request) -> str:
        if "authorization" not in request.headers:
            if "signature-input" in request.headers:
                return signed.account(request)
            if chain.ledger().parameters().open_reads:
                return ""
        return sessions.account(request)

    return reader
