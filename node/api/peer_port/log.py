"""What nodes ask of each other about the log: their receipts of an entry, and their signatures on a checkpoint.

A node that is a little behind waits a moment until it has what is asked for.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from node.api.bodies import transaction_id
from node.chain.commits import Commits
from node.peers.network import Peers
from node.transparency.cose_receipts import CoseReceipts
from node.transparency.notes import Notes
from remarque.errors import NodeCode, NodeError

CATCH_UP_SECONDS = 1.0


def add_log_routes(
    application: web.Application, peers: Peers, commits: Commits, receipts: CoseReceipts, notes: Notes
) -> None:
    """Add the log's routes to the application of the peer port."""

    async def transaction(request: web.Request) -> web.Response:
        return await _answer(peers, commits, request, lambda: receipts.of_transaction(_id(request)))

    async def statement(request: web.Request) -> web.Response:
        return await _answer(peers, commits, request, lambda: receipts.of_statement(_id(request)))

    async def signature(request: web.Request) -> web.Response:
        return await _answer(peers, commits, request, lambda: notes.signature(int(request.match_info["height"])))

    application.router.add_get("/v1/receipts/transactions/{id}", transaction)
    application.router.add_get("/v1/receipts/statements/{id}", statement)
    application.router.add_get("/v1/notes/{height:[0-9]{1,15}}", signature)


def _id(request: web.Request) -> str:
    return transaction_id(request.match_info["id"])


async def _answer(
    peers: Peers, commits: Commits, request: web.Request, give: Callable[[], Awaitable[bytes]]
) -> web.Response:
    """What is asked for, once this node has it; 404 if it does not get it in a moment."""
    peers.caller(request)
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while True:
        seen = commits.count
        try:
            return web.Response(body=await give())
        except NodeError as error:
            missing = error.code in (NodeCode.NOT_FOUND, NodeCode.NOTHING_CERTIFIED)
            if not missing or not await commits.after(seen, deadline - time.monotonic()):
                raise web.HTTPNotFound(text=str(error)) from None
