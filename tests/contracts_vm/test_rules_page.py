"""The page that describes the language, held against the code."""

import re
from pathlib import Path

from contracts_vm import DECISION_CODES, Schema, check, cost, parse, parser
from contracts_vm.cost import RULE_FUEL_MAX
from contracts_vm.errors import CHECK_CODES, EVALUATION_CODES, ROYALTY_CODES, SOURCE_CODES, WARNINGS
from contracts_vm.expression import DEPTH_MAX, HEIGHT_MAX, MACROS, NODES_MAX
from contracts_vm.functions import ENGINE_ONLY, FUNCTIONS
from contracts_vm.lexer import DIGITS_MAX, NAME_CHARACTERS_MAX, SOURCE_BYTES_MAX
from contracts_vm.parser import ACTIONS_MAX, RULES_MAX, TRIGGERS
from contracts_vm.royalty import PAYEES_MAX

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")


def test_the_example_is_a_policy_without_problems(schema: Schema, actions: frozenset[str]) -> None:
    example = re.search(r"```\n(// Pictures.*?)```", PAGE, re.DOTALL)

    assert example is not None
    assert [one for one in check(parse(example[1]), schema, actions) if one.severity == "error"] == []


def test_the_page_names_every_code_and_trigger() -> None:
    named = set(re.findall(r"`([A-Za-z0-9_]+)`", PAGE))

    for codes in (SOURCE_CODES, CHECK_CODES, EVALUATION_CODES, ROYALTY_CODES, DECISION_CODES, TRIGGERS):
        assert set(codes) <= named


def test_the_page_states_the_limits() -> None:
    for what, value in (
        ("source", f"{SOURCE_BYTES_MAX:,} bytes of UTF-8"),
        ("rules and royalties of a policy", f"{RULES_MAX}"),
        ("actions that a rule names", f"{ACTIONS_MAX}"),
        ("expression nodes of a policy", f"{NODES_MAX:,}"),
        ("nesting of an expression", f"{DEPTH_MAX}"),
        ("operations inside one another", f"{HEIGHT_MAX}"),
        (
            "fuel of a rule, and of all rules for one action with a royalty's condition",
            f"{RULE_FUEL_MAX:,}",
        ),
        ("name", f"{NAME_CHARACTERS_MAX} characters"),
        ("number", f"{DIGITS_MAX} digits"),
        ("payees of a royalty", f"{PAYEES_MAX:,}"),
        ("payees that a royalty names", f"{parser.NAMED_PAYEES_MAX}"),
        ("generations that a royalty reaches up", f"{parser.DEPTH_MAX}"),
    ):
        assert f"| {what} | {value} |" in PAGE


def test_the_page_describes_the_whole_vocabulary(schema: Schema) -> None:
    part = PAGE[PAGE.index("## The vocabulary") :]
    for root, fields in schema.roots.items():
        line = re.search(rf"^\| `{root}` \|(.*)\|$", part, re.MULTILINE)

        assert line is not None
        described = dict(re.findall(r"`([a-z_]+)`(\??)", line[1]))
        assert described == {name: "?" if field.optional else "" for name, field in fields.items()}


def test_the_page_tells_errors_from_warnings() -> None:
    severities = dict(re.findall(r"^\| `([A-Z_]+)` \| (error|warning) \|", PAGE, re.MULTILINE))

    assert severities == {code: "warning" if code in WARNINGS else "error" for code in CHECK_CODES}


def test_the_page_names_every_function_and_macro() -> None:
    shown = PAGE[PAGE.index("| function | gives |") : PAGE.index("The keys of a map")]

    for name in {*FUNCTIONS, *MACROS, "cel.bind"} - {*ENGINE_ONLY}:
        assert re.search(rf"\b{re.escape(name)}\b", shown) is not None


def test_the_page_states_what_things_cost() -> None:
    for what, fuel in (
        ("each rule evaluated", f"{cost.RULE}"),
        ("a literal", f"{cost.LITERAL}"),
        ("a list literal", f"{cost.LIST}, and {cost.LIST_ITEM} for each item"),
        ("a map literal", f"{cost.MAP}, and {cost.MAP_ENTRY} for each entry"),
        ("comparing text and bytes", f"1 for each {cost.COMPARE_UNIT} characters of the shorter side"),
        ("joining text, bytes or lists", f"1 for each {cost.CONCAT_UNIT} characters or items"),
        ("conversions", f"1 for each {cost.READ_UNIT} characters"),
        ("`startsWith`, `endsWith`", f"1 for each {cost.SEARCH_UNIT} characters sought"),
    ):
        assert f"| {what} | {fuel} |" in PAGE
    assert f"| a macro | {cost.FOLD_ITEM} for each item" in PAGE
    assert f"version {cost.COST_TABLE_VERSION}." in PAGE
