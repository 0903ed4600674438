"""Bodies in and out: bounded before they are parsed, canonical when they leave.

What routes take and answer are the values of `remarque.api`, or of the ledger. Parts of a large answer may be put in as
the bytes they will be, which msgspec passes on as they are: those of `encoded` and of `stored`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

import msgspec
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from ledger.encoding import NOT_DECODED, encode
from ledger.names import Hex32
from node.ground.doors import whose
from remarque.errors import NodeCode, NodeError
from remarque.message_signatures import parse_content_digest

T = TypeVar("T")

JSON_BYTES_MAX = 256 * 1024
ASIDE_BYTES = 1024 * 1024
"""From this many bytes on, Python lets other threads run while it joins parts."""
ARRIVING_BYTES_MAX = 256 * 1024 * 1024
ADDRESS_BYTES_MAX = ARRIVING_BYTES_MAX // 2
GONE = "the client went away before its body was whole"
BODY_SECONDS_MAX = 20.0
"""How long a body may take: a slow one holds a place that others wait for. A large one has longer, as it comes."""
BODY_BYTES_PER_SECOND_MIN = 1024 * 1024
"""What must come of it on the average beyond that."""


class Arriving:
    """Bytes of bodies that have come, of requests that are not answered: bounded for all, and for an address.

    A body is charged as it comes and not as it is announced, so that nobody holds room with what is never sent.
    """

    def __init__(self) -> None:
        self._total = 0
        self._of: Counter[str] = Counter()

    @contextmanager
    def counted(self, client: tuple[str, int] | None) -> Iterator[Callable[[int], None]]:
        """Count a request's body: what is given is called with each part's size, and refuses what is too much."""
        address, taken = whose(client[0]) if client else "", 0

        def take(size: int) -> None:
            nonlocal taken
            if self._total + size > ARRIVING_BYTES_MAX or self._of[address] + size > ADDRESS_BYTES_MAX:
                raise NodeError(NodeCode.OVERLOADED, f"{self._total} bytes of requests are under way; try again", 1)
            taken += size
            self._total += size
            self._of[address] += size

        try:
            yield take
        finally:
            self._total -= taken
            self._of[address] -= taken
            if not self._of[address]:
                del self._of[address]


ARRIVING = Arriving()
"""Of this process, whose memory it is."""


async def read_body(request: Request, bytes_max: int) -> bytes:
    """A request's body, refused as soon as it is too long, or if it is not what its Content-Digest says."""
    parts = list[bytes]()
    with ARRIVING.counted(request.client) as take:

        async def keep(part: bytes) -> None:
            take(len(part))
            parts.append(part)

        size = await pass_on(request, bytes_max, keep)
    return await joined(parts, size)


async def pass_on(request: Request, bytes_max: int, keep: Callable[[bytes], Awaitable[None]]) -> int:
    """Pass a request's body on part by part; its size. Refused as `read_body` refuses it, then with parts passed on."""
    expected = _content_digest(request)
    digest = hashlib.sha256()
    size = 0
    try:
        begun = asyncio.get_running_loop().time()
        async with asyncio.timeout(BODY_SECONDS_MAX) as limit:
            async for part in request.stream():
                size += len(part)
                limit.reschedule(begun + BODY_SECONDS_MAX + size / BODY_BYTES_PER_SECOND_MIN)
                if size > bytes_max:
                    raise NodeError(NodeCode.BODY_TOO_LARGE, f"the body has more than {bytes_max} bytes; send less")
                await keep(part)
                if expected is not None:
                    digest.update(part)
    except TimeoutError:
        detail = f"the body came more slowly than a node waits for, {size} bytes so far; send it faster"
        raise NodeError(NodeCode.REQUEST_MALFORMED, detail) from None
    except ClientDisconnect:
        raise NodeError(NodeCode.REQUEST_MALFORMED, GONE) from None
    if expected is not None and digest.digest() != expected:
        raise NodeError(
            NodeCode.CONTENT_DIGEST_INVALID, f"the {size} bytes have sha-256 {digest.hexdigest()}; send those it is of"
        )
    return size


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


async def read_json(request: Request, kind: type[T], bytes_max: int = JSON_BYTES_MAX) -> T:
    """A request's JSON body as a value."""
    try:
        return msgspec.json.decode(await read_body(request, bytes_max), type=kind)
    except NOT_DECODED as error:
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
    """A transaction's id as it came at the peer port, or a refusal."""
    try:
        return msgspec.convert(text, Hex32)
    except msgspec.ValidationError:
        pass
    raise NodeError(NodeCode.REQUEST_MALFORMED, f"{text[:80]!r} is not a transaction id; it has 64 hex digits")
