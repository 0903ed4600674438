"""What a route says of itself, beside its handler: what it takes, what it answers, and what it refuses with.

`operation(...)` decorates a handler. From that, and from what FastAPI knows of the handler's parameters, /openapi.json
is filled; and a route that refuses with a code that it does not declare is found out by the log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from ledger.errors import Code
from node.ground.logs import logger
from remarque.errors import NodeCode, status_of

JSON = "application/json"
OCTETS = "application/octet-stream"
EVENTS = "text/event-stream"

Refusal = Code | NodeCode
Handler = TypeVar("Handler", bound=Callable[..., Any])

ALWAYS = (NodeCode.REQUEST_MALFORMED, NodeCode.DATA_CORRUPT, NodeCode.INTERNAL)
"""What any route may refuse with: an unknown parameter, and what is the node's own fault."""
OF_READERS = (
    NodeCode.SESSION_REQUIRED,
    NodeCode.SESSION_INVALID,
    NodeCode.REQUEST_SIGNATURE_INVALID,
    NodeCode.ACCOUNT_BUSY,
    NodeCode.OVERLOADED,
    NodeCode.HEIGHT_NOT_REACHED,
    NodeCode.NO_LEADER,
)
"""What a route for members may refuse with before anything is read."""
OF_BODIES = (NodeCode.BODY_TOO_LARGE, NodeCode.CONTENT_DIGEST_INVALID, NodeCode.OVERLOADED)
"""What a route that reads a body may refuse with."""


class Sent(msgspec.Struct, frozen=True):
    """What a request's body is."""

    kind: Any
    """A value's type; `bytes` for what is not JSON."""
    meaning: str
    media: str = JSON
    digest: bool = True
    """Whether the body is held to its Content-Digest."""


class Given(msgspec.Struct, frozen=True):
    """What is answered with one status."""

    kind: Any
    """A value's type, or several of which one is answered; `bytes` for what is not JSON; None for no body."""
    status: int = 200
    media: str = JSON
    meaning: str = ""
    """Empty: what the value's own docstring says."""
    headers: tuple[tuple[str, str], ...] = ()
    """Names and meanings of header fields."""
    example: str = ""
    """Of an answer that is text."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """What a route takes, answers and refuses with. A decorator of its handler."""

    answers: tuple[Given, ...]
    sent: Sent | None
    refuses: tuple[Refusal, ...]
    """Codes beside those that are derived."""
    after: Any
    """Type of a place in the list that the route gives."""

    def __call__(self, handler: Handler) -> Handler:
        handler.operation = self  # type: ignore[attr-defined]  # found again by `operation_of`
        return handler

    def codes(self, *, members: bool) -> frozenset[Refusal]:
        """All codes that the route may refuse with."""
        of_readers = OF_READERS if members else ()
        of_bodies = OF_BODIES if self.sent is not None and self.sent.digest else ()
        return frozenset((*ALWAYS, *of_readers, *of_bodies, *self.refuses))


def operation(
    *answers: Any, sent: Sent | None = None, refuses: tuple[Refusal, ...] = (), after: Any = None
) -> Operation:
    """Say what a handler answers: a value's type for JSON with status 200, else a `Given`."""
    given = tuple(one if isinstance(one, Given) else Given(one) for one in answers)
    return Operation(answers=given, sent=sent, refuses=refuses, after=after)


def operation_of(handler: Callable[..., Any]) -> Operation | None:
    """What a handler was declared to be; None for the pages."""
    return getattr(handler, "operation", None)


def http_status(code: Refusal) -> int:
    """HTTP status that a refusal is told with."""
    return code.status if isinstance(code, NodeCode) else status_of(code)


def note_refusal(code: Refusal, declared: frozenset[Refusal], path: str) -> None:
    """Log that a route refuses with a code that it does not declare. The tests of nodes fail on this line."""
    if code not in declared:
        logger.error("code_undeclared", code=code.name, path=path)
