"""Before it starts, a voter takes final blocks that others keep, and forgets nothing that it has endorsed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from consortium import key_of, registering
from msgspec.structs import replace
from written_chain import GENESIS, WrittenChain

from consensus.raft_log import RaftEntry
from ledger.block import Certificate
from ledger.encoding import decode, encode
from ledger.errors import InvalidBlock
from node.chain.chain import Chain
from node.chain.stretch import Stretch
from node.snapshots.catching_up import Catching


@pytest.fixture
def giver(tmp_path: Path) -> Iterator[WrittenChain]:
    written = WrittenChain(tmp_path / "giver")
    for number in range(6):
        written.block(written.ask(registering(number)))
    yield written
    written.close()


def stretch_of(chain: Chain, height: int, upto: int) -> Stretch:
    """The blocks above a height, up to another."""
    blocks, _ = chain.finals.stretch(height)
    certificate = chain.state.certificate(upto)
    assert certificate is not None
    return Stretch(blocks[: upto - height], encode(certificate), 1, "")


def opened(tmp_path: Path) -> Catching:
    return Catching(tmp_path / "node2", GENESIS, key_of("node2"), "node2", ())


def test_final_blocks_are_taken_and_are_there_at_the_next_start(giver: WrittenChain, tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as catching:
        catching.take(stretch_of(giver.chain, 0, 4))
        catching.take(stretch_of(giver.chain, 4, 6))

    with closing(opened(tmp_path)) as catching:
        assert catching.chain.committed == giver.chain.committed


def endorsed(catching: Catching, *frames: bytes) -> None:
    """Blocks that the node has taken from a leader, and that are not final."""
    start = catching.chain.tip.height + 1
    catching._raft_log.persist(
        1, "node1", None, tuple(RaftEntry(start + at, 1, frame) for at, frame in enumerate(frames))
    )


def test_blocks_that_it_has_endorsed_above_what_it_takes_stay(giver: WrittenChain, tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as catching:
        endorsed(catching, *giver.chain.finals.stretch(0)[0])
    with closing(opened(tmp_path)) as catching:
        assert catching.chain.tip.height == 6
        catching.take(stretch_of(giver.chain, 0, 4))

    with closing(opened(tmp_path)) as catching:
        assert (catching.chain.committed.height, catching.chain.tip.height) == (4, 6)
        assert (catching._raft_log.hard_term, catching._raft_log.hard_vote) == (1, "node1")


def test_blocks_that_contradict_a_final_one_go(giver: WrittenChain, tmp_path: Path) -> None:
    other = WrittenChain(tmp_path / "other")
    for number in range(3):
        other.block(other.ask(registering(100 + number)))
    with closing(opened(tmp_path)) as catching:
        endorsed(catching, *other.chain.finals.stretch(0)[0])
    with closing(opened(tmp_path)) as catching:
        catching.take(stretch_of(giver.chain, 0, 2))

    with closing(opened(tmp_path)) as catching:
        assert (catching.chain.committed.height, catching.chain.tip.height) == (2, 2)
        assert catching.chain.committed == giver.chain.header(2)


@pytest.mark.parametrize("fault", ["certificate", "gap", "order", "header"])
def test_what_is_not_final_is_not_taken(fault: str, giver: WrittenChain, tmp_path: Path) -> None:
    good = stretch_of(giver.chain, 0, 4)
    one, two, three, four = good.blocks
    certificate = decode(good.certificate, Certificate)
    bad = {
        "certificate": replace(
            good, certificate=encode(replace(certificate, endorsements=certificate.endorsements[:1]))
        ),
        "gap": replace(good, blocks=(one, three, four)),
        "order": replace(good, blocks=(two, one, three, four)),
        "header": replace(good, blocks=(one, two, three)),
    }[fault]
    with closing(opened(tmp_path)) as catching:
        endorsed(catching, *giver.chain.finals.stretch(0)[0][:2])
    with closing(opened(tmp_path)) as catching:
        with pytest.raises(InvalidBlock):
            catching.take(bad)
        assert (catching.chain.committed.height, catching.chain.tip.height) == (0, 2)
