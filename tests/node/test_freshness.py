"""Ready means level with the others, now: not merely that somebody leads."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from consensus.messages import Append
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
    chain = SimpleNamespace(committed=SimpleNamespace(height=height))
    replica = SimpleNamespace(role=role, leader="node1", votes_here=votes)
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


def test_a_leader_is_ready_and_a_node_that_does_not_vote_has_longer(clock: Clock) -> None:
    leader, _ = a_node(clock, role=Role.LEADER)
    watcher, _ = a_node(clock, votes=False)
    watcher.level()
    clock.now += ASKED_SECONDS - 0.1

    assert (leader.ready, watcher.ready) == (True, True)
    clock.now += 0.2
    assert not watcher.ready
