"""Seeds of whole clusters: whatever befalls them, what must hold holds, and once it is over they go on."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter

import pytest

from simulator.faults import ALL, COUNTED, NOT_READY, VOTERS
from simulator.running import ran, replay
from simulator.world import SECONDS, World

SEEDS = 300
TOGETHER = 50
FLOOR = 7
"""How often each kind of fault befalls every so many seeds, at least: six times as often in all."""
FLOORS = {"disk damaged": 4, VOTERS: 50, NOT_READY: 30}
"""Other floors: a disk is damaged where voters do not change, and those change often."""


def run_some(first: int) -> Counter[str]:
    """Faults that some seeds met, none of which may fail."""
    met: Counter[str] = Counter()
    for seed in range(first, first + TOGETHER):
        done = ran(seed)
        assert not done.violation, f"{done.trace}\n{done.violation}\n{replay(seed, SECONDS)}"
        met += done.faults
    return met


@pytest.mark.parametrize("first", range(0, SEEDS, TOGETHER))
def test_what_must_hold_holds_under_every_kind_of_fault(first: int) -> None:
    met = run_some(first)

    rare = {fault: met[fault] for fault in (*ALL, *COUNTED) if met[fault] < FLOORS.get(fault, FLOOR)}
    assert rare == {}


def test_a_seed_runs_the_same_way_whatever_python_hashes_by() -> None:
    told = "from simulator.world import World; w = World(4); w.run(); print(w.digest, w.events)"

    found = {
        subprocess.run(
            [sys.executable, "-c", told],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(found) == 1


@pytest.mark.parametrize("seed", range(5))
def test_without_faults_one_leader_is_elected_and_stays(seed: int) -> None:
    world = World(seed, quiet=True)

    async def story() -> None:
        await world.until_level()
        for _ in range(200):
            assert await world.clients.one()
        await world.sleep(20)
        assert await world.clients.one()

    world.run(story)

    assert len(world.invariants.leaders) == 1
    assert len(world.clients.acknowledged) == 202


@pytest.mark.parametrize("seed", range(5))
def test_a_node_that_was_cut_off_does_not_disturb_the_others_when_it_returns(seed: int) -> None:
    world = World(seed, size=3, quiet=True)

    async def story() -> None:
        await world.until_level()
        alone = next(name for name, node in world.nodes.items() if not node.driver.leading)
        for other in world.nodes:
            world.network.cut |= {(alone, other): "cut", (other, alone): "cut"}
        await world.sleep(20)
        assert not world.nodes[alone].driver.freshness.ready
        world.network.cut.clear()
        await world.until_level()

    world.run(story)

    assert len(world.invariants.leaders) == 1


@pytest.mark.parametrize("seed", range(5))
def test_a_leader_that_reaches_no_majority_steps_down_and_the_others_go_on(seed: int) -> None:
    world = World(seed, size=5, quiet=True)

    async def story() -> None:
        await world.until_level()
        leader = next(node for node in world.nodes.values() if node.driver.leading)
        partner = next(name for name in world.nodes if name != leader.name)
        for inside in (leader.name, partner):
            for outside in set(world.nodes) - {leader.name, partner}:
                world.network.cut |= {(inside, outside): "cut", (outside, inside): "cut"}
        before = leader.chain.committed.height
        await world.sleep(5)
        assert not leader.driver.leading
        assert max(node.chain.committed.height for node in world.nodes.values()) > before
        world.network.cut.clear()
        await world.until_level()

    world.run(story)


@pytest.mark.parametrize("seed", range(20))
def test_a_leader_that_is_stopped_hands_over_without_an_election_timeout(seed: int) -> None:
    world = World(seed, size=3 + 2 * (seed % 2), quiet=True)
    world.network.weather.seconds = 0.001

    async def story() -> None:
        await world.until_level()
        for _ in range(len(world.nodes) // 2):
            leader = next(node for node in world.nodes.values() if node.driver.leading)
            asked = [world.loop.create_task(world.clients.one()) for _ in range(20)]
            await world.sleep(0.001)
            stopped = world.now()
            await leader.retire()
            assert all(await asyncio.gather(*asked))
            assert sum(node.driver.leading for node in world.nodes.values() if node.alive) == 1
            assert world.now() - stopped < 0.1

    world.run(story)


@pytest.mark.soak
@pytest.mark.parametrize("first", range(1_000, 21_000, TOGETHER))
def test_many_more_seeds(first: int) -> None:
    run_some(first)
