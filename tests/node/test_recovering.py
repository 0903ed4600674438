"""What is on a disk, read for a recovery: in words, whatever it is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from consensus.raft_log import RaftEntry
from devnet.cluster import Cluster
from ledger.block import Certificate, Endorsement, Voters, decode_block, endorse
from ledger.epochs import Epoch
from ledger.genesis import genesis_header
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


def changed(homes: list[Path], *left: str) -> Epoch:
    """Every node's disk says that the voters changed at block 1, to those who are left."""
    opened = [Home(path) for path in homes]
    genesis = opened[0].genesis
    voters = Voters(voters=tuple(voter for voter in genesis.voters.voters if voter.node in left))
    header = replace(genesis_header(genesis), height=1, next_voters_digest=voters.digest)
    keys = {
        home.config.node.name: load_key(path / home.config.node.key) for path, home in zip(homes, opened, strict=True)
    }
    signed = tuple(Endorsement(node=one, signature=endorse(key, header.hash)) for one, key in sorted(keys.items()))
    proof = Certificate(height=1, header=header.hash, endorsements=signed)
    epoch = Epoch(header=header, certificate=proof, voters=voters)
    for path in homes:
        if (path / "data" / "log").exists():
            keep(path, epoch)
    return epoch


def keep(path: Path, epoch: Epoch) -> None:
    with closing(RaftLogStore(path / "data" / "log")) as raft_log:
        raft_log.keep_epoch(epoch)


def test_a_recovery_is_by_those_who_vote_since_the_voters_changed(tmp_path: Path) -> None:
    homes = four(tmp_path)
    grown(homes, 3, grown(homes, 0, (), 1, 2))
    epoch = changed(homes, "node1", "node2", "node3")

    assert [Home(homes[at]).held().votes for at in (0, 3)] == [True, False]
    with pytest.raises(RecoveryRefused, match="are a majority"):
        Home(homes[0]).propose(SURVIVORS, "fire", 1)
    signed = Home(homes[0]).propose(["node1"], "fire", 1)
    assert (signed.epochs, signed.recovery.lost) == ((epoch,), ("node2", "node3"))
    Home(homes[0]).install(signed)
    assert Home(homes[0]).recoveries == (signed,)
    assert (Home(homes[0]).held().votes, Home(homes[0]).held().recoveries) == (True, 1)


def test_a_survivor_signs_no_recovery_that_leaves_out_a_change_it_knows_to_be_final(tmp_path: Path) -> None:
    homes = four(tmp_path)
    grown(homes, 1, grown(homes, 0, (), 1, 2))
    proposed = Home(homes[0]).propose(SURVIVORS, "fire", 1)
    changed(homes, "node1", "node2", "node4")

    with pytest.raises(NodeError, match="does not count"):
        Home(homes[1]).sign(proposed)


def test_no_recovery_from_below_a_change_of_voters_is_put_in_force(tmp_path: Path) -> None:
    homes = four(tmp_path)
    for home in homes[:2]:
        with closing(RaftLogStore(home / "data" / "log")), closing(StateStore(home / "data" / "state")):
            pass
    signed = Home(homes[1]).sign(Home(homes[0]).propose(SURVIVORS, "fire", 1))
    changed(homes, "node1", "node2", "node4")

    with pytest.raises(NodeError, match="knows voters to have changed above block 0"):
        Home(homes[1]).install(signed)
    assert Home(homes[1]).held().recoveries == 0


def test_changes_of_voters_on_a_disk_that_do_not_hold_are_told(tmp_path: Path) -> None:
    homes = four(tmp_path)
    grown(homes, 0, (), 1, 2)
    epoch = changed(homes, "node1", "node2", "node3")
    keep(homes[0], replace(epoch, header=replace(epoch.header, height=2)))

    with pytest.raises(NodeError, match="recover from another node") as refused:
        Home(homes[0]).held()
    assert refused.value.code is NodeCode.DATA_CORRUPT
