"""How rules combine into a decision, and how it explains itself."""

import hashlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts_vm import DECISION_CODES, Policy, RuleValue, decide, parse
from contracts_vm.explain import BYTES_MAX, LINE_FUEL, LINES_MAX

FactsBuilder = Callable[..., dict[str, dict[str, RuleValue]]]


def a_policy(*rules: str, name: str = "p") -> Policy:
    return parse(f"policy {name} version 1 schema s@1 {{ {' '.join(rules)} }}")


PERMIT, FORBID, REQUIRE = "permit view as a when", "forbid view as b when", "require view as c when"
MISSING = "x.gone == 1"


@pytest.mark.parametrize(
    ("rules", "code", "rule"),
    [
        ((), "NOT_PERMITTED", None),
        ((f"{PERMIT} true;",), "PERMITTED", "a"),
        ((f"{PERMIT} false;",), "NOT_PERMITTED", None),
        ((f"{PERMIT} {MISSING};",), "NOT_PERMITTED", None),
        ((f"{PERMIT} 1;",), "NOT_PERMITTED", None),
        (("permit sale as a when true;",), "NOT_PERMITTED", None),
        (("permit * as a when true;",), "PERMITTED", "a"),
        (("permit sale, view as a when true;",), "PERMITTED", "a"),
        ((f"{PERMIT} true;", f"{FORBID} true;"), "FORBIDDEN", "b"),
        ((f"{PERMIT} true;", f"{FORBID} false;"), "PERMITTED", "a"),
        ((f"{PERMIT} true;", f"{FORBID} {MISSING};"), "FORBID_ERROR", "b"),
        ((f"{PERMIT} true;", f"{FORBID} 'yes';"), "FORBID_ERROR", "b"),
        ((f"{PERMIT} true;", f"{REQUIRE} true;"), "PERMITTED", "a"),
        ((f"{PERMIT} true;", f"{REQUIRE} false;"), "UNMET", "c"),
        ((f"{PERMIT} true;", f"{REQUIRE} {MISSING};"), "REQUIRE_ERROR", "c"),
        ((f"{PERMIT} true;", f"{REQUIRE} 0;"), "REQUIRE_ERROR", "c"),
        ((f"{REQUIRE} true;",), "NOT_PERMITTED", None),
        ((f"{FORBID} true;", f"{REQUIRE} false;"), "FORBIDDEN", "b"),
        ((f"{FORBID} {MISSING};", f"{REQUIRE} false;"), "FORBID_ERROR", "b"),
        ((f"{FORBID} {MISSING};", "forbid * as z when true;"), "FORBIDDEN", "z"),
        ((f"{PERMIT} {MISSING};", "permit view as z when true;"), "PERMITTED", "z"),
        (("permit view as z when true;", "permit view as y when true;"), "PERMITTED", "y"),
        (("forbid view when true;",), "FORBIDDEN", "forbid#1"),
    ],
)
def test_rules_combine_to_this_decision_in_every_order(rules: tuple[str, ...], code: str, rule: str | None) -> None:
    for order in itertools.permutations(rules):
        decision = decide([a_policy(*order)], "view", {"x": {}}, 100)

        assert (decision.code, decision.rule) == (code, rule)
        assert decision.allowed is (code == "PERMITTED")
        assert decision.reason


def test_every_code_of_a_decision_is_known() -> None:
    assert tuple(DECISION_CODES) == (
        "BUDGET",
        "FORBIDDEN",
        "FORBID_ERROR",
        "UNMET",
        "REQUIRE_ERROR",
        "PERMITTED",
        "NOT_PERMITTED",
    )


def test_no_permit_of_a_narrow_scope_beats_a_forbid_of_a_broad_one() -> None:
    consortium = a_policy(f"{FORBID} true reason 'taken down by order';", name="consortium")
    asset = a_policy("permit * as everything when true;", name="asset")

    for scopes in ([consortium, asset], [asset, consortium]):
        decision = decide(scopes, "view", {}, 100)
        assert (decision.code, decision.policy, decision.reason) == (
            "FORBIDDEN",
            "consortium@1",
            "taken down by order",
        )
        assert decision.digest == consortium.digest


def test_the_end_of_fuel_denies_whatever_the_rules_say() -> None:
    policies = [a_policy(f"{PERMIT} true || x.a == 1;", f"{FORBID} x.a == 1 && false;", f"{REQUIRE} x.b == 'b';")]
    facts: dict[str, dict[str, RuleValue]] = {"x": {"a": 1, "b": "b"}}
    enough = decide(policies, "view", facts, 1_000)

    assert enough.code == "PERMITTED"
    assert decide(policies, "view", facts, enough.fuel).code == "PERMITTED"
    for fuel in range(enough.fuel):
        decision = decide(policies, "view", facts, fuel)
        assert (decision.code, decision.rule, decision.fuel) == ("BUDGET", None, fuel)


def test_an_error_is_named_in_the_reason() -> None:
    decision = decide([a_policy(f"{FORBID} x.gone == 1;")], "view", {"x": {}}, 100)

    assert decision.reason == "the rule b could not be evaluated (FIELD_MISSING: x.gone is absent)"


def test_a_denial_explains_itself(facts: FactsBuilder) -> None:
    policy = parse(
        'policy p version 3 schema s@1 { permit view as roles when "viewer" in requester.roles && !asset.confidential;'
        "permit view as embargo when block.time >= timestamp('2025-10-11T12:40:00Z') || has(asset.takedown);"
        "permit view as model when asset.model == 'flux'; permit sale when true; }"
    )

    assert decide([policy], "view", facts(), 1_000).explain() == {
        "decision": "DENY",
        "code": "NOT_PERMITTED",
        "action": "view",
        "reason": "no rule permits view",
        "fuel": 19,
        "policy": "p@3",
        "hash": policy.digest,
        "rules": [
            {
                "id": "roles",
                "policy": "p@3",
                "effect": "permit",
                "value": False,
                "why": [
                    {"expr": '"viewer" in requester.roles', "value": False},
                    {"expr": "requester.roles", "list_size": 1},
                    {"expr": "asset.confidential", "value": True},
                ],
            },
            {
                "id": "embargo",
                "policy": "p@3",
                "effect": "permit",
                "value": False,
                "why": [
                    {"expr": "block.time >= timestamp('2025-10-11T12:40:00Z')", "value": False},
                    {"expr": "block.time", "value": "2025-10-09T08:53:20Z"},
                    {"expr": "has(asset.takedown)", "value": False},
                ],
            },
            {
                "id": "model",
                "policy": "p@3",
                "effect": "permit",
                "error": "FIELD_MISSING",
                "why": [
                    {"expr": "asset.model == 'flux'", "error": "FIELD_MISSING"},
                    {"expr": "asset.model", "error": "FIELD_MISSING"},
                ],
            },
        ],
    }


def test_an_explanation_shows_neither_the_contents_of_lists_nor_endless_text() -> None:
    policy = a_policy(f"{PERMIT} x.list == [] || x.record == x.text || x.text == x.number;")
    facts: dict[str, dict[str, RuleValue]] = {
        "x": {"list": ["secret"], "record": {"k": "secret"}, "text": "t" * 10_000, "number": 2**60}
    }

    text = json.dumps(decide([policy], "view", facts, 10_000).explain())

    assert "secret" not in text
    assert len(text) < 2_000
    assert f'"{2**60}"' in text


def test_an_explanation_of_many_rules_is_cut_at_a_size_and_says_how_much_it_leaves_out() -> None:
    many = [
        a_policy(*(f"permit view as r{at} when x.a == {at} || x.text == '{'é' * 40}';" for at in range(100)), name=name)
        for name in "mno"
    ]
    decision = decide([*many, a_policy(f"{FORBID} x.a == -1;", name="z")], "view", {"x": {"a": -1, "text": ""}}, 40_000)

    found: Any = decision.explain()

    parts = [part for rule in found["rules"] for part in rule["why"]]
    assert found["rules"][-1]["id"] == decision.rule == "b", "the rule that decided is never left out"
    assert [rule["id"] for rule in found["rules"][:3]] == ["r0", "r1", "r2"]
    assert len(found["rules"]) + len(parts) <= LINES_MAX
    assert len(json.dumps(found["rules"], ensure_ascii=False).encode()) < BYTES_MAX + 10 * LINES_MAX
    assert found["left_out"]["rules"] == 301 - len(found["rules"])
    assert found == decide(decision.question.policies, "view", decision.question.facts, 40_000).explain()


def test_one_long_part_is_left_out_and_what_fits_is_shown() -> None:
    policy = a_policy(f"{PERMIT} x.text == '{'a' * 900}' || x.text == '{'b' * 900}';", f"{FORBID} x.text == 'c';")
    long = [a_policy(f"permit view as r when x.text == '{'d' * 900}{at}';", name=f"n{at}") for at in range(60)]

    found: Any = decide([policy, *long], "view", {"x": {"text": ""}}, 40_000).explain()

    assert len(json.dumps(found["rules"]).encode()) < BYTES_MAX + 10 * LINES_MAX
    assert found["left_out"]["parts"] > 20


def test_an_explanation_has_a_price_for_each_line_and_compiles_a_part_once() -> None:
    policy = a_policy(f"{PERMIT} x.a == 1 && x.b == 2;")
    decision = decide([policy], "view", {"x": {"a": 1, "b": 2}}, 100)
    (ready,) = policy.rules_for("view")

    assert decision.explain_metered()[1] == 5 * LINE_FUEL + 2 * (3 + 2), "a rule, two comparisons, two fields"
    assert ready.parts is ready.parts


PROGRAM = """
import json
from contracts_vm import check, decide, parse, Field, Schema
policy = parse("policy p version 1 schema s@1 { permit a, b, c when x.a == x.b && y.cc; forbid * when 'a' in x.l; }")
schema = Schema("s", 1, {"x": {"aa": Field("int"), "ab": Field("int")}, "z": {}})
print([str(problem) for problem in check(policy, schema, frozenset(("aa", "bb", "cc")))])
for action in "abc":
    facts = {"x": {"a": {"k": 1, "l": [2]}, "b": {"l": [2], "k": 1}, "l": ["b"]}, "y": {"cc": True}}
    print(json.dumps(decide([policy], action, facts, 1000).explain()))
"""


def test_nothing_depends_on_the_hash_seed_or_on_assertions() -> None:
    outputs = [
        subprocess.run(
            [sys.executable, *flags, "-c", PROGRAM],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed, flags in (("1", []), ("2", []), ("3", ["-O"]))
    ]

    assert "PERMITTED" in outputs[0]
    assert outputs[1:] == outputs[:1] * 2


def test_an_explanation_says_where_the_fuel_ended() -> None:
    policy = a_policy(f"{PERMIT} true;", f"{FORBID} x.a == 1;")
    rules = decide([policy], "view", {"x": {"a": 2}}, 3).explain()["rules"]

    assert isinstance(rules, list)
    assert [rule.get("error", rule.get("value")) for rule in rules if isinstance(rule, dict)] == [True, "BUDGET"]


def test_a_policy_is_the_same_for_text_and_bytes_and_names_its_source() -> None:
    source = "policy p version 7 schema s@2 { permit view when x.a == 'é'; } // é"

    assert parse(source) == parse(source.encode())
    assert (parse(source).id, parse(source).schema, parse(source).source) == ("p@7", "s@2", source)
    assert parse(source).digest == hashlib.sha256(b"remarque/policy/v1" + source.encode()).hexdigest()
    assert parse(source + " ") != parse(source)


LEAVES = (
    "true",
    "false",
    "1",
    "'s'",
    "x.a",
    "x.b",
    "x.c",
    "x.gone",
    "y.a",
    "z.a",
    "has(x.a)",
    "has(x.gone)",
    "[1, 'a']",
)
EXPRESSIONS = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.tuples(
            inner, st.sampled_from(("&&", "||", "==", "!=", "<", ">=", "+", "-", "*", "/", "%", "in")), inner
        ).map(lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"),
        inner.map(lambda e: f"!({e})"),
        inner.map(lambda e: f"-({e})"),
        inner.map(lambda e: f"size({e})"),
        inner.map(lambda e: f"timestamp({e})"),
        st.tuples(inner, inner, inner).map(lambda e: f"({e[0]}) ? ({e[1]}) : ({e[2]})"),
    ),
    max_leaves=12,
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=6,
)
RULES = st.lists(st.tuples(st.sampled_from(("permit", "forbid", "require")), EXPRESSIONS), min_size=1, max_size=5)


FACTS = st.fixed_dictionaries({"x": st.fixed_dictionaries({}, optional=dict.fromkeys("abc", ANYTHING)), "z": ANYTHING})


@given(RULES, FACTS, st.integers(-1, 200))
def test_a_decision_never_raises_and_never_depends_on_order(
    rules: list[tuple[str, str]], facts: dict[str, Any], fuel: int
) -> None:
    sources = [f"{effect} view as r{i} when {expression};" for i, (effect, expression) in enumerate(rules)]
    there, back = a_policy(*sources), a_policy(*reversed(sources))

    first = decide([there], "view", facts, fuel)
    second = decide([back], "view", facts, fuel)

    assert first.code in DECISION_CODES
    assert (first.code, first.fuel, first.rule) == (second.code, second.fuel, second.rule)
    assert json.dumps(first.explain()) == json.dumps(decide([there], "view", facts, fuel).explain())
