"""Asking other nodes: GETs at their peer ports, over TLS pinned to the ledger."""

from __future__ import annotations

import ssl

import aiohttp

from ledger.crypto import SigningKey
from node.peers import tls

ASK_SECONDS = 10.0
NOT_REACHED = 0
"""Stands for the status of an answer that did not come in time, or was too long."""


class Asking:
    """Requests of one node to others that it knows the addresses and certificates of."""

    def __init__(
        self, key: SigningKey, own_certificate: bytes, addresses: dict[str, str], certificates: dict[str, bytes]
    ) -> None:
        self.addresses = {name: address for name, address in addresses.items() if name in certificates}
        """host:port of each other node's peer port."""
        self.contexts: dict[str, ssl.SSLContext] = {
            name: tls.client_context(key, own_certificate, certificates[name]) for name in self.addresses
        }
        """TLS context for calling each, and no other."""
        self._http: aiohttp.ClientSession | None = None

    async def ask(self, peer: str, path: str, bytes_max: int, seconds: float = ASK_SECONDS) -> bytes | None:
        """Body of a GET at another node's peer port, or None if it does not give it in time."""
        status, body = await self.ask_status(peer, path, bytes_max, seconds)
        return body if status == 200 else None

    async def ask_status(self, peer: str, path: str, bytes_max: int, seconds: float = ASK_SECONDS) -> tuple[int, bytes]:
        """HTTP status and body of a GET at another node's peer port; else NOT_REACHED."""
        try:
            async with self._requests().get(
                f"https://{self.addresses[peer]}{path}",
                ssl=self.contexts[peer],
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as answer:
                body = await answer.content.read(bytes_max + 1) if answer.status == 200 else b""
                while answer.status == 200 and len(body) <= bytes_max and not answer.content.at_eof():
                    body += await answer.content.read(bytes_max + 1 - len(body))
        except (aiohttp.ClientError, OSError, TimeoutError, KeyError):
            return NOT_REACHED, b""
        return (answer.status, body) if len(body) <= bytes_max else (NOT_REACHED, b"")

    def _requests(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession()
        return self._http

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()
