from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.merkle_log import EMPTY_ROOT, MerkleLog, leaf_hash, root_from_path

LEAVES = [leaf_hash(str(number).encode()) for number in range(130)]


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def a_log(size: int) -> MerkleLog:
    log = MerkleLog()
    for leaf in LEAVES[:size]:
        log.append(leaf)
    return log


def test_the_empty_log_has_the_root_of_the_standard() -> None:
    assert MerkleLog().root() == EMPTY_ROOT == naive_root([])


@pytest.mark.parametrize("size", range(1, 130))
def test_every_size_has_the_root_of_the_standard(size: int) -> None:
    assert a_log(size).root() == naive_root(LEAVES[:size])


def test_a_log_knows_the_roots_it_had() -> None:
    log = a_log(130)

    assert [log.root(size) for size in range(131)] == [naive_root(LEAVES[:size]) for size in range(131)]


@given(st.integers(1, 130), st.data())
def test_a_path_leads_to_the_root_and_from_nowhere_else(size: int, data: st.DataObject) -> None:
    log = a_log(130)
    index = data.draw(st.integers(0, size - 1))

    path = log.inclusion_path(index, size)

    assert root_from_path(LEAVES[index], index, size, path) == log.root(size)
    other = data.draw(st.integers(0, size + 3))
    if other != index:
        assert root_from_path(LEAVES[index], other, size, path) != log.root(size)
    assert root_from_path(LEAVES[index], index, size, [*path, LEAVES[0]]) != log.root(size)
    if path:
        assert root_from_path(LEAVES[index], index, size, path[:-1]) != log.root(size)
        assert root_from_path(LEAVES[index], index, size, path[::-1]) != log.root(size) or path == path[::-1]


@given(st.integers(0, 130), st.integers(0, 130))
def test_truncation_is_as_if_the_leaves_had_never_been(size: int, cut: int) -> None:
    log = a_log(max(size, cut))
    log.truncate(min(size, cut))
    for leaf in LEAVES[min(size, cut) : max(size, cut)]:
        log.append(leaf)

    assert log.root() == naive_root(LEAVES[: max(size, cut)])
