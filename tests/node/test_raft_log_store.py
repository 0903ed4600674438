"""The log on disk: terms, truncation, pruning and changes of voters, read back as they were written."""

from __future__ import annotations

from pathlib import Path
from sys import maxsize

import pytest
from changing import an_epoch
from hypothesis import given, settings
from hypothesis import strategies as st
from receipts import GENESIS, voters
from voting_chain import Kind

from consensus.raft_log import RaftEntry
from ledger.epochs import Epoch
from node.storage.raft_log_store import RaftLogStore
from remarque.errors import NodeCode, NodeError
from simulator.disk import Disk

STEPS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2), st.integers(0, 4)), max_size=12)
"""Each: where to truncate, by how much the term grows, how many entries follow."""


def reopened(store: RaftLogStore, path: Path) -> RaftLogStore:
    store.close()
    return RaftLogStore(path)


@settings(deadline=None, max_examples=40)
@given(STEPS)
def test_terms_are_those_of_the_entries_however_they_were_replaced(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, int]]
) -> None:
    path = tmp_path_factory.mktemp("log")
    store, terms, term = RaftLogStore(path), [0], 1
    for cut, grown, count in steps:
        term += grown
        truncate = cut if 0 < cut < len(terms) else None
        del terms[truncate or len(terms) :]
        entries = tuple(RaftEntry(len(terms) + number, term, b"data") for number in range(count))
        store.persist(term, "node1", truncate, entries)
        terms += [term] * count

        assert store.last_index() == len(terms) - 1
        store = reopened(store, path)
        assert store.last_index() == len(terms) - 1
        assert [store.term(index) for index in range(len(terms))] == terms
        assert [store.entry(index).term for index in range(1, len(terms))] == terms[1:]
    store.close()


def test_a_pruned_log_keeps_its_terms_and_says_what_it_no_longer_has(tmp_path: Path) -> None:
    store = RaftLogStore(tmp_path)
    store.persist(2, "", None, tuple(RaftEntry(index, 1 if index < 4 else 2, b"data") for index in range(1, 9)))

    store.prune(3)
    store.prune(5)

    store = reopened(store, tmp_path)
    assert store.base == 5
    assert store.last_index() == 8
    assert [store.term(index) for index in range(9)] == [0, 1, 1, 1, 2, 2, 2, 2, 2]
    assert store.entry(6).index == 6
    with pytest.raises(NodeError) as refused:
        store.entry(5)
    assert refused.value.code is NodeCode.BLOCK_PRUNED
    store.close()


def test_a_log_can_begin_above_a_snapshot(tmp_path: Path) -> None:
    store = RaftLogStore(tmp_path)
    store.begin(100, 7)
    store.persist(8, "", None, (RaftEntry(101, 7, b"data"), RaftEntry(102, 8, b"data")))

    store = reopened(store, tmp_path)

    assert (store.base, store.last_index()) == (100, 102)
    assert [store.term(index) for index in (100, 101, 102)] == [7, 7, 8]
    store.close()


@pytest.mark.parametrize(
    ("held", "promised"), [((2, "node3"), (4, "")), ((4, "node3"), (4, "node3")), ((5, ""), (5, ""))]
)
def test_blocks_of_a_newer_term_from_elsewhere_raise_the_term_and_clear_the_vote(
    tmp_path: Path, held: tuple[int, str], promised: tuple[int, str]
) -> None:
    """Else this node would lead in a term below that of its newest block, and no audit would pass its chain."""
    taken, begun = RaftLogStore(tmp_path / "taken"), RaftLogStore(tmp_path / "begun")
    taken.persist(2, "", None, (RaftEntry(1, 2, b"data"),))
    taken.persist(*held, None, (RaftEntry(2, 4, b"data"),))
    begun.begin(100, 4, (), *held)

    for store, name in ((taken, "taken"), (begun, "begun")):
        assert (store.hard_term, store.hard_vote) == promised
        again = reopened(store, tmp_path / name)
        assert (again.hard_term, again.hard_vote) == promised
        again.close()


def test_a_log_whose_term_was_left_behind_is_mended_when_it_is_opened(tmp_path: Path) -> None:
    store = RaftLogStore(tmp_path)
    store.persist(4, "", None, (RaftEntry(1, 4, b"data"),))
    store._db.put(b"hard", (2).to_bytes(8, "big") + b"node3")

    store = reopened(store, tmp_path)

    assert (store.hard_term, store.hard_vote) == (4, "")
    store.close()


def changes(*heights: int) -> list[Epoch]:
    """Changes of the voters at some heights, each to other voters."""
    sets = [GENESIS.voters, *(voters("node1", "node2", f"node{height}") for height in heights)]
    return [an_epoch(height, old, new) for height, old, new in zip(heights, sets, sets[1:], strict=False)]


def test_changes_of_voters_are_there_when_it_is_opened_again_oldest_first(tmp_path: Path) -> None:
    store, epochs = RaftLogStore(tmp_path), changes(3, 255, 256, 70_000)
    for epoch in epochs:
        store.keep_epoch(epoch)
    assert store.epochs == epochs

    store = reopened(store, tmp_path)

    assert store.epochs == epochs
    assert [store.epoch_end(index) for index in (1, 3, 4, 256, 257)] == [3, 3, 255, 256, 70_000]
    assert store.epoch_end(70_001) == maxsize
    store.close()


def test_changes_of_voters_outlive_truncation_and_pruning(tmp_path: Path) -> None:
    store, epochs = RaftLogStore(tmp_path), changes(2)
    store.persist(1, "", None, tuple(RaftEntry(index, 1, b"data") for index in range(1, 6)))
    store.keep_epoch(epochs[0])
    store.persist(2, "", 3, ())
    store.prune(3)

    assert reopened(store, tmp_path).epochs == epochs


def test_a_change_of_voters_is_durable_before_anything_is_done_about_it() -> None:
    """Else a node could hold a block of the new voters and not know, after a crash, that they vote."""
    disk = Disk(Kind())
    store = RaftLogStore(Path("log"), disk.open)
    store.persist(1, "", None, (RaftEntry(1, 1, b"data"),))
    (epoch,) = changes(1)

    store.keep_epoch(epoch)
    disk.volumes["log"].lose(disk.volumes["log"].unsynced)

    assert RaftLogStore(Path("log"), disk.open).epochs == [epoch]


def test_a_log_above_a_snapshot_knows_the_changes_of_voters_below_it(tmp_path: Path) -> None:
    store, epochs = RaftLogStore(tmp_path), changes(20, 40)
    store.begin(100, 7, tuple(epochs))
    assert store.epochs == epochs
    (later,) = changes(120)
    store.keep_epoch(later)

    store = reopened(store, tmp_path)

    assert store.epochs == [*epochs, later]
    assert [store.epoch_end(index) for index in (101, 120)] == [120, 120]
    store.close()


def test_a_damaged_log_is_not_opened(tmp_path: Path) -> None:
    """Else a vote or an endorsed block would be gone without a word."""
    store = RaftLogStore(tmp_path)
    for index in range(1, 9):
        store.persist(1, "node2", None, (RaftEntry(index, 1, b"x" * 5_000),))
    store.close()
    (file,) = tmp_path.glob("*.log")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)

    with pytest.raises(NodeError) as refused:
        RaftLogStore(tmp_path)

    assert refused.value.code is NodeCode.DATA_CORRUPT


def test_entries_that_were_dropped_raise_no_term(tmp_path: Path) -> None:
    store = RaftLogStore(tmp_path)
    store.persist(2, "", None, (RaftEntry(1, 1, b"data"), RaftEntry(2, 2, b"data")))

    store.persist(1, "node2", 2, ())

    assert (store.hard_term, store.hard_vote) == (1, "node2")
    store.close()
