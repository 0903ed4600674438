"""Bodies in and out: bounded before they are parsed, canonical when they leave."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import msgspec
from fastapi import Request
from starlette.responses import Response

from ledger.encoding import encode
from node.errors import NodeCode, NodeError

T = TypeVar("T")

JSON_BYTES_MAX = 256 * 1024
ASIDE_BYTES = 1024 * 1024
"""From this many bytes on, Python lets other threads run while it joins parts."""
BODY_SECONDS_MAX = 20.0
"""How long a body may take: a slow one holds a place that others wait for."""


async def read_body(request: Request, bytes_max: int) -> bytes:
    """A request's body, refused as soon as it is too long."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            async for part in request.stream():
                size += len(part)
                if size > bytes_max:
                    raise NodeError(NodeCode.BODY_TOO_LARGE, f"the body has more than {bytes_max} bytes; send less")
                parts.append(part)
    except TimeoutError:
        detail = f"the body did not come within {BODY_SECONDS_MAX:.0f} s; send it faster"
        raise NodeError(NodeCode.REQUEST_MALFORMED, detail) from None
    return await joined(parts, size)


async def joined(parts: list[bytes], size: int) -> bytes:
    """One body of its parts. A large one is joined in a thread, which lets the event loop go on meanwhile."""
    return b"".join(parts) if size < ASIDE_BYTES else await asyncio.to_thread(b"".join, parts)


async def read_json(request: Request, kind: type[T]) -> T:
    """A request's JSON body as a value."""
    try:
        return msgspec.json.decode(await read_body(request, JSON_BYTES_MAX), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NodeError(NodeCode.REQUEST_MALFORMED, f"{error}; see /openapi.json for this route") from None


def answer(value: object, status: int = 200) -> Response:
    """A value as a JSON response, in canonical bytes."""
    return Response(encode(value), status_code=status, media_type="application/json")


def transaction_id(text: str) -> str:
    """A transaction's id as it came in a path, or a refusal."""
    try:
        if len(bytes.fromhex(text)) == 32 and len(text) == 64:
            return text.lower()
    except ValueError:
        pass
    raise NodeError(NodeCode.REQUEST_MALFORMED, f"{text[:80]!r} is not a transaction id; it has 64 hex digits")
