"""What is found in a policy before it runs."""

import pytest

from contracts_vm import (
    Field,
    InvariantBroken,
    RuleValue,
    Schema,
    Timestamp,
    bounds,
    check,
    decide,
    default_policy_source,
    parse,
)
from contracts_vm.errors import CHECK_CODES


def policy(body: str) -> str:
    return f"policy p version 1 schema remarque@1 {{ {body} }}"


def when(expression: str) -> str:
    return policy(f"permit view as r when {expression};")


def royalty(clauses: str) -> str:
    return policy(f"royalty r on secondary_sale {clauses}")


def forbid(expression: str) -> str:
    return policy(f"forbid view as r when {expression};")


LOOP = "requester.roles.all(b, requester.roles.all(c, b == c))"
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
    (when("has(token.owner) && has(tx.to) && token.owner == tx.to"), ()),
    (when("(has(token.owner) && has(tx.to)) && token.owner == tx.to"), ()),
    (when("!(!has(token.owner) || !has(tx.to)) && token.owner == tx.to"), ()),
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
    (when("asset.confidential ? 1 : 'x'"), ("TYPE_MISMATCH",)),
    (when("size(requester.roles) > 0 && size(asset.owner) > 0"), ()),
    (when("size(block.height) > 0"), ("TYPE_MISMATCH",)),
    (when("block.time + duration('1h') > timestamp('2026-01-01T00:00:00Z')"), ()),
    (when("block.time + 3600 > block.time"), ("TYPE_MISMATCH",)),
    (when("timestamp(asset.confidential) > block.time"), ("TYPE_MISMATCH",)),
    (when("block.time > timestamp('tomorrow')"), ("LITERAL_INVALID",)),
    (when("duration('1 week') == duration('7d')"), ("LITERAL_INVALID", "LITERAL_INVALID")),
    (when("size(asset.creators) > 1"), ("TYPE_MISMATCH",)),
    (when("asset == token"), ("TYPE_MISMATCH", "TYPE_MISMATCH")),
    (when("[asset] == [asset]"), ("TYPE_MISMATCH", "TYPE_MISMATCH")),
    (when("'x' in {'a': asset}"), ("TYPE_MISMATCH",)),
    # names of different things
    (when("requester.id == asset.id"), ("TYPE_MISMATCH",)),
    (when("requester.id == asset.org"), ("TYPE_MISMATCH",)),
    (when("requester.org == asset.org && requester.org == 'acme'"), ()),
    (when("requester.org == '\u0430cme'"), ("TYPE_MISMATCH",)),
    (when("requester.id in ['ada@acme', 'bob@acme']"), ()),
    (when("requester.id in [asset.owner, asset.creator]"), ()),
    (when("requester.id in [asset.owner, asset.id]"), ("TYPE_MISMATCH",)),
    (when("has(token.id) && token.id in requester.roles"), ("TYPE_MISMATCH",)),
    (when("{requester.id: 1}[asset.id] == 1"), ("TYPE_MISMATCH",)),
    # macros, maps and functions
    (when("requester.roles.exists(role, role == 'editor')"), ()),
    (when("requester.roles.exists(role, role == 1)"), ("TYPE_MISMATCH",)),
    (when("requester.roles.all(role, size(role))"), ("TYPE_MISMATCH",)),
    (when("requester.roles.map(role, size(role)) == [3]"), ()),
    (when("requester.roles.filter(role, role.startsWith('a')) == ['a']"), ()),
    (when("asset.owner.exists(c, true)"), ("TYPE_MISMATCH",)),
    (when("cel.bind(t, block.time, t.getHours() < 12 && t.getMonth('+01:00') == 1)"), ()),
    (when("block.time.getHours('Europe/Paris') < 12"), ("LITERAL_INVALID",)),
    (when("requester.id.getHours() < 12"), ("TYPE_MISMATCH",)),
    (when("'a'.contains(1)"), ("TYPE_MISMATCH",)),
    (when("{'a': 1, 'b': 'x'}['a'] == 1"), ("TYPE_MISMATCH",)),
    (when("has(asset.owner.name)"), ("FIELD_UNKNOWN",)),
    (when("string(block.height) == '7' && int('7') == 7"), ()),
    (when("math.least(block.height, 'x') == 1"), ("TYPE_MISMATCH",)),
    (when("bytes(asset.id) == b'x' && size(b'x') == 1"), ()),
    (when("int == int"), ("ROOT_UNKNOWN", "ROOT_UNKNOWN")),
    # what could fail
    (forbid("block.height / 2 == 1"), ()),
    (forbid("1 / block.height == 1"), ("CAN_FAIL",)),
    (forbid("block.height != 0 && 1 / block.height == 1"), ()),
    (forbid("block.height > 3 && 100 % block.height == 1"), ()),
    (forbid("block.height == 0 || 100 % block.height == 1"), ()),
    (forbid("100 % block.height == 1 && block.height > 3"), ("CAN_FAIL",)),
    (forbid("block.height + 1 == 2"), ()),
    (forbid("block.height * block.height == 4"), ("CAN_FAIL",)),
    (forbid("block.height < 1000 && block.height * block.height == 4"), ()),
    (forbid("-block.height < -5"), ()),
    (forbid("requester.roles[0] == 'x'"), ("CAN_FAIL",)),
    (forbid("size(requester.roles) > 0 && requester.roles[0] == 'x'"), ()),
    (forbid("size(requester.roles) != 0 && requester.roles[0] == 'x'"), ()),
    (forbid("size(requester.roles) > 0 && requester.roles[1] == 'x'"), ("CAN_FAIL",)),
    (forbid("['a', 'b'][1] == asset.owner"), ()),
    (forbid("{'a': 1}[asset.owner] == 1"), ("CAN_FAIL",)),
    (forbid("cel.bind(m, {'a': 1}, asset.owner in m && m[asset.owner] == 1)"), ()),
    (forbid("cel.bind(m, {'a': 1}, has(m.a) && m.a == 1)"), ()),
    (forbid("cel.bind(m, {'a': 1}, m.a == 1)"), ("CAN_FAIL",)),
    (forbid("int(asset.owner) == 1"), ("CAN_FAIL",)),
    (forbid("timestamp(asset.owner) < block.time"), ("CAN_FAIL",)),
    (forbid("block.time + duration('24h') < timestamp('2026-01-01T00:00:00Z')"), ()),
    (forbid("has(grant.until) && grant.until + duration('1s') < block.time"), ("CAN_FAIL",)),
    (forbid("math.greatest(requester.roles.map(r, size(r))) > 3"), ("CAN_FAIL",)),
    (forbid("requester.roles.exists(r, 1 / size(r) == 1)"), ("CAN_FAIL",)),
    (forbid("requester.roles.exists(r, size(r) > 0 && 1 / size(r) == 1)"), ()),
    (
        forbid("requester.roles.exists(r, size(r) > 0 && requester.roles.exists(s, 1 / size(s) == 1))"),
        ("CAN_FAIL",),
    ),
    (forbid("requester.roles.all(r, size(r) > 0) && requester.roles.all(r, 1 / size(r) == 1)"), ("CAN_FAIL",)),
    (forbid("portion(block.height, 75000) == 1"), ()),
    (forbid("portion(-1, 75000) == 1"), ("CAN_FAIL",)),
    (forbid("portion(100, block.height) == 1"), ("CAN_FAIL",)),
    (forbid("block.height <= 1000000 && portion(100, block.height) == 1"), ()),
    (forbid("portion(block.height, 500000) + 5000000000000000000 == 1"), ()),
    (when("portion('x', 1) == 1"), ("TYPE_MISMATCH",)),
    (when("portion(1, 'x') == 1"), ("TYPE_MISMATCH",)),
    # what is never there hides nothing
    (forbid("([tx.kind] + [].map(v, v)).exists(v, 1 / 0 == 1)"), ("CAN_FAIL",)),
    (when("([tx.kind] + [].map(v, v)).exists(v, v == 1)"), ("TYPE_MISMATCH",)),
    (when("([tx.kind] + [].filter(v, v)).exists(v, v + 1 == 1)"), ("TYPE_MISMATCH",)),
    (when("(asset.confidential ? [][0] : tx.kind) + 1 == 2"), ("TYPE_MISMATCH",)),
    (when("(asset.confidential ? {}['a'] : tx.kind) == 'x' && {}.all(k, k == 1)"), ()),
    # as deep as it goes
    (when("requester.roles" + "[0]" * 100 + " == 'x'"), ("TYPE_MISMATCH",)),
    (when("cel.bind(m, {'a': 1}, m" + ".a" * 2 + "['a']" * 90 + " == 1)"), ("TYPE_MISMATCH",) * 91),
    # cost
    (when(LOOP), ()),
    (
        when(f"requester.roles.all(a, {LOOP})"),
        ("OVER_BUDGET",),
    ),
    (
        policy("".join(f"forbid view as r{i} when {LOOP};" for i in "abcdefghijklmnop")),
        ("OVER_BUDGET",),
    ),
    (policy("".join(f"forbid view as r{i} when {LOOP};" for i in "abcdefgh")), ()),
    (
        policy(
            "".join(f"forbid view as r{i} when {LOOP};" for i in "abcdefgh")
            + f"royalty r on swap when {LOOP} && {LOOP} && {LOOP} {{ base tx.price; {PAY} }}"
        ),
        ("OVER_BUDGET",),
    ),
    # royalties
    (royalty(f"{{ base tx.price; {PAY} }}"), ()),
    (royalty(f"when has(tx.to) {{ base tx.price; {PAY} }}"), ()),
    (royalty(f"when tx.to == 'x' {{ base tx.price; {PAY} }}"), ("OPTIONAL_UNGUARDED",)),
    (royalty(f"when 1 / block.height == 1 {{ base tx.price; {PAY} }}"), ("CAN_FAIL",)),
    (royalty(f"when block.height > 0 && 1 / block.height == 1 {{ base tx.price; {PAY} }}"), ()),
    (
        royalty(f"when requester.roles.all(a, requester.roles.all(a, {LOOP})) {{ base tx.price; {PAY} }}"),
        ("OVER_BUDGET",),
    ),
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

    assert tuple(problem.code for problem in problems if problem.severity == "error") == codes


WARNED: list[tuple[str, tuple[str, ...]]] = [
    ("permit view when asset.confidential;", ()),
    ("permit view when true;", ("CONDITION_CONSTANT",)),
    ("forbid * when false;", ("CONDITION_CONSTANT",)),
    ("require view when block.height >= 0;", ("CONDITION_CONSTANT",)),
    ("forbid view when block.height < 0 && asset.confidential;", ("CONDITION_CONSTANT",)),
    ("permit view when tx.kind in [];", ("CONDITION_CONSTANT",)),
    ("permit view when has(asset.owner);", ("CONDITION_CONSTANT",)),
    ("permit view as a when asset.confidential; permit view as b when asset.confidential;", ("PERMIT_IMPLIED",)),
    (
        "permit view as a when asset.confidential && block.height > 3; permit view, grant as b when block.height > 3;",
        ("PERMIT_IMPLIED",),
    ),
    ("permit view as a when asset.confidential; permit grant as b when asset.confidential;", ()),
    ("permit sale when asset.confidential;", ("FIELD_UNCONSTRAINED",)),
    ("permit sale when has(tx.price) && has(tx.currency) && has(tx.to);", ("FIELD_UNCONSTRAINED",)),
    ("permit sale when has(tx.price) && has(tx.currency) && has(tx.to) && !tx.paid_apart;", ()),
    ("permit transfer when !tx.paid; forbid * when has(tx.to) && tx.to == 'x@y';", ()),
    ("permit transfer when has(tx.to) && tx.to == 'x@y';", ("FIELD_UNCONSTRAINED",)),
]


@pytest.mark.parametrize(("rules", "codes"), WARNED)
def test_a_policy_that_may_be_published_is_warned_of(
    rules: str, codes: tuple[str, ...], schema: Schema, actions: frozenset[str]
) -> None:
    problems = check(parse(policy(rules)), schema, actions)

    assert tuple(problem.code for problem in problems) == codes
    assert {problem.severity for problem in problems} <= {"warning"}


def test_every_code_of_a_check_is_reached_and_documented() -> None:
    assert {code for _, codes in (*FINDINGS, *WARNED) for code in codes} == set(CHECK_CODES)


@pytest.mark.parametrize(
    "expression",
    [
        "requester.id == asset.owner",
        "tx.kind in ['sale', 'swap'] || 'editor' in requester.roles",
        "requester.roles.exists(a, requester.roles.exists(b, a == b && a.contains('x')))",
        "requester.roles.map(r, r + '!').filter(r, r.endsWith('!')) == ['x']",
        "cel.bind(n, size(asset.owner), n * n > 3 && string(n) == '7')",
        "{'a': 1, 'b': 2}.all(k, k != asset.owner) && block.time.getHours() < 24",
        "block.time < timestamp(string(block.time)) || asset.confidential ? requester.suspended : asset.owner < 'x'",
    ],
)
def test_no_facts_within_the_bounds_cost_more_than_the_bound(expression: str, schema: Schema) -> None:
    found = parse(when(expression))
    most = bounds(found, schema)["r"]
    facts: dict[str, dict[str, RuleValue]] = {
        "requester": {"id": "a" * 65, "org": "b" * 32, "roles": ["r" * 32] * 11, "suspended": True},
        "asset": {"id": "a" * 128, "owner": "a" * 65, "org": "b" * 32, "confidential": True},
        "tx": {"kind": "k" * 32, "paid": True},
        "block": {"height": 2**53 - 1, "time": Timestamp(7_258_118_400_000)},
    }

    assert 0 < decide([found], "view", facts, 100_000).fuel <= most


def test_a_problem_shows_the_place_and_the_name_that_was_meant(schema: Schema) -> None:
    source = "policy p version 1 schema remarque@1 {\n  permit view as mine when requester.id == asset.ownr;\n}"

    (problem,) = check(parse(source), schema)

    assert problem.rule == "mine"
    assert str(problem) == (
        'FIELD_UNKNOWN at line 2, column 44: remarque@1 has no asset.ownr; did you mean "owner"?\n'
        "    permit view as mine when requester.id == asset.ownr;\n" + " " * 45 + "^"
    )


def test_actions_are_not_checked_unless_they_are_given(schema: Schema) -> None:
    assert check(parse(policy("permit anything when asset.confidential;")), schema) == ()


def test_the_default_policy_has_no_problem(schema: Schema, actions: frozenset[str]) -> None:
    problems = check(parse(default_policy_source()), schema, actions)

    assert {problem.code for problem in problems} == {"FIELD_UNCONSTRAINED"}


def test_a_schema_with_a_type_that_does_not_exist_is_our_bug() -> None:
    with pytest.raises(InvariantBroken):
        Field("float")
    with pytest.raises(InvariantBroken):
        Field("string")
