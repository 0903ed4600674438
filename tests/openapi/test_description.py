"""The description is complete: every operation says what it takes, answers and refuses with, and its examples hold."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import ledger.actions
from devnet.cluster import Cluster
from ledger.encoding import encode
from ledger.errors import Code
from node.api.examples import example
from node.api.schemas import references_and_components, schema_of
from remarque.api import providers
from remarque.errors import NodeCode

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("api", "chain", "content", "exchange", "generation", "ordering", "policies", "transparency", "verification")
"""Rooms of a node that routes ask."""
NOT_OF_AN_OPERATION = {
    "ROUTE_UNKNOWN": "there is no operation",
    "METHOD_NOT_ALLOWED": "there is no operation",
    "RECOVERY_INVALID": "the node does not start",
    "POLICY_FILE_INVALID": "files of policies are run by the command",
    "GENERATION_FAILED": "told in the state of a generation",
    "ASSET_EXISTS": "told of a picture of a generation",
}
JSON, PROBLEM = "application/json", "application/problem+json"
Operations = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def description(one_node: Cluster) -> dict[str, Any]:
    with urllib.request.urlopen(one_node.url("node1") + "/openapi.json", timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


@pytest.fixture(scope="module")
def operations(description: dict[str, Any]) -> Operations:
    """All operations by method and path, their shared responses put in."""
    shared = description["components"]["responses"]
    found = {}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"]
            responses = {
                status: shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one
                for status, one in answers.items()
            }
            found[f"{method.upper()} {path}"] = operation | {"responses": responses}
    return found


def structs(kind: type[msgspec.Struct] = msgspec.Struct) -> Iterator[type[msgspec.Struct]]:
    """All structs there are."""
    for one in kind.__subclasses__():
        yield one
        yield from structs(one)


BODIES_OF_ONE = ("POST /v1/uploads/{upload}", "POST /pinning/pins/{requestid}")
"""What is posted to one thing that is there already, and has a body."""


def kinds_of(schema: dict[str, Any]) -> list[Any]:
    """The types that a schema of a body refers to."""
    if schema.get("type") == "array":
        (inner,) = kinds_of(schema["items"])
        return [list[inner]]
    assert providers.ContentProviders, "it is imported by no other test"
    named = {kind.__name__: kind for kind in structs() if kind.__module__.startswith(("remarque.api", "ledger."))}
    return [named[one["$ref"].rpartition("/")[2]] for one in schema.get("anyOf", [schema])]


def bodies(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What an operation takes and answers where it does what it is asked, with media types."""
    yield from operation.get("requestBody", {"content": {}})["content"].items()
    for status, response in operation["responses"].items():
        if status < "300":
            yield from response.get("content", {}).items()


def test_every_operation_says_all_of_itself(description: dict[str, Any], operations: Operations) -> None:
    assert description["openapi"] == "3.1.0"
    assert description["info"]["license"]["identifier"] == "Apache-2.0"
    assert len(operations) >= 68
    assert len({one["operationId"] for one in operations.values()}) == len(operations)
    assert {tag for one in operations.values() for tag in one["tags"]} == {one["name"] for one in description["tags"]}
    for name, one in operations.items():
        assert one["summary"], name
        assert len(one["description"]) > 10, name
        of_one = "{" in name and name not in BODIES_OF_ONE
        assert (name.startswith("POST") and not of_one) == ("requestBody" in one), name
        assert {"400", "500"} < set(one["responses"]), name
        assert any(status < "300" for status in one["responses"]), name
        for parameter in one["parameters"]:
            assert parameter["description"], name
            assert "example" in parameter, name
            assert "type" in parameter["schema"], name


def test_every_body_and_answer_has_an_example_that_is_its_value(operations: Operations) -> None:
    held = 0
    for name, operation in operations.items():
        for media, content in bodies(operation):
            examples = [one["value"] for one in content.get("examples", {}).values()] or [content.get("example")]
            if media == JSON:
                for kind, shown in zip(kinds_of(content["schema"]), examples, strict=True):
                    data = encode(shown)
                    assert encode(msgspec.json.decode(data, type=kind)) == data, name
                    held += 1
            elif content["schema"].get("format") != "binary":
                assert examples[0], name
            else:
                assert media.rpartition("/")[2] != "json", name
    assert held > 60


def test_examples_of_streams_are_frames_with_a_value(operations: Operations) -> None:
    for name in ("GET /v1/events", "GET /v1/generations/{generation}/events"):
        content = operations[name]["responses"]["200"]["content"]["text/event-stream"]
        (kind,) = kinds_of(content["schema"]["x-event-data"])
        (data,) = re.findall(r"^data: (.+)$", content["example"], re.M)
        assert msgspec.json.decode(data, type=kind)


def test_what_is_open_needs_nothing_and_all_else_a_member(operations: Operations) -> None:
    opened = {name for name, one in operations.items() if one["security"] == []}

    assert {one["tags"][0] for name, one in operations.items() if name in opened} == {
        *("health", "ipfs", "open", "scitt", "sessions", "transactions"),
    }  # fmt: skip
    for name in operations.keys() - opened:
        assert operations[name]["security"] == [{"session": []}, {"signature": []}]
        assert "SESSION_REQUIRED" in codes_of(operations[name]["responses"]["401"])


def codes_of(response: dict[str, Any]) -> list[str]:
    """The codes that a refusal lists."""
    if PROBLEM in response["content"]:
        schema = response["content"][PROBLEM]["schema"]
        return list(schema["allOf"][1]["properties"]["code"]["enum"])
    (content,) = response["content"].values()
    return list(content["schema"]["x-codes"])


def test_every_refusal_lists_codes_of_the_catalogue_with_their_own_status(operations: Operations) -> None:
    words = {code.name for code in Code} | {code.name for code in NodeCode}
    for name, operation in operations.items():
        for status, response in operation["responses"].items():
            if status < "400" or (status == "503" and JSON in response["content"]):
                continue
            codes = codes_of(response)
            assert codes, name
            assert set(codes) <= words, name
            assert all(f"`{code}`: " in response["description"] for code in codes), name
            if PROBLEM in response["content"]:
                assert response["content"][PROBLEM]["example"]["code"] in codes


def test_every_code_of_the_rooms_that_routes_ask_is_declared_by_an_operation(operations: Operations) -> None:
    declared = {
        code
        for operation in operations.values()
        for status, response in operation["responses"].items()
        if status >= "400" and JSON not in response["content"]
        for code in codes_of(response)
    }
    answered = {"REGISTRATION_RUNNING"}  # an answer with 302 or 303

    used = {
        word: path.name
        for room in ROOMS
        for path in (ROOT / "node" / room).rglob("*.py")
        for word in re.findall(r"\b(?:Node)?Code\.([A-Z][A-Z_]+)", path.read_text(encoding="utf-8"))
    }
    missing = used.keys() - declared - answered

    assert missing == NOT_OF_AN_OPERATION.keys() & missing, {word: used[word] for word in missing}
    assert declared & NOT_OF_AN_OPERATION.keys() == set()


@pytest.mark.parametrize("action", ledger.actions.AnyAction.__args__, ids=lambda one: one.__struct_config__.tag)
def test_every_action_has_an_example_that_is_canonical(action: Any) -> None:
    for whole in (False, True):
        data = encode(example(action, whole=whole))
        assert encode(msgspec.json.decode(data, type=action)) == data


def test_a_schema_says_what_the_docstrings_of_fields_say(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]

    assert schemas["Transaction"]["properties"]["valid_until_ms"] == {
        "type": "integer",
        "minimum": 0,
        "maximum": 2**53 - 1,
        "description": "The last block time at which it may be carried out.",
    }
    assert schemas["Receipt"]["properties"]["transaction"]["$ref"] == "#/components/schemas/Transaction"
    assert schemas["AssetsPage"]["properties"]["next"]["description"].startswith("Where the next part begins")
    assert "\\Z" not in json.dumps(schemas)


def test_pairs_are_lists_and_patterns_end_as_json_schema_has_it() -> None:
    assert schema_of(tuple[str, str]) == {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}
    assert references_and_components([int])[0] == [{"type": "integer"}]
