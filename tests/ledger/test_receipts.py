"""The receipt verifier under attack: anything but the receipt as issued must be refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from consortium import State, a_genesis, key_of, registering
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger import state_tree
from ledger.block import Certificate, Endorsement, Header, endorse
from ledger.encoding import encode
from ledger.genesis import genesis_header
from ledger.merkle_log import MerkleLog, leaf_hash, previous_entry, transaction_entry
from ledger.receipt import ReceiptRefused, build_receipt, encode_receipt, verify_receipt
from ledger.state_tree import EMPTY, apply_changes

GENESIS = a_genesis()


class Chain:
    """A chain in memory, certified by whom the test wants."""

    def __init__(self) -> None:
        self.state = State(GENESIS)
        self.log = MerkleLog()
        self.header = genesis_header(GENESIS)
        self.headers: list[Header] = [self.header]

    def block(self, count: int) -> list[Any]:
        signed = [self.state.transaction("alice@studio", registering((self.state.height, n))) for n in range(count)]
        result = self.state.run(*signed)
        self.log.append(leaf_hash(previous_entry(self.header.hash)))
        for one, outcome in zip(signed, result.outcomes, strict=True):
            entry = transaction_entry(self.state.height, one.id, one.signatures_digest, outcome.digest)
            self.log.append(leaf_hash(entry))
        root = state_tree.root_hash(apply_changes(EMPTY, self.state.values.items())).hex()
        self.header = replace(
            self.header,
            height=self.state.height,
            term=1,
            previous=self.header.hash,
            time_ms=self.state.time_ms,
            log_size=self.log.size,
            log_root=self.log.root().hex(),
            state_root=root,
        )
        self.headers.append(self.header)
        return list(zip(signed, result.outcomes, strict=True))


def certificate(header: Header, *nodes: str) -> Certificate:
    return Certificate(
        height=header.height,
        header=header.hash,
        endorsements=tuple(
            Endorsement(node=node, signature=endorse(key_of(node), header.hash)) for node in nodes or ("node1", "node3")
        ),
    )


def receipts() -> tuple[bytes, bytes]:
    """One receipt anchored at its own block, one anchored two blocks above."""
    chain = Chain()
    chain.block(3)
    made = chain.block(5)
    chain.block(0)
    chain.block(4)
    signed, outcome = made[2]
    own, newest = chain.headers[2], chain.headers[4]
    first = own.log_size - 5 + 2
    direct = build_receipt(signed, outcome, first, own, own, certificate(own), chain.log)
    later = build_receipt(signed, outcome, first, own, newest, certificate(newest), chain.log)
    return encode_receipt(direct), encode_receipt(later)


DIRECT, LATER = receipts()


@pytest.mark.parametrize("data", [DIRECT, LATER], ids=["direct", "later"])
def test_a_receipt_as_issued_holds(data: bytes) -> None:
    receipt = verify_receipt(data, GENESIS)

    assert receipt.outcome.code == "OK"
    assert len(data) < 4_500


@pytest.mark.parametrize("data", [DIRECT, LATER], ids=["direct", "later"])
def test_no_byte_of_a_receipt_can_be_changed(data: bytes) -> None:
    for place in range(len(data)):
        for mask in (1, 32):
            changed = data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]
            with pytest.raises(ReceiptRefused):
                verify_receipt(changed, GENESIS)


@pytest.mark.parametrize("data", [DIRECT, LATER], ids=["direct", "later"])
def test_no_part_of_a_receipt_can_be_left_out_or_doubled(data: bytes) -> None:
    for place in range(0, len(data), 7):
        with pytest.raises(ReceiptRefused):
            verify_receipt(data[:place], GENESIS)
    with pytest.raises(ReceiptRefused):
        verify_receipt(data + data, GENESIS)


def fields(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += fields(inner, (*path, key))
    return found


def without(value: Any, path: tuple[Any, ...]) -> Any:
    copy = json.loads(json.dumps(value))
    place = copy
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return copy


@pytest.mark.parametrize("data", [DIRECT, LATER], ids=["direct", "later"])
def test_no_field_of_a_receipt_can_be_removed(data: bytes) -> None:
    value = json.loads(data)
    for path in fields(value):
        with pytest.raises(ReceiptRefused):
            verify_receipt(encode(without(value, path)), GENESIS)


def test_two_receipts_cannot_be_mixed() -> None:
    direct, later = json.loads(DIRECT), json.loads(LATER)
    for key in sorted(set(direct) | set(later)):
        for base, other in ((direct, later), (later, direct)):
            mixed = {name: value for name, value in base.items() if name != key}
            if key in other:
                mixed[key] = other[key]
            if mixed != base:
                with pytest.raises(ReceiptRefused):
                    verify_receipt(encode(mixed), GENESIS)


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
    value = json.loads(DIRECT)
    header = Header(**value["header"])
    value["certificate"] = json.loads(encode(certificate(header, *nodes)))

    with pytest.raises(ReceiptRefused, match=fault):
        verify_receipt(encode(value), GENESIS)


def test_a_receipt_of_another_genesis_is_refused() -> None:
    with pytest.raises(ReceiptRefused, match="another chain"):
        verify_receipt(DIRECT, a_genesis(name="other"))


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_bytes_from_anyone_raise_nothing_but_their_refusal(data: bytes) -> None:
    with pytest.raises(ReceiptRefused):
        verify_receipt(data, GENESIS)
