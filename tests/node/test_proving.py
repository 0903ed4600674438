"""Proofs between any certified heights of a chain on disk, and refusals that name the nearest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from consortium import registering
from written_chain import GENESIS, WrittenChain

from ledger.consistency import verify_consistency
from ledger.encoding import encode
from ledger.receipt import encode_receipt, verify_receipt
from node.chain.proving import Proving
from node.chain.reading import Reading
from remarque.errors import NodeCode, NodeError


@pytest.fixture
def written(tmp_path: Path) -> Iterator[WrittenChain]:
    """Six blocks, of which the second and fifth were certified only by what followed."""
    chain = WrittenChain(tmp_path)
    for height in range(1, 7):
        chain.block(*(chain.ask(registering((height, n))) for n in range(height)), certified=height not in (2, 5))
    yield chain
    chain.close()


def proving(written: WrittenChain) -> Proving:
    return Proving(written.chain, Reading(written.chain))


@pytest.mark.parametrize(("first", "second"), [(1, 1), (1, 3), (1, 6), (3, 4), (4, 6)])
def test_a_proof_leads_from_any_certified_height_to_any_above(written: WrittenChain, first: int, second: int) -> None:
    proof = asyncio.run(proving(written).consistency(first, second))

    assert verify_consistency(encode(proof), GENESIS).second.header == written.chain.header(second)


@pytest.mark.parametrize(
    ("first", "second", "code", "detail"),
    [
        (2, 6, NodeCode.HEIGHT_UNCERTIFIED, "the nearest that have one: 1 and 3"),
        (1, 5, NodeCode.HEIGHT_UNCERTIFIED, "the nearest that have one: 4 and 6"),
        (0, 6, NodeCode.HEIGHT_UNCERTIFIED, "the nearest that have one: 1"),
        (1, 7, NodeCode.HEIGHT_UNCERTIFIED, "the nearest that have one: 6"),
        (4, 3, NodeCode.HEIGHTS_REVERSED, "the other way round"),
    ],
)
def test_what_is_not_certified_is_not_proven(
    written: WrittenChain, first: int, second: int, code: NodeCode, detail: str
) -> None:
    with pytest.raises(NodeError, match=detail) as refused:
        asyncio.run(proving(written).consistency(first, second))

    assert refused.value.code is code


@pytest.mark.parametrize("anchor", [3, 4, 6, None])
def test_a_receipt_is_anchored_at_any_certified_height_above(written: WrittenChain, anchor: int | None) -> None:
    certificate = proving(written).anchor_of(3, anchor)

    receipt = written.chain.finals.receipt(written.chain.finals.at(3), 1, certificate)

    assert verify_receipt(encode_receipt(receipt), GENESIS).certificate.height == (anchor or 3)


@pytest.mark.parametrize(("anchor", "code"), [(5, NodeCode.HEIGHT_UNCERTIFIED), (1, NodeCode.HEIGHTS_REVERSED)])
def test_a_receipt_has_no_anchor_below_its_block_or_without_a_certificate(
    written: WrittenChain, anchor: int, code: NodeCode
) -> None:
    with pytest.raises(NodeError) as refused:
        proving(written).anchor_of(3, anchor)

    assert refused.value.code is code
