"""Mutants: each still has its place, the page tells of all, and the tool says what notices them."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.mutants import ARGUMENTS, MUTANTS, TESTS, UNMET, Mutant
from simulator.mutating import GAP, LAYERS, PAGE, ROOT, Copy, NotApplicable, mutated, page, rows

NAMED = {mutant.name: mutant for mutant in MUTANTS}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_applies_and_is_python(mutant: Mutant) -> None:
    text = mutated(mutant, (ROOT / mutant.file).read_text(encoding="utf-8"))

    compile(text, mutant.file, "exec")


def test_what_stands_twice_or_not_at_all_is_no_place_for_a_bug() -> None:
    mutant = MUTANTS[0]
    for text in ("", mutant.old * 2):
        with pytest.raises(NotApplicable):
            mutated(mutant, text)


def test_there_are_enough_and_half_of_them_are_around_consensus() -> None:
    inside = sum(mutant.file.startswith("consensus/") for mutant in MUTANTS)

    assert len(NAMED) == len(MUTANTS) >= 100
    assert inside <= len(MUTANTS) / 2
    assert UNMET | set(ARGUMENTS) <= set(NAMED)
    assert all((ROOT / test).is_file() for tests in TESTS.values() for test in tests)


def test_the_page_tells_of_each_and_of_no_other() -> None:
    text = PAGE.read_text(encoding="utf-8")
    told = rows(text)

    assert set(told) == set(NAMED)
    assert {name for name, one in told.items() if one.startswith("survives") and one != GAP} == set(ARGUMENTS)
    assert page(told) == text


def test_a_run_says_what_notices_a_mutant(tmp_path: Path) -> None:
    copy = Copy(tmp_path)

    first = copy.killed(NAMED["two votes in a term"], LAYERS)
    second = copy.killed(NAMED["who leaves leads on"], [layer for layer in LAYERS if layer != "simulator"])

    assert first is not None
    assert (first.layer, first.reason.partition(":")[0]) == ("simulator", "a node votes once in a term")
    assert second is not None
    assert second.layer == "conversations"
