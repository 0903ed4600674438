"""A policy's file: its source and, behind the line `--- tests`, the author's own cases, which are never published.

A case is a TOML table. A fact that it does not name is "", 0, false, an empty list or 1970, and optional fields are
absent. So a case names what matters for it, and no more.

    --- tests
    [[case]]
    name = "a member of the newsroom sees it before the embargo ends"
    action = "view"
    expect = "PERMITTED"
    facts.requester.org = "agency"
    facts.block.time = 2026-11-30T08:00:00Z
"""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

import contracts_vm
from contracts_vm import Duration, Facts, Policy, Schema, Timestamp
from node.storage.directory import PUBLIC, write_durably
from remarque.errors import NodeCode, NodeError
from remarque.text_files import text_in

SEPARATOR = "--- tests"
FILE_BYTES_MAX = 256 * 1024
CASE_FUEL = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING: dict[str, Any] = {"bool": False, "int": 0, "string": "", "timestamp": Timestamp(0), "duration": Duration(0)}


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the author expects of one decision."""

    name: str
    action: str
    expect: str
    """A code of a decision."""
    rule: str = ""
    """The rule that decides; empty: any."""
    facts: dict[str, dict[str, Any]] = {}


class CaseResult(msgspec.Struct, frozen=True):
    """What came of a case."""

    name: str
    passed: bool
    found: str
    """The decision's code, with the deciding rule."""
    explanation: dict[str, Any] | None = None
    """The decision explained, if the case did not pass."""


class PolicyFile(msgspec.Struct, frozen=True):
    """What a file holds."""

    source: str
    cases: tuple[Case, ...]


def read_policy(path: Path) -> PolicyFile:
    """A policy's file. POLICY_FILE_INVALID if its cases cannot be read; its source is not looked into yet."""
    source, rest = _parts(path)
    try:
        tables = tomllib.loads(rest)
        if set(tables) - {"case"}:
            raise ValueError(f"{', '.join(sorted(set(tables) - {'case'}))}: a case begins with [[case]]")
        cases = msgspec.convert(tables.get("case", []), tuple[Case, ...])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, ValueError) as error:
        raise NodeError(NodeCode.POLICY_FILE_INVALID, f"{path}: {error}") from None
    return PolicyFile(source, cases)


def write_source(path: Path, source: str) -> None:
    """Put another source in a file, and leave its cases as they are."""
    _, rest = _parts(path)
    write_durably(path, (source + (f"{SEPARATOR}\n{rest}" if rest else "")).encode(), PUBLIC)


def _parts(path: Path) -> tuple[str, str]:
    """Source and cases of a file, as text."""
    data = text_in(path)
    if len(data) > FILE_BYTES_MAX:
        raise NodeError(NodeCode.POLICY_FILE_INVALID, f"{path} has {len(data)} bytes, at most {FILE_BYTES_MAX}")
    try:
        source, found, rest = data.decode().partition(f"\n{SEPARATOR}\n")
    except UnicodeDecodeError as error:
        raise NodeError(NodeCode.POLICY_FILE_INVALID, f"{path}: {error}") from None
    return (source + "\n", rest) if found else (source, "")


def run_cases(policy: Policy, cases: tuple[Case, ...], schema: Schema) -> tuple[CaseResult, ...]:
    """Decide each case by the policy alone."""
    return tuple(_run(policy, case, schema) for case in cases)


def _run(policy: Policy, case: Case, schema: Schema) -> CaseResult:
    if case.expect not in contracts_vm.DECISION_CODES:
        codes = ", ".join(contracts_vm.DECISION_CODES)
        raise NodeError(NodeCode.POLICY_FILE_INVALID, f"case {case.name!r} expects {case.expect!r}, none of {codes}")
    decision = contracts_vm.decide([policy], case.action, facts_of(case, schema), CASE_FUEL)
    found = decision.code if decision.rule is None else f"{decision.code} by {decision.rule}"
    passed = decision.code == case.expect and case.rule in ("", decision.rule)
    return CaseResult(case.name, passed, found, None if passed else decision.explain())


def facts_of(case: Case, schema: Schema) -> Facts:
    """All facts of a case: those that it names, and empty ones for the others."""
    for root, fields in case.facts.items():
        unknown = sorted(set(fields) - set(schema.roots.get(root, {})))
        if root not in schema.roots or unknown:
            name = f"{root}.{unknown[0]}" if root in schema.roots else root
            raise NodeError(NodeCode.POLICY_FILE_INVALID, f"case {case.name!r}: {schema.id} has no {name}")
    return {
        root: {
            name: _fact(case, f"{root}.{name}", case.facts.get(root, {}).get(name), field.type)
            for name, field in fields.items()
            if name in case.facts.get(root, {}) or not field.optional
        }
        for root, fields in schema.roots.items()
    }


def _fact(case: Case, name: str, value: Any, kind: str) -> Any:
    if value is None:
        return _NOTHING.get(kind, "" if not kind.startswith(("list", "payees")) else ())
    if isinstance(value, datetime) and kind == "timestamp" and value.tzinfo is not None:
        return Timestamp((value - _EPOCH) // timedelta(milliseconds=1))
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, bool | int | str):
        return value
    raise NodeError(NodeCode.POLICY_FILE_INVALID, f"case {case.name!r}: {name} is a {kind}, found {value!r}")
