"""Ready means level with the others, now: not merely that somebody leads."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from consensus.messages import Append, AppendReply, Result, VoteRequest
from consensus.replica_state import Role
from node.ordering.freshness import ASKED_SECONDS, BEHIND_MAX, TOLD_SECONDS, Freshness


@dataclass
class Clock:
    now: float = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def a_node(
    clock: Clock, height: int = 10, role: Role = Role.FOLLOWER, *, votes: bool = True
) -> tuple[Freshness, SimpleNamespace]:
    chain = SimpleNamespace(node="node2", committed=SimpleNamespace(height=height, term=1))
    replica = SimpleNamespace(
        role=role,
        leader="node1",
        votes_here=votes,
        term=1,
        others=["node1", "node3"],
        config=SimpleNamespace(voters=("node1", "node2", "node3")),
    )
    return Freshness(chain, replica, clock.monotonic), chain  # type: ignore[arg-type]


def told(newest: int, sender: str = "node1") -> Append:
    return Append(term=1, sender=sender, previous_index=0, previous_term=0, entries=(), newest=newest)


def test_a_follower_is_ready_while_its_leader_says_that_it_is_level(clock: Clock) -> None:
    node, _ = a_node(clock)
    before = node.ready

    node.heard(told(10))
    level = node.ready
    clock.now += TOLD_SECONDS + 0.1

    assert (before, level, node.ready) == (False, True, False)


def test_a_node_that_takes_no_blocks_is_not_ready_although_it_hears_its_leader(clock: Clock) -> None:
    node, chain = a_node(clock)
    node.heard(told(10))
    for newest in range(11, 60):
        clock.now += 0.05
        node.heard(told(newest))

    assert (node.ready, node.behind) == (False, 49)
    chain.committed.height = 59 - BEHIND_MAX
    node.heard(told(59))
    assert node.ready


def test_only_the_leader_is_believed_about_how_far_the_chain_is(clock: Clock) -> None:
    node, _ = a_node(clock)
    node.heard(told(10))
    node.heard(told(10**9, sender="node3"))

    assert (node.ready, node.behind) == (True, 0)


def answered(sender: str, term: int = 1) -> AppendReply:
    return AppendReply(term=term, sender=sender, result=Result.ACCEPTED, index=10)


@pytest.mark.parametrize("role", [Role.LEADER, Role.FOLLOWER])
def test_nobody_is_ready_before_a_block_of_the_newest_term_is_final(clock: Clock, role: Role) -> None:
    """A leader that was just elected may have forgotten, in a power cut, how much of its log was final."""
    node, chain = a_node(clock, role=role)
    chain.committed.term = 0
    node.heard(told(10))
    node.heard(answered("node3"))
    before = node.ready

    chain.committed.term = 1
    node.heard(told(10))

    assert (before, node.ready) == (False, True)


def test_a_leader_is_ready_while_a_majority_answers_it_as_that(clock: Clock) -> None:
    leader, _ = a_node(clock, role=Role.LEADER)
    leader.heard(answered("node3", term=0))
    leader.heard(VoteRequest(term=1, sender="node3", last_index=1, last_term=1, probe=True))
    leader.heard(answered("no voter"))
    before = leader.ready

    leader.heard(answered("node3"))
    led = leader.ready
    clock.now += TOLD_SECONDS + 0.1

    assert (before, led, leader.ready) == (False, True, False)


def test_a_node_that_does_not_vote_has_longer(clock: Clock) -> None:
    watcher, _ = a_node(clock, votes=False)
    watcher.level()
    clock.now += ASKED_SECONDS - 0.1

    assert watcher.ready
    clock.now += 0.2
    assert not watcher.ready
