"""The verifier of state answers under attack: anything but the answer as given must be refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from consortium import a_digest, a_genesis
from hypothesis import given
from hypothesis import strategies as st
from receipts import GENESIS, Chain, certificate, fields, without

from ledger.encoding import encode
from ledger.records import asset_key, balance_key
from ledger.state_answer import ANSWER_VERSION, StateAnswer, StateAnswerRefused, prove_entries, verify_state_answer
from ledger.state_tree import EMPTY, apply_changes

MONEY, ASSET, ABSENT = balance_key("bob@agency", "EUR"), asset_key(a_digest((0, 1))), asset_key(a_digest("none"))


def an_answer(**changes: Any) -> bytes:
    chain = Chain()
    chain.block(30)
    tree = apply_changes(EMPTY, chain.state.values.items())
    values = {key: chain.state.get(key) for key in (MONEY, ASSET, ABSENT)}
    parts: dict[str, Any] = {
        "version": ANSWER_VERSION,
        "header": chain.header,
        "certificate": certificate(chain.header),
        "entries": prove_entries(values, tree),
    }
    return encode(StateAnswer(**(parts | changes)))


ANSWER = an_answer()


def test_an_answer_says_what_was_there_and_what_was_not() -> None:
    answer = verify_state_answer(ANSWER, GENESIS)

    assert answer.value(MONEY) == b"10000"
    assert json.loads(answer.value(ASSET) or b"")["owner"] == "alice@studio"
    assert answer.value(ABSENT) is None
    with pytest.raises(KeyError):
        answer.value("token/none")


def test_no_byte_of_an_answer_can_be_changed_and_say_anything_of_the_key_asked_for() -> None:
    """A proof of absence shows as well that another key is absent whose place is the same; then it names that one."""
    for place in range(0, len(ANSWER), 3):
        changed = ANSWER[:place] + bytes([ANSWER[place] ^ 1]) + ANSWER[place + 1 :]
        with pytest.raises((StateAnswerRefused, KeyError)):
            verify_state_answer(changed, GENESIS).value(ABSENT)


def test_no_field_of_an_answer_can_be_removed_but_a_whole_entry() -> None:
    value = json.loads(ANSWER)
    for path in fields(value):
        if len(path) == 2 and path[0] == "entries":
            assert len(verify_state_answer(encode(without(value, path)), GENESIS).entries) == 2
            continue
        with pytest.raises(StateAnswerRefused):
            verify_state_answer(encode(without(value, path)), GENESIS)


def test_a_value_cannot_be_claimed_absent_nor_be_another_nor_be_told_of_another_key() -> None:
    for change in (
        lambda entries: entries[0].pop("value"),
        lambda entries: entries[0].update(value=10_001),
        lambda entries: entries[0].update(key=balance_key("carol@club", "EUR")),
        lambda entries: entries[2].update(key=ASSET),
        lambda entries: entries[2].update(value=1),
        lambda entries: entries[0].update(proof=entries[1]["proof"]),
        lambda entries: entries.append(entries[0]),
    ):
        value = json.loads(ANSWER)
        change(value["entries"])
        with pytest.raises(StateAnswerRefused):
            verify_state_answer(encode(value), GENESIS)


def test_an_answer_of_another_chain_or_with_a_minority_behind_it_is_refused() -> None:
    with pytest.raises(StateAnswerRefused, match="another chain"):
        verify_state_answer(ANSWER, a_genesis(name="other"))
    value = json.loads(ANSWER)
    del value["certificate"]["endorsements"][1]
    with pytest.raises(StateAnswerRefused, match="majority"):
        verify_state_answer(encode(value), GENESIS)


@given(st.binary(max_size=200))
def test_bytes_from_anyone_raise_nothing_but_their_refusal(data: bytes) -> None:
    with pytest.raises(StateAnswerRefused):
        verify_state_answer(data, GENESIS)
