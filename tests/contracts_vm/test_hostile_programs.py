"""Programs written to hurt: each is refused, or stopped, with its stable code, and none takes long."""

import pytest

from contracts_vm import PolicyError, Schema, check, decide, parse
from contracts_vm.explain import explain_rules

DOUBLING = "cel.bind(x{0}, x{1} + x{1}, "


def when(expression: str) -> str:
    return f"policy p version 1 schema remarque@1 {{ forbid view as r when {expression}; }}"


def nested(depth: int, items: str, macro: str = "all") -> str:
    """Loops inside one another: as many steps as there are items, to the power of the depth."""
    inner = f"[{items}].{macro}(x, " * (depth - 1)
    return f"[{items}].all(x, {inner}true" + ")" * depth


def doublings(count: int) -> str:
    """A text, or a list, that doubles with each binding."""
    binds = "".join(DOUBLING.format(i, i - 1) for i in range(1, count + 1))
    return f"cel.bind(x0, {{0}}, {binds}size(x{count}) > 0" + ")" * (count + 1)


LOOKALIKES = "аеорсухіјѕԁɡ։׃᎓；﹔，．‚＇＂＝﹦≠∧∨¬−–—×÷（）［］｛｝０１ＡＺ"
INVISIBLE = [*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F, 0x85, 0x9F, 0x61C, 0x200B, 0x200E, 0x200F]
INVISIBLE += [0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF]
INVISIBLE += [0xAD, 0x34F, 0x115F, 0x17B5, 0x180E, 0x206F, 0x3164, 0xFFA0, 0xFFFA, 0x1D173, 0xE0041, 0xE0101]
NOT_UTF8 = [
    b"\xff",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\x80",
    b"\xe2\x82",
    b"\xfe\xfe",
    b"\xf8\x88\x80",
]

REFUSED: list[tuple[str | bytes, str]] = [
    *((when(f"asset.id {character} 'x'"), "NOT_ASCII") for character in LOOKALIKES),
    *((when(f"asset.id == 'a{chr(code)}b'"), "CHARACTER_FORBIDDEN") for code in INVISIBLE),
    *(
        (b"policy p version 1 schema s@1 { permit view when x.y == '" + raw + b"'; }", "SOURCE_NOT_UTF8")
        for raw in NOT_UTF8
    ),
    *((when(f"block.height {sign} {'9' * 5_000}"), "NUMBER_TOO_LONG") for sign in ("==", "+", "*", "<", "%", "in")),
    *((when(f"{opening * 33}1"), "TOO_DEEP") for opening in ("(", "[", "!(", "-(", "size(", "{1: ", "x[", "a ? b : ")),
    *((when(f"a.b{step * 200}"), "TOO_DEEP") for step in ("[0]", ".size()", ".c()"[:2] + "[1]", ".map(x, x)")),
    *((when(nested(depth, "0, 1")), "TOO_DEEP") for depth in (32, 33, 64, 200)),
    *((when(f"true{sign}true" + f"{sign}true" * 2_000), "TOO_MANY_NODES") for sign in ("&&", "||", "==", "+", "<")),
    *((when(f"[{'1,' * 2_001}]"), "TOO_MANY_NODES") for _ in "1"),
    *((when(f"'{'a' * size}'"), "SOURCE_TOO_LARGE") for size in (16_384, 20_000, 100_000, 1_000_000)),
    *((when("'" + quote), "STRING_UNTERMINATED") for quote in ("open", "x\n'", '"', "\n\n\n")),
    *(
        (when(f"{call}"), "NOT_IN_THE_LANGUAGE")
        for call in ("now()", "random()", "'a'.matches('(a+)+$')", "1.5", "1e999")
    ),
    *(
        (when(f"{call}"), "FUNCTION_UNKNOWN")
        for call in ("eval('1')", "__import__('os')", "asset.__class__()", "open('/')")
    ),
]
STOPPED: list[str] = [
    *(nested(depth, "0, 1") for depth in range(12, 30)),
    *(nested(depth, "0, 1, 2, 3", macro) for depth in (8, 16, 24) for macro in ("all", "exists_one")),
    *(f"[{nested(depth, '0, 1')}].exists_one(y, y)" for depth in (13, 20, 26)),
    *(
        doublings(count).replace("{0}", what)
        for count in (18, 22, 26)
        for what in ("'0123456789'", "[1, 2, 3]", "b'abcdef'")
    ),
    *(f"[{'1,' * size}].all(a, [{'1,' * size}].all(b, a == b))" for size in (100, 200, 400, 900)),
    *(f"[{'0,' * size}].exists(a, [{'0,' * size}].exists(b, 1 / a == b))" for size in (100, 400)),
    *(f"[{'1,' * size}].map(a, [{'1,' * size}]) == []" for size in (110, 200, 900)),
    *(f"[{'1,' * size}].all(a, a in [{'2,' * size}1])" for size in (120, 500)),
]
OVER: list[str] = [nested(depth, "asset.confidential ? 1 : 2, 3") for depth in (12, 18, 24)]
FAILING: list[str] = [
    "1 / block.height == 1",
    "block.height % (block.height - block.height) == 1",
    "block.height * block.height > 0",
    "block.height * 9223372036854775807 > 0",
    "9223372036854775807 + 1 == 0",
    "-(-9223372036854775808) > 0",
    "(-9223372036854775808) / (block.height - 1) == 0",
    "requester.roles[7] == 'x'",
    "requester.roles[-1] == 'x'",
    "requester.roles.map(r, int(r)) == [1]",
    "{'a': 1}['b'] == 1",
    "int(asset.id) > 0",
    "timestamp(asset.id) > block.time",
    "duration(asset.id) > duration('1s')",
    "timestamp('9999-12-31T00:00:00Z') + duration('48h') > block.time",
    "string(bytes(asset.id)) == 'x'",
    "math.least(requester.roles.map(r, 1)) == 1",
    "block.time.getHours(asset.id) == 1",
]


@pytest.mark.parametrize(("source", "code"), REFUSED, ids=[f"{i}-{code}" for i, (_, code) in enumerate(REFUSED)])
def test_a_hostile_source_is_refused(source: str | bytes, code: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(source)

    assert caught.value.code == code


@pytest.mark.parametrize("expression", STOPPED, ids=[str(i) for i in range(len(STOPPED))])
def test_a_program_that_would_not_end_is_stopped_and_cannot_be_published(expression: str, schema: Schema) -> None:
    policy = parse(when(expression))

    assert decide([policy], "view", {"asset": {"confidential": True}}, 10_000).code == "BUDGET"
    assert "OVER_BUDGET" in {problem.code for problem in check(policy, schema) if problem.severity == "error"}


@pytest.mark.parametrize("expression", OVER)
def test_a_program_whose_worst_case_costs_too_much_cannot_be_published(expression: str, schema: Schema) -> None:
    assert "OVER_BUDGET" in {problem.code for problem in check(parse(when(expression)), schema)}


@pytest.mark.parametrize("expression", FAILING)
def test_a_forbid_that_could_fail_cannot_be_published(expression: str, schema: Schema) -> None:
    assert {problem.code for problem in check(parse(when(expression)), schema) if problem.severity == "error"} == {
        "CAN_FAIL"
    }


def test_an_explanation_costs_at_most_a_decision_more(schema: Schema) -> None:
    heavy = [nested(4, "0, 1, 2, 3, 4").replace("true", f"x < {limit}") for limit in range(5, 25)]
    policy = parse(when("".join(f"asset.confidential ? {one} : " for one in heavy) + "true"))
    assert [problem for problem in check(policy, schema) if problem.severity == "error"] == []

    decision = decide([policy], "view", {"asset": {"confidential": True}}, 10_000)
    (rule,) = explain_rules(policy.rules_for("view"), decision.question.facts, 10_000).rules

    assert decision.code == "FORBIDDEN"
    assert str(rule).count("'error': 'BUDGET'") > 10


def test_there_are_at_least_two_hundred_of_them() -> None:
    assert len(REFUSED) + len(STOPPED) + len(OVER) + len(FAILING) >= 200
