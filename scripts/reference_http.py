"""docs/http_api.md: a section for each operation of a node's OpenAPI description, and one for each value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reference_actions import forms
from reference_schemas import fields, in_words, named

from ledger.actions import AnyAction

JSON = "application/json"
ACTIONS = {action.__name__ for action in AnyAction.__args__}
"""They have a page of their own."""
Operation = dict[str, Any]


def page(note: str, openapi: dict[str, Any]) -> str:
    """The whole page."""
    parts = [note, "# HTTP API", "", (Path(__file__).parent / "http_api_intro.md").read_text(encoding="utf-8")]
    for tag in openapi["tags"]:
        mine = [one for one in operations(openapi) if one[2]["tags"] == [tag["name"]]]
        parts += [f"## {tag['name']}", "", tag["description"], "", "| operation | what |", "|---|---|"]
        parts += [f"| [`{method} {path}`](#{anchor(method, path)}) | {one['summary']} |" for method, path, one in mine]
        parts.append("")
        for method, path, one in mine:
            parts += [f"### `{method} {path}`", "", *_operation(one, openapi["components"]["responses"])]
    parts += [
        "## Values",
        "",
        "What bodies and answers are made of. Actions have [a page of their own](actions.md).",
        "",
    ]
    for name, schema in sorted(openapi["components"]["schemas"].items()):
        if name not in ACTIONS:
            parts += [f"### {name}", "", " ".join(schema["description"].split()), "", *fields(schema)]
    return "\n".join([*parts, *forms()])


def operations(openapi: dict[str, Any]) -> Iterator[tuple[str, str, Operation]]:
    """All operations by path."""
    for path, methods in sorted(openapi["paths"].items()):
        for method, one in sorted(methods.items()):
            yield method.upper(), path, one


def anchor(method: str, path: str) -> str:
    """Where the section of an operation is found on its page."""
    kept = (letter for letter in f"{method} {path}".lower() if letter.isalnum() or letter in " -_")
    return "".join(kept).replace(" ", "-")


def _operation(one: Operation, shared: dict[str, Any]) -> list[str]:
    needs = "Needs a session or a signed request." if one["security"] else "Open to anyone."
    parts = [f"{one['summary']}.", "", " ".join(one["description"].split()), "", needs, ""]
    if one["parameters"]:
        parts += ["| parameter | in | type | meaning |", "|---|---|---|---|", *map(_parameter, one["parameters"]), ""]
    if "requestBody" in one:
        body = one["requestBody"]
        parts += [f"**Body**, {_media(body['content'])}: {body['description']}", "", *_examples(body["content"])]
    answers = {status: shared[named(one)] if "$ref" in one else one for status, one in one["responses"].items()}
    for status, answer in sorted(answers.items()):
        content = answer.get("content", {})
        if status < "400" or JSON in content:
            text = " ".join(answer["description"].split())
            parts += [f"**{status}**, {_media(content) or 'no body'}: {text}", "", *_headers(answer)]
            parts += _examples(content) if status < "400" else []
    refusals = [f"| {status} | {_codes(one)} |" for status, one in sorted(answers.items()) if _refuses(status, one)]
    return [*parts, "| refused with | codes |", "|---|---|", *refusals, ""]


def _parameter(one: dict[str, Any]) -> str:
    schema = one["schema"]
    default = "" if schema.get("default") in (None, "") else f", else `{json.dumps(schema['default'])}`"
    optional = "" if one["required"] else " *optional*" + default
    return f"| `{one['name']}` | {one['in']} | {in_words(schema)}{optional} | {one['description']} |"


def _media(content: dict[str, Any]) -> str:
    """Media types of a body with what each holds."""
    found = []
    for media, one in content.items():
        schema = one["schema"]
        of = "" if schema.get("type") == "string" else f" {in_words(schema)}"
        found.append(f"`{media}`{of}")
    return " or ".join(found) or "no body"


def _headers(answer: dict[str, Any]) -> list[str]:
    told = [f"`{name}`: {one['description']}" for name, one in answer.get("headers", {}).items()]
    return ["Header fields: " + " ".join(told), ""] if told else []


def _examples(content: dict[str, Any]) -> list[str]:
    parts = []
    for one in content.values():
        shown = [more["value"] for more in one.get("examples", {}).values()]
        for example in [*shown, *([one["example"]] if "example" in one else [])]:
            text = example if isinstance(example, str) else json.dumps(example, indent=1, ensure_ascii=False)
            parts += ["```json" if not isinstance(example, str) else "```", text.rstrip(), "```", ""]
    return parts


def _refuses(status: str, answer: dict[str, Any]) -> bool:
    return status >= "400" and JSON not in answer["content"]


def _codes(answer: dict[str, Any]) -> str:
    (content,) = answer["content"].values()
    schema = content["schema"]
    codes = schema["x-codes"] if "x-codes" in schema else schema["allOf"][1]["properties"]["code"]["enum"]
    return ", ".join(f"`{code}`" for code in codes)
