"""Bodies in and out: bounded before they are parsed, canonical when they leave.

What routes take and answer are the values of `remarque.api`, or of the ledger. Parts of a large answer may be put in as
the bytes they will be, which msgspec passes on as they are: those of `encoded` and of `stored`.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TypeVar, cast

import msgspec
from fastapi import Request
from starlette.responses import Response

from ledger.encoding import encode
from remarque.errors import NodeCode, NodeError
from remarque.message_signatures import parse_content_digest

T = TypeVar("T")

JSON_BYTES_MAX = 256 * 1024
ASIDE_BYTES = 1024 * 1024
"""From this many bytes on, Python lets other threads run while it joins parts."""
BODY_SECONDS_MAX = 20.0
"""How long a body may take: a slow one holds a place that others wait for."""


async def read_body(request: Request, bytes_max: int) -> bytes:
    """A request's body, refused as soon as it is too long, or if it is not what its Content-Digest says."""
    expected = _content_digest(request)
    digest = hashlib.sha256()
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            async for part in request.stream():
                size += len(part)
                if size > bytes_max:
                    raise NodeError(NodeCode.BODY_TOO_LARGE, f"the body has more than {bytes_max} bytes; send less")
                parts.append(part)
                if expected is not None:
                    digest.update(part)
    except TimeoutError:
        detail = f"the body did not come within {BODY_SECONDS_MAX:.0f} s; send it faster"
        raise NodeError(NodeCode.REQUEST_MALFORMED, detail) from None
    if expected is not None and digest.digest() != expected:
        raise NodeError(
            NodeCode.CONTENT_DIGEST_INVALID, f"the {size} bytes have sha-256 {digest.hexdigest()}; send those it is of"
        )
    return await joined(parts, size)


async def joined(parts: list[bytes], size: int) -> bytes:
    """One body of its parts. A large one is joined in a thread, which lets the event loop go on meanwhile."""
    return b"".join(parts) if size < ASIDE_BYTES else await asyncio.to_thread(b"".join, parts)


def _content_digest(request: Request) -> bytes | None:
    """SHA-256 that a request says its body has. Whoever signs a body covers this field; here it is held to it."""
    lines = request.headers.getlist("content-digest")
    try:
        return parse_content_digest(", ".join(lines)) if lines else None
    except ValueError as error:
        raise NodeError(NodeCode.CONTENT_DIGEST_INVALID, f"{error}; see RFC 9530") from None


async def read_json(request: Request, kind: type[T]) -> T:
    """A request's JSON body as a value."""
    try:
        return msgspec.json.decode(await read_body(request, JSON_BYTES_MAX), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NodeError(NodeCode.REQUEST_MALFORMED, f"{error}; see /openapi.json for this route") from None


def answer(value: msgspec.Struct, status: int = 200) -> Response:
    """A value as a JSON response, in canonical bytes."""
    return Response(encode(value), status_code=status, media_type="application/json")


def encoded(value: T) -> T:
    """A value in its bytes already, for its place in an answer, so that it is encoded in the turn that read it."""
    return cast(T, msgspec.Raw(encode(value)))


def stored(data: bytes, kind: type[T]) -> T:
    """A value of a kind in the canonical bytes it is kept in, for its place in an answer."""
    return cast(T, msgspec.Raw(data))


def transaction_id(text: str) -> str:
    """A transaction's id as it came in a path, or a refusal."""
    try:
        if len(bytes.fromhex(text)) == 32 and len(text) == 64:
            return text.lower()
    except ValueError:
        pass
    raise NodeError(NodeCode.REQUEST_MALFORMED, f"{text[:80]!r} is not a transaction id; it has 64 hex digits")
