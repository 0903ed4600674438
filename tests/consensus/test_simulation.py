"""Seeds for clusters: whatever the network and the power do, what is final stays, and after it the cluster goes on."""

from __future__ import annotations

import pytest
from simulation import World


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(16))
def test_what_is_final_stays_final_and_the_cluster_goes_on(seed: int, size: int) -> None:
    world = World(seed, size)
    world.run(2_500)
    before = max(world.final, default=0)

    world.heal()
    world.settle()
    world.propose()
    world.settle(60)

    leader = world.leader
    assert leader is not None, "a leader is found once faults end"
    assert max(world.final) > before
    assert {node.disk.applied for node in world.nodes.values()} == {leader.disk.last_index()}
    assert len({node.disk.history(leader.disk.last_index()) for node in world.nodes.values()}) == 1


def test_the_same_seed_gives_the_same_run() -> None:
    first, second = World(7), World(7)
    first.run(1_500)
    second.run(1_500)

    assert first.final == second.final
    assert first.leaders == second.leaders


@pytest.mark.parametrize("seed", range(10))
def test_without_faults_one_leader_is_elected_and_stays(seed: int) -> None:
    world = World(seed, faults=False)
    world.settle(100)
    elections = world.elections
    for _ in range(50):
        world.propose()
        world.settle(10)

    assert elections >= 1
    assert world.elections == elections
    assert max(world.final) >= 50


@pytest.mark.parametrize("seed", range(10))
def test_a_node_that_was_cut_off_does_not_disturb_the_others_when_it_returns(seed: int) -> None:
    world = World(seed, faults=False)
    world.settle(100)
    leader = world.leader
    assert leader is not None
    lonely = next(name for name in world.names if name != leader.name)
    world.cut = {(lonely, name) for name in world.names} | {(name, lonely) for name in world.names}
    world.settle(200)
    elections = world.elections
    world.cut.clear()
    world.settle(100)

    assert world.elections == elections
    assert world.leader is leader


@pytest.mark.parametrize("seed", range(10))
def test_a_leader_that_reaches_no_majority_steps_down(seed: int) -> None:
    world = World(seed, faults=False)
    world.settle(100)
    old = world.leader
    assert old is not None
    world.cut = {(old.name, name) for name in world.names}
    world.settle(200)
    world.propose()
    world.settle(20)

    assert world.leader is not old
    assert old.replica is not None
    assert old.replica.role.value != "leader"


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1_000, 1_400))
def test_many_more_seeds(seed: int) -> None:
    test_what_is_final_stays_final_and_the_cluster_goes_on(seed, 3 + seed % 3)
