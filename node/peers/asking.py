"""Asking other nodes: GETs at their peer ports, over TLS pinned to the ledger."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Protocol

import aiohttp

from ledger.crypto import SigningKey
from node.peers import tls
from node.peers.lookups import connector

ASK_SECONDS = 10.0
NOT_REACHED = 0
"""Stands for the status of an answer that did not come in time, or was too long."""


class Givers(Protocol):
    """The other nodes, to be asked."""

    @property
    def addresses(self) -> dict[str, str]:
        """Where each is reached, by name."""

    async def ask_status(self, peer: str, path: str, bytes_max: int) -> tuple[int, bytes]:
        """HTTP status and body of what another node answers."""


class Asking:
    """Requests of one node to others that it knows the addresses and certificates of."""

    def __init__(
        self, key: SigningKey, own_certificate: bytes, addresses: Mapping[str, str], certificates: Mapping[str, bytes]
    ) -> None:
        """`certificates`: those of the nodes, which may become others at any time."""
        self.addresses = {name: address for name, address in addresses.items() if name in certificates}
        """host:port of the peer port of each other node that may be asked now. It changes as nodes come and go."""
        self._key = key
        self._own_certificate = own_certificate
        self._certificates = certificates
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._http: aiohttp.ClientSession | None = None

    def of(self, addresses: Mapping[str, str], certificates: Mapping[str, bytes]) -> Asking:
        """Requests of the same node to others."""
        return Asking(self._key, self._own_certificate, addresses, certificates)

    def context(self, peer: str) -> ssl.SSLContext:
        """TLS context for calling a node, and no other; made when it is first needed. KeyError if it is none."""
        if peer not in self._contexts:
            self._contexts[peer] = tls.client_context(self._key, self._own_certificate, self._certificates[peer])
        return self._contexts[peer]

    def forget(self, peer: str) -> None:
        """Ask a node nothing more."""
        self.addresses.pop(peer, None)
        self._contexts.pop(peer, None)

    async def ask(self, peer: str, path: str, bytes_max: int, seconds: float = ASK_SECONDS) -> bytes | None:
        """Body of a GET at another node's peer port, or None if it does not give it in time."""
        status, body = await self.ask_status(peer, path, bytes_max, seconds)
        return body if status == 200 else None

    async def ask_status(self, peer: str, path: str, bytes_max: int, seconds: float = ASK_SECONDS) -> tuple[int, bytes]:
        """HTTP status and body of a GET at another node's peer port; else NOT_REACHED."""
        try:
            async with self._requests().get(
                f"https://{self.addresses[peer]}{path}",
                ssl=self.context(peer),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as answer:
                body = await answer.content.read(bytes_max + 1) if answer.status == 200 else b""
                while answer.status == 200 and len(body) <= bytes_max and not answer.content.at_eof():
                    body += await answer.content.read(bytes_max + 1 - len(body))
        except (aiohttp.ClientError, OSError, TimeoutError, KeyError, ValueError):
            return NOT_REACHED, b""
        return (answer.status, body) if len(body) <= bytes_max else (NOT_REACHED, b"")

    def _requests(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(connector=connector())
        return self._http

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()
