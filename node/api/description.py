"""/openapi.json: what the API is, put together from what each route says of itself.

Nothing is written down here that a route knows: paths, methods and parameters are FastAPI's, bodies and answers the
structs that the routes name, refusals the codes that they declare. It is put together once, when it is first asked for,
in a thread; no other request pays for it.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from node.api import operations, parameters
from node.api.examples import example
from node.api.operations import EVENTS, JSON, Given, Operation, Sent
from node.api.refusals import refusals
from node.api.routing import Route
from node.api.schemas import references_and_components
from remarque.api.chain import ChainEvent
from remarque.api.problem import Problem

SUMMARY = "Who made which picture, who owns it, who may see it, and who is paid."
INTRODUCTION = """A node of a Remarque chain. What it answers is canonical JSON (RFC 8785); every refusal is
`application/problem+json` (RFC 9457) with a permanent `code`, and each operation lists those that it may answer with.
A path that is none of these is refused with `ROUTE_UNKNOWN` (404), another method with `METHOD_NOT_ALLOWED` (405).
Parameters and fields that an operation does not have are refused, and ids and numbers of another form than stated with
`REQUEST_MALFORMED` (400), before anything is looked for. Lists come in pages: send `next` as `after`.
Values in examples have the right form, but no digest or signature in them holds."""
TAGS = {
    "consortium": "How the consortium's nodes stand: who votes, who answers.",
    "content": "Pictures' bytes: storing them before they are registered, and opening those that are confidential.",
    "events": "What happens on the chain, as it happens.",
    "generation": "Asking the node's generator for pictures that are recorded as they are made.",
    "governance": "What is put to the vote of the orgs.",
    "health": "For whoever runs the node: probes and metrics. Open to anyone.",
    "ipfs": "Content for programs of IPFS, by its ids: for members, and for all where the operator says so.",
    "ledger": "What the chain says: accounts, assets, policies, blocks, and the state with proofs.",
    "market": "What is for sale, offered, auctioned and rented, and who is owed what.",
    "open": "What anyone may ask: how far the chain is, receipts, proofs, and what is known of a picture.",
    "policies": "Policies before they are published: checked, asked, and tried on the last requests.",
    "scitt": "A transparency service of SCITT: statements in, receipts out. Open; refusals are CBOR (RFC 9290).",
    "sessions": "How a member proves a key once, and reads with a token from then on.",
    "transactions": "How the ledger is changed: signed transactions, which need no session.",
}
SECURITY = {
    "session": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of a session: sign a challenge of `POST /v1/sessions/challenge`, then open it.",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Signature-Input",
        "description": "An HTTP message signature (RFC 9421) by a key of the account, with tag `remarque`, in "
        "`Signature-Input` and `Signature`; docs/http_api.md says what it covers. Good for one request.",
    },
}


BINARY = {"type": "string", "format": "binary"}


def routes(version: str, routers: list[APIRouter]) -> APIRouter:
    """The route of the description of all routes."""
    router = APIRouter(include_in_schema=False, route_class=Route)

    @cache
    def described() -> bytes:
        return msgspec.json.encode(describe(version, routers))

    @router.get("/openapi.json")
    @operations.operation(Given(bytes, media=JSON, meaning="This description."))
    async def openapi() -> Response:
        return Response(await asyncio.to_thread(described), media_type=JSON)

    return router


def describe(version: str, routers: Iterable[APIRouter]) -> dict[str, Any]:
    """The description of the routes of some routers, as OpenAPI 3.1 has it."""
    described = [
        (route, route.operation)
        for router in routers
        for route in router.routes
        if isinstance(route, Route) and route.operation is not None
    ]
    values = _Values(operation for _, operation in described)
    shared: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for route, operation in described:
        (method,) = set(route.methods or ()) - {"HEAD"}
        paths.setdefault(route.path_format, {})[method.lower()] = _operation(route, operation, method, values, shared)
    used = {tag for route, _ in described for tag in route.tags}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Remarque node",
            "summary": SUMMARY,
            "description": INTRODUCTION,
            "version": version,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The node that this description was read from."}],
        "tags": [{"name": tag, "description": TAGS[str(tag)]} for tag in sorted(map(str, used))],
        "paths": paths,
        "components": {
            "schemas": values.components,
            "responses": dict(sorted(shared.items())),
            "securitySchemes": SECURITY,
        },
    }


class _Values:
    """Schemas and examples of what operations take and answer."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        kinds: list[Any] = [Problem, ChainEvent]
        for operation in operations:
            bodies: list[Given | Sent] = [*operation.answers, *([] if operation.sent is None else [operation.sent])]
            for body in bodies:
                kinds += kinds_of(body)
        references, self.components = references_and_components(kinds)
        self._references = list(zip(kinds, references, strict=True))

    def content(self, body: Given | Sent) -> dict[str, Any]:
        """A body's media type with its schema, and an example."""
        kinds = kinds_of(body)
        text = body.example if isinstance(body, Given) else ""
        if body.media == EVENTS:
            event = msgspec.json.encode(example(kinds[0])).decode()
            text = f"{'id: 42.0.0' if kinds[0] is ChainEvent else 'event: progress'}\ndata: {event}\n\n"
            inner = {"x-event-data": self._reference(kinds[0])}
            return {body.media: {"schema": {"type": "string", **inner}, "example": text}}
        if not kinds:
            return {body.media: {"schema": {"type": "string"}, "example": text} if text else {"schema": BINARY}}
        if len(kinds) == 1:
            whole = isinstance(body, Sent)
            return {body.media: {"schema": self._reference(kinds[0]), "example": example(kinds[0], whole=whole)}}
        examples = {kind.__name__: {"value": example(kind)} for kind in kinds}
        return {body.media: {"schema": {"anyOf": [self._reference(kind) for kind in kinds]}, "examples": examples}}

    def _reference(self, kind: Any) -> dict[str, Any]:
        return next(reference for known, reference in self._references if known == kind)


def kinds_of(body: Given | Sent) -> tuple[Any, ...]:
    """The types of values that a body may be; none of what is plain bytes, or nothing."""
    if body.kind in (bytes, None):
        return ()
    return body.kind if isinstance(body.kind, tuple) else (body.kind,)


def _operation(
    route: Route, operation: Operation, method: str, values: _Values, shared: dict[str, Any]
) -> dict[str, Any]:
    """The description of one operation. What is shared by several is put where it belongs."""
    found: dict[str, Any] = {
        "tags": list(route.tags),
        "summary": route.summary,
        "description": inspect.cleandoc(route.description),
        "operationId": operation_id(method, route.path_format),
        "parameters": parameters.described(route, operation, method),
        "responses": _answers(operation, values) | refusals(route, operation, shared),
        "security": [{name: []} for name in SECURITY] if route.members_only else [],
    }
    if operation.sent is not None:
        found["requestBody"] = {
            "description": operation.sent.meaning,
            "required": True,
            "content": values.content(operation.sent),
        }
    return found


def operation_id(method: str, path: str) -> str:
    """Name of an operation, such as `get_assets_asset_history`: what generated clients call it."""
    words = path.replace("/v1/", "/").translate(str.maketrans("/.-", "___", "{}")).strip("_")
    return f"{method.lower()}_{words}"


def _answers(operation: Operation, values: _Values) -> dict[str, Any]:
    """Responses of an operation that does what it is asked for; those of one status stand together."""
    found: dict[str, Any] = {}
    for given in operation.answers:
        meaning = given.meaning or inspect.cleandoc(kinds_of(given)[0].__doc__ or "")
        response = found.setdefault(str(given.status), {"description": meaning})
        if given.kind is not None:
            response["content"] = response.get("content", {}) | values.content(given)
        if given.headers:
            response["headers"] = {
                name: {"description": text, "schema": {"type": "string"}} for name, text in given.headers
            }
    return found
