"""One error shape everywhere: problem+json (RFC 9457) with the permanent code.

Routes refuse by themselves (`node.api.routing`); what is answered here was asked of no route, or is a bug.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ledger.errors import LedgerError
from node.ground import metrics
from node.ground.logs import logger
from remarque.api.problem import Problem
from remarque.errors import NodeCode, NodeError, status_of

MEDIA_TYPE = "application/problem+json"
UNCACHED = "private, no-store"
"""What is answered is for whoever asked and for now, unless a route says otherwise."""
LOGGED = "the operator finds it in the node's log"


def problem(code: str, meaning: str, detail: str, status: int, retry_after: int | None = None) -> Response:
    """A refusal as a response."""
    metrics.REFUSED.labels(code).inc()
    body = Problem(type=f"urn:remarque:error:{code}", title=meaning, status=status, code=code, detail=detail)
    headers = {"Cache-Control": UNCACHED}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return Response(msgspec.json.encode(body), status_code=status, headers=headers, media_type=MEDIA_TYPE)


def refusal(error: LedgerError | NodeError) -> Response:
    """A ledger's or node's refusal as a response."""
    if isinstance(error, NodeError):
        return problem(error.code.name, error.code.meaning, error.detail, error.code.status, error.retry_after)
    return problem(error.code.name, error.code.value, error.detail, status_of(error.code))


def install(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Answer what no route answers in the one shape: unknown paths, other methods, bugs."""

    @app.exception_handler(HTTPException)
    async def no_route(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            methods = set((error.headers or {}).get("Allow", "").split(", "))
            for route in (route for router in routers for route in router.routes):
                if isinstance(route, APIRoute) and route.path_regex.match(request.url.path):
                    methods |= route.methods or set()  # the route that refused told of its own only
            return other_method(request.method, request.url.path, methods)
        return refusal(NodeError(NodeCode.ROUTE_UNKNOWN, f"{request.url.path}; see /openapi.json for the routes"))

    @app.exception_handler(Exception)
    async def bug(request: Request, _: Exception) -> Response:
        logger.exception("request_failed", path=request.url.path)
        return refusal(NodeError(NodeCode.INTERNAL, LOGGED))


def other_method(method: str, path: str, methods: set[str]) -> Response:
    """OPTIONS asks which methods a path takes; another that it does not take is refused and told the same."""
    allow = ", ".join(sorted({*methods, "OPTIONS"}))
    if method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": allow})
    response = refusal(NodeError(NodeCode.METHOD_NOT_ALLOWED, f"{path} takes {allow}, not {method[:20]}"))
    response.headers["Allow"] = allow
    return response
