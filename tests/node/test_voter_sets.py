"""Who certifies which block: pending changes, changes that two nodes know by different certificates, and recoveries."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from voting_chain import NEW, VotingChain

from ledger.block import Block, Voters, decode_block
from ledger.epochs import walk
from ledger.errors import InvalidBlock, InvariantBroken
from ledger.succession import changes_voters
from node.chain.finals import FinalBlocks
from node.chain.voter_sets import Postponed
from simulator.consortium import payment

OLD, GROWN = ["node1", "node2", "node3"], ["node1", "node2", "node3", NEW]


def names(voters: Voters | None) -> list[str] | None:
    return None if voters is None else [voter.node for voter in voters.voters]


@pytest.fixture
def one() -> VotingChain:
    return VotingChain()


def test_a_change_is_in_force_once_it_is_known_to_be_final(one: VotingChain) -> None:
    header = one.change().header
    assert one.chain.sets.pending(header)
    assert (one.voters(), names(one.chain.sets.above(header))) == (OLD, OLD)

    one.final()

    assert not one.chain.sets.pending(header)
    assert (one.voters(), names(one.chain.sets.above(header))) == (GROWN, GROWN)
    assert names(one.chain.sets.of(header)) == OLD
    assert not one.chain.sets.pending(one.chain.header(1))


def test_it_is_settled_once_by_a_certificate_of_its_own_height(one: VotingChain) -> None:
    one.change()
    header, below, own = one.chain.tip, one.certificate(1), one.certificate()

    assert not one.chain.sets.settle(header, below)
    assert not one.chain.sets.settle(one.chain.header(1), below)
    assert one.chain.sets.settle(header, own)
    assert not one.chain.sets.settle(header, own)
    assert [epoch.header.height for epoch in one.chain.sets.epochs] == [2]
    assert one.chain.sets.ends() == {2}


def test_while_it_is_pending_nothing_is_built_but_opening_blocks_of_newer_terms(one: VotingChain) -> None:
    change = one.change().header
    paid = payment(one.genesis, 1, "payer0@studio", "payer1@studio", 1, change.time_ms + 100_000)
    for transactions, term in (((), 1), ((paid,), 1), ((paid,), 2)):
        with pytest.raises(InvariantBroken, match="an epoch ends before the next one begins"):
            one.chain.build(transactions, term, change.time_ms + 1)

    opening = one.block(term=2)

    assert (opening.header.voters_digest, opening.header.next_voters_digest) == (
        change.voters_digest,
        change.next_voters_digest,
    )
    assert one.chain.sets.pending(opening.header)
    assert names(one.chain.sets.of(opening.header)) == OLD


def forged(block: Block, **changes: object) -> Block:
    return Block(replace(block.header, **changes), block.proposal, block.transactions)


def test_a_block_of_the_new_epoch_waits_and_one_of_neither_is_wrong(one: VotingChain) -> None:
    other = VotingChain(name="node2", bare=True)
    other.take(one.chain.finals.at(1).block, one.change())
    change = one.chain.tip
    continuing = one.block(term=2)
    one.chain.truncate(3)
    one.final()
    first = one.block(term=2)
    assert first.header.voters_digest == change.next_voters_digest

    with pytest.raises(Postponed, match="not known to be final here"):
        other.chain.accept(first, None)
    with pytest.raises(InvalidBlock, match="does not continue the epoch"):
        other.chain.accept(forged(first, voters_digest="00" * 32), None)
    with pytest.raises(InvalidBlock, match="does not continue the epoch"):
        other.chain.accept(forged(continuing, term=1), None)
    assert names(other.chain.sets.certifiers(continuing, change)) == OLD

    other.chain.settle(other.certificate())
    other.take(first)
    assert names(other.chain.sets.of(other.chain.tip)) == GROWN
    assert names(other.chain.sets.certifiers(continuing, change)) == OLD


@pytest.mark.parametrize("earlier", ["node1", "node2"])
def test_two_nodes_may_know_a_change_by_different_certificates(earlier: str) -> None:
    """One by that of the block that makes it, the other by that of the opening block above; whoever comes first."""
    nodes = {name: VotingChain(name=name, bare=name == "node2") for name in ("node1", "node2")}
    one, two = nodes.values()
    change, opening = one.change(), one.block(term=2)
    two.take(one.chain.finals.at(1).block, change, opening)
    for height in [2, 3]:
        knows = nodes[earlier] if height == 2 else next(node for node in nodes.values() if node.name != earlier)
        knows.final(height)
    one.final(3)
    two.final(3)

    assert sorted(tuple(node.chain.sets.ends()) for node in nodes.values()) == [(2,), (3,)]
    first = one.block()
    two.take(first)
    for node in nodes.values():
        assert node.voters() == GROWN
        assert [node.chain.sets.pending(node.chain.header(height)) for height in (2, 3, 4)] == [False] * 3
        assert names(node.chain.sets.above(node.chain.header(2))) == GROWN
        assert not node.chain.sets.settle(node.chain.header(2), node.certificate(2))
        assert not node.chain.sets.settle(node.chain.header(3), node.certificate(3))
        epochs = node.chain.sets.epochs_for(first.header)
        assert walk(node.genesis.voters, 0, epochs, 4, node.genesis.chain).digest == first.header.voters_digest
        assert node.chain.sets.epochs_for(change.header) == node.chain.sets.epochs_for(opening.header) == ()
        node.open()
        assert (node.voters(), node.chain.tip.height) == (GROWN, 4)


def test_the_same_change_made_again_is_pending_again(one: VotingChain) -> None:
    one.changed()
    one.changed(votes=False)
    assert one.voters() == OLD

    again = one.change().header

    assert one.chain.sets.pending(again)
    assert one.voters() == OLD
    one.final()
    assert one.voters() == GROWN
    assert [height for height in range(1, again.height + 1) if one.chain.sets.pending(one.chain.header(height))] == []


def test_a_recovery_takes_the_place_of_a_change_that_never_was_final(one: VotingChain) -> None:
    change = one.change().header
    one.recover("node1")
    one.chain.commit(change.height, None)

    sets = one.chain.sets
    assert not sets.pending(change)
    assert one.voters() == names(sets.above(change)) == ["node1"]
    first = one.block(term=2)
    assert names(sets.of(first.header)) == ["node1"]
    assert names(sets.certifiers(first, change)) == ["node1"]
    assert names(sets.final_above(first.header, change)) == ["node1"]
    assert not changes_voters(first.header)
    stale = forged(first, voters_digest=change.voters_digest, next_voters_digest=change.next_voters_digest)
    assert sets.final_above(stale.header, change) is None


def test_a_block_that_would_continue_a_change_does_not_do_so_above_a_recovery(one: VotingChain) -> None:
    change, continuing = one.change().header, one.block(term=2)
    one.chain.truncate(3)
    one.log.persist(2, "", 3, ())
    one.recover("node1")

    assert names(one.chain.sets.certifiers(continuing, change)) == ["node1"]
    with pytest.raises(InvalidBlock):
        one.chain.accept(continuing, None)


def test_changes_below_a_recovery_are_needed_for_what_lies_below_it(one: VotingChain) -> None:
    one.changed()
    below = one.chain.tip
    one.recover("node1", "node2")
    assert one.voters() == ["node1", "node2"]
    one.block(term=5)
    one.final()
    above = one.chain.tip
    one.changed("node2", votes=False)

    sets = one.chain.sets
    assert one.voters() == ["node1"]
    assert [epoch.header.height for epoch in sets.epochs_for(below)] == [2]
    assert sets.epochs_for(above) == ()
    assert [epoch.header.height for epoch in sets.epochs_for(one.chain.tip)] == [5]
    assert [epoch.header.height for epoch in sets.epochs_of_start(one.chain.header(5))] == [5]
    one.open()
    assert one.voters() == ["node1"]


def test_the_same_change_made_again_after_a_recovery_is_pending_again() -> None:
    """What was settled below the recovery says nothing of what was changed anew above it."""
    one = VotingChain(1)
    one.changed()
    one.recover("node1")
    one.change(votes=False)
    one.final()
    assert one.voters() == ["node1"]

    again = one.change().header

    assert one.chain.sets.pending(again)
    one.final()
    assert one.voters() == ["node1", NEW]
    one.open()
    assert one.voters() == ["node1", NEW]
    assert names(one.chain.sets.above(one.chain.tip)) == ["node1", NEW]


def test_what_lies_above_the_newest_final_block_is_certified_by_its_own_epoch(one: VotingChain) -> None:
    final = one.chain.committed
    change, opening = one.change().header, one.block(term=2).header
    sets = one.chain.sets
    assert names(sets.final_above(change, final)) == OLD
    assert names(sets.final_above(opening, change)) == OLD

    one.final(2)
    one.chain.truncate(3)
    first = one.block(term=2).header

    assert names(sets.final_above(first, change)) == GROWN
    assert names(sets.final_above(opening, change)) == OLD
    assert sets.final_above(replace(first, voters_digest="00" * 32), change) is None
    assert sets.final_above(first, final) is None


def test_a_node_that_loses_power_commits_at_its_start_what_its_newest_change_proves(one: VotingChain) -> None:
    """The change is synced and the state is not; blocks of the new epoch follow no block that is not final."""
    one.state.pages.write(one.chain._tree, 1_000)
    one.disk.volumes["state"].sync()
    one.change()
    one.final()
    one.block(term=2)
    one.final()
    one.block()

    one.cut_power()

    assert one.voters() == GROWN
    assert (one.chain.committed.height, one.chain.tip.height) == (2, 4)
    assert one.state.certificate(2) is not None


def test_a_change_that_lies_above_the_log_is_not_committed_at_the_start(one: VotingChain) -> None:
    """A Raft log that begins above a snapshot has the changes below it, and the snapshot's state is final."""
    one.changed()
    one.open()

    assert (one.chain.committed.height, one.chain.tip.height) == (3, 3)


def stretch_heights(finals: FinalBlocks, height: int) -> tuple[int, int]:
    frames, certificate = finals.stretch(height)
    assert certificate is not None
    assert [decode_block(frame).header.height for frame in frames] == list(range(height + 1, certificate.height + 1))
    return len(frames), certificate.height


def test_a_stretch_is_of_one_epoch(one: VotingChain) -> None:
    for _ in range(2):
        one.block()
        one.final()
    one.changed()
    one.changed(votes=False)
    for _ in range(3):
        one.block()
        one.final()

    assert one.chain.sets.ends() == {4, 6}
    assert [stretch_heights(one.chain.finals, height) for height in (0, 3, 4, 5, 6, 7)] == [
        (4, 4), (1, 4), (2, 6), (1, 6), (4, 10), (3, 10),
    ]  # fmt: skip
