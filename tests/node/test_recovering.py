"""What is on a disk, read for a recovery: in words, whatever it is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from consensus.raft_log import RaftEntry
from devnet.cluster import Cluster
from ledger.block import Certificate, Endorsement, decode_block, endorse
from ledger.recovery import RecoveryRefused
from node.chain.chain import Chain
from node.snapshots.recovering import Home
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.errors import NodeCode, NodeError
from remarque.keys.files import load_key


def test_a_block_that_is_none_is_told_in_words(tmp_path: Path) -> None:
    cluster = Cluster.create(tmp_path / "devnet", 1)
    data = cluster.home("node1") / "data"
    with closing(RaftLogStore(data / "log")) as raft_log, closing(StateStore(data / "state")):
        raft_log.persist(2**53 - 1, "", None, (RaftEntry(1, 2**53 - 1, b"no block"),))

    with pytest.raises(NodeError, match="recover from another") as refused:
        Home(cluster.home("node1")).held()

    assert refused.value.code is NodeCode.DATA_CORRUPT


SURVIVORS = ["node1", "node2"]


def four(tmp_path: Path) -> list[Path]:
    """Directories of four nodes, of which two are no majority."""
    cluster = Cluster.create(tmp_path / "devnet", 4)
    return [cluster.home(name) for name in cluster.names]


def grown(homes: list[Path], at: int, frames: Sequence[bytes], *terms: int, final: int = 0) -> tuple[bytes, ...]:
    """All blocks that a node holds now: those given, and above them its own of some terms; the first so many final."""
    home = Home(homes[at])
    name = home.config.node.name
    keys = {Home(path).config.node.name: load_key(path / home.config.node.key) for path in homes}
    found = list(frames)
    with closing(RaftLogStore(home.data / "log")) as raft_log, closing(StateStore(home.data / "state")) as state:
        chain = Chain(home.genesis, keys[name], name, raft_log, state)
        for frame in frames:
            chain.accept(decode_block(frame), None)
        found += [chain.build((), term, chain.tip.time_ms + 1) for term in terms]
        for height, frame in enumerate(found, 1):
            raft_log.persist(raft_log.hard_term, "", None, (RaftEntry(height, chain.header(height).term, frame),))
        if final:
            header = chain.hash_at(final)
            signed = tuple(Endorsement(node=one, signature=endorse(key, header)) for one, key in sorted(keys.items()))
            chain.commit(final, Certificate(height=final, header=header, endorsements=signed))
    return tuple(found)


@pytest.mark.parametrize(
    ("own", "signs"), [((), True), ((1,), True), ((1, 1, 1), True), ((1, 3), False), ((1, 2), False)]
)
def test_a_survivor_signs_unless_its_own_log_is_better(own: tuple[int, ...], signs: bool, tmp_path: Path) -> None:
    """A newer term is better than more blocks; of one term and height there may be two, if one of them lies."""
    homes = four(tmp_path)
    grown(homes, 0, (), 1, 2)
    grown(homes, 1, (), *own)
    proposed = Home(homes[0]).propose(SURVIVORS, "fire", 1)

    if signs:
        assert [one.node for one in Home(homes[1]).sign(proposed).signatures] == SURVIVORS
    else:
        with pytest.raises(NodeError) as refused:
            Home(homes[1]).sign(proposed)
        assert refused.value.code is NodeCode.RECOVERY_INVALID


def test_only_survivors_sign(tmp_path: Path) -> None:
    homes = four(tmp_path)
    grown(homes, 0, (), 1, 2)
    grown(homes, 2, (), 1)
    proposed = Home(homes[0]).propose(SURVIVORS, "fire", 1)

    with pytest.raises(NodeError, match="not one of its survivors"):
        Home(homes[2]).sign(proposed)


@pytest.mark.parametrize(("final", "installs"), [(0, True), (2, True), (3, False)])
def test_what_never_was_final_is_dropped_above_a_recovery(final: int, installs: bool, tmp_path: Path) -> None:
    homes = four(tmp_path)
    shared = grown(homes, 0, (), 1, 2)
    grown(homes, 1, shared)
    signed = Home(homes[1]).sign(Home(homes[0]).propose(SURVIVORS, "fire", 1))
    with closing(RaftLogStore(homes[1] / "data" / "log")) as raft_log:
        raft_log.persist(raft_log.hard_term, "", 1, ())
    grown(homes, 1, shared, 2, final=final)

    if installs:
        Home(homes[1]).install(signed)
    else:
        with pytest.raises(NodeError, match="knows block 3 to be final"):
            Home(homes[1]).install(signed)

    held = Home(homes[1]).held()
    assert (held.height, held.recoveries) == ((2, 1) if installs else (3, 0))


def test_a_recovery_that_not_all_survivors_signed_is_not_put_in_force(tmp_path: Path) -> None:
    homes = four(tmp_path)
    grown(homes, 0, (), 1, 2)

    with pytest.raises(RecoveryRefused, match="node2 has not signed"):
        Home(homes[0]).install(Home(homes[0]).propose(SURVIVORS, "fire", 1))

    assert Home(homes[0]).held().recoveries == 0
