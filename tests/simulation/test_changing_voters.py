"""Stories of clusters whose voters change: what is asked of which node, and how the cluster goes on."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ledger.actions import AddNode, AnyAction, Propose, RemoveNode
from ledger.governance import ReplaceNode, SetVoter
from ledger.node_certificate import make_certificate
from node.ordering.reconfiguring import LOOK_SECONDS
from remarque.errors import NodeCode, NodeError
from simulator.clients import VALID_MS
from simulator.consortium import administered, genesis_of, key_of
from simulator.faults import NOT_READY
from simulator.node import SimulatedNode
from simulator.world import World

SEEDS = range(3)


class Story(World):
    """A quiet world with an administrator."""

    def __init__(self, seed: int, size: int, spare: int) -> None:
        super().__init__(seed, size=size, spare=spare, quiet=True)
        self.network.weather.seconds = 0.001
        self._genesis = genesis_of(size)
        self._asked = 0

    def go(self, story: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a story that begins when every node is level and known."""

        async def whole() -> None:
            self.start(self._watch())
            await self.until_level()
            for name in self.names:
                if self._genesis.voters.key(name) is None:
                    key = key_of(name)
                    certificate = make_certificate(key).hex()
                    await self.ask(self.leader, AddNode(node=name, key=key.public, certificate=certificate))
            await self.until_level()
            await story()

        self.run(whole)

    async def ask(self, by: SimulatedNode, ask: AnyAction) -> None:
        """Have the administrator ask for something by way of a node, until it is final."""
        self._asked += 1
        until_ms = by.chain.committed.time_ms + VALID_MS
        await by.submitter.commit(administered(self._genesis, self._asked, ask, until_ms))

    async def change(self, by: SimulatedNode, change: SetVoter | ReplaceNode) -> None:
        """Have the voters changed."""
        until_ms = by.chain.committed.time_ms + VALID_MS
        await self.ask(by, Propose(changes=(change,), until_ms=until_ms))

    def down(self, name: str) -> None:
        """Stop a node, until the story starts it again."""
        node = self.nodes[name]
        node.alive = False
        node.disk.life += 1

    @property
    def leader(self) -> SimulatedNode:
        return next(node for node in self.nodes.values() if node.alive and node.driver.leading)

    @property
    def follower(self) -> SimulatedNode:
        """A voter that does not lead."""
        return next(
            node
            for node in self.nodes.values()
            if node.alive and node.driver.replica.votes_here and not node.driver.leading
        )

    def voters(self) -> list[str]:
        return [voter.node for voter in self.leader.chain.voters.voters]


@pytest.mark.parametrize("seed", SEEDS)
def test_after_a_change_the_leader_opens_the_epoch_although_nobody_sends_anything(seed: int) -> None:
    """What is proposed next has to be certified by the new voters, so it is seen at once whether they do."""
    story = Story(seed, size=3, spare=1)

    async def told() -> None:
        leader = story.leader
        await story.change(leader, SetVoter(node="node4", votes=True))
        await story.sleep(0.1)
        end, opening = (leader.chain.header(leader.chain.committed.height + place) for place in (-1, 0))
        assert end.next_voters_digest == opening.voters_digest != end.voters_digest
        assert leader.chain.finals.at(opening.height).block.transactions == ()
        assert story.leader is leader
        assert story.voters() == ["node1", "node2", "node3", "node4"]
        await story.until_level()

    story.go(told)
    assert len(story.invariants.leaders) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_leader_that_is_to_leave_lets_another_make_the_change(seed: int) -> None:
    story = Story(seed, size=3, spare=1)

    async def told() -> None:
        leader = story.leader
        await story.change(story.follower, SetVoter(node=leader.name, votes=False))
        assert story.leader is not leader
        assert leader.name not in story.voters()
        change = next(iter(story.leader.chain.sets.epochs)).header
        assert change.proposer == story.leader.name
        await story.until_level()
        assert not leader.driver.replica.votes_here
        assert not leader.driver.replica.resigning
        await story.change(leader, SetVoter(node=leader.name, votes=True))
        await story.until_level()
        assert leader.driver.replica.votes_here

    story.go(told)
    assert len(story.invariants.leaders) == 2


@pytest.mark.parametrize("size", [2, 3])
def test_a_change_that_would_leave_no_majority_is_refused_and_the_member_that_forwarded_it_hears(size: int) -> None:
    """Of three voters one is down; without another that lives, two are to be left, and neither may be missing."""
    story = Story(1, size=size, spare=1)

    async def refused() -> None:
        by, down = story.follower, story.names[-1]
        change = SetVoter(node=down, votes=True)
        if size == 3:
            down = next(name for name in story.names[:3] if name not in (story.leader.name, by.name))
            change = SetVoter(node=by.name, votes=False)
        story.down(down)
        await story.sleep(2)
        asked = story.now()
        with pytest.raises(NodeError) as ended:
            await story.change(by, change)
        assert ended.value.code is NodeCode.VOTERS_NOT_READY
        assert down in str(ended.value)
        assert story.now() - asked < LOOK_SECONDS + 1
        assert story.leader.chain.sets.epochs == ()
        story.nodes[down].start()
        await story.until_level()
        await story.change(by, change)
        await story.until_level()

    story.go(refused)
    assert story.faults_met[NOT_READY] == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_key_is_rotated_by_a_node_that_takes_anothers_place(seed: int) -> None:
    story = Story(seed, size=3, spare=1)

    async def told() -> None:
        gone = story.follower
        await story.change(story.leader, ReplaceNode(node=gone.name, by="node4"))
        assert story.voters() == ["node1", "node2", "node3", "node4"]
        await story.ask(story.leader, RemoveNode(node=gone.name))
        assert story.voters() == sorted({"node1", "node2", "node3", "node4"} - {gone.name})
        await story.until_level()
        assert not gone.driver.replica.votes_here

    story.go(told)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_voter_becomes_seven_and_then_one_again(seed: int) -> None:
    story = Story(seed, size=1, spare=6)

    async def told() -> None:
        for name in story.names[1:]:
            await story.change(story.leader, SetVoter(node=name, votes=True))
        assert story.voters() == story.names
        await story.until_level()
        for name in story.names[:-1]:
            await story.change(story.leader, SetVoter(node=name, votes=False))
        assert story.voters() == ["node7"]
        await story.until_level()
        assert len(story.leader.chain.sets.epochs) == 12

    story.go(told)
