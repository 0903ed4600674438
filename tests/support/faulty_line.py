"""What stands between a client and a server, and does to their requests and answers what a test wants."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from yarl import URL

Fault = Callable[[web.Request], "Done | None"]


class Done(NamedTuple):
    """What is answered instead of the server's answer, or done to that."""

    status: int = 0
    """Answered at once, without asking the server."""
    cut: int = -1
    """How many bytes of the answer come, before the line breaks."""
    flipped: bool = False
    """Whether a bit of the answer is another."""
    hangs: bool = False


class Line:
    """A proxy: `fault` decides what becomes of each request; requests to any host go to one server."""

    def __init__(self, server: str, fault: Fault) -> None:
        self.server, self.fault = server, fault
        self.seen = list[tuple[str, str]]()
        """Host and method of each request."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """The proxy's address."""
        application = web.Application(client_max_size=1 << 30)
        application.router.add_route("*", "/{path:.*}", self._pass)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            host, port = runner.addresses[0][:2]
            yield f"http://{host}:{port}"
        finally:
            await runner.cleanup()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.host, request.method))
        done = self.fault(request) or Done()
        if done.hangs:
            await request.read()
            await asyncio.sleep(3_600)
        if done.status:
            await request.read()
            return web.Response(status=done.status, text="<Error><Code>Fault</Code></Error>")
        target = urlsplit(str(request.url))._replace(scheme="http", netloc=urlsplit(self.server).netloc).geturl()
        framing = ("content-length", "transfer-encoding")
        headers = {name: value for name, value in request.headers.items() if name.lower() not in framing}
        async with (
            aiohttp.ClientSession(auto_decompress=False) as http,
            http.request(
                request.method, URL(target, encoded=True), data=io.BytesIO(await request.read()), headers=headers
            ) as answer,
        ):
            body = bytearray(await answer.read())
            if done.flipped and body:
                body[len(body) // 2] ^= 1
            kept = {n: v for n, v in answer.headers.items() if n.lower() not in ("transfer-encoding", "connection")}
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            await response.write(bytes(body if done.cut < 0 else body[: done.cut]))
            if done.cut >= 0 and request.transport is not None:
                request.transport.close()
            return response
