"""How a picture's answers are marked, by what was asked and what a judge sees."""

from __future__ import annotations

import pytest

from bench.drawing import marks_of
from generator.training.compositions import Composition, Item
from generator.training.judge import Judgement

ASKED = Composition((Item("car", "left", "blue"), Item("dog", "right")), "meadow", "night")
SEEN = {"left": "car", "right": "dog"}
COLOURS = {"left": "blue", "centre": "red", "right": "red"}


def test_a_picture_that_shows_what_was_asked_is_right_in_all() -> None:
    assert all(marks_of(ASKED, Judgement(SEEN, COLOURS, "meadow", "night")).values())


@pytest.mark.parametrize(
    ("seen", "wrong"),
    [
        (Judgement({"left": "car"}, COLOURS, "meadow", "night"), {"things", "places"}),
        (Judgement({**SEEN, "centre": "cat"}, COLOURS, "meadow", "night"), {"things", "places"}),
        (Judgement({"left": "dog", "right": "car"}, COLOURS, "meadow", "night"), {"places"}),
        (Judgement(SEEN, {**COLOURS, "left": "red"}, "meadow", "night"), {"colours"}),
        (Judgement(SEEN, COLOURS, "desert", "night"), {"ground"}),
        (Judgement(SEEN, COLOURS, "meadow", "noon"), {"hour"}),
    ],
)
def test_what_is_wrong_is_marked_wrong_and_nothing_else(seen: Judgement, wrong: set[str]) -> None:
    marks = marks_of(ASKED, seen)

    assert {question for question, right in marks.items() if not right} == {*wrong, "all"}


def test_before_a_wall_there_is_no_hour_to_be_wrong() -> None:
    asked = Composition((Item("car", "centre"),), "red")

    assert marks_of(asked, Judgement({"centre": "car"}, COLOURS, "red", "night"))["all"]
