"""Policies in files: the worked examples hold, laying out changes nothing, and what a new version changes is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import contracts_vm
from contracts_vm.lexer import lexemes
from ledger.policy_source import SCHEMA
from node.policies.asking import faults_of
from node.policies.comparing import compare
from node.policies.files import CaseResult, read_policy, run_cases, write_source
from node.policies.formatting import formatted
from remarque.errors import NodeCode, NodeError

EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "policies").glob("*.policy"))
HEAD = "policy p version 1 schema remarque@1 {\n"


def test_there_are_eleven_examples_and_the_page_names_each() -> None:
    page = (EXAMPLES[0].parents[1] / "govern.md").read_text()

    assert len(EXAMPLES) == 11
    assert all(f"policies/{file.name}" in page for file in EXAMPLES)


@pytest.mark.parametrize("file", EXAMPLES, ids=[file.stem for file in EXAMPLES])
def test_an_example_may_be_published_and_decides_as_its_author_says(file: Path) -> None:
    held = read_policy(file)

    assert faults_of(held.source).holds
    assert formatted(held.source) == held.source
    ran = run_cases(contracts_vm.parse(held.source), held.cases, SCHEMA)
    assert len(ran) >= 3
    assert [one for one in ran if not one.passed] == []


@pytest.mark.parametrize("file", EXAMPLES, ids=[file.stem for file in EXAMPLES])
def test_no_example_lets_its_royalty_be_dodged(file: Path) -> None:
    """What sells forbids a payment beside the sale; what takes a part of sales asks a fallback of what is no sale."""
    policy = contracts_vm.parse(read_policy(file).source)
    permits = {ready.rule.id for ready in policy.rules_for("sale") if ready.effect == "permit"}
    forbids = {ready.rule.id for ready in policy.rules_for("sale") if ready.effect == "forbid"}
    fallbacks = {clause.trigger for clause in policy.royalties if clause.fallback is not None}

    assert not permits or "paid_beside" in forbids
    assert not policy.royalties or fallbacks >= {"gift", "swap"}


def words(source: str) -> list[tuple[str, str]]:
    return [(lexeme.kind, lexeme.text) for lexeme in lexemes(source)]


@given(st.sampled_from(EXAMPLES), st.lists(st.sampled_from([" ", "  ", "\n", "\n\n\n", "\t"]), min_size=1, max_size=50))
def test_laying_out_changes_spaces_alone_and_is_done_at_once(file: Path, gaps: list[str]) -> None:
    source = read_policy(file).source
    parts = [source[lexeme.start : lexeme.end] for lexeme in lexemes(source)]
    once = formatted("".join(part + gaps[place % len(gaps)] for place, part in enumerate(parts)))

    assert words(once) == words(source)
    assert formatted(once) == once
    assert all(line == line.rstrip() for line in once.splitlines())
    assert "\n\n\n" not in once


def test_comments_stay_where_they_were() -> None:
    source = HEAD + "// above\npermit view when true; // beside\n\n\n\n// below\n}\n// after\n"

    assert formatted(source) == HEAD + "  // above\n  permit view when true; // beside\n\n  // below\n}\n// after\n"


@pytest.mark.parametrize("text", ["", "policy", HEAD, "\x00", HEAD + "permit view when 1 +;}"])
def test_what_is_no_policy_is_not_laid_out(text: str) -> None:
    with pytest.raises(contracts_vm.PolicyError):
        formatted(text)


def version(number: int, body: str) -> contracts_vm.Policy:
    return contracts_vm.parse(f"policy p version {number} schema remarque@1 {{ {body} }}")


RESALE = "royalty resale on secondary_sale {{ base tx.price; pay {}% to asset.creators by weight; }}"


def test_what_a_new_version_changes_is_told_rule_by_rule() -> None:
    old = version(1, "permit view as a when true; forbid sale as b when false; " + RESALE.format(5))
    new = version(2, RESALE.format(7) + " permit view as a when false; permit sale as c when true;")

    found = {one.what: one for one in compare(old, new)}

    assert set(found) == {"rule a", "rule b", "rule c", "royalty on secondary_sale"}
    assert found["rule a"].after == "permit view as a when false;"
    assert found["rule b"].note == "sale: more is allowed"
    assert found["rule c"].note == "sale: more is allowed"
    assert "minted from then on" in found["royalty on secondary_sale"].note


def test_order_comments_and_layout_are_no_change() -> None:
    old = version(1, "permit view as a when true; permit sale as b when requester.id == asset.owner;")
    new = version(2, "permit sale as b\n when requester.id==asset.owner; // why\n permit view as a when true;")

    assert compare(old, new) == ()


def test_a_version_that_does_not_follow_is_told() -> None:
    body = "permit view when true;"

    assert [one.what for one in compare(version(1, body), version(3, body))] == ["version"]


CASE = '[[case]]\nname = "n"\naction = "view"\nexpect = "PERMITTED"\n'
BAD_CASES = [
    "[[case]]\n",
    "[case]\n",
    "x = 1\n",
    CASE + "other = 1\n",
    CASE.replace("PERMITTED", "MAYBE"),
    CASE + "facts.asset.ownr = 'x'\n",
    CASE + "facts.aset.owner = 'x'\n",
    CASE + "facts.asset.owner = 1.5\n",
    CASE + "facts.block.time = 2026-12-01T08:00:00\n",
    "name = ",
    "\xff",
]


@pytest.mark.parametrize("text", BAD_CASES)
def test_cases_that_cannot_be_read_or_run_are_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "x.policy"
    file.write_bytes((HEAD + "permit view when true;\n}\n--- tests\n").encode() + text.encode("latin-1"))

    with pytest.raises(NodeError) as refused:
        run_file(file)

    assert refused.value.code is NodeCode.POLICY_FILE_INVALID


def run_file(file: Path) -> tuple[CaseResult, ...]:
    held = read_policy(file)
    return run_cases(contracts_vm.parse(held.source), held.cases, SCHEMA)


def test_a_case_that_comes_out_otherwise_says_how(tmp_path: Path) -> None:
    file = tmp_path / "x.policy"
    file.write_text(HEAD + "permit view as owners when requester.id == asset.owner;\n}\n--- tests\n" + CASE
                    + 'facts.requester.id = "a@x"\n')  # fmt: skip

    (ran,) = run_file(file)

    assert (ran.passed, ran.found) == (False, "NOT_PERMITTED")
    assert ran.explanation is not None
    assert ran.explanation["rules"][0]["id"] == "owners"


def test_the_source_is_laid_out_and_the_cases_stay(tmp_path: Path) -> None:
    file = tmp_path / "x.policy"
    file.write_text(HEAD + "permit  view when true;}\n--- tests\n" + CASE)
    held = read_policy(file)

    write_source(file, formatted(held.source))

    assert read_policy(file).cases == held.cases
    assert file.read_text() == HEAD + "  permit view when true;\n}\n--- tests\n" + CASE
