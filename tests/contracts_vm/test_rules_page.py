"""The page that describes the language, held against the code."""

import re
from pathlib import Path

from contracts_vm import DECISION_CODES, Schema, check, parse, parser
from contracts_vm.errors import CHECK_CODES, FAULTS, ROYALTY_CODES, SOURCE_CODES
from contracts_vm.expression import DEPTH_MAX, NODES_MAX
from contracts_vm.lexer import DIGITS_MAX, NAME_CHARACTERS_MAX, SOURCE_BYTES_MAX
from contracts_vm.parser import TRIGGERS
from contracts_vm.royalty import PAYEES_MAX

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")


def test_the_example_is_a_policy_without_problems(schema: Schema, actions: frozenset[str]) -> None:
    example = re.search(r"```\n(// Pictures.*?)```", PAGE, re.DOTALL)

    assert example is not None
    assert check(parse(example[1]), schema, actions) == ()


def test_the_page_names_every_code_and_trigger() -> None:
    named = set(re.findall(r"`([A-Za-z0-9_]+)`", PAGE))

    for codes in (SOURCE_CODES, CHECK_CODES, FAULTS, ROYALTY_CODES, DECISION_CODES, TRIGGERS):
        assert set(codes) <= named


def test_the_page_states_the_limits() -> None:
    for what, value in (
        ("source", f"{SOURCE_BYTES_MAX:,} bytes of UTF-8"),
        ("expression nodes of a policy", f"{NODES_MAX:,}"),
        ("nesting of an expression", f"{DEPTH_MAX}"),
        ("name", f"{NAME_CHARACTERS_MAX} characters"),
        ("number", f"{DIGITS_MAX} digits"),
        ("payees of a royalty", f"{PAYEES_MAX:,}"),
        ("generations that a royalty reaches up", f"{parser.DEPTH_MAX}"),
    ):
        assert f"| {what} | {value} |" in PAGE


def test_the_page_describes_the_whole_vocabulary(schema: Schema) -> None:
    for root, fields in schema.roots.items():
        line = re.search(rf"^\| `{root}` \|(.*)\|$", PAGE, re.MULTILINE)

        assert line is not None
        described = dict(re.findall(r"`([a-z_]+)`(\??)", line[1]))
        assert described == {name: "?" if field.optional else "" for name, field in fields.items()}
