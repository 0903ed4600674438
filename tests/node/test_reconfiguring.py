"""Before a leader proposes other voters it looks whether the cluster would go on, and says what is amiss."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest
from levels_said import level_at
from receipts import voters
from voting_chain import NEW, VotingChain

from ledger.block import Voters
from ledger.transaction import SignedTransaction
from node.chain.level import Level
from node.ordering.reconfiguring import BEHIND_MAX, FOUND_SECONDS, LOOK_SECONDS, REFUSED_SECONDS, Reconfiguring
from remarque.errors import NodeCode, NodeError
from simulator.loop import SimulatedLoop

HEIGHT = 500
FOUR = voters("node1", "node2", "node3", NEW)
LOOKED = LOOK_SECONDS + 0.5
"""Seconds after which it has looked for long enough."""


class Waiting:
    """Stands for the mempool: what came back, and what was refused."""

    def __init__(self) -> None:
        self.back: list[str] = []
        self.refused: dict[str, NodeError] = {}

    def put_back(self, transactions: list[SignedTransaction]) -> None:
        self.back += [signed.id for signed in transactions]

    def refuse(self, transaction: str, error: NodeError) -> None:
        self.refused[transaction] = error


class Leading:
    """A leader, node1 of three voters, whom node2 and node3 answer, with what it knows; any of it may be changed."""

    def __init__(self) -> None:
        self.loop = SimulatedLoop()
        self.chain = SimpleNamespace(node="node1", committed=SimpleNamespace(height=HEIGHT))
        self.replica = SimpleNamespace(
            leader="node1", term=4, config=SimpleNamespace(voters=("node1", "node2", "node3"))
        )
        self.settled = True
        self.answering = {"node1", "node2", "node3"}
        self.heights: dict[str, int | None] = {NEW: HEIGHT}
        self.reaches = ["node1", "node2", "node3"]
        self.asked: list[str] = []
        self.stepped_aside = 0
        self.mempool = Waiting()
        self.reconfiguring = Reconfiguring(
            self.chain,  # type: ignore[arg-type]
            self.replica,  # type: ignore[arg-type]
            SimpleNamespace(settled=lambda term: self.settled and term == 4, answering=lambda: set(self.answering)),  # type: ignore[arg-type]
            self.mempool,  # type: ignore[arg-type]
            self._step_aside,
            self.loop.time,
        )
        self.reconfiguring.level = self._level

    async def _level(self, node: str) -> Level | None:
        self.asked.append(node)
        height = self.heights.get(node)
        return None if height is None else level_at(height, *self.reaches)

    async def _step_aside(self) -> None:
        self.stepped_aside += 1

    def run(self, story: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            self.loop.run_until_complete(story())
        finally:
            self.loop.close()


CHAIN = VotingChain()
CHANGE, ANOTHER = CHAIN.voting(NEW, votes=True), CHAIN.voting("node3", votes=False)


@pytest.fixture
def leading() -> Leading:
    return Leading()


def fault(leading: Leading, after: Voters) -> str:
    """Why a change is refused; empty if it may be made."""

    async def story() -> None:
        assert not leading.reconfiguring.may(CHANGE, after)
        await asyncio.sleep(LOOKED)

    leading.run(story)
    refused = leading.mempool.refused.get(CHANGE.id)
    assert (refused is None) is (leading.mempool.back == [CHANGE.id])
    assert refused is None or refused.code is NodeCode.VOTERS_NOT_READY
    return "" if refused is None else str(refused)


def test_a_change_that_can_be_made_goes_into_a_block_once_that_is_seen(leading: Leading) -> None:
    async def story() -> None:
        assert not leading.reconfiguring.may(CHANGE, FOUR)
        await asyncio.sleep(0.001)
        assert leading.mempool.back == [CHANGE.id]
        assert leading.reconfiguring.may(CHANGE, FOUR)
        assert not leading.mempool.refused

    leading.run(story)
    assert leading.asked == [NEW]


def test_what_was_seen_is_of_one_transaction_and_one_set_and_soon_old(leading: Leading) -> None:
    async def story() -> None:
        for signed, after in ((CHANGE, FOUR), (ANOTHER, FOUR), (CHANGE, voters("node1", "node2", NEW))):
            assert not leading.reconfiguring.may(signed, after)
            await asyncio.sleep(0.001)
            assert leading.reconfiguring.may(signed, after)
        await asyncio.sleep(FOUND_SECONDS)
        assert not leading.reconfiguring.may(CHANGE, FOUR)

    leading.run(story)


def test_it_waits_a_moment_for_what_does_not_hold_yet(leading: Leading) -> None:
    leading.settled = False

    async def story() -> None:
        assert not leading.reconfiguring.may(CHANGE, FOUR)
        await asyncio.sleep(LOOK_SECONDS / 2)
        assert (leading.mempool.back, leading.mempool.refused) == ([], {})
        leading.settled = True
        await asyncio.sleep(LOOK_SECONDS / 2)
        assert leading.mempool.back == [CHANGE.id]

    leading.run(story)


def test_nothing_changes_before_a_block_of_the_leaders_term_is_final(leading: Leading) -> None:
    """Ongaro, 2015: else two leaders may change two nodes, each by majorities that the other lacks."""
    leading.settled = False

    assert "first block is not final yet" in fault(leading, FOUR)


def test_a_leader_that_is_to_leave_steps_aside(leading: Leading) -> None:
    assert "node1 leads, and no other voter could take over" in fault(leading, voters("node2", "node3"))
    assert leading.stepped_aside > 0


def test_who_is_to_vote_has_to_answer(leading: Leading) -> None:
    leading.heights = {}

    assert f"{NEW} does not answer this leader" in fault(leading, FOUR)


@pytest.mark.parametrize("unasked", [True, False])
def test_who_votes_already_is_not_asked_and_nobody_is_without_a_network(leading: Leading, *, unasked: bool) -> None:
    if unasked:
        leading.reconfiguring.level = None
        assert "does not answer this leader" in fault(leading, FOUR)
    else:
        assert fault(leading, voters("node1", "node2")) == ""
    assert leading.asked == []


@pytest.mark.parametrize(("lacks", "refused"), [(BEHIND_MAX, False), (BEHIND_MAX + 1, True), (-5, False)])
def test_who_is_to_vote_has_all_blocks_but_a_few(leading: Leading, lacks: int, *, refused: bool) -> None:
    leading.heights = {NEW: HEIGHT - lacks}

    told = fault(leading, FOUR)

    assert bool(told) is refused
    assert not refused or f"{NEW} is {BEHIND_MAX + 1} blocks behind" in told


@pytest.mark.parametrize(
    ("answering", "after", "told"),
    [
        ({"node1", "node2"}, FOUR, ""),
        ({"node1"}, FOUR, "node2, node3 would vote and does not answer, and 3 of 4 would have to answer"),
        ({"node1"}, voters("node1", "node2"), "node2 would vote and does not answer, and 2 of 2"),
        ({"node1", "node3"}, voters("node1", "node2"), "node2 would vote and does not answer, and 2 of 2"),
        ({"node1", "node3"}, voters("node1", "node3"), ""),
        ({"node1"}, voters("node1"), ""),
    ],
)
def test_without_a_majority_of_the_new_voters_nothing_changes(
    leading: Leading, answering: set[str], after: Voters, told: str
) -> None:
    """Who leaves counts for nothing, and who is new and level counts."""
    leading.answering = answering

    found = fault(leading, after)

    assert told in found
    assert bool(found) is bool(told)


@pytest.mark.parametrize(
    ("reaches", "told"),
    [
        (["node1", "node2"], ""),
        (["node1"], f"{NEW} reaches node1 of those who vote"),
        (["node2", "node3"], f"{NEW} reaches node2, node3 of those who vote"),
        (["node1", "node9"], f"{NEW} reaches node1, node9 of those who vote"),
        ([], f"{NEW} reaches none of those who vote"),
    ],
)
def test_who_is_to_vote_reaches_this_leader_and_makes_a_majority_with_those_it_reaches(
    leading: Leading, reaches: list[str], told: str
) -> None:
    leading.reaches = reaches

    found = fault(leading, FOUR)

    assert told in found
    assert bool(found) is bool(told)


def test_a_leader_that_cannot_look_refuses(leading: Leading) -> None:
    async def broken(node: str) -> Level | None:
        raise OSError("no more files")

    async def story() -> None:
        leading.reconfiguring.level = broken
        assert not leading.reconfiguring.may(CHANGE, FOUR)
        await asyncio.sleep(0.001)
        assert "this leader could not look" in str(leading.mempool.refused[CHANGE.id])

    leading.run(story)


def test_a_second_change_meanwhile_is_refused(leading: Leading) -> None:
    leading.settled = False

    async def story() -> None:
        assert not leading.reconfiguring.may(CHANGE, FOUR)
        assert not leading.reconfiguring.may(ANOTHER, voters("node1", "node2"))
        refused = leading.mempool.refused[ANOTHER.id]
        assert "another change of the voters is under way" in str(refused)
        leading.settled = True
        await asyncio.sleep(LOOKED)
        assert leading.mempool.back == [CHANGE.id]
        assert not leading.reconfiguring.may(ANOTHER, voters("node1", "node2"))
        await asyncio.sleep(0.001)
        assert leading.mempool.back == [CHANGE.id, ANOTHER.id]

    leading.run(story)


def test_the_member_that_forwarded_it_hears_a_refusal_for_a_while(leading: Leading) -> None:
    leading.settled = False

    async def story() -> None:
        leading.reconfiguring.check(CHANGE.id)
        leading.reconfiguring.may(CHANGE, FOUR)
        await asyncio.sleep(LOOKED)
        leading.reconfiguring.check(ANOTHER.id)
        with pytest.raises(NodeError, match="VOTERS_NOT_READY"):
            leading.reconfiguring.check(CHANGE.id)
        await asyncio.sleep(REFUSED_SECONDS)
        leading.reconfiguring.check(CHANGE.id)

    leading.run(story)


def test_who_leads_no_more_refuses_nothing_and_leaves_it_to_the_next_leader(leading: Leading) -> None:
    leading.settled = False

    async def story() -> None:
        leading.reconfiguring.may(CHANGE, FOUR)
        await asyncio.sleep(LOOK_SECONDS / 2)
        leading.replica.leader = "node2"
        await asyncio.sleep(0.2)
        assert (leading.mempool.back, leading.mempool.refused) == ([CHANGE.id], {})
        leading.reconfiguring.check(CHANGE.id)
        leading.replica.leader = "node1"
        assert not leading.reconfiguring.may(CHANGE, FOUR)

    leading.run(story)


def test_once_it_is_closed_it_looks_no_more(leading: Leading) -> None:
    leading.settled = False

    async def story() -> None:
        leading.reconfiguring.may(CHANGE, FOUR)
        await asyncio.sleep(0.001)
        leading.reconfiguring.close()
        await asyncio.sleep(LOOKED)
        assert (leading.mempool.back, leading.mempool.refused) == ([], {})

    leading.run(story)
