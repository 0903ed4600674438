"""HTTP as uvicorn speaks it, with bounds on a request's head: its bytes, and the time until it is there.

`httptools` keeps whatever comes until a head ends, so without a bound one connection could fill the memory, or hold a
place with a byte a minute. What breaks HTTP itself is answered with the same problem+json as every other refusal.
"""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from node.api.problem import MEDIA_TYPE, problem
from remarque.errors import NodeCode

HEAD_BYTES_MAX = 32 * 1024
HEAD_SECONDS = 10.0
"""From the connection, or the first byte of a further request, to the end of its head."""


class BoundedHeads(HttpToolsProtocol):
    """One connection of the REST port."""

    _bytes = 0
    """Since the head began; behind it, since the last byte of a body: so that trailers are bounded too."""
    _in_head = True
    _head_timer: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._bytes += len(data)
        super().data_received(data)
        if self._bytes > HEAD_BYTES_MAX:
            self._refuse(431, f"the request's head has more than {HEAD_BYTES_MAX} bytes; send fewer or shorter fields")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._late)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # else it is a trailer, and nothing of ours reads one
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head, self._bytes = False, 0
        self._end_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head, self._bytes = True, 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What uvicorn answers to what is no HTTP."""
        self._refuse(400, f"{msg} See RFC 9112.")

    def _late(self) -> None:
        self._head_timer = None
        self.transport.abort()

    def _end_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: int, detail: str) -> None:
        code = NodeCode.REQUEST_MALFORMED
        body = problem(code.name, code.meaning, detail, status).body
        head = f"HTTP/1.1 {status} \r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close"
        self.transport.write(head.encode() + b"\r\n\r\n" + bytes(body))
        self.transport.close()
