"""Every combination of what the witnesses of a picture say has its verdict, written down in docs/verdicts.csv."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import get_args

import pytest

from node.verification.judging import SAID_OF_ORIGIN, SAID_OTHERWISE, Witnessed, every_case, judge
from remarque.api.verification import Contradiction, OriginVerdict

TABLE = Path(__file__).resolve().parents[2] / "docs" / "verdicts.csv"


def written() -> list[dict[str, str]]:
    with TABLE.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def a_case(row: dict[str, str]) -> Witnessed:
    return Witnessed(row["record"], row["credentials"], row["watermark"], row["label"], row["altered"] == "yes")  # type: ignore[arg-type]


def test_the_table_has_every_case_once() -> None:
    assert [a_case(row) for row in written()] == every_case()


@pytest.mark.parametrize("row", written(), ids=lambda row: "-".join(list(row.values())[:5]))
def test_a_case_has_the_verdict_that_is_written_down(row: dict[str, str]) -> None:
    found = judge(a_case(row))

    assert (found.verdict, " ".join(found.contradictions)) == (row["verdict"], row["contradictions"])


@pytest.mark.parametrize("said", every_case(), ids=str)
def test_what_a_verdict_may_not_do(said: Witnessed) -> None:
    found = judge(said)
    ai = {"attested", "declared_ai", "ai", "trusted_ai", "of_attested"} & set(said[:4])
    human = {"declared_human", "human", "trusted_human"} & set(said[:4])

    assert ai or not found.verdict.startswith("ai_"), "nobody says that it is AI-made"
    assert human or not found.verdict.startswith("human_"), "nobody says that a person made it"
    assert not (said.record == "attested" and found.verdict.startswith("human_")), "an attestation is outweighed"
    assert (ai and human) or found.verdict != "contradicted"
    if ai and human and found.verdict != "contradicted":
        assert {"say", "says"} & set("_".join(found.contradictions).split("_")), "what is said otherwise is not named"
    assert not (said.altered and found.verdict == "ai_attested"), "a changed picture passes for the attested one"
    assert (said.mark == "of_another") == ("watermark_of_another" in found.contradictions)
    assert (said.credentials == "broken") == ("credentials_broken" in found.contradictions)


def test_everything_that_can_be_said_has_words() -> None:
    assert set(SAID_OF_ORIGIN) == set(get_args(OriginVerdict))
    assert set(SAID_OTHERWISE) == set(get_args(Contradiction))
