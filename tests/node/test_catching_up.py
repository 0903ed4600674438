"""Before it starts, a voter takes final blocks that others keep, and forgets nothing that it has endorsed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from consortium import key_of, registering
from msgspec.structs import replace
from voting_chain import Kind, VotingChain
from written_chain import GENESIS, WrittenChain

from consensus.raft_log import RaftEntry
from ledger.block import Certificate
from ledger.encoding import decode, encode
from ledger.errors import InvalidBlock, LedgerError
from ledger.transaction import SignedTransaction
from node.chain.chain import Chain
from node.chain.stretch import Stretch
from node.snapshots.catching_up import Catching
from simulator.consortium import key_of as simulated_key
from simulator.disk import Disk


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


@pytest.mark.parametrize("fault", ["certificate", "gap", "order", "header", "link"])
def test_what_is_not_final_is_not_taken(fault: str, giver: WrittenChain, tmp_path: Path) -> None:
    good = stretch_of(giver.chain, 0, 4)
    with closing(WrittenChain(tmp_path / "other")) as other:
        other.block(other.ask(registering(100)))
        (unlinked,), _ = other.chain.finals.stretch(0)
    one, two, three, four = good.blocks
    certificate = decode(good.certificate, Certificate)
    bad = {
        "certificate": replace(
            good, certificate=encode(replace(certificate, endorsements=certificate.endorsements[:1]))
        ),
        "gap": replace(good, blocks=(one, three, four)),
        "order": replace(good, blocks=(two, one, three, four)),
        "header": replace(good, blocks=(one, two, three)),
        "link": replace(good, blocks=(unlinked, two, three, four)),
    }[fault]
    with closing(opened(tmp_path)) as catching:
        endorsed(catching, *giver.chain.finals.stretch(0)[0][:2])
    with closing(opened(tmp_path)) as catching:
        with pytest.raises(InvalidBlock):
            catching.take(bad)
        assert (catching.chain.committed.height, catching.chain.tip.height) == (0, 2)


def over_changes() -> VotingChain:
    """A chain whose voters change at 2 and at 5; blocks above the second one are certified by the last voters."""
    written = VotingChain()
    written.changed()
    written.block()
    written.changed("node3", votes=False)
    written.block()
    written.final()
    return written


def over(written: VotingChain, disk: Disk) -> Catching:
    return Catching(Path(), written.genesis, simulated_key("node2"), "node2", (), disk.open)


def given(written: VotingChain, height: int) -> Stretch:
    blocks, certificate = written.chain.finals.stretch(height)
    return Stretch(blocks, b"" if certificate is None else encode(certificate), 1, "")


def test_it_catches_up_over_changes_of_the_voters_one_epoch_at_a_time() -> None:
    written = over_changes()
    disk = Disk(Kind())
    with closing(over(written, disk)) as catching:
        ends = []
        while (stretch := given(written, catching.chain.committed.height)).blocks:
            catching.take(stretch)
            ends.append(catching.chain.committed.height)

    assert ends == [2, 5, 7]
    chain = over(written, disk).chain
    assert (chain.committed, chain.voters) == (written.chain.committed, written.chain.voters)
    assert chain.sets.epochs == written.chain.sets.epochs


def test_blocks_of_an_epoch_certified_by_others_are_not_taken() -> None:
    written = over_changes()
    with closing(over(written, Disk(Kind()))) as catching:
        catching.take(given(written, 0))
        for wrong in (given(written, 5), replace(given(written, 2), certificate=encode(written.certificate(2)))):
            with pytest.raises(InvalidBlock):
                catching.take(wrong)
        blocks = tuple(written.log.entry(height).data for height in range(3, 8))
        with pytest.raises(InvalidBlock, match="names no voters of this chain"):
            catching.take(Stretch(blocks, encode(written.certificate(7)), 1, ""))
        assert catching.chain.committed.height == 2


def test_a_block_of_a_new_epoch_takes_the_place_of_one_that_would_continue_the_old() -> None:
    """The node had endorsed an opening block that was never final: the others knew the change by its own block."""
    written = VotingChain()
    written.change()
    opening = written.block(term=2)
    written.chain.truncate(3)
    written.log.persist(2, "", 3, ())
    written.final()
    written.block(term=3)
    written.final()
    late = VotingChain(name="node2", bare=True)
    late.take(*(written.chain.finals.at(height).block for height in (1, 2)), opening)
    late.log.close()

    with closing(over(written, late.disk)) as catching:
        assert catching.chain.tip.height == 3
        catching.take(given(written, 0))
        catching.take(given(written, 2))
        assert catching.chain.committed == written.chain.committed
        assert catching.chain.voters == written.chain.voters


def test_a_block_that_carries_what_nobody_signed_is_not_taken(giver: WrittenChain, tmp_path: Path) -> None:
    """Its certificate says that a majority took it, and not that each of them looked."""
    signed = giver.ask(registering(9))
    giver.block(SignedTransaction(signed.body, ("00" * 64,), signed.transaction))

    with closing(opened(tmp_path)) as catching:
        with pytest.raises(LedgerError, match="SIGNATURE_INVALID"):
            catching.take(stretch_of(giver.chain, 0, 7))
        assert catching.chain.tip.height == 0
