"""Who has content, in the words of IPFS's Delegated Routing HTTP API."""

from __future__ import annotations

from msgspec import field

from remarque.api.shapes import Answer

GATEWAY_PROTOCOL = "transport-ipfs-gateway-http"


class ContentProvider(Answer, frozen=True, kw_only=True):
    """A peer that gives content."""

    schema: str = field(name="Schema", default="peer")
    id: str = field(name="ID")
    """Its peer id: this node's key, as libp2p writes it."""
    addresses: tuple[str, ...] = field(name="Addrs")
    """Where it is reached, as multiaddrs."""
    protocols: tuple[str, ...] = field(name="Protocols")
    """How it gives content: by a trustless gateway."""


class ContentProviders(Answer, frozen=True, kw_only=True):
    """The peers that are known to give content."""

    providers: tuple[ContentProvider, ...] = field(name="Providers")
