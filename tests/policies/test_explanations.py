"""Explanations as accounts may see them, and in words."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from ledger.records import Governing
from node.cli.policy import in_words
from node.policies.redaction import REQUEST, redacted
from remarque.api.explanations import ExplainedRule, Explanation, LeftOut, Part

SHOWN: list[tuple[dict[str, Any], str]] = [
    ({"value": True}, "true"),
    ({"value": "alice@studio"}, '"alice@studio"'),
    ({"error": "FIELD_MISSING"}, 'error "FIELD_MISSING"'),
    ({"list_size": 2}, "list_size 2"),
    ({"record_size": 0}, "record_size 0"),
    ({"bytes_size": 32}, "bytes_size 32"),
]


def explained(**shown: Any) -> Explanation:
    """A denial by one rule, which read of the asset what is shown."""
    parts = (Part(expr="asset.owner", **shown), Part(expr="tx.price", value=5))
    rule = ExplainedRule(id="cheap", policy="house@1", effect="forbid", value=True, why=parts)
    return Explanation(
        action="sale",
        decision="DENY",
        code="FORBIDDEN",
        reason="nothing below 1.00",
        fuel=9,
        rules=(rule,),
        left_out=LeftOut(rules=1, parts=2),
        scopes=(Governing(scope="asset", policy="house@1"),),
    )


@pytest.mark.parametrize(("shown", "words"), SHOWN)
def test_whatever_a_part_came_to_is_told(shown: dict[str, Any], words: str) -> None:
    assert in_words(explained(**shown)).splitlines() == [
        "sale: DENY, FORBIDDEN: nothing below 1.00",
        "  forbid cheap of house@1 (asset): true",
        f"    asset.owner = {words}",
        "    tx.price = 5",
        "  and 1 rules and 2 parts that did not fit",
    ]


@pytest.mark.parametrize(("shown", "words"), SHOWN)
def test_of_a_part_that_is_not_for_the_reader_nothing_is_left_but_its_text(shown: dict[str, Any], words: str) -> None:
    told = redacted(explained(**shown), REQUEST)

    asset, price = told.rules[0].why
    assert asset == Part(expr="asset.owner", withheld=True)
    assert price == Part(expr="tx.price", value=5)
    assert words not in in_words(told).replace("forbid cheap of house@1 (asset): true", "")
    assert "    asset.owner = withheld" in in_words(told).splitlines()
    assert told.rules[0].value is not UNSET
