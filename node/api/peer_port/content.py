"""What nodes ask of each other by plain HTTPS: blocks, openings, releases."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from ledger.encoding import encode
from ledger.errors import LedgerError
from node.api.bodies import transaction_id
from node.chain.chain import Chain
from node.content.blockstore import Blockstore
from node.content.openings import OpeningStore
from node.exchange.releases import Releases
from node.peers.network import Peers
from remarque.errors import NodeError


def peer_app(
    peers: Peers, chain: Chain, blockstore: Blockstore, openings: OpeningStore, releases: Releases
) -> web.Application:
    """The application of the peer port. Every request is a member's, by the certificate it shows."""

    async def block(request: web.Request) -> web.Response:
        peers.caller(request)
        found = await blockstore.aside(blockstore.block, request.match_info["cid"])
        if found is None:
            raise web.HTTPNotFound
        return web.Response(body=found)

    async def opened(request: web.Request) -> web.Response:
        ledger, asked = chain.ledger(), request.match_info["request"]
        org = ledger.org_of_node(peers.caller(request))
        try:
            fields = ledger.disclosure(asked).kept_by(org)
        except LedgerError:
            raise web.HTTPNotFound from None
        found = await asyncio.to_thread(openings.get, asked)
        return web.Response(body=encode(found.only(fields)))

    def released(give: Callable[..., Awaitable[bytes]]) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Gives what a decision allows, by the id of its transaction and whatever else the path names."""

        async def release(request: web.Request) -> web.Response:
            peers.caller(request)
            asked = dict(request.match_info)
            try:
                return web.Response(body=await give(transaction_id(asked.pop("transaction")), *asked.values()))
            except NodeError as error:
                raise web.HTTPForbidden(text=str(error)) from None

        return release

    application = web.Application()
    application.router.add_get("/v1/stream", peers.stream)
    application.router.add_get("/v1/blocks/{cid}", block)
    application.router.add_get("/v1/openings/{request}", opened)
    application.router.add_get("/v1/releases/{transaction}", released(releases.release))
    application.router.add_get("/v1/releases/{transaction}/share", released(releases.release_share))
    application.router.add_get("/v1/releases/{transaction}/seals/{node}", released(releases.release_seal))
    return application
