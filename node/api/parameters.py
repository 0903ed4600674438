"""The parameters of operations as /openapi.json describes them: what FastAPI knows of each, and its form."""

from __future__ import annotations

from typing import Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from node.api.examples import example_named
from node.api.meanings import Meaning
from node.api.operations import Operation
from node.api.routing import Route
from node.api.schemas import schema_of

PLACES = ("after", "last-event-id")
"""Parameters that hold a place in the list or feed of their route, or nothing."""
EXAMPLES = {
    "after": 42,
    "from": 40,
    "to": 42,
    "height": 42,
    "min_height": 1,
    "anchor": 42,
    "consistency": "linearizable",
    "at": 0,
    "range": "bytes=0-1023",
    "format": "raw",
    "car-version": "1",
    "car-order": "dfs",
    "car-dups": "n",
    "filter-addrs": "https",
    "filter-protocols": "transport-ipfs-gateway-http",
}
"""Of parameters whose type does not give one away."""


def described(route: Route, operation: Operation, method: str) -> list[dict[str, Any]]:
    """The parameters that FastAPI found of an operation, with their true forms and what they mean."""
    plain = APIRoute(route.path_format, route.endpoint, methods=[method], dependencies=route.dependencies)
    read = get_openapi(title="", version="", routes=[plain])["paths"][route.path_format][method.lower()]
    return [
        _described(parameter, route.meanings[parameter["name"]], operation.after)
        for parameter in read.get("parameters", [])
    ]


def _described(parameter: dict[str, Any], meaning: Meaning, place: Any) -> dict[str, Any]:
    name, found = parameter["name"], _without_null(parameter["schema"])
    form = place if place is not None and name in PLACES and found["type"] == "string" else meaning.kind
    schema = _bare(found if form is None else schema_of(form))
    if name in PLACES and place is not None and form is not None:
        schema["pattern"] = f"^({schema['pattern'][1:-1]})?$"
    if parameter["schema"].get("default") is not None:
        schema["default"] = parameter["schema"]["default"]
    return {
        "name": name,
        "in": parameter["in"],
        "required": parameter["required"],
        "schema": schema,
        "description": meaning.text,
        "example": _example(name, schema) if form is None else example_named(name, form),
    }


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that may be left out is not null when it is there."""
    (found,) = [one for one in schema.get("anyOf", [schema]) if one != {"type": "null"}]
    return dict(found)


def _bare(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without what is said beside it."""
    return {key: value for key, value in schema.items() if key not in ("title", "description", "default")}


def _example(name: str, schema: dict[str, Any]) -> Any:
    return EXAMPLES[name] if name in EXAMPLES else schema.get("default", schema.get("minimum", 1))
