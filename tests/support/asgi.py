"""Asking an ASGI application without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec

Headers = tuple[tuple[bytes, bytes], ...]


async def asked(
    app: Any, method: str, path: str, body: bytes = b"", query: bytes = b"", headers: Headers = ()
) -> AsyncIterator[dict[str, Any]]:
    """What an ASGI application sends in answer to a request."""
    sent: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    given = iter([{"type": "http.request", "body": body}])
    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": [*headers], "app": app}

    async def receive() -> dict[str, Any]:
        return next(given, None) or await asyncio.Future()

    async def run() -> None:
        try:
            await app(scope, receive, sent.put)
        finally:
            await sent.put(None)

    running = asyncio.create_task(run())
    while (message := await sent.get()) is not None:
        yield message
    await running


async def answer_of(
    app: Any, method: str, path: str, body: bytes = b"", query: bytes = b"", headers: Headers = ()
) -> tuple[int, dict[str, Any]]:
    """Status and JSON of a whole answer."""
    start, *parts = [message async for message in asked(app, method, path, body, query, headers)]
    return start["status"], msgspec.json.decode(b"".join(part.get("body", b"") for part in parts))
