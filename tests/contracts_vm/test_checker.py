"""What is found in a policy before it runs."""

import pytest

from contracts_vm import Field, InvariantBroken, Schema, check, default_policy_source, parse
from contracts_vm.errors import CHECK_CODES


def policy(body: str) -> str:
    return f"policy p version 1 schema remarque@1 {{ {body} }}"


def when(expression: str) -> str:
    return policy(f"permit view as r when {expression};")


def royalty(clauses: str) -> str:
    return policy(f"royalty r on secondary_sale {clauses}")


PAY = "pay 1% to asset.creators by weight;"
FINDINGS: list[tuple[str, tuple[str, ...]]] = [
    (when("requester.id == asset.owner"), ()),
    (when("asset.ownr == 'x'"), ("FIELD_UNKNOWN",)),
    (when("assets.owner == 'x'"), ("ROOT_UNKNOWN",)),
    (when("asset.owner.name == 'x'"), ("FIELD_UNKNOWN",)),
    (when("has(asset.moodel)"), ("FIELD_UNKNOWN",)),
    (when("has(nothing.here) && nothing.here"), ("ROOT_UNKNOWN", "ROOT_UNKNOWN")),
    (policy("permit vew, sale when true;"), ("ACTION_UNKNOWN",)),
    (policy("forbid * when false;"), ()),
    ("policy p version 1 schema other@1 { permit view when true; }", ("SCHEMA_OTHER",)),
    # optional fields
    (when("asset.model == 'm'"), ("OPTIONAL_UNGUARDED",)),
    (when("has(asset.model) && asset.model == 'm'"), ()),
    (when("!has(asset.model) || asset.model == 'm'"), ()),
    (when("has(asset.model) || asset.model == 'm'"), ("OPTIONAL_UNGUARDED",)),
    (when("!has(asset.model) && asset.model == 'm'"), ("OPTIONAL_UNGUARDED",)),
    (when("asset.model == 'm' && has(asset.model)"), ("OPTIONAL_UNGUARDED",)),
    (when("has(asset.model) && has(tx.to) && asset.model == tx.to"), ()),
    (when("(has(asset.model) && has(tx.to)) && asset.model == tx.to"), ()),
    (when("!(!has(asset.model) || !has(tx.to)) && asset.model == tx.to"), ()),
    (when("(has(asset.model) || has(tx.to)) && asset.model == 'm'"), ("OPTIONAL_UNGUARDED",)),
    (when("has(asset.model) ? asset.model == 'm' : true"), ()),
    (when("has(asset.model) ? true : asset.model == 'm'"), ("OPTIONAL_UNGUARDED",)),
    (when("!has(grant.until) ? false : block.time < grant.until"), ()),
    (when("has(grant.until) && block.time < grant.until"), ()),
    # types
    (when("asset.owner"), ("TYPE_MISMATCH",)),
    (when("asset.owner == 1"), ("TYPE_MISMATCH",)),
    (when("asset.owner != block.time"), ("TYPE_MISMATCH",)),
    (when("block.height < 'x'"), ("TYPE_MISMATCH",)),
    (when("requester.roles < requester.roles"), ("TYPE_MISMATCH",)),
    (when("'admin' in requester.roles"), ()),
    (when("1 in requester.roles"), ("TYPE_MISMATCH",)),
    (when("'x' in asset.owner"), ("TYPE_MISMATCH",)),
    (when("tx.kind in ['sale', 'swap']"), ()),
    (when("tx.kind in ['sale', 1]"), ("TYPE_MISMATCH",)),
    (when("tx.kind in []"), ()),
    (when("requester.roles + ['x'] == requester.roles"), ()),
    (when("requester.roles + [1] == requester.roles"), ("TYPE_MISMATCH",)),
    (when("asset.owner + 1 == asset.owner"), ("TYPE_MISMATCH",)),
    (when("block.height % 2 == 0"), ()),
    (when("-asset.owner == 1"), ("TYPE_MISMATCH",)),
    (when("!block.height"), ("TYPE_MISMATCH",)),
    (when("asset.confidential && block.height"), ("TYPE_MISMATCH",)),
    (when("block.height ? true : false"), ("TYPE_MISMATCH",)),
    (when("asset.confidential ? 1 : 'x'"), ("TYPE_MISMATCH", "TYPE_MISMATCH")),
    (when("size(requester.roles) > 0 && size(asset.owner) > 0"), ()),
    (when("size(block.height) > 0"), ("TYPE_MISMATCH",)),
    (when("block.time + duration('1h') > timestamp('2026-01-01T00:00:00Z')"), ()),
    (when("block.time + 3600 > block.time"), ("TYPE_MISMATCH",)),
    (when("timestamp(block.height) > block.time"), ("TYPE_MISMATCH",)),
    (when("block.time > timestamp('tomorrow')"), ("LITERAL_INVALID",)),
    (when("duration('1 week') == duration('7d')"), ("LITERAL_INVALID", "LITERAL_INVALID")),
    (when("size(asset.creators) > 1"), ("TYPE_MISMATCH",)),
    (when("asset == token"), ()),
    # royalties
    (royalty(f"{{ base tx.price; {PAY} }}"), ()),
    (royalty(f"when has(tx.to) {{ base tx.price; {PAY} }}"), ()),
    (royalty(f"when tx.to == 'x' {{ base tx.price; {PAY} }}"), ("OPTIONAL_UNGUARDED",)),
    (royalty(f"when 1 {{ base tx.price; {PAY} }}"), ("TYPE_MISMATCH",)),
    (royalty(f"{{ base tx.currency; {PAY} }}"), ("TYPE_MISMATCH",)),
    (royalty("{ base tx.price; pay 1% to asset.owner by weight; }"), ("TYPE_MISMATCH",)),
    (royalty("{ base tx.prize; pay 1% to asset.creator_s by weight; }"), ("FIELD_UNKNOWN", "FIELD_UNKNOWN")),
]


@pytest.mark.parametrize(("source", "codes"), FINDINGS)
def test_a_policy_has_these_problems(
    source: str, codes: tuple[str, ...], schema: Schema, actions: frozenset[str]
) -> None:
    problems = check(parse(source), schema, actions)

    assert tuple(problem.code for problem in problems) == codes


def test_every_code_of_a_check_is_reached_and_documented() -> None:
    assert {code for _, codes in FINDINGS for code in codes} == set(CHECK_CODES)


def test_a_problem_shows_the_place_and_the_name_that_was_meant(schema: Schema) -> None:
    source = "policy p version 1 schema remarque@1 {\n  permit view as mine when requester.id == asset.ownr;\n}"

    (problem,) = check(parse(source), schema)

    assert problem.rule == "mine"
    assert str(problem) == (
        'FIELD_UNKNOWN at line 2, column 44: remarque@1 has no asset.ownr; did you mean "owner"?\n'
        "    permit view as mine when requester.id == asset.ownr;\n" + " " * 45 + "^"
    )


def test_actions_are_not_checked_unless_they_are_given(schema: Schema) -> None:
    assert check(parse(policy("permit anything when true;")), schema) == ()


def test_the_default_policy_has_no_problem(schema: Schema, actions: frozenset[str]) -> None:
    assert check(parse(default_policy_source()), schema, actions) == ()


def test_a_schema_with_a_type_that_does_not_exist_is_our_bug() -> None:
    with pytest.raises(InvariantBroken):
        Field("float")  # type: ignore[arg-type]
