"""When a node says that nothing can be committed: at once where it hears no majority, later otherwise."""

from __future__ import annotations

import pytest

from node.ordering.reach import HEARD_SECONDS, LEADERLESS_SECONDS_MAX, UNREACHED_SECONDS_MAX, Reach
from remarque.errors import NodeCode, NodeError


class Voter:
    """Of a replica, what `Reach` looks at."""

    def __init__(self, others: list[str], *, votes: bool = True) -> None:
        self.others, self.leader, self.votes_here = others, "", votes


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def a_reach(replica: Voter) -> tuple[Reach, Clock]:
    clock = Clock()
    return Reach(replica, clock), clock  # type: ignore[arg-type]  # a replica as far as it is looked at


def refused(reach: Reach) -> NodeError | None:
    try:
        reach.check()
    except NodeError as error:
        assert error.code is NodeCode.NO_LEADER
        assert error.retry_after
        return error
    return None


def test_a_short_election_is_waited_for_whoever_is_heard() -> None:
    reach, clock = a_reach(Voter(["node2", "node3"]))
    clock.now += UNREACHED_SECONDS_MAX

    assert refused(reach) is None


def test_without_a_majority_the_wait_is_short() -> None:
    reach, clock = a_reach(Voter(["node2", "node3", "node4", "node5"]))
    reach.heard("node2")
    clock.now += UNREACHED_SECONDS_MAX + 0.1
    reach.heard("node3")

    error = refused(reach)
    assert error is not None
    assert "hears 2 of 5 voters, itself included, and 3 are needed" in error.detail


@pytest.mark.parametrize("votes", [True, False])
def test_with_a_majority_or_without_a_vote_it_is_longer(*, votes: bool) -> None:
    reach, clock = a_reach(Voter(["node2", "node3"], votes=votes))
    clock.now += UNREACHED_SECONDS_MAX + HEARD_SECONDS + 0.1
    if votes:
        reach.heard("node3")

    assert refused(reach) is None
    clock.now += LEADERLESS_SECONDS_MAX
    reach.heard("node3")
    assert refused(reach) is not None


def test_with_a_leader_nothing_is_refused_and_the_wait_begins_anew() -> None:
    replica = Voter(["node2", "node3"])
    reach, clock = a_reach(replica)
    replica.leader = "node2"
    clock.now += 60
    reach.look()

    assert refused(reach) is None
    replica.leader = ""
    assert refused(reach) is None
    clock.now += UNREACHED_SECONDS_MAX + 0.1
    assert refused(reach) is not None


def test_what_strangers_say_makes_no_majority() -> None:
    reach, clock = a_reach(Voter(["node2", "node3"]))
    clock.now += UNREACHED_SECONDS_MAX + 0.1
    reach.heard("watcher")

    assert refused(reach) is not None


def test_to_look_and_find_no_leader_makes_the_wait_no_longer() -> None:
    reach, clock = a_reach(Voter(["node2", "node3"]))
    for _ in range(4):
        clock.now += UNREACHED_SECONDS_MAX / 2
        reach.look()

    assert refused(reach) is not None
