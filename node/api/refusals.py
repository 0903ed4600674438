"""What operations refuse with, as the description of the API tells it: by status, each with the codes it may have."""

from __future__ import annotations

from typing import Any

from node.api.operations import Operation, Refusal, http_status
from node.api.problem import MEDIA_TYPE
from node.api.routing import Route
from remarque.errors import NodeCode

RETRY_AFTER = {"description": "Seconds after which to try again.", "schema": {"type": "integer", "minimum": 0}}
CONCISE_SCHEMA = {
    "type": "string",
    "format": "binary",
    "description": "A CBOR map: -1 the code's meaning, -2 the detail, `urn:remarque:error` a map with the `code`.",
}
SHARED = {
    "Malformed": (NodeCode.REQUEST_MALFORMED,),
    "Unauthorized": (NodeCode.REQUEST_SIGNATURE_INVALID, NodeCode.SESSION_INVALID, NodeCode.SESSION_REQUIRED),
    "NotFound": (NodeCode.NOT_FOUND,),
    "Pruned": (NodeCode.BLOCK_PRUNED,),
    "TooLarge": (NodeCode.BODY_TOO_LARGE,),
    "Busy": (NodeCode.ACCOUNT_BUSY,),
    "Fault": (NodeCode.DATA_CORRUPT, NodeCode.INTERNAL),
    "Overloaded": (NodeCode.OVERLOADED,),
}
"""Refusals of one status that many operations have in common, by the names under which they are described once."""


def refusals(route: Route, operation: Operation, shared: dict[str, Any]) -> dict[str, Any]:
    """Responses of an operation that refuses, by status, each with the codes that it may have."""
    found = {}
    names: dict[tuple[Refusal, ...], str] = {codes: name for name, codes in SHARED.items()}
    for status, codes in by_status(route, operation).items():
        response = _refusal(status, codes, route.problem_media)
        name = names.get(codes)
        if name is None:
            found[str(status)] = response
            continue
        name += "" if route.problem_media == MEDIA_TYPE else "Concise"
        shared[name] = response
        found[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return found


def by_status(route: Route, operation: Operation) -> dict[int, tuple[Refusal, ...]]:
    """The codes that an operation may refuse with, by the status they are told with. Redirections are answers."""
    found: dict[int, list[Refusal]] = {}
    for code in sorted(operation.codes(members=route.members_only), key=lambda code: (http_status(code), code.name)):
        found.setdefault(http_status(code), []).append(code)
    return {status: tuple(codes) for status, codes in found.items() if status >= 400}


def _refusal(status: int, codes: tuple[Refusal, ...], media: str) -> dict[str, Any]:
    """A response that refuses with one of some codes."""
    told = {code: code.meaning if isinstance(code, NodeCode) else code.value for code in codes}
    text = "\n".join(f"* `{code.name}`: {meaning}" for code, meaning in told.items())
    response: dict[str, Any] = {"description": text}
    if status in (429, 503, 504, 507):
        response["headers"] = {"Retry-After": RETRY_AFTER}
    if media != MEDIA_TYPE:
        return response | {"content": {media: {"schema": CONCISE_SCHEMA | {"x-codes": [code.name for code in codes]}}}}
    first = codes[0]
    shown = {
        "type": f"urn:remarque:error:{first.name}",
        "title": told[first],
        "status": status,
        "code": first.name,
        "detail": "what was asked, why it is refused, and what to do instead",
    }
    enumerated = {"properties": {"code": {"enum": [code.name for code in codes]}}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, enumerated]}
    return response | {"content": {media: {"schema": schema, "example": shown}}}
