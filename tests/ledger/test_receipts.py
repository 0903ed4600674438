"""The receipt verifier under attack: anything but the receipt as issued must be refused."""

from __future__ import annotations

import json

import pytest
from consortium import a_genesis
from hypothesis import given, settings
from hypothesis import strategies as st
from receipts import GENESIS, RECEIPTS, certificate, fields, mixtures, without

from ledger.block import Header
from ledger.encoding import encode
from ledger.receipt import ReceiptRefused, verify_receipt


@pytest.mark.parametrize("data", RECEIPTS.values(), ids=RECEIPTS)
def test_a_receipt_as_issued_holds(data: bytes) -> None:
    receipt = verify_receipt(data, GENESIS)

    assert receipt.outcome.code == "OK"


@pytest.mark.parametrize("data", RECEIPTS.values(), ids=RECEIPTS)
def test_no_byte_of_a_receipt_can_be_changed(data: bytes) -> None:
    for place in range(len(data)):
        for mask in (1, 32):
            changed = data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]
            with pytest.raises(ReceiptRefused):
                verify_receipt(changed, GENESIS)


@pytest.mark.parametrize("data", RECEIPTS.values(), ids=RECEIPTS)
def test_no_part_of_a_receipt_can_be_left_out_or_doubled(data: bytes) -> None:
    for place in range(0, len(data), 7):
        with pytest.raises(ReceiptRefused):
            verify_receipt(data[:place], GENESIS)
    with pytest.raises(ReceiptRefused):
        verify_receipt(data + data, GENESIS)


@pytest.mark.parametrize("data", RECEIPTS.values(), ids=RECEIPTS)
def test_no_field_of_a_receipt_can_be_removed(data: bytes) -> None:
    value = json.loads(data)
    for path in fields(value):
        with pytest.raises(ReceiptRefused):
            verify_receipt(encode(without(value, path)), GENESIS)


@pytest.mark.parametrize("mixed", mixtures())
def test_two_receipts_cannot_be_mixed(mixed: bytes) -> None:
    with pytest.raises(ReceiptRefused):
        verify_receipt(mixed, GENESIS)


@pytest.mark.parametrize(
    ("nodes", "fault"),
    [
        (("node1",), "majority"),
        (("node1", "node1"), "twice"),
        (("node3", "node1"), "sorted"),
        (("node1", "stranger"), "not a voter"),
    ],
)
def test_a_certificate_needs_a_majority_of_different_voters(nodes: tuple[str, ...], fault: str) -> None:
    value = json.loads(RECEIPTS["direct"])
    header = Header(**value["header"])
    value["certificate"] = json.loads(encode(certificate(header, *nodes)))

    with pytest.raises(ReceiptRefused, match=fault):
        verify_receipt(encode(value), GENESIS)


def test_a_receipt_of_another_genesis_is_refused() -> None:
    with pytest.raises(ReceiptRefused, match="another chain"):
        verify_receipt(RECEIPTS["direct"], a_genesis(name="other"))


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_bytes_from_anyone_raise_nothing_but_their_refusal(data: bytes) -> None:
    with pytest.raises(ReceiptRefused):
        verify_receipt(data, GENESIS)
