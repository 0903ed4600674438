"""Delegated routing of IPFS: this node is named as who gives content, to whomever its gateway gives it.

Source: the Delegated Routing V1 HTTP API. What a client filters by is for itself to look at: it passes over an address
that it cannot use.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from node.api.bodies import answer
from node.api.gateway import Gateway, spelled
from node.api.operations import OF_READERS, operation
from node.api.routing import router as make_router
from remarque.api.providers import GATEWAY_PROTOCOL, ContentProvider, ContentProviders
from remarque.errors import NodeCode, NodeError
from remarque.spellings import peer_id

PROVIDER_SECONDS, NO_PROVIDER_SECONDS = 300, 15
"""For which caches keep that there is a provider, or none."""


def multiaddr(url: str) -> str:
    """An origin such as `https://node1.studio.example` as IPFS writes addresses."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        kind = f"ip{ipaddress.ip_address(host).version}"
    except ValueError:
        kind = "dns"
    return f"/{kind}/{host}/tcp/{port}/{parts.scheme}"


def provider(key: str, url: str) -> ContentProvider:
    """A node with an Ed25519 key, in hex, whose gateway is reached at an origin."""
    return ContentProvider(id=peer_id(key), addresses=(multiaddr(url),), protocols=(GATEWAY_PROTOCOL,))


def delegates(this: ContentProvider) -> tuple[str, ...]:
    """The addresses of a provider, each with its id."""
    return tuple(f"{address}/p2p/{this.id}" for address in this.addresses)


def routes(gateway: Gateway, this: ContentProvider) -> APIRouter:
    """`this`: how this node is named."""
    router = make_router("/routing/v1", "ipfs")

    @router.get("/providers/{block}", summary="Who gives a block")
    @operation(ContentProviders, refuses=OF_READERS)
    async def providers(
        request: Request,
        block: str,
        addresses: Annotated[str, Query(alias="filter-addrs", max_length=200)] = "",
        protocols: Annotated[str, Query(alias="filter-protocols", max_length=200)] = "",
    ) -> Response:
        """By the Delegated Routing HTTP API of IPFS: this node, if its gateway gives the block to who asks, and else
        nobody. Other nodes are not asked.
        """
        cid, stranger = spelled(block), await gateway.is_stranger(request)
        try:
            await gateway.block(cid, stranger=stranger)
            found = [this]
        except NodeError as error:
            if error.code is not NodeCode.CONTENT_MISSING:
                raise
            found = []
        response = answer(ContentProviders(providers=tuple(found)))
        if stranger:
            seconds = PROVIDER_SECONDS if found else NO_PROVIDER_SECONDS
            response.headers["Cache-Control"] = f"public, max-age={seconds}"
        return response

    return router
