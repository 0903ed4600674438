"""What the rule engine costs, and how often its peer does the same in that time.

    python -m bench.rules

The peer is cel-expr-python, the Common Expression Language in C++, on the same expression and facts in the same run. It
has no meter and, here, no schema: a ratio above 1 means that ours takes longer. Process time, the best of five rounds.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from contracts_vm import Facts, Field, PolicyError, Schema, Timestamp, check, decide, parse, settle
from contracts_vm.evaluate import Run, compile_expression, run
from contracts_vm.expression import parse_expression

SAMPLE = "requester.id in asset.viewers || block.time < asset.embargo_until"
LONGER = (
    "(requester.id in asset.viewers && !requester.suspended"
    " || requester.roles.exists(r, r == 'editor' || r == 'admin'))"
    " && (block.time < asset.embargo_until ? size(asset.viewers) > 2 : requester.roles.all(r, r != 'guest'))"
)
FACTS: dict[str, dict[str, Any]] = {
    "requester": {"id": "zed@acme", "roles": ("viewer", "editor"), "suspended": False},
    "asset": {"viewers": ("ada@acme", "bob@acme"), "embargo_until": Timestamp(1_760_000_000_000)},
    "block": {"time": Timestamp(1_750_000_000_000)},
}
SCHEMA = Schema(
    "bench",
    1,
    {
        "requester": {
            "id": Field("AccountId", characters=65),
            "roles": Field("list<string>", characters=32, items=8),
            "suspended": Field("bool"),
        },
        "asset": {"viewers": Field("list<AccountId>", characters=65, items=1024), "embargo_until": Field("timestamp")},
        "block": {"time": Field("timestamp")},
    },
)
HOSTILE = {
    "nested loops": "[0, 1].all(x, " * 24 + "true" + ")" * 24,
    "comparing lists": f"[{'1,' * 400}].all(a, [{'1,' * 400}].all(b, a == b))",
    "spans read from text": f"[{'1,' * 400}].map(a, [{'1,' * 400}].map(b, duration('{'1ns' * 21}'))) == []",
    "errors absorbed": f"[{'0,' * 400}].exists(a, [{'0,' * 400}].exists(b, 1 / a == b))",
    "doublings": "cel.bind(x0, 'ab', "
    + "".join(f"cel.bind(x{i}, x{i - 1} + x{i - 1}, " for i in range(1, 25))
    + "size(x24) > 0"
    + ")" * 25,
    "lists in lists": f"[{'[1,1,1,1],' * 90}].all(a, a in [{'[1,1,1,2],' * 90}])",
}
SOURCES = {
    "long list": "[" + "1," * 7_000 + "]",
    "long chain": "a||" * 5_000 + "a",
    "brackets": "(" * 16_000,
    "one string": "'" + "a" * 16_000,
    "names": "a.b == c.d && " * 1_150 + "a.b",
    "unknown fields": "asset.ownr || " * 900 + "true",
    "indexes": "requester.roles" + "[0]" * 120 + " == 'x'",
    "guards": " && ".join(f"size('{number:08d}') > 1" for number in range(480)) + " && asset.x",
}


def microseconds(number: int, work: Callable[..., object], *arguments: object) -> float:
    """Process time of a call with these arguments, the best of five rounds."""
    rounds = []
    for _ in range(5):
        started = time.process_time()
        for _ in range(number):
            work(*arguments)
        rounds.append(1e6 * (time.process_time() - started) / number)
    return min(rounds)


def evaluate(compiled: Run, facts: Facts) -> object:
    """A rule under a new meter."""
    return run(compiled, facts, [10_000])


def publish(source: str) -> object:
    """Parse, compile and check."""
    return check(parse(source), SCHEMA)


def policy(condition: str) -> str:
    return f"policy p version 1 schema bench@1 {{ permit view as r when {condition}; }}"


def peer() -> tuple[Any, Any]:
    """The peer's environment and its facts, as ready as ours."""
    cel = import_module("cel_expr_python.cel")
    env = cel.NewEnv(variables={root: cel.Type.Map(cel.Type.STRING, cel.Type.DYN) for root in FACTS})
    plain: dict[str, Any] = {
        "requester": FACTS["requester"] | {"roles": list(FACTS["requester"]["roles"])},
        "asset": {"viewers": list(FACTS["asset"]["viewers"]), "embargo_until": 1_760_000_000_000},
        "block": {"time": 1_750_000_000_000},
    }
    return env, env.Activation(plain)


def main() -> None:
    conditions = {"cpus": os.cpu_count(), "python": platform.python_version(), "peer": "cel-expr-python 0.1.3"}
    print(json.dumps({"conditions": conditions}))
    env, activation = peer()

    def tell(what: str, ours: float, theirs: float | None = None) -> None:
        line = {what: round(ours, 2)}
        if theirs is not None:
            line |= {"peer_us": round(theirs, 2), "ratio": round(ours / theirs, 2)}
        print(json.dumps(line), flush=True)

    for name, condition in (("sample", SAMPLE), ("longer", LONGER)):
        compiled, other = compile_expression(parse_expression(condition)), env.compile(condition)
        theirs = microseconds(20_000, other.eval, activation)
        tell(f"evaluate the {name} rule, metered, us", microseconds(50_000, evaluate, compiled, FACTS), theirs)
        theirs = microseconds(500, env.compile, condition)
        tell(f"parse, check and compile the {name} rule, us", microseconds(200, publish, policy(condition)), theirs)
    ready = parse(policy(LONGER))
    tell("decide by the longer rule, us", microseconds(5_000, decide, [ready], "view", FACTS, 10_000))
    tell("explain the longer rule, us", microseconds(500, decide([ready], "view", FACTS, 10_000).explain))
    for count in (64, 1_024):
        payees = [(f"p{number:04d}@acme", 1_000 + number) for number in range(count)]
        tell(f"split among {count} payees, us", microseconds(60_000 // count, settle, 99_999_999, 75_000, payees))
    for name, condition in HOSTILE.items():
        hostile = compile_expression(parse_expression(condition))
        tell(f"stop {name} at 10,000 fuel, ms", microseconds(3, evaluate, hostile, {}) / 1000)
    for name, condition in SOURCES.items():
        tell(f"refuse 16 KiB of {name}, ms", microseconds(3, refuse, condition) / 1000)


def refuse(condition: str) -> None:
    """Parse and check what must be refused."""
    try:
        found = check(parse(policy(condition)), SCHEMA)
    except PolicyError:
        return
    if not any(problem.severity == "error" for problem in found):
        raise RuntimeError("a hostile source was accepted")


if __name__ == "__main__":
    main()
