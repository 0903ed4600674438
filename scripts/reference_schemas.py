"""How reference pages show a JSON schema in words: types, limits, and tables of fields."""

from __future__ import annotations

import json
from typing import Any

from ledger import names

FORMS: dict[str, str] = {}
for _name, _value in vars(names).items():
    if hasattr(_value, "__metadata__") and _value.__metadata__[0].pattern:
        FORMS.setdefault(_value.__metadata__[0].pattern.replace(r"\Z", "$"), _name)
"""Names of the forms of text, by their patterns; of several the first."""
Schema = dict[str, Any]


def in_words(schema: Schema) -> str:
    """A type with its limits, on one line of a table."""
    if "$ref" in schema:
        return f"[{named(schema)}](#{named(schema).lower()})"
    if "anyOf" in schema:
        return _of_several(schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(one)}`" for one in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_between(schema, 'minItems', 'maxItems')}{in_words(schema['items'])}"
    if kind == "integer":
        return "integer" + (f", {limits}" if (limits := _limits(schema)) else "")
    if kind == "string":
        return _text(schema)
    if kind == "object" and "additionalProperties" in schema:
        return f"map of {in_words(schema['additionalProperties'])}"
    return {"boolean": "true or false", "null": "null", "number": "number"}.get(str(kind), "any JSON")


def named(reference: Schema) -> str:
    """Name of the component that a schema refers to."""
    return str(reference["$ref"].rpartition("/")[2])


def fields(schema: Schema) -> list[str]:
    """A table of an object's fields."""
    required = schema.get("required", [])
    rows = []
    for name, field in schema["properties"].items():
        may_lack = "" if name in required else " *optional*" + _default(field)
        meaning = " ".join(field.get("description", "").split())
        rows.append(f"| `{name}` | {in_words(field)}{may_lack} | {meaning} |".replace("  ", " "))
    return ["| field | type | meaning |", "|---|---|---|", *rows, ""] if rows else []


def _default(field: Schema) -> str:
    default = field.get("default")
    return "" if default in (None, "", [], ()) else f", else `{json.dumps(default)}`"


def _of_several(kinds: list[Schema]) -> str:
    if len(kinds) > 12:
        return "one of many, told apart by `type`"
    return " or ".join(dict.fromkeys(map(in_words, kinds)))


def _between(schema: Schema, least: str, most: str) -> str:
    if most not in schema:
        return f"at least {schema[least]} " if schema.get(least) else ""
    return f"{schema.get(least, 0)} to {schema[most]:,} " if schema.get(least) != schema[most] else f"{schema[most]} "


def _limits(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if most in (None, names.INTEGER_MAX):
        return "" if least is None else f"at least {least:,}"
    return f"{least or 0:,} to {most:,}"


def _text(schema: Schema) -> str:
    pattern = schema.get("pattern")
    if pattern in FORMS:
        return f"[{FORMS[pattern]}](#forms-of-text)"
    if pattern:
        return f"text, `{pattern.replace('|', chr(92) + '|')}`"
    length = _between(schema, "minLength", "maxLength")
    return f"text, {length}characters" if length else "text"
