"""Consistency proofs: those of the standard, and the verifier under attack."""

from __future__ import annotations

import json
from typing import Any

import pytest
from consortium import a_genesis
from hypothesis import given, settings
from hypothesis import strategies as st
from receipts import GENESIS, Chain, certificate, fields, voters, without

from ledger.block import Header
from ledger.consistency import (
    CertifiedHeader,
    ConsistencyRefused,
    build_consistency,
    root_from_consistency,
    verify_consistency,
)
from ledger.encoding import encode
from ledger.epochs import Epoch
from ledger.merkle_log import MerkleLog, leaf_hash

SIZES = 70


def a_log(size: int = SIZES, seed: str = "") -> MerkleLog:
    log = MerkleLog()
    for number in range(size):
        log.append(leaf_hash(f"{seed}{number}".encode()))
    return log


LOG = a_log()


@pytest.mark.parametrize("second", range(1, SIZES + 1))
def test_every_log_is_proven_to_begin_with_every_earlier_one(second: int) -> None:
    for first in range(1, second + 1):
        path = LOG.consistency_path(first, second)

        assert root_from_consistency(LOG.root(first), first, second, path) == LOG.root(second)


@given(st.integers(1, SIZES), st.integers(1, SIZES), st.data())
def test_a_path_proves_nothing_else(first: int, second: int, data: st.DataObject) -> None:
    first, second = min(first, second), max(first, second)
    root, path = LOG.root(second), LOG.consistency_path(first, second)
    other = data.draw(st.integers(0, SIZES + 3))

    if other != first:
        assert root_from_consistency(LOG.root(min(other, SIZES)), other, second, path) != root
    if other != first and other != second:
        assert root_from_consistency(LOG.root(first), other, second, path) != root
    assert root_from_consistency(leaf_hash(b"another"), first, second, path) != root
    assert root_from_consistency(LOG.root(first), first, second, [*path, LOG.root(1)]) != root
    assert root_from_consistency(LOG.root(first), first, second, [*path, b"short"]) is None
    if path:
        assert root_from_consistency(LOG.root(first), first, second, path[:-1]) != root
        at = data.draw(st.integers(0, len(path) - 1))
        changed = [*path[:at], leaf_hash(b"another"), *path[at + 1 :]]
        assert root_from_consistency(LOG.root(first), first, second, changed) != root


def test_a_forked_log_is_not_the_continuation_of_the_other() -> None:
    fork = MerkleLog()
    for number in range(SIZES):
        fork.append(leaf_hash(str(number if number != 20 else "other").encode()))

    for first in range(21, SIZES):
        path = fork.consistency_path(first, SIZES)
        assert root_from_consistency(LOG.root(first), first, SIZES, path) != fork.root()


def a_proof(first: int = 2, second: int = 6) -> bytes:
    """A proof over a chain whose voters changed at block 4."""
    chain = Chain()
    chain.block(3)
    chain.block(5)
    chain.block(0)
    four = voters("node1", "node2", "node3", "node4")
    chain.block(4, four)
    chain.block(1)
    chain.block(2)
    change = Epoch(header=chain.headers[4], certificate=certificate(chain.headers[4]), voters=four)
    epochs = (change,) if second > 4 else ()
    by = {height: ("node1", "node2", "node4") if height > 4 else ("node1", "node3") for height in (first, second)}
    below, above = (
        CertifiedHeader(header=chain.headers[height], certificate=certificate(chain.headers[height], *by[height]))
        for height in (first, second)
    )
    return encode(build_consistency(below, above, chain.log, epochs))


PROOF = a_proof()


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 2), (1, 4), (2, 6), (4, 5), (5, 6), (6, 6)])
def test_a_proof_as_given_holds_also_behind_a_change_of_the_voters(first: int, second: int) -> None:
    proof = verify_consistency(a_proof(first, second), GENESIS)

    assert (proof.first.header.height, proof.second.header.height) == (first, second)


def test_no_byte_of_a_proof_can_be_changed() -> None:
    for place in range(len(PROOF)):
        with pytest.raises(ConsistencyRefused):
            verify_consistency(PROOF[:place] + bytes([PROOF[place] ^ 1]) + PROOF[place + 1 :], GENESIS)


def test_no_field_of_a_proof_can_be_removed() -> None:
    value = json.loads(PROOF)
    for path in fields(value):
        with pytest.raises(ConsistencyRefused):
            verify_consistency(encode(without(value, path)), GENESIS)


def _swap(value: Any) -> None:
    value["first"], value["second"] = value["second"], value["first"]


def _first_of_another_chain(value: Any) -> None:
    other = Chain()
    other.block(1)
    other.block(2)
    header = other.header
    value["first"] = json.loads(encode(CertifiedHeader(header=header, certificate=certificate(header))))


def _certified_anew(value: Any) -> None:
    """A fork that the voters certified all the same: two certified headers, and no path between them."""
    value["second"]["header"]["log_root"] = "ab" * 32
    header = Header(**value["second"]["header"])
    by = ("node1", "node2", "node4")
    value["second"] = json.loads(encode(CertifiedHeader(header=header, certificate=certificate(header, *by))))


@pytest.mark.parametrize("change", [_swap, _first_of_another_chain, _certified_anew])
def test_two_headers_without_a_path_between_them_are_refused(change: Any) -> None:
    value = json.loads(PROOF)
    change(value)

    with pytest.raises(ConsistencyRefused):
        verify_consistency(encode(value), GENESIS)


def test_a_proof_of_another_genesis_is_refused() -> None:
    with pytest.raises(ConsistencyRefused, match="another chain"):
        verify_consistency(PROOF, a_genesis(name="other"))


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_bytes_from_anyone_raise_nothing_but_their_refusal(data: bytes) -> None:
    with pytest.raises(ConsistencyRefused):
        verify_consistency(data, GENESIS)
