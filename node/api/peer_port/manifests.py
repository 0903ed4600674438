"""Manifests that a node has signed, for the nodes of other members."""

from __future__ import annotations

from aiohttp import web

from ledger.errors import LedgerError
from node.chain.chain import Chain
from node.credentials.manifest_store import name_of
from node.credentials.released import Released
from node.peers.network import Peers


def add_manifest_routes(application: web.Application, peers: Peers, chain: Chain, released: Released) -> None:
    """Give what is kept here, or is being signed, and ask nobody else for it."""

    async def manifest(request: web.Request) -> web.Response:
        peers.caller(request)
        try:
            record = chain.ledger().asset(request.match_info["asset"])
        except LedgerError:
            raise web.HTTPNotFound from None
        name = name_of(record)
        store = None if name is None else await released.own(record, name)
        if store is None:
            raise web.HTTPNotFound
        return web.Response(body=store)

    application.router.add_get("/v1/manifests/{asset}", manifest)
