"""Writes docs/cel_conformance.md: which published cases of the Common Expression Language the engine passes.

    REMARQUE_CONFORMANCE=FOLDER python scripts/write_cel_conformance.py

FOLDER holds the cases as JSON under `cel/`. Whether a case is in our profile is settled by looking at its words and its
values before it runs, never by its result; every exclusion has a reason, and what is in the profile and does not pass
has failed.
"""

import json
import os
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from contracts_vm import PolicyError
from contracts_vm.evaluate import compile_expression, run
from contracts_vm.expression import MACROS, parse_expression
from contracts_vm.functions import FUNCTIONS
from contracts_vm.lexer import Lexeme, decode, lexemes
from contracts_vm.operators import EvaluationError, key_of
from contracts_vm.syntax import Expr
from contracts_vm.syntax import FieldPath as Name
from contracts_vm.types import TypeName, UInt, kind_of, read_duration, read_timestamp

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cel_conformance.md"
FILES_OUTSIDE = {
    "block_ext": "cel.block, a form of the syntax tree",
    "dynamic": "protobuf well-known types",
    "encoders_ext": "base64",
    "enums": "protobuf enums",
    "macros2": "macros with two variables",
    "network_ext": "addresses of networks",
    "optionals": "optional types",
    "proto2": "protobuf messages",
    "proto2_ext": "protobuf messages",
    "proto3": "protobuf messages",
    "string_ext": "the extension of string functions",
    "type_deduction": "the gradual type checker",
    "wrappers": "protobuf wrappers",
}
ARTEFACTS = {
    "parse/bytes_literals/triple_single_quoted_unescaped_punctuation",
    "parse/bytes_literals/triple_double_quoted_unescaped_punctuation",
}
r"""Cases whose expected bytes hold `\?` with its backslash: an escape of the text format that they come from."""
TIMES = {"google.protobuf.Timestamp": read_timestamp, "google.protobuf.Duration": read_duration}
OFFERED = {*FUNCTIONS, *MACROS, "has", "bind", "greatest", "least"}
DOUBLE = re.compile(r"[0-9]\.[0-9]")
ZONE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z_]+")


class OutsideProfile(Exception):
    """The case uses something that the engine leaves out."""


@dataclass
class Counts:
    """What became of the cases of one file."""

    total: int = 0
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    excluded: Counter[str] = field(default_factory=Counter)


def value_of(found: dict[str, Any]) -> Any:  # noqa: C901 - a case for each kind of value
    """One of our values from the JSON of a case."""
    ((kind, content),) = found.items()
    match kind:
        case "bool_value" | "string_value":
            return content
        case "null_value":
            return None
        case "int64_value":
            return int(content)
        case "uint64_value":
            return UInt(content)
        case "bytes_value":
            return b64decode(content)
        case "type_value":
            return TypeName(content)
        case "list_value":
            return tuple(value_of(item) for item in content.get("values", []))
        case "map_value":
            return {key_of(value_of(e["key"])): value_of(e["value"]) for e in content.get("entries", [])}
        case "object_value":
            name = content.get("@type", "").removeprefix("type.googleapis.com/")
            if name in TIMES:
                return TIMES[name](content["value"])
            raise OutsideProfile("protobuf messages")
        case "double_value":
            raise OutsideProfile("double")
    raise OutsideProfile(f"a value of kind {kind}")


def look_at(file: str, case: dict[str, Any]) -> None:
    """Raise OutsideProfile, with the reason, for what the engine leaves out; runs nothing."""
    if file in FILES_OUTSIDE:
        raise OutsideProfile(FILES_OUTSIDE[file])
    if case.get("check_only") or "typed_result" in case:
        raise OutsideProfile("the gradual type checker")
    try:
        words = lexemes(decode(case["expr"], readable=False))
    except PolicyError:
        if DOUBLE.search(case["expr"]):
            raise OutsideProfile("double") from None
        return
    for word, following in pairwise(words):
        look_at_word(word, following)
    for given in (case.get("value"), *(bound["value"] for bound in case.get("bindings", {}).values())):
        if given is not None:
            value_of(given)


def look_at_word(word: Lexeme, following: Lexeme) -> None:
    if word.kind in ("decimal", "double") or (word.kind == "name" and word.text == "double"):
        raise OutsideProfile("double")
    if word.kind == "string" and ZONE.fullmatch(str(word.meaning)):
        raise OutsideProfile("named time zones")
    if word.kind == "name" and following.kind == "op":
        if following.text == "{":
            raise OutsideProfile("protobuf messages")
        if following.text == "(" and word.text == "matches":
            raise OutsideProfile("regular expressions")
        if following.text == "(" and word.text not in OFFERED and word.text != "in":
            raise OutsideProfile("a function that we do not offer")


def resolved(node: Any, names: set[str], container: str, source: str) -> Any:
    """The tree with each path at the longest name that is bound, as a host resolves names in a container."""
    if isinstance(node, Name):
        return _resolved_name(node, names, container, source)
    if isinstance(node, msgspec.Struct):
        changes = {name: resolved(getattr(node, name), names, container, source) for name in node.__struct_fields__}
        return msgspec.structs.replace(node, **changes)
    if isinstance(node, tuple):
        return tuple(resolved(part, names, container, source) for part in node)
    return node


def _resolved_name(node: Name, names: set[str], container: str, source: str) -> Name:
    outer = [] if source[node.start - 1 : node.start] == "." else container.split(".") if container else []
    for depth in range(len(outer), -1, -1):
        for length in range(len(node.names), 0, -1):
            name = ".".join((*outer[:depth], *node.names[:length]))
            if name in names:
                return msgspec.structs.replace(node, names=(name, *node.names[length:]))
    return node


def same(a: Any, b: Any) -> bool:
    """Equality with the kind, at every level."""
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return kind_of(a) == kind_of(b) and bool(a == b)


def failure(case: dict[str, Any]) -> str:
    """What a case in the profile gave instead of what it should, or "" when it passes."""
    facts = {name: value_of(bound["value"]) for name, bound in case.get("bindings", {}).items()}
    expected = value_of(case.get("value", {"bool_value": True})) if "eval_error" not in case else None
    try:
        node: Expr = resolved(parse_expression(case["expr"]), set(facts), case.get("container", ""), case["expr"])
    except PolicyError as refused:
        return f"{case['expr']} is refused: {refused.code}"
    found = run(compile_expression(node), facts, [1_000_000])
    if "eval_error" in case:
        return "" if isinstance(found, EvaluationError) else f"{case['expr']} gave {found!r}, not an error"
    return "" if not isinstance(found, EvaluationError) and same(found, expected) else f"{case['expr']} gave {found!r}"


def cases(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and contents of every case of a file."""
    for section in json.loads(file.read_text()).get("section", []):
        for case in section.get("test", []):
            yield f"{file.stem}/{section['name']}/{case['name']}", case


def outcomes(folder: str) -> dict[str, Counts]:
    """What became of every case, by file."""
    found: dict[str, Counts] = {}
    for file in sorted(Path(folder, "cel").glob("*.json")):
        counts = found[file.stem] = Counts()
        for name, case in cases(file):
            counts.total += 1
            try:
                look_at(file.stem, case)
            except OutsideProfile as reason:
                counts.excluded[str(reason)] += 1
                continue
            wrong = failure(case)
            if wrong:
                counts.failed.append(f"{name}: {wrong}")
            else:
                counts.passed += 1
    return found


def page(found: dict[str, Counts]) -> str:
    """The report."""
    lines = ["# Conformance with the Common Expression Language", "", *INTRODUCTION.splitlines(), "", *HEAD]
    for name, counts in found.items():
        inside = counts.passed + len(counts.failed)
        reasons = "; ".join(f"{reason} {number}" for reason, number in sorted(counts.excluded.items()))
        lines.append(f"| {name} | {counts.total} | {inside} | {counts.passed} | {len(counts.failed)} | {reasons} |")
    total, passed = sum(c.total for c in found.values()), sum(c.passed for c in found.values())
    failed = [line for counts in found.values() for line in counts.failed]
    lines.append(f"| **all** | {total} | {passed + len(failed)} | {passed} | {len(failed)} | |")
    lines += ["", "## Failed", ""]
    for line in failed:
        known = " (an artefact of the text format)" if line.partition(":")[0] in ARTEFACTS else ""
        lines.append(f"* `{line.partition(':')[0]}`{known}")
    return "\n".join([*lines, *([] if failed else ["None."])]) + "\n"


INTRODUCTION = """\
Written by `scripts/write_cel_conformance.py`; a test compares it where the cases are. The cases are those of
google/cel-spec at 508bd98 that we have as JSON, run on the engine alone: without the checker of rules, which is
stricter than CEL's, and with what rules do not have (unsigned integers, null, `dyn`, `type`). A case is in the profile
or out of it by its words and values, before it runs. Two bytes literals are expected with the backslash of an escape
that the format they were published in should have removed."""
HEAD = ("| file | cases | in profile | passed | failed | excluded, by reason |", "|---|--:|--:|--:|--:|---|")


if __name__ == "__main__":
    PAGE.write_text(page(outcomes(os.environ["REMARQUE_CONFORMANCE"])), encoding="utf-8")
