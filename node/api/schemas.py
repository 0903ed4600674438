"""JSON schemas of the API's values, read off their structs: types, limits, and what their docstrings say.

msgspec gives types and limits. What it cannot know is added here, for all values alike: the docstrings of fields, the
true type of what is passed on as bytes already encoded, and patterns in the spelling of JSON Schema (ECMA-262), in
which `$` is the end of the text that Python spells `\\Z`.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec
from msgspec.inspect import (
    CollectionType,
    DictType,
    Metadata,
    StructType,
    TupleType,
    Type,
    UnionType,
    type_info,
)

from ledger.errors import ensure
from ledger.receipt import Receipt
from ledger.transaction import Envelope, Transaction

REFERENCE = "#/components/schemas/{name}"
ENCODED: dict[tuple[type, str], Any] = {(Receipt, "transaction"): Transaction, (Envelope, "transaction"): Transaction}
"""What stands in a field that holds bytes already encoded, where that is always of one type."""


def references_and_components(kinds: Iterable[Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Schemas of some types, and the components that they refer to by name."""
    wanted = [*kinds, *ENCODED.values()]
    references, components = msgspec.json.schema_components(wanted, ref_template=REFERENCE)
    for name, kind in structs(wanted).items():
        _complete(components[name], kind)
    spelled: tuple[list[dict[str, Any]], dict[str, Any]] = _respelled((list(references), components))
    return spelled[0][: len(wanted) - len(ENCODED)], spelled[1]


def schema_of(kind: Any) -> dict[str, Any]:
    """Schema of a type that refers to no struct."""
    found: dict[str, Any] = _respelled(msgspec.json.schema(kind))
    return found


def structs(kinds: Iterable[Any]) -> dict[str, type[msgspec.Struct]]:
    """All structs that some types are made of, by their names."""
    found: dict[str, type[msgspec.Struct]] = {}
    open_types = [type_info(kind) for kind in kinds]
    while open_types:
        one = open_types.pop()
        if isinstance(one, StructType):
            if one.cls.__name__ in found:
                continue
            found[one.cls.__name__] = one.cls
        open_types += inner(one)
    return found


def inner(one: Type) -> Iterator[Type]:
    """The types that a type is made of."""
    if isinstance(one, Metadata):
        yield one.type
    elif isinstance(one, StructType):
        yield from (field.type for field in one.fields)
    elif isinstance(one, TupleType):
        yield from one.item_types
    elif isinstance(one, CollectionType):
        yield one.item_type
    elif isinstance(one, UnionType):
        yield from one.types
    elif isinstance(one, DictType):
        yield one.value_type


@cache
def field_docs(kind: type[msgspec.Struct]) -> dict[str, str]:
    """What the docstrings under a struct's fields say, its bases' included."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__[: kind.__mro__.index(msgspec.Struct)]):
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        lines = body.body if isinstance(body, ast.ClassDef) else []
        for line, following in pairwise(lines):
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                text = following.value if isinstance(following, ast.Expr) else None
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    found[line.target.id] = " ".join(text.value.split())
    return found


def _complete(schema: dict[str, Any], kind: type[msgspec.Struct]) -> None:
    """Add to a struct's schema what msgspec cannot know."""
    schema["description"] = inspect.cleandoc(schema.get("description", ""))
    docs = field_docs(kind)
    for name, field in schema["properties"].items():
        if (kind, name) in ENCODED:
            field["$ref"] = REFERENCE.format(name=ENCODED[kind, name].__name__)
        if name in docs:
            field["description"] = docs[name]


def _respelled(schema: Any) -> Any:
    """The same with patterns as JSON Schema spells them, and pairs of one type as lists, which generators can read."""
    if isinstance(schema, list | tuple):
        return type(schema)(map(_respelled, schema))
    if not isinstance(schema, dict):
        return schema
    found = {key: _respelled(value) for key, value in schema.items()}
    if isinstance(found.get("pattern"), str):
        found["pattern"] = found["pattern"].replace(r"\Z", "$")
    if found.get("items") is False:
        first, *others = found.pop("prefixItems")
        ensure(all(one == first for one in others), "a list of several types has no schema yet")
        found["items"] = first
    return found
