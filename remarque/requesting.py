"""Requests to nodes: to whichever answers, in a session or signed each, with refusals as typed errors.

Given several addresses it goes on to the next when one does not answer: the same signed transaction may be sent to any
node any number of times, and has one receipt.
"""

from __future__ import annotations

import asyncio
import io
import re
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlsplit

import aiohttp
import msgspec

from ledger import cbor, crypto
from ledger.cbor import CborRefused
from ledger.crypto import SigningKey
from ledger.encoding import NOT_DECODED, encode
from ledger.transaction import SignedTransaction
from remarque import message_signatures
from remarque.api.problem import Problem
from remarque.api.sessions import AskChallenge, Challenge, OpenSession, Session
from remarque.api.shapes import Body, Page
from remarque.errors import NodeCode, RemarqueError

TIMEOUT_SECONDS = 40.0
"""For a request and its answer, and longer for a body, by its size."""
BODY_BYTES_PER_SECOND_MIN = 1024 * 1024
CONCISE_PROBLEM, EVENT_STREAM = "application/concise-problem-details+cbor", "text/event-stream"
ANSWER_BYTES_MAX = 128 * 1024 * 1024
AT_ONCE_BYTES_MAX = 1024 * 1024
"""A longer body is sent in parts, between which the event loop goes on."""
NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""What failed before anything was sent."""
LOOPBACK = re.compile(r"(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?/?\Z")
"""This machine, without a scheme."""
ELSEWHERE = (NodeCode.HEIGHT_NOT_REACHED.name, NodeCode.NO_LEADER.name)
"""Codes of what another node may well answer."""
UNREADABLE = (NodeCode.ANSWER_UNREADABLE.name, NodeCode.BODY_TOO_LARGE.name)
"""Codes of answers that came, and that nobody can read."""
UNREACHED = (
    aiohttp.ClientConnectionError,
    aiohttp.ClientPayloadError,
    aiohttp.ClientResponseError,
    TimeoutError,
)
"""How a node is not reached, as aiohttp says it; whoever speaks no HTTP is none."""

HOURS_MAX = 1_000_000
"""A century and more: whatever lasts longer is a mistake."""

T = TypeVar("T")
P = TypeVar("P", bound=Page)


class Unanswered(ConnectionError):
    """A node was reached and did not answer: it may have done what it was asked."""


def settles_nothing(error: RemarqueError) -> bool:
    """Whether a refusal says nothing of what was asked, only that the node could not do it or answer now."""
    return error.status >= 500 or error.status == 429 or error.code in UNREADABLE


class NodeConnection:
    """An account's way to nodes."""

    def __init__(
        self,
        urls: str | Sequence[str],
        account: str | None = None,
        key: SigningKey | None = None,
        *,
        signed_requests: bool = False,
    ) -> None:
        """A client of the nodes at `urls`, as an account; without one it asks only what is open to anybody.

        What only members may ask is asked in a session, opened on first use; with `signed_requests` each such request
        is signed by itself instead, for exactly the address it is sent to.
        """
        self.urls = [node_address(url) for url in ([urls] if isinstance(urls, str) else urls)]
        if not self.urls:
            raise RemarqueError(NodeCode.REQUEST_MALFORMED.name, "no node is named; give the address of one")
        """Addresses of nodes; the first is asked, and goes to the end when it does not answer."""
        self.account = account
        """The account that asks and signs, such as `alice@studio`."""
        self.key = key
        """One of the account's keys. It never travels."""
        self.height = 0
        """Of the newest block in which this client knows something of its own to be: it reads nothing older."""
        self.signed_requests = signed_requests
        """Whether requests are signed each, and no session is opened."""
        self._http: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        """The one that the connections belong to."""
        self._closed = False
        self._tokens: dict[str, str] = {}
        self.unsettled: tuple[SignedTransaction, ...] = ()
        """What was sent last to be committed, until something says what became of it: send it again, sign none anew."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections, for good. What is under way ends: a transaction that was sent as Pending."""
        self._closed = True
        if self._http is not None:
            await self._http.close()

    async def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        session: bool = True,
        params: dict[str, str] | None = None,
        media_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """The bytes that the first node that answers gives; RemarqueError if it refuses.

        For routes that no method is for, such as tiles of the log. ConnectionError if no node answers.
        """
        if not path.startswith("/"):
            raise RemarqueError("REQUEST_MALFORMED", f"{path!r} is no path; write it as /v1/status")
        if not {".", ".."}.isdisjoint(path.partition("?")[0].split("/")):
            raise RemarqueError("REQUEST_MALFORMED", f"{path!r} would lead to another route; name one thing, by its id")
        failure: BaseException | None = None
        unanswered = False
        for url in list(self.urls):
            try:
                return await self._request(
                    url, method, path, body, session=session, params=params, media_type=media_type, headers=headers
                )
            except UNREACHED as error:
                failure = error
                unanswered |= not isinstance(error, NOT_SENT)
            except RemarqueError as error:
                if _is_last_word(method, error, unanswered=unanswered):
                    raise
                failure = error
                unanswered |= method != "GET" or error.code not in ELSEWHERE
            self.urls.append(self.urls.pop(0))
            if self._closed:
                break
        if method == "GET" and isinstance(failure, RemarqueError) and failure.code in ELSEWHERE:
            if failure.code == NodeCode.HEIGHT_NOT_REACHED.name:
                self.height = 0  # no node that answers has come there: what said so may have been wrong
            raise failure
        raised = Unanswered if unanswered else ConnectionError
        raise raised(f"none of {', '.join(self.urls)} answers: {failure}")

    async def _request(
        self,
        url: str,
        method: str,
        path: str,
        body: bytes | None,
        *,
        session: bool,
        params: dict[str, str] | None,
        media_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        said = ({"Content-Type": media_type} if body is not None else {}) | dict(headers or {})
        fields, signing = await self._credentials(url) if session else ({}, ())
        async with self._session().request(
            method,
            url + path,
            data=io.BytesIO(body) if body is not None and len(body) > AT_ONCE_BYTES_MAX else body,
            headers=said | fields,
            params=params,
            timeout=_timeout(len(body or b"")),
            middlewares=signing,
            allow_redirects=False,
        ) as response:
            if response.content_type == EVENT_STREAM:
                detail = f"{path} is a stream without end; follow it with `remarque events`, or `progress` of a Client"
                raise RemarqueError(NodeCode.REQUEST_MALFORMED.name, detail)
            data = await _bounded(response)
            if response.status < 300:
                return data
            error = _refusal(data, response)
            if error.code == "SESSION_INVALID" and self._tokens.pop(url, ""):
                return await self._request(
                    url, method, path, body, session=session, params=params, media_type=media_type, headers=headers
                )
            raise error

    async def session(self) -> str:
        """The token of this client's session at the first of `urls`, opened on first use and good for an hour.

        Whoever holds it reads as the account, and signs nothing.
        """
        return await self._token(self.urls[0])

    async def get(self, path: str, *, session: bool = True, **params: str) -> Any:
        """JSON of a GET as it came, for whoever wants it so; methods named after what they read give typed values.

        ANSWER_UNREADABLE if the answer is no JSON: `request` gives its bytes.
        """
        return value_of(await self.request("GET", path, session=session, params=params or None), object)

    async def _read(self, path: str, kind: type[T], *, session: bool = True, **params: str) -> T:
        """A route's answer as a value; one of a route for members is as new as what this client has written."""
        if session and self.height:
            params = {"min_height": str(self.height)} | params
        return value_of(await self.request("GET", path, session=session, params=params or None), kind)

    async def _ask(self, path: str, body: Body, kind: type[T]) -> T:
        """The answer to a body as a value."""
        return value_of(await self.request("POST", path, encode(body)), kind)

    async def _listed(self, path: str, page: type[P], items: Callable[[P], Iterable[T]], **params: str) -> list[T]:
        """All items of a list, page by page."""
        found: list[T] = []
        after: str | msgspec.UnsetType = ""
        while isinstance(after, str):
            part = await self._read(path, page, session=True, limit="100", after=after, **params)
            found += items(part)
            after = part.next
        return found

    def _session(self) -> aiohttp.ClientSession:
        if self._closed:
            raise RuntimeError("this client is closed; make another one")
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise RuntimeError("this client belongs to an event loop that was run before; make one in each asyncio.run")
        self._loop = loop
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=_timeout(0), connector=aiohttp.TCPConnector(limit=256))
        return self._http

    async def _credentials(self, url: str) -> tuple[dict[str, str], tuple[aiohttp.ClientMiddlewareType, ...]]:
        """Header fields, or a middleware that signs, to show a node whose requests these are."""
        if self.signed_requests:
            return {}, (self._sign_request,)
        return {"Authorization": f"Bearer {await self._token(url)}"}, ()

    async def _sign_request(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Sign a request as it will be sent; when aiohttp sends it again on a new connection, anew."""
        account, key = self._signer()
        url = request.url
        sent = message_signatures.target(
            request.method, url.host_port_subcomponent or "", url.raw_path, url.raw_query_string
        )
        body = await request.body.as_bytes() if request.body else b""
        created = now_ms() // 1_000
        signed = message_signatures.sign(sent, request.headers, body, account=account, key=key, created=created)
        request.headers.update(signed)
        return await handler(request)

    async def _token(self, url: str) -> str:
        """Session token at a node, opened on first use."""
        if url not in self._tokens:
            account, key = self._signer()
            ask = encode(AskChallenge(account=account))
            challenge = await self._request(url, "POST", "/v1/sessions/challenge", ask, session=False, params=None)
            opened = OpenSession(
                account=account,
                key=key.public,
                challenge=value_of(challenge, Challenge).challenge,
                signature=key.sign(crypto.SESSION, challenge),
            )
            answer = await self._request(url, "POST", "/v1/sessions", encode(opened), session=False, params=None)
            self._tokens[url] = value_of(answer, Session).token
        return self._tokens[url]

    def _signer(self) -> tuple[str, SigningKey]:
        if self.account is None or self.key is None:
            raise RemarqueError("SESSION_REQUIRED", "this needs an account; give the client an account and its key")
        return self.account, self.key

    async def _stream(self, path: str, kind: type[T], after: str = "") -> AsyncGenerator[tuple[str, T], None]:
        """Values that a node sends as they come about, each with its place, until the node ends the stream.

        A session that the node no longer knows, because it was started again, is opened anew.
        """
        url = self.urls[0]
        timeout = aiohttp.ClientTimeout(total=None, sock_read=60.0)
        while True:
            renewable = url in self._tokens
            fields, signing = await self._credentials(url)
            headers = fields | ({"Last-Event-ID": after} if after else {})
            async with self._session().get(
                url + path, headers=headers, timeout=timeout, middlewares=signing
            ) as response:
                if response.status >= 400:
                    error = _problem(await response.read(), response.status)
                    self._tokens.pop(url, "")
                    if error.code == NodeCode.SESSION_INVALID.name and renewable:
                        continue
                    raise error
                place = ""
                async for line in response.content:
                    if line.startswith(b"id: "):
                        place = line[4:].strip().decode()
                    elif line.startswith(b"data: "):
                        yield place, value_of(line[6:], kind)
                return


def _is_last_word(method: str, error: RemarqueError, *, unanswered: bool) -> bool:
    """Whether no other node is asked after a refusal. `unanswered`: one before may have done what it was asked."""
    if error.code == NodeCode.SHUTTING_DOWN.name or (method == "GET" and error.code in ELSEWHERE):
        return False
    # What another node may have taken is not undone by this one's having no room for it.
    return not (unanswered and settles_nothing(error))


def node_address(url: str) -> str:
    """The address of a node as it is asked. REQUEST_MALFORMED says how one is written.

    One without a scheme is http on this machine; anywhere else it has to say whether it is https.
    """
    full = f"http://{url}" if LOOPBACK.match(url) else url
    try:
        parts = urlsplit(full)
        holds = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        holds = holds and not (parts.query or parts.fragment or parts.username)
    except ValueError:
        holds = False
    if not holds:
        detail = f"{url!r} is no address of a node; write it as http://127.0.0.1:8100 or https://node.example"
        raise RemarqueError(NodeCode.REQUEST_MALFORMED.name, detail)
    return full.rstrip("/")


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """An answer's body; a node that sends without end is refused."""
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            raise RemarqueError("BODY_TOO_LARGE", f"the answer has more than {ANSWER_BYTES_MAX} bytes", response.status)
    return b"".join(parts)


def value_of(data: bytes, kind: type[T]) -> T:
    """A node's answer as a value. ANSWER_UNREADABLE if it is none of its kind."""
    try:
        return msgspec.json.decode(data, type=kind)
    except NOT_DECODED as error:
        detail = f"{error}; node and client may be of versions that do not fit"
        raise RemarqueError(NodeCode.ANSWER_UNREADABLE.name, detail) from None


def _timeout(size: int) -> aiohttp.ClientTimeout:
    """How long a request with a body of so many bytes may take."""
    return aiohttp.ClientTimeout(total=TIMEOUT_SECONDS + size / BODY_BYTES_PER_SECOND_MIN, sock_connect=2.0)


def segment(name: str) -> str:
    """A name as one segment of a path: whatever is in it, it leads to no other route, and asks nothing besides."""
    return quote(name, safe="@")


def end_ms(lasting: float | datetime) -> int:
    """When something ends that lasts for so many hours, or until a moment; in milliseconds since 1970.

    REQUEST_MALFORMED if it is no length of time, or the moment has no time zone.
    """
    if isinstance(lasting, datetime):
        if lasting.tzinfo is None:
            raise RemarqueError(NodeCode.REQUEST_MALFORMED.name, f"{lasting} has no time zone; give it one")
        return (lasting - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    if not 0 < lasting <= HOURS_MAX:
        detail = f"{lasting} hours are no length of time; give a number above 0, such as 24"
        raise RemarqueError(NodeCode.REQUEST_MALFORMED.name, detail)
    return now_ms() + int(lasting * 3_600_000)


def now_ms() -> int:
    """Milliseconds since 1970 by this machine's clock."""
    return time.time_ns() // 1_000_000


def _refusal(data: bytes, response: aiohttp.ClientResponse) -> RemarqueError:
    """A refusal, in whichever of the two forms it came."""
    if response.content_type != CONCISE_PROBLEM:
        return _problem(data, response.status)
    try:
        body = cbor.decode(data)
        return RemarqueError(body["urn:remarque:error"]["code"], body[-2], response.status)
    except (CborRefused, KeyError, TypeError):
        return _problem(b"", response.status)


def _problem(data: bytes, status: int) -> RemarqueError:
    try:
        body = msgspec.json.decode(data, type=Problem)
        return RemarqueError(body.code, body.detail, status)
    except NOT_DECODED:
        return RemarqueError("INTERNAL", f"HTTP {status} without a problem body; is this a Remarque node?", status)
