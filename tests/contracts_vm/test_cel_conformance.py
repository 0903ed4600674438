"""The published conformance cases of the Common Expression Language, as far as this version of the language goes.

Set REMARQUE_CONFORMANCE to a folder that has the cases as JSON under `cel/`. What is in our profile is settled by
looking at a case before it runs, never by its result; run with -s to see the counts and the reason of each exclusion.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts_vm import Duration, PolicyError, Timestamp, Value
from contracts_vm.evaluate import compile_expression, run
from contracts_vm.expression import parse_expression
from contracts_vm.operators import Fault
from contracts_vm.types import read_duration, read_timestamp

FOLDER = os.environ.get("REMARQUE_CONFORMANCE", "")
FILES = sorted(Path(FOLDER, "cel").glob("*.json")) if FOLDER else []

STRINGS = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
OUTSIDE = (
    ("double", re.compile(r"[0-9]\.[0-9]|(?<![0-9a-fA-Fx])[0-9]+[eE][+-]?[0-9]")),
    ("optional syntax", re.compile(r"[.[,(]\s*\?")),
    ("message literal", re.compile(r"[A-Za-z0-9_]\s*\{")),
    ("name of the root namespace", re.compile(r"(?:^|[^A-Za-z0-9_')\]])\.[A-Za-z_]")),
    ("quoted field", re.compile("`")),
)
FINER = re.compile(r"[0-9](?:ns|us)|\.[0-9]{3}[0-9]*[1-9][0-9]*Z|[0-9]{4}-.*\.[0-9]{4,}Z")
REFUSED_BY_DESIGN = ("NOT_IN_THIS_VERSION", "NOT_IN_THE_LANGUAGE", "FUNCTION_UNKNOWN", "CHARACTER_FORBIDDEN")


class OutsideProfile(Exception):
    """The case uses something that this version of the language leaves out."""


def value_of(found: dict[str, Any]) -> Value:
    """One of our values from the JSON of a case."""
    ((kind, content),) = found.items()
    match kind:
        case "bool_value" | "string_value":
            return content  # type: ignore[no-any-return]
        case "int64_value":
            return int(content)
        case "list_value":
            return tuple(value_of(item) for item in content.get("values", []))
        case "map_value":
            entries = [(value_of(e["key"]), value_of(e["value"])) for e in content.get("entries", [])]
            if all(isinstance(key, str) for key, _ in entries):
                return {str(key): value for key, value in entries}
        case "object_value" if content.get("@type") == "type.googleapis.com/google.protobuf.Timestamp":
            return known(read_timestamp(content["value"]))
        case "object_value" if content.get("@type") == "type.googleapis.com/google.protobuf.Duration":
            return known(read_duration(content["value"]))
    raise OutsideProfile(f"a value of kind {kind}")


def known(time: Timestamp | Duration | None) -> Timestamp | Duration:
    if time is None:
        raise OutsideProfile("finer than a millisecond")
    return time


def look_at(case: dict[str, Any]) -> tuple[str, dict[str, Any], Value | None]:
    """Expression, facts and expected value (None for an error), or OutsideProfile."""
    if case.get("check_only") or "typed_result" in case:
        raise OutsideProfile("a case for a type checker")
    if case.get("container"):
        raise OutsideProfile("names of a container")
    bare = STRINGS.sub("''", case["expr"])
    for reason, pattern in OUTSIDE:
        if pattern.search(bare):
            raise OutsideProfile(reason)
    if FINER.search(case["expr"]):
        raise OutsideProfile("finer than a millisecond")
    facts = {name: value_of(bound["value"]) for name, bound in case.get("bindings", {}).items()}
    if any("." in name for name in facts) or any("." in declared["name"] for declared in case.get("type_env", [])):
        raise OutsideProfile("dotted names of variables")
    if "eval_error" in case:
        return case["expr"], facts, None
    return case["expr"], facts, value_of(case.get("value", {"bool_value": True}))


def same(a: Value, b: Value) -> bool:
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return type(a) is type(b) and a == b


def outcomes(file: Path) -> Iterator[tuple[str, str]]:
    """Name and outcome of every case: `passed`, `failed: ...` or `excluded: ...`."""
    for section in json.loads(file.read_text()).get("section", []):
        for case in section.get("test", []):
            name = f"{section['name']}/{case['name']}"
            try:
                source, facts, expected = look_at(case)
                node = parse_expression(source)
            except OutsideProfile as reason:
                yield name, f"excluded: {reason}"
                continue
            except PolicyError as refused:
                outcome = "excluded" if refused.code in REFUSED_BY_DESIGN else "failed"
                yield name, f"{outcome}: {refused.code}, {refused.message}"
                continue
            value = run(compile_expression(node), facts, [1_000_000])
            if isinstance(value, Fault) if expected is None else not isinstance(value, Fault) and same(value, expected):
                yield name, "passed"
            else:
                yield name, f"failed: {source} gave {value!r}, not {'an error' if expected is None else expected!r}"


@pytest.mark.skipif(not FILES, reason="no conformance cases: REMARQUE_CONFORMANCE names no folder with cel/*.json")
def test_every_case_within_the_profile_passes() -> None:
    total: Counter[str] = Counter()
    failures: list[str] = []
    for file in FILES:
        found = list(outcomes(file))
        counts = Counter(outcome.partition(":")[0] for _, outcome in found)
        total += counts
        failures += [f"{file.stem}/{name} {outcome}" for name, outcome in found if outcome.startswith("failed")]
        print(f"{file.stem:16} {len(found):4} cases, {counts['passed']:4} passed, {counts['excluded']:4} excluded")
        for reason, number in sorted(Counter(o for _, o in found if o.startswith("excluded")).items()):
            print(f"{'':20} {number:4} {reason[:110]}")
    in_profile = total["passed"] + total["failed"]
    print(f"total: {in_profile} in the profile, {total['passed']} passed, {total['excluded']} excluded")

    assert failures == []
    assert total["passed"] > 0
