"""The log on disk: terms, truncation and pruning, read back as they were written."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.raft_log import RaftEntry
from node.storage.raft_log_store import RaftLogStore
from remarque.errors import NodeCode, NodeError

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
