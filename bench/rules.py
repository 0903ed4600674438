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

from contracts_vm import Field, PolicyError, Schema, Timestamp, check, decide, parse
from contracts_vm.evaluate import compile_expression, run
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
}


def microseconds(work: Callable[[], object], number: int) -> float:
    """Process time of a call, the best of five rounds."""
    rounds = []
    for _ in range(5):
        started = time.process_time()
        for _ in range(number):
            work()
        rounds.append(1e6 * (time.process_time() - started) / number)
    return min(rounds)


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
        theirs = microseconds(lambda other=other: other.eval(activation), 20_000)  # type: ignore[misc]
        ours = microseconds(lambda compiled=compiled: run(compiled, FACTS, [10_000]), 50_000)  # type: ignore[misc]
        tell(f"evaluate the {name} rule, metered, us", ours, theirs)
        source = policy(condition)
        tell(
            f"parse, check and compile the {name} rule, us",
            microseconds(lambda source=source: check(parse(source), SCHEMA), 200),  # type: ignore[misc]
            microseconds(lambda condition=condition: env.compile(condition), 500),  # type: ignore[misc]
        )
    ready = parse(policy(LONGER))
    tell("decide by the longer rule, us", microseconds(lambda: decide([ready], "view", FACTS, 10_000), 5_000))
    decision = decide([ready], "view", FACTS, 10_000)
    tell("explain the longer rule, us", microseconds(decision.explain, 500))
    for name, condition in HOSTILE.items():
        hostile = compile_expression(parse_expression(condition))
        spent = microseconds(lambda hostile=hostile: run(hostile, {}, [10_000]), 3)  # type: ignore[misc]
        tell(f"stop {name} at 10,000 fuel, ms", spent / 1000)
    for name, condition in SOURCES.items():
        tell(f"refuse 16 KiB of {name}, ms", microseconds(lambda condition=condition: refuse(condition), 3) / 1000)  # type: ignore[misc]


def refuse(condition: str) -> None:
    """Parse what must be refused."""
    try:
        parse(policy(condition))
    except PolicyError:
        return
    raise RuntimeError("a hostile source was accepted")


if __name__ == "__main__":
    main()
