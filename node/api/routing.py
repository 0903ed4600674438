"""How routes are called: parameters have one spelling, HEAD is answered wherever GET is, refusals have one form."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, get_args, get_origin

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import Response

from ledger.errors import LedgerError
from ledger.merkle_log import LeavesUnknown
from node.api.levels import show_level
from node.api.meanings import MEANINGS, Form, Meaning, check_path, check_query
from node.api.operations import Operation, Refusal, note_refusal, operation_of
from node.api.problem import LOGGED, MEDIA_TYPE, UNCACHED, refusal
from node.ground.logs import logger
from remarque.errors import NodeCode, NodeError

OF_PAGES: frozenset[Refusal] = frozenset((NodeCode.ROUTE_UNKNOWN,))
"""What a page may refuse with."""


class Route(APIRoute):
    """A route of the API, or of a page."""

    problem_media = MEDIA_TYPE
    meanings: Mapping[str, Meaning] = MEANINGS
    """What its parameters mean."""

    def __init__(self, path: str, endpoint: Callable[..., Any], *, methods: Any = None, **more: Any) -> None:
        named = set(methods or ("GET",))
        super().__init__(path, endpoint, methods=named | {"HEAD"} if "GET" in named else named, **more)

    @property
    def operation(self) -> Operation | None:
        """What it says of itself; None for a page."""
        return operation_of(self.endpoint)

    @property
    def members_only(self) -> bool:
        """Whether a session or a signed request is needed. A reader is the only thing that routes depend on."""
        return bool(self.dependant.dependencies)

    def refused(self, error: LedgerError | NodeError) -> Response:
        """A refusal as this route tells it."""
        return refusal(error)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle, operation = super().get_route_handler(), self.operation
        form, parts = form_of(self.dependant), self.dependant.path_params
        whole = frozenset(field.alias for field in parts if _is_whole(field.field_info.annotation))
        codes = OF_PAGES if operation is None else operation.codes(members=self.members_only)

        async def handled(request: Request) -> Response:
            level = getattr(request.app.state, "level", None)
            if level is not None:
                request.state.level = level()
            try:
                if operation is not None:
                    check_query(request.scope["query_string"], form, self.meanings)
                    check_path(request.path_params, whole, self.meanings)
                response = await handle(request)
            except (LedgerError, NodeError, LeavesUnknown, RequestValidationError) as error:
                refused = _told(error)
                note_refusal(refused.code, codes, request.url.path)
                response = self.refused(refused)
            except Exception:
                logger.exception("request_failed", path=request.url.path)
                response = self.refused(NodeError(NodeCode.INTERNAL, LOGGED))
            response.headers.setdefault("Cache-Control", UNCACHED)
            if level is not None:
                show_level(response, request.state.level)
            return _header(response) if request.method == "HEAD" else response

        return handled


def router(prefix: str, tag: str, reader: Callable[..., Any] | None = None, route: type[Route] = Route) -> APIRouter:
    """A router of the API; with a reader, for members only."""
    dependencies = [] if reader is None else [Depends(reader)]
    return APIRouter(prefix=prefix, tags=[tag], dependencies=dependencies, route_class=route)


def form_of(dependant: Dependant) -> Form:
    """How the parameters of a route may be given, as its handler's types say."""
    own = [dependant, *dependant.dependencies]
    fields = {field.alias: field.field_info.annotation for one in own for field in one.query_params}
    return Form(
        names=frozenset(fields),
        several=frozenset(name for name, kind in fields.items() if get_origin(kind) is list),
        whole=frozenset(name for name, kind in fields.items() if _is_whole(kind)),
        flags=frozenset(name for name, kind in fields.items() if kind is bool),
    )


def _is_whole(kind: Any) -> bool:
    return kind is int or int in get_args(kind)


def _told(error: LedgerError | NodeError | LeavesUnknown | RequestValidationError) -> LedgerError | NodeError:
    """A failure to answer as one of the refusals of the catalogue."""
    if isinstance(error, LeavesUnknown):
        return NodeError(NodeCode.BLOCK_PRUNED, f"{error}; ask a node that has the whole chain")
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return NodeError(NodeCode.REQUEST_MALFORMED, f"{place}: {first['msg']}; see /openapi.json for this route")
    return error


def _header(response: Response) -> Response:
    """What HEAD is answered where this is the answer to GET: its header. A stream is not even begun."""
    header = Response(status_code=response.status_code)
    header.raw_headers = response.raw_headers
    return header
