"""CBOR from strangers: one spelling, the few kinds taken here, and no bytes that cost more than their length."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import cbor
from ledger.cbor import DEPTH_MAX, CborRefused

VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.text(max_size=30) | st.binary(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.integers(-(2**64), 2**64 - 1) | st.text(max_size=30), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_what_is_written_is_read_again(value: Any, tagged: bool) -> None:
    made = cbor2.CBORTag(18, value) if tagged else value

    assert cbor.decode(cbor.encode(made)) == made


def shared(levels: int, times: int = 10) -> bytes:
    """Arrays that hold the next one often, by reference: as a tree, `times` to the power of `levels` values."""
    data = b"\xd8\x1c\x80"
    for level in range(levels, 0, -1):
        data = b"\xd8\x1c" + bytes([0x80 | times]) + data + (b"\xd8\x1d" + cbor2.dumps(level)) * (times - 1)
    return data


def a_pattern(times: int) -> bytes:
    return cbor2.dumps(cbor2.CBORTag(35, "(?i:[é-\U0010ffff])" * times))


REFUSED: list[tuple[str, bytes]] = [
    ("a tag", shared(1)),
    ("a tag", shared(11)),
    ("a tag", b"\xd2\x84" + shared(11) + b"\xa0\x40\x40"),
    ("a tag", b"\xd8\x1c\x81\xd8\x1d\x00"),
    ("a tag", a_pattern(2)),
    ("a tag", a_pattern(3_000)),
    ("a tag", cbor2.dumps(cbor2.CBORTag(18, cbor2.CBORTag(18, [])))),
    ("a tag", cbor2.dumps([cbor2.CBORTag(18, [])])),
    ("a tag", b"\xd8\x12\x80"),
    ("a tag", cbor2.dumps(cbor2.CBORTag(98, []))),
    ("a tag", b"\xc2\x49" + b"\x01" * 9),
    ("a float", b"\xf9\x3e\x00"),
    ("a float", b"\xf7"),
    ("a float", b"\xf8\x14"),
    ("indefinite", b"\x9f\xff"),
    ("indefinite", b"\xbf\xff"),
    ("indefinite", b"\x5f\x41a\xff"),
    ("indefinite", b"\x1c"),
    ("nested", b"\x81" * 60_000 + b"\x80"),
    ("nested", b"\x81" * (DEPTH_MAX + 1) + b"\x00"),
    ("more than 8192 values", cbor2.dumps([0] * 8_192)),
    ("beyond the end", b"\x9b\x00\x00\x00\x7f\xff\xff\xff\xff"),
    ("beyond the end", b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff"),
    ("beyond the end", b"\x5b\x00\x00\x00\x7f\xff\xff\xff\xff"),
    ("beyond the end", b"\x62a"),
    ("too early", b""),
    ("too early", b"\xd2"),
    ("too early", b"\x82\x41a"),
    ("too early", b"\x82\x81\x00"),
    ("beyond the end", b"\x19\x01"),
    ("behind its end", b"\x00\x00"),
    ("not CBOR", b"\x61\xff"),
    ("neither an integer nor text", b"\xa1\x80\x00"),
    ("neither an integer nor text", b"\xa1\x41a\x00"),
    ("neither an integer nor text", b"\xa2\x01\x00\xf5\x00"),
    ("other bytes", b"\x18\x01"),
    ("other bytes", b"\x58\x01a"),
    ("other bytes", b"\xa2\x01\x00\x01\x00"),
]


@pytest.mark.parametrize(("fault", "data"), REFUSED, ids=[f"{n}-{fault}" for n, (fault, _) in enumerate(REFUSED)])
def test_what_is_of_another_kind_or_spelling_is_refused(fault: str, data: bytes) -> None:
    with pytest.raises(CborRefused, match=fault):
        cbor.decode(data)


def test_what_is_nested_as_deep_as_may_be_is_taken() -> None:
    data = b"\x81" * DEPTH_MAX + b"\x80"

    assert cbor.encode(cbor.decode(data)) == data


HEADS = bytes.fromhex("80818290a1a2c0c2c4c5d2d81c1d23194058606101181b3800f4f6f9ff9fbf")


@settings(max_examples=500)
@given(st.binary(max_size=60) | st.lists(st.sampled_from(HEADS), max_size=60).map(bytes))
def test_any_bytes_are_a_value_in_one_spelling_or_are_refused(data: bytes) -> None:
    try:
        value = cbor.decode(data)
    except CborRefused:
        return
    assert cbor2.dumps(value) == data


def test_no_bytes_cost_more_than_their_length() -> None:
    chance = Random(5)
    started = time.process_time()
    for _ in range(3_000):
        data = bytes(chance.choices(HEADS, k=chance.randrange(1, 400)))
        try:
            cbor.decode(data)
        except CborRefused:
            continue
    assert time.process_time() - started < 10
