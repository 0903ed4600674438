"""What a node gives to others that follow or join: stretches of final blocks, snapshots, and how far it is."""

from __future__ import annotations

import asyncio

from aiohttp import web

from ledger.encoding import encode
from node.chain.reading import Reading
from node.chain.stretch import Stretch, encode_stretch
from node.ordering.driver import Driver
from node.peers.network import Peers
from node.snapshots.snapshots import Snapshots
from remarque.errors import NodeError

WAIT_SECONDS_MAX = 5


class Stretches:
    """Final blocks for nodes that follow; one that asks before there are newer ones waits a while."""

    def __init__(self, driver: Driver, reading: Reading) -> None:
        self._driver = driver
        self._reading = reading

    async def above(self, height: int, wait_s: float) -> Stretch:
        """Some final blocks above a height. BLOCK_PRUNED if this node does not keep the first of them."""
        chain, replica = self._driver.chain, self._driver.replica
        if chain.committed.height <= height:
            await chain.commits.after(chain.commits.count, wait_s)
        blocks, certificate = await self._reading.piece(chain.finals.stretch, height)
        packed = b"" if certificate is None else encode(certificate)
        return Stretch(blocks, packed, replica.term, replica.leader)


def chain_routes(peers: Peers, stretches: Stretches, snapshots: Snapshots) -> list[web.RouteDef]:
    """The routes of the peer port for nodes that follow or join."""

    async def stretch(request: web.Request) -> web.Response:
        peers.caller(request)
        height, wait_s = number_of(request.match_info["height"]), number_of(request.query.get("wait_s", "0"))
        try:
            return web.Response(body=encode_stretch(await stretches.above(height, min(wait_s, WAIT_SECONDS_MAX))))
        except NodeError as error:
            raise web.HTTPGone(text=str(error)) from None

    async def level(request: web.Request) -> web.Response:
        level = peers.own_level(peers.voter_or_caller(request))
        return web.Response(body=encode(level), content_type="application/json")

    async def snapshot(request: web.Request) -> web.Response:
        peers.caller(request)
        found = await asyncio.to_thread(snapshots.newest)
        if found is None:
            raise web.HTTPNotFound
        return web.Response(body=found[0])

    async def chunk(request: web.Request) -> web.Response:
        peers.caller(request)
        digest, number = request.match_info["digest"], number_of(request.match_info["number"])
        found = await asyncio.to_thread(snapshots.chunk, digest, number)
        if found is None:
            raise web.HTTPNotFound
        return web.Response(body=found)

    return [
        web.get("/v1/stretch/{height}", stretch),
        web.get("/v1/level", level),
        web.get("/v1/snapshots/newest", snapshot),
        web.get("/v1/snapshots/{digest}/{number}", chunk),
    ]


def number_of(text: str) -> int:
    """A number in a request's path, or a refusal."""
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise web.HTTPBadRequest(text=f"{text[:20]!r} is no number")
    return int(text)
