"""A chain refuses a block that it would not have come to, and a state that is not that of its newest block."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from consortium import key_of, registering
from msgspec.structs import replace
from written_chain import GENESIS, WrittenChain

from ledger import crypto
from ledger.block import Block, Certificate, Endorsement, Voters, decode_block, endorse
from ledger.errors import InvalidBlock
from ledger.recovery import Recovery
from node.chain.chain import Chain
from node.chain.voter_sets import Postponed
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.errors import NodeCode, NodeError


@pytest.fixture
def block(tmp_path: Path) -> Block:
    """What a leader proposes above genesis."""
    with closing(WrittenChain(tmp_path / "leader")) as leader:
        return decode_block(leader.chain.build((leader.ask(registering(1)),), 1, leader.chain.tip.time_ms + 1_000))


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with closing(WrittenChain(tmp_path / "follower")) as follower:
        yield follower.chain


def changed(block: Block, signer: str = "node1", **changes: object) -> Block:
    header = replace(block.header, **changes)
    return Block(header, key_of(signer).sign(crypto.PROPOSAL, header.hash.encode()), block.transactions)


def test_a_block_that_executes_to_something_else_is_refused_and_leaves_nothing(block: Block, chain: Chain) -> None:
    for wrong in ({"state_root": "00" * 32}, {"log_root": "00" * 32}):
        with pytest.raises(InvalidBlock, match="executing it here gives another"):
            chain.accept(changed(block, **wrong), None)

    chain.accept(block, None)
    assert chain.tip == block.header


def test_a_block_is_of_who_proposes_it_and_follows_the_one_below(block: Block, chain: Chain) -> None:
    for wrong in (changed(block, signer="node2"), changed(block, previous="ab" * 32)):
        with pytest.raises(InvalidBlock):
            chain.accept(wrong, None)
    assert chain.layers == []


def test_a_block_ahead_of_the_clock_is_taken_later(block: Block, chain: Chain) -> None:
    allowed = chain.ledger().parameters().clock_ahead_ms_max
    with pytest.raises(Postponed):
        chain.accept(block, block.header.time_ms - allowed - 1)

    chain.accept(block, block.header.time_ms - allowed)


def test_a_certificate_is_of_a_majority_and_of_this_block(block: Block, chain: Chain) -> None:
    chain.accept(block, None)

    def certificate(*nodes: str, header: str = block.hash) -> Certificate:
        signed = tuple(Endorsement(node=node, signature=endorse(key_of(node), header)) for node in nodes)
        return Certificate(height=1, header=header, endorsements=signed)

    assert chain.certificate_holds(certificate("node1", "node2"))
    assert not chain.certificate_holds(certificate("node1"))
    assert not chain.certificate_holds(certificate("node1", "node2", header="ab" * 32))


def test_a_state_that_is_not_that_of_its_block_is_not_gone_on_with(tmp_path: Path) -> None:
    with closing(WrittenChain(tmp_path)) as written:
        height = written.block(written.ask(registering(1)))
        written._state._db.put(b"l" + struct.pack(">Q", height), b"\0" * 32)

    with (
        closing(RaftLogStore(tmp_path / "log")) as log,
        closing(StateStore(tmp_path / "state")) as state,
        pytest.raises(NodeError) as refused,
    ):
        Chain(GENESIS, key_of("node1"), "node1", log, state)
    assert refused.value.code is NodeCode.DATA_CORRUPT


def test_who_is_left_certifies_from_the_block_above_a_recovery_on(tmp_path: Path) -> None:
    left = Voters(voters=GENESIS.voters.voters[:1])
    with closing(WrittenChain(tmp_path)) as written:
        for number in range(3):
            written.block(written.ask(registering(number)))
        header = written.chain.header(2)
    recovery = Recovery(
        version=1, chain=GENESIS.chain, number=1, height=2, term=1, header=header.hash, voters=left,
        lost=("node2", "node3"), reason="fire", time_ms=1,
    )  # fmt: skip

    with closing(RaftLogStore(tmp_path / "log")) as log, closing(StateStore(tmp_path / "state")) as state:
        chain = Chain(GENESIS, key_of("node1"), "node1", log, state, (recovery,))
        below = [chain.header(height) for height in (0, 1, 2)]
        assert [chain.sets.above(header) for header in below] == [GENESIS.voters, GENESIS.voters, left]
