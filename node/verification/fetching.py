"""Fetching a picture that is named by its address, without letting anybody reach through this node.

A node stands within its owner's network, so an address from a stranger may lead to what only that network may reach
(server-side request forgery). So only https on its own port is fetched, from hosts all of whose addresses are public;
the very addresses that were checked are connected to, so that a second answer of the name server changes nothing; each
redirect is checked in the same way. No cookie, no credential and no proxy takes part.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from remarque.errors import NodeCode, NodeError

REDIRECTS_MAX = 3
SECONDS_MAX = 20.0
"""For all of it, redirects included."""
PORT = 443
ADDRESS_CHARACTERS_MAX = 2_000
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""Each stands for an IPv4 address (RFC 6052)."""
_TRANSLATED_LOCALLY = ipaddress.ip_network("64:ff9b:1::/48")
"""Which stand for what a network chooses (RFC 8215)."""
_REDIRECTS = (301, 302, 303, 307, 308)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public network: of no private, shared, loopback or link-local one."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if not found.is_global or found.is_multicast or found in _TRANSLATED_LOCALLY:
        return False
    within = found.sixtofour or found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    if found in _TRANSLATED:
        within = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    return within is None or is_public(str(within))


class Fetcher:
    """Fetches pictures by their addresses."""

    def __init__(
        self,
        bytes_max: int,
        *,
        allowed: Callable[[str], bool] = is_public,
        port: int = PORT,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`allowed`: whether an IP address may be connected to. `tls`: whom to believe; None is the system's."""
        self._bytes_max = bytes_max
        self._allowed = allowed
        self._port = port
        self._tls = tls

    async def fetched(self, url: str) -> bytes:
        """The body at an address. URL_REFUSED for one that is not fetched, URL_FAILED if nothing comes of it."""
        connector = aiohttp.TCPConnector(resolver=_Checked(self._allowed), ssl=self._tls or True, force_close=True)
        try:
            async with (
                asyncio.timeout(SECONDS_MAX),
                aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
            ):
                return await self._followed(session, url)
        except TimeoutError:
            raise NodeError(NodeCode.URL_FAILED, f"it took over {SECONDS_MAX:.0f} s; send the file itself") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if refused := _refusal_in(error):
                raise refused from None
            raise NodeError(NodeCode.URL_FAILED, f"{type(error).__name__}: {error}"[:300]) from None

    async def _followed(self, session: aiohttp.ClientSession, url: str) -> bytes:
        for _ in range(REDIRECTS_MAX + 1):
            self._check(url)
            async with session.get(url, allow_redirects=False, headers={"Accept": "image/*"}) as response:
                if response.status not in _REDIRECTS:
                    return await self._body(response)
                url = urljoin(url, response.headers.get("Location", ""))
        raise NodeError(NodeCode.URL_FAILED, f"it redirects more than {REDIRECTS_MAX} times; send the file itself")

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        if response.status != 200:
            raise NodeError(NodeCode.URL_FAILED, f"the server answers {response.status}; send the file itself")
        body = bytearray()
        async for part in response.content.iter_any():
            body += part
            if len(body) > self._bytes_max:
                detail = f"over {self._bytes_max} bytes come from there; send a smaller copy of the picture"
                raise NodeError(NodeCode.IMAGE_TOO_LARGE, detail)
        return bytes(body)

    def _check(self, url: str) -> None:
        """Refuse what is not https on its own port. What a name stands for is checked when it is resolved."""
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        fact = ""
        if parts.scheme != "https" or not host or len(url) > ADDRESS_CHARACTERS_MAX:
            fact = "only addresses that begin with https:// and name a host are fetched"
        elif parts.username is not None or port not in (None, self._port):
            fact = f"an address with a user or another port than {self._port} is not fetched"
        elif _is_address(host) and not self._allowed(host):
            fact = f"{host} is no public address"
        if fact:
            raise NodeError(NodeCode.URL_REFUSED, f"{fact}; send the file itself")


class _Checked(AbstractResolver):
    """Names of hosts, of which every address may be connected to."""

    def __init__(self, allowed: Callable[[str], bool]) -> None:
        self._allowed = allowed
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host. URL_REFUSED if any of them is not allowed."""
        found = await self._resolver.resolve(host, port, family)
        for one in found:
            if not self._allowed(one["host"]):
                raise NodeError(NodeCode.URL_REFUSED, f"{host} has an address that is not public; send the file itself")
        return found

    async def close(self) -> None:
        """Nothing is held."""
        await self._resolver.close()


def _refusal_in(error: BaseException) -> NodeError | None:
    """A refusal of ours that a library wrapped."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, NodeError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
