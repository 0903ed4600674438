"""One error shape everywhere: problem+json (RFC 9457) with the permanent code."""

from __future__ import annotations

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ledger.errors import LedgerError
from ledger.merkle_log import LeavesUnknown
from node.ground import metrics
from node.ground.logs import logger
from remarque.api.problem import Problem
from remarque.errors import NodeCode, NodeError, status_of

MEDIA_TYPE = "application/problem+json"
LOGGED = "the operator finds it in the node's log"


def problem(code: str, meaning: str, detail: str, status: int, retry_after: int | None = None) -> Response:
    """A refusal as a response."""
    metrics.REFUSED.labels(code).inc()
    body = Problem(type=f"urn:remarque:error:{code}", title=meaning, status=status, code=code, detail=detail)
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    return Response(msgspec.json.encode(body), status_code=status, headers=headers, media_type=MEDIA_TYPE)


def refusal(error: LedgerError | NodeError) -> Response:
    """A ledger's or node's refusal as a response."""
    if isinstance(error, NodeError):
        return problem(error.code.name, error.code.meaning, error.detail, error.code.status, error.retry_after)
    return problem(error.code.name, error.code.value, error.detail, status_of(error.code))


def install(app: FastAPI) -> None:
    """Answer every failure of a route in the one shape."""

    @app.exception_handler(LedgerError)
    async def ledger_error(_: Request, error: LedgerError) -> Response:
        return refusal(error)

    @app.exception_handler(NodeError)
    async def node_error(_: Request, error: NodeError) -> Response:
        return refusal(error)

    @app.exception_handler(LeavesUnknown)
    async def leaves_unknown(_: Request, error: LeavesUnknown) -> Response:
        return refusal(NodeError(NodeCode.BLOCK_PRUNED, f"{error}; ask a node that has the whole chain"))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return refusal(
            NodeError(NodeCode.REQUEST_MALFORMED, f"{place}: {first['msg']}; see /openapi.json for this route")
        )

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return refusal(NodeError(NodeCode.ROUTE_UNKNOWN, f"{request.url.path}; see /openapi.json for the routes"))
        return problem("REQUEST_MALFORMED", NodeCode.REQUEST_MALFORMED.meaning, str(error.detail), error.status_code)

    @app.exception_handler(Exception)
    async def bug(request: Request, _: Exception) -> Response:
        logger.exception("request_failed", path=request.url.path)
        return refusal(NodeError(NodeCode.INTERNAL, LOGGED))
