"""What the checker promises, held against random rules and random facts within the bounds of the vocabulary.

A `forbid` that it accepts has a value for all facts, and no decision costs more than the bound that it states.
"""

import random
from typing import Any

from contracts_vm import Duration, Schema, Timestamp, bounds, check, decide, parse
from contracts_vm.schema import Field

RULES, REQUESTS = 1_500, 4
COMPARED = ("==", "!=", "<", "<=", ">", ">=")


class Author:
    """Writes rules over the vocabulary, many of them guarded as the checker asks."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.variables: list[tuple[str, str]] = []

    def pick(self, *forms: str) -> str:
        return self.chance.choice(forms)

    def of(self, kind: str, depth: int) -> str:
        named = [name for name, known in self.variables if known == kind]
        if named and self.chance.random() < 0.3:
            return self.chance.choice(named)
        return str(getattr(self, kind)(depth - 1))

    def inside(self, kind: str, variable: str, depth: int, body: str = "condition") -> tuple[str, str]:
        name = f"v{len(self.variables)}"
        self.variables.append((name, variable))
        found = self.of(body, depth)
        self.variables.pop()
        return name, found

    def number(self, depth: int) -> str:
        if depth <= 0:
            return self.pick("block.height", "asset.depth", "0", "1", "7", "-3", "size(requester.roles)", "1000000")
        form = self.chance.randrange(11)
        a, b = self.of("number", depth), self.of("number", depth)
        if form < 5:
            return f"({a} {self.pick(*'+-*/%')} {b})"
        return (
            f"({self.of('condition', depth)} ? {a} : {b})",
            f"size({self.of(self.pick('text', 'texts'), depth)})",
            f"math.{self.pick('least', 'greatest')}({a}, {b})",
            f"portion({a}, {b})",
            f"block.time.{self.pick('getHours', 'getMonth', 'getFullYear')}()",
            f"{{'k': {a}, 'm': {b}}}.{self.pick('k', 'm')}",
        )[form - 5]

    def text(self, depth: int) -> str:
        if depth <= 0:
            return self.pick("asset.evidence", "tx.kind", "'x'", "''", "'zoë'", "requester.roles[0]")
        return (
            f"({self.of('text', depth)} + {self.of('text', depth)})",
            f"string({self.of('number', depth)})",
            f"({self.of('condition', depth)} ? {self.of('text', depth)} : {self.of('text', depth)})",
            f"string({self.of('time', depth)})",
        )[self.chance.randrange(4)]

    def texts(self, depth: int) -> str:
        if depth <= 0:
            return self.pick("requester.roles", "[]", "['x', 'y']", "[].map(v, v)")
        name, test = self.inside("texts", "text", depth)
        made = self.inside("texts", "text", depth, "text")[1]
        return (
            f"{self.of('texts', depth)}.filter({name}, {test})",
            f"{self.of('texts', depth)}.map({name}, {made})",
            f"({self.of('texts', depth)} + {self.of('texts', depth)})",
            f"[{self.of('text', depth)}, {self.of('text', depth)}]",
        )[self.chance.randrange(4)]

    def time(self, depth: int) -> str:
        if depth <= 0:
            return self.pick("block.time", "timestamp('2026-01-01T00:00:00Z')", "grant.until")
        return f"({self.of('time', depth)} {self.pick('+', '-')} duration('{self.pick('1h', '36h', '0.5s')}'))"

    def condition(self, depth: int) -> str:
        if depth <= 0:
            return self.pick("asset.confidential", "has(grant.until)", "true", "'x' in requester.roles")
        a, b, n = self.of("condition", depth), self.of("condition", depth), self.of("number", depth)
        name, test = self.inside("condition", "text", depth)
        bound, body = self.inside("condition", "number", depth)
        kind = self.pick("number", "text", "time")
        return (
            f"({a} {self.pick('&&', '||')} {b})",
            f"({a} && {b} && {self.of('condition', depth)})",
            f"!({a})",
            f"({a} ? {b} : {self.of('condition', depth)})",
            f"({self.of(kind, depth)} {self.pick(*COMPARED)} {self.of(kind, depth)})",
            f"({n} {self.pick(*COMPARED)} 0 && {self.of('number', depth)} / {n} > 1)",
            f"({n} >= 0 && {n} < {self.pick('1000', '5')} && {n} * {n} < {self.of('number', depth)})",
            f"(size(requester.roles) {self.pick(*COMPARED)} 0 && requester.roles[0] == {self.of('text', depth)})",
            f"(has(grant.until) && {self.of('time', depth)} < grant.until)",
            f"(!has(grant.until) || {b})",
            f"{self.of('texts', depth)}.{self.pick('all', 'exists', 'exists_one')}({name}, {test})",
            f"cel.bind({bound}, {n}, {body})",
            f"{self.of('text', depth)}.{self.pick('contains', 'startsWith')}({self.of('text', depth)})",
            f"({self.of('texts', depth)} == {self.of('texts', depth)})",
            f"({self.of('text', depth)} in {self.of('texts', depth)})",
        )[self.chance.randrange(15)]


def facts(chance: random.Random, schema: Schema) -> dict[str, dict[str, Any]]:
    """Facts within the bounds, at their ends more often than not."""
    return {
        root: {
            name: value(chance, field)
            for name, field in fields.items()
            if field.type != "payees" and not (field.optional and chance.random() < 0.4)
        }
        for root, fields in schema.roots.items()
    }


def value(chance: random.Random, field: Field) -> Any:
    if field.type.startswith("list"):
        return ["r" * chance.choice([0, 1, field.characters]) for _ in range(chance.choice([0, 1, field.items]))]
    if field.type == "bool":
        return chance.random() < 0.5
    low, high = max(field.low, -(2**63)), min(field.high, 2**63 - 1)
    number = chance.choice([low, low + 1, 0 if low <= 0 else low, 1, high - 1, high])
    if field.type == "timestamp":
        return Timestamp(min(number, 253_402_300_799_999), chance.choice([0, 999_999]))
    if field.type == "duration":
        return Duration(number)
    return number if field.type == "int" else "x" * chance.choice([0, 1, field.characters])


def test_an_accepted_rule_has_a_value_and_keeps_its_bound_for_all_facts(schema: Schema) -> None:
    chance, accepted = random.Random(11), 0
    for _ in range(RULES):
        condition = Author(chance).of("condition", 4)
        policy = parse(f"policy p version 1 schema remarque@1 {{ forbid view as r when {condition}; }}")
        if any(problem.severity == "error" for problem in check(policy, schema)):
            continue
        accepted += 1
        most = bounds(policy, schema)["r"]
        for _ in range(REQUESTS):
            request = facts(chance, schema)
            decision = decide([policy], "view", request, 1_000_000)
            assert decision.code != "FORBID_ERROR", (condition, request, decision.reason)
            assert decision.fuel <= most, (condition, request)
    assert accepted > RULES // 8
