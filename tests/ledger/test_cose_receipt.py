"""COSE receipts under attack, and held against two other libraries' ideas of them."""

from __future__ import annotations

import random
from typing import Any

import cbor2
import pytest
from consortium import key_of
from cose_receipts import CHAIN, CLAIMS, ENTRY, INDEX, KEYS, NODE, SIZE, STATEMENT, a_log, consistency, inclusion
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger import cbor, cose
from ledger.cose import CoseRefused, Ed25519Key
from ledger.cose_receipt import (
    issuer_of,
    sign_inclusion,
    verify_consistency_receipt,
    verify_inclusion,
    verify_member_consistency,
    verify_member_inclusion,
)
from ledger.errors import InvariantBroken
from ledger.merkle_log import leaf_hash, root_from_path
from ledger.statement import parse_statement, split_transparent, with_receipts

RECEIPT, GROWTH = inclusion(), consistency()


def test_a_receipt_says_who_signed_what_and_where_it_stands() -> None:
    proven = verify_member_inclusion(RECEIPT, ENTRY, KEYS)

    assert (proven.size, proven.index, proven.root) == (SIZE, INDEX, a_log().root())
    assert proven.claims == replace(CLAIMS, log_size=SIZE)
    assert proven.key_id == Ed25519Key(NODE.public).thumbprint


@pytest.mark.parametrize("size", range(INDEX + 1, 40))
def test_a_receipt_holds_in_a_log_of_any_size(size: int) -> None:
    assert verify_member_inclusion(inclusion(size), ENTRY, KEYS).root == a_log(size).root()


@pytest.mark.parametrize(
    ("first", "second"),
    [(first, second) for second in (8, 11, 21) for first in range(7, second + 1) if first <= second],
)
def test_a_receipt_of_consistency_leads_from_a_known_root_to_the_next(first: int, second: int) -> None:
    proven = verify_member_consistency(consistency(first, second), a_log(second).root(first), KEYS)

    assert (proven.index, proven.size, proven.root) == (first, second, a_log(second).root())
    with pytest.raises(CoseRefused):
        verify_member_consistency(consistency(first, second), leaf_hash(b"another"), KEYS)


def test_a_receipt_in_a_log_of_two_to_the_thirty_leaves_has_less_than_1500_bytes() -> None:
    path = [leaf_hash(str(level).encode()) for level in range(30)]
    size, index = 2**30, 123_456_789
    root = root_from_path(leaf_hash(ENTRY), index, size, path) or b""

    receipt = sign_inclusion(NODE, CLAIMS, ENTRY, (size, index, path), root)

    assert len(receipt) < 1_500
    assert verify_member_inclusion(receipt, ENTRY, KEYS).size == size


def test_no_byte_of_a_receipt_can_be_changed() -> None:
    for place in range(len(RECEIPT)):
        for mask in (1, 2, 4, 8, 16, 32, 64, 128):
            with pytest.raises(CoseRefused):
                verify_member_inclusion(
                    RECEIPT[:place] + bytes([RECEIPT[place] ^ mask]) + RECEIPT[place + 1 :], ENTRY, KEYS
                )
    for place in range(len(GROWTH)):
        changed = GROWTH[:place] + bytes([GROWTH[place] ^ 1]) + GROWTH[place + 1 :]
        with pytest.raises(CoseRefused):
            verify_member_consistency(changed, a_log().root(5), KEYS)


def test_a_receipt_is_not_one_of_another_entry_or_kind_nor_cut_nor_longer() -> None:
    for entry in (b"", ENTRY[:31], leaf_hash(ENTRY)):
        with pytest.raises(CoseRefused):
            verify_member_inclusion(RECEIPT, entry, KEYS)
    with pytest.raises(CoseRefused):
        verify_member_inclusion(GROWTH, ENTRY, KEYS)
    with pytest.raises(CoseRefused):
        verify_member_consistency(RECEIPT, a_log().root(5), KEYS)
    for cut in range(len(RECEIPT)):
        with pytest.raises(CoseRefused):
            verify_member_inclusion(RECEIPT[:cut], ENTRY, KEYS)
    with pytest.raises(CoseRefused, match="not CBOR"):
        verify_member_inclusion(RECEIPT + b"\x00", ENTRY, KEYS)


def test_a_node_cannot_sign_a_root_that_it_cannot_prove() -> None:
    with pytest.raises(InvariantBroken):
        sign_inclusion(NODE, CLAIMS, ENTRY, (SIZE, INDEX, a_log().inclusion_path(INDEX, SIZE)), b"\x00" * 32)


def resigned(headers: dict[Any, Any], *, payload: bytes | None = None, proofs: Any = None, **parts: Any) -> bytes:
    """The receipt signed anew by the node with other headers, so that only its shape is wrong."""
    original = cose.parse_sign1(RECEIPT, 10_000)
    protected = parts.get("protected", cbor2.dumps(original.headers | headers))
    structure = cbor2.dumps(["Signature1", protected, b"", a_log().root()])
    held = original.unprotected if proofs is None else proofs
    return cbor2.dumps(cbor2.CBORTag(parts.get("tag", 18), [protected, held, payload, NODE.sign_cose(structure)]))


def _headers_without(label: int) -> bytes:
    headers = cose.parse_sign1(RECEIPT, 10_000).headers
    return cbor2.dumps({key: value for key, value in headers.items() if key != label})


def named(node: str, chain: str = CHAIN) -> dict[Any, Any]:
    """The receipt's claims, by another node or of another chain."""
    return replace(CLAIMS, issuer=issuer_of(chain, node), log_size=SIZE).encoded()


PROOF = cose.parse_sign1(RECEIPT, 10_000).unprotected[396][-1][0]
IN_TEXT = Ed25519Key(NODE.public).thumbprint.hex()

REVERSED = cbor2.dumps(dict(reversed(cose.parse_sign1(RECEIPT, 10_000).headers.items())))

WRONG = [
    ("attached", lambda: resigned({}, payload=a_log().root())),
    ("attached", lambda: resigned({}, payload=b"")),
    ("algorithm", lambda: resigned({1: -7})),
    ("algorithm", lambda: resigned({1: "EdDSA"})),
    ("algorithm", lambda: resigned({}, protected=_headers_without(1))),
    ("not signed by the key", lambda: resigned({4: Ed25519Key(key_of("alice@studio").public).thumbprint})),
    ("not signed by the key", lambda: resigned({4: IN_TEXT})),
    ("not signed by the key", lambda: resigned({}, protected=_headers_without(4))),
    ("not signed by the key", lambda: resigned({4: Ed25519Key(key_of("node2").public).thumbprint})),
    ("does not verify", lambda: resigned({4: Ed25519Key(key_of("node2").public).thumbprint, 15: named("node2")})),
    ("not signed by the key", lambda: resigned({15: named("node2")})),
    ("no node of this chain", lambda: resigned({15: named("node9")})),
    ("no node of this chain", lambda: resigned({15: named("node1", chain="other-12345678")})),
    ("no node of this chain", lambda: resigned({15: named("node1") | {1: "node1"}})),
    ("does not verify", lambda: inclusion(node="node2").replace(b":node2", b":node1").replace(
        Ed25519Key(key_of("node2").public).thumbprint, Ed25519Key(NODE.public).thumbprint)),
    ("kind 2", lambda: resigned({395: 2})),
    ("kind None", lambda: resigned({}, protected=_headers_without(395))),
    ("who signed", lambda: resigned({15: {1: "a", 2: "b"}})),
    ("who signed", lambda: resigned({}, protected=_headers_without(15))),
    ("claims", lambda: resigned({15: {1: "a", 2: 3, 6: 1}})),
    ("claims", lambda: resigned({15: [1]})),
    ("signed are 12", lambda: resigned({15: named("node1") | {"log_size": 12}})),
    ("critical", lambda: resigned({2: [395]})),
    ("order", lambda: resigned({}, protected=REVERSED)),
    ("unsigned headers", lambda: resigned({}, proofs={396: {-1: [PROOF]}, 99: 1})),
    ("both in the signed", lambda: resigned({}, proofs={396: {-1: [PROOF]}, 1: -8})),
    ("unsigned headers", lambda: resigned({}, proofs={396: {-1: [PROOF], -2: [PROOF]}})),
    ("unsigned headers", lambda: resigned({}, proofs={})),
    ("1 to 16", lambda: resigned({}, proofs={396: {-1: []}})),
    ("1 to 16", lambda: resigned({}, proofs={396: {-1: [PROOF] * 17}})),
    ("1 to 16", lambda: resigned({}, proofs={396: {-1: PROOF}})),
    ("two numbers", lambda: resigned({}, proofs={396: {-1: [7]}})),
    ("a proof", lambda: resigned({}, proofs={396: {-1: [PROOF + b"\x00"]}})),
    ("numbers", lambda: resigned({}, proofs={396: {-1: [cbor2.dumps([True, 0, []])]}})),
    ("numbers", lambda: resigned({}, proofs={396: {-1: [cbor2.dumps([2**64 - 1, 0, []])]}})),
    ("path", lambda: resigned({}, proofs={396: {-1: [PROOF, cbor2.dumps([0, 0, []])]}})),
    ("path", lambda: resigned({}, proofs={396: {-1: [cbor2.dumps([11, 11, []])]}})),
    ("hashes", lambda: resigned({}, proofs={396: {-1: [cbor2.dumps([11, 6, [b"short"]])]}})),
    ("holds a tag", lambda: resigned({}, tag=98)),
    ("indefinite", lambda: RECEIPT.replace(b"\x84", b"\x9f", 1) + b"\xff"),
    ("holds a tag", lambda: RECEIPT.replace(b"\xd2", b"\xd8\x12", 1)),
    ("other bytes", lambda: RECEIPT.replace(b"\xf6\x58\x40", b"\xf6\x59\x00\x40", 1)),
    ("other bytes", lambda: RECEIPT.replace(b"\xa1\x19\x01\x8c", b"\xa2\x19\x01\x8c\xf6\x19\x01\x8c", 1)),
    ("indefinite", lambda: resigned({}, protected=b"\xbf\x01\x27\xff")),
    ("no map", lambda: resigned({}, protected=b"")),
    ("no map", lambda: resigned({}, protected=b"\xa0")),
    ("at most", lambda: b"\xd2" * 20_000),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "make"), WRONG, ids=[f"{number}-{fault}" for number, (fault, _) in enumerate(WRONG)])
def test_a_receipt_of_another_shape_is_refused_even_when_signed(fault: str, make: Any) -> None:
    data = make()
    assert data != RECEIPT

    with pytest.raises(CoseRefused, match=fault if fault != "no map" else "no map|not CBOR"):
        verify_member_inclusion(data, ENTRY, KEYS)


def test_an_unrelated_proof_beside_the_right_one_does_not_mask_it() -> None:
    other = cbor.encode([SIZE, 3, a_log().inclusion_path(3, SIZE)])

    for proofs in ([PROOF, other], [other, PROOF]):
        assert verify_member_inclusion(resigned({}, proofs={396: {-1: proofs}}), ENTRY, KEYS).index == INDEX


def test_a_transparent_statement_gives_back_the_statement_to_the_byte() -> None:
    receipts = [inclusion(node=node) for node in ("node1", "node2", "node3")]

    statement, brought = split_transparent(with_receipts(STATEMENT, receipts))

    assert statement.data == STATEMENT
    assert brought == receipts
    assert (statement.issuer, statement.subject) == ("alice@studio", "picture 7")
    statement.check(Ed25519Key(key_of("alice@studio").public))
    with pytest.raises(CoseRefused, match="another key"):
        statement.check(Ed25519Key(key_of("bob@agency").public))


def test_no_byte_of_a_statement_can_be_changed() -> None:
    key = Ed25519Key(key_of("alice@studio").public)
    for place in range(len(STATEMENT)):
        for mask in (1, 32, 128):
            with pytest.raises(CoseRefused):
                parse_statement(STATEMENT[:place] + bytes([STATEMENT[place] ^ mask]) + STATEMENT[place + 1 :]).check(
                    key
                )


VERIFIERS = [
    lambda data: verify_member_inclusion(data, ENTRY, KEYS),
    lambda data: verify_inclusion(data, ENTRY, Ed25519Key(NODE.public)),
    lambda data: verify_consistency_receipt(data, a_log().root(5), Ed25519Key(NODE.public)),
    parse_statement,
    split_transparent,
]


@settings(max_examples=300)
@given(st.binary(max_size=300), st.sampled_from(VERIFIERS))
def test_bytes_from_anyone_raise_nothing_but_their_refusal(data: bytes, verify: Any) -> None:
    with pytest.raises(CoseRefused):
        verify(data)


def test_damaged_receipts_raise_nothing_but_their_refusal() -> None:
    """Several bytes of the whole, or of a part with its length kept, at random from a seed."""
    chance = random.Random(7)
    transparent = with_receipts(STATEMENT, [RECEIPT])
    for _ in range(20_000):
        base = chance.choice((RECEIPT, GROWTH, STATEMENT, transparent))
        data = bytearray(base)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.choice(
                (
                    0,
                    1,
                    0x18,
                    0x5F,
                    0x7F,
                    0x9F,
                    0xA0,
                    0xBF,
                    0xC2,
                    0xC4,
                    0xD8,
                    0xF6,
                    0xF9,
                    0xFB,
                    0xFF,
                    chance.randrange(256),
                )
            )
        for verify in VERIFIERS:
            try:
                verify(bytes(data))
            except CoseRefused:
                continue
            assert base in (STATEMENT, transparent) or bytes(data) == base  # a statement's signature is checked apart
