"""Calls to a depot over HTTP, each with an end and a bound."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from node.depots.depot import CopyMissing, DepotFailed

SECONDS_MAX = 60.0
"""For one call."""
CONNECT_SECONDS = 5.0
ANSWER_BYTES_MAX = 1024 * 1024
REASON_CHARACTERS_MAX = 300
OK = (200,)


class DepotCaller:
    """Asks a depot. Whatever goes wrong is a DepotFailed that names it and the call."""

    def __init__(self, name: str, authorization: str = "") -> None:
        """`authorization`: of that header; empty: none is sent."""
        self.name = name
        self._headers = {"Authorization": authorization} if authorization else {}

    async def bytes(
        self,
        method: str,
        url: str,
        params: Mapping[str, str],
        *,
        most: int = ANSWER_BYTES_MAX,
        seconds: float | None = None,
        body: Any = None,
        good: tuple[int, ...] = OK,
        gone: tuple[int, ...] = (),
    ) -> bytes:
        """The bytes of an answer; DepotFailed if they are too many, do not come whole, or have no good status."""
        async with self.asked(method, url, params, seconds=seconds, body=body, good=good, gone=gone) as response:
            parts, size = [], 0
            async for part in response.content.iter_any():
                parts.append(part)
                size += len(part)
                if size > most:
                    raise DepotFailed(f"{self.name} answers {_call(url)} with more than {most} bytes")
            return b"".join(parts)

    @asynccontextmanager
    async def asked(
        self,
        method: str,
        url: str,
        params: Mapping[str, str],
        *,
        seconds: float | None = None,
        body: Any = None,
        good: tuple[int, ...] = OK,
        gone: tuple[int, ...] = (),
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer to a call, as it comes. CopyMissing if its status is one of those that say so, `gone`."""
        timeout = aiohttp.ClientTimeout(total=seconds or SECONDS_MAX, sock_connect=CONNECT_SECONDS)
        kind = {"Content-Type": "application/json"} if isinstance(body, bytes) else {}
        try:
            async with (
                aiohttp.ClientSession(headers=self._headers | kind, timeout=timeout) as http,
                http.request(method, url, params=params, data=body, allow_redirects=False) as response,
            ):
                if response.status in gone:
                    raise CopyMissing(f"{self.name} does not have {_call(url)}")
                if response.status not in good:
                    reason = f"{self.name} answers {_call(url)} with {response.status}: {await _reason(response)}"
                    raise DepotFailed(reason)
                yield response
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: a line without end
            raise DepotFailed(f"{self.name} does not answer {_call(url)}: {error!r}"[:REASON_CHARACTERS_MAX]) from None


def _call(url: str) -> str:
    return url.rpartition("/")[2]


async def _reason(response: aiohttp.ClientResponse) -> str:
    """Why a depot refuses, in a line."""
    said = await response.content.read(ANSWER_BYTES_MAX)
    return " ".join(said.decode(errors="replace").split())[:REASON_CHARACTERS_MAX]
