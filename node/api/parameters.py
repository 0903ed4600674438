"""What parameters mean: a name means the same in every route.

Most are only described here, with the form of what can be found under them. What is of another form is not found, and
refused by the room that looks for it, with its own code.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from msgspec import Meta

from ledger.names import AccountName, CollectionName, ContentId, Count, Hex32, NodeName, PolicyName, Positive
from ledger.state_answer import KEYS_MAX
from node.api.examples import example_named
from node.api.operations import Operation
from node.api.proofs import KEY_LENGTH_MAX
from node.api.routing import Route
from node.api.schemas import schema_of

Key = Annotated[str, Meta(min_length=1, max_length=KEY_LENGTH_MAX)]


class Meaning(msgspec.Struct, frozen=True):
    """What a parameter is, and for whom."""

    kind: Any
    """Its type; None where FastAPI's own description says it all."""
    text: str


MEANINGS = {
    "account": Meaning(AccountName, "An account: a name in an org."),
    "after": Meaning(None, "Where to go on: what comes behind that place is answered."),
    "anchor": Meaning(None, "Height of the certified header to prove it up to; else the first at or above."),
    "asset": Meaning(Hex32, "An asset's id: the digest of its pixels."),
    "cid": Meaning(ContentId, "A content id."),
    "collection": Meaning(CollectionName, "A collection: a name in an org."),
    "entry": Meaning(Hex32, "An entry's id: the SHA-256 of its statement."),
    "from": Meaning(None, "The lower height."),
    "generation": Meaning(Hex32, "A generation's id: the digest of its request."),
    "height": Meaning(None, "A block's height; the genesis block is 0."),
    "key": Meaning(
        Annotated[list[Key], Meta(min_length=1, max_length=KEYS_MAX)],
        "A key of the state, such as `asset/<id>`; give it several times for several.",
    ),
    "kid": Meaning(Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}\Z")], "A key id in base64url."),
    "last-event-id": Meaning(None, "Id of the last event seen; counts before `after`."),
    "limit": Meaning(None, "Most items of the page."),
    "name": Meaning(PolicyName, "A policy's name."),
    "node": Meaning(NodeName, "A node's name."),
    "path": Meaning(
        Annotated[
            str, Meta(pattern=r"^([0-9]|[1-5][0-9]|6[0-3]|entries)/(x[0-9]{3}/)*[0-9]{3}(\.p/[1-9][0-9]{0,2})?\Z")
        ],
        "Level and number of a tile as C2SP writes them, with the width of a partial one.",
    ),
    "proposal": Meaning(Hex32, "A proposal's id: that of the transaction that made it."),
    "receipts": Meaning(None, "Whether to answer with receipts."),
    "sale_price": Meaning(Count, "A price in minor units."),
    "time_ms": Meaning(None, "A time instead of a height: the newest block not after it is meant."),
    "to": Meaning(None, "The higher height."),
    "token": Meaning(Hex32, "A token's id."),
    "transaction": Meaning(Hex32, "A transaction's id."),
    "transparent": Meaning(None, "Whether to answer with the statement, the receipts of all nodes in it."),
    "version": Meaning(Positive, "A policy's version."),
    "wait": Meaning(None, "Whether to answer once it is final, or at once."),
}
PLACES = ("after", "last-event-id")
"""Parameters that hold a place in the list or feed of their route, or nothing."""
EXAMPLES = {"after": 42, "from": 40, "to": 42, "height": 42, "anchor": 42}
"""Of parameters whose type does not give one away."""


def described(route: Route, operation: Operation, method: str) -> list[dict[str, Any]]:
    """The parameters that FastAPI found of an operation, with their true forms and what they mean."""
    plain = APIRoute(route.path_format, route.endpoint, methods=[method])
    read = get_openapi(title="", version="", routes=[plain])["paths"][route.path_format][method.lower()]
    return [_described(parameter, operation.after) for parameter in read.get("parameters", [])]


def _described(parameter: dict[str, Any], place: Any) -> dict[str, Any]:
    name, meaning, found = parameter["name"], MEANINGS[parameter["name"]], _without_null(parameter["schema"])
    form = place if name in PLACES and found["type"] == "string" else meaning.kind
    schema = _bare(found if form is None else schema_of(form))
    if name in PLACES and form is not None:
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
