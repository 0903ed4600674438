from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import InvariantBroken
from ledger.merkle_log import EMPTY_ROOT, LeavesUnknown, MerkleLog, leaf_hash, root_from_path

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


@given(st.integers(0, 130), st.lists(st.integers(0, 60), max_size=4))
def test_leaves_may_be_added_many_at_a_time(start: int, steps: list[int]) -> None:
    log, size = a_log(start), start
    for step in steps:
        step = min(step, 130 - size)
        log.extend(b"".join(LEAVES[size : size + step]))
        size += step

    assert [log.root(one) for one in range(size + 1)] == [naive_root(LEAVES[:one]) for one in range(size + 1)]


@given(st.integers(0, 130), st.integers(0, 130), st.integers(0, 130))
def test_a_log_that_begins_with_peaks_goes_on_as_the_whole_one_would(base: int, size: int, cut: int) -> None:
    base, cut, size = sorted((base, size, cut))
    log = MerkleLog(base, a_log(130).peaks(base))
    assert log.size == base
    assert log.peaks(base) == a_log(base).peaks(base)
    log.extend(b"".join(LEAVES[base:size]))
    log.truncate(cut)
    for leaf in LEAVES[cut:]:
        log.append(leaf)

    whole = a_log(130)
    assert [log.root(one) for one in range(base, 131)] == [whole.root(one) for one in range(base, 131)]
    for index in range(base, 130):
        assert log.inclusion_path(index, 130) == whole.inclusion_path(index, 130)
    if base > 1:
        with pytest.raises(LeavesUnknown):
            log.inclusion_path(0, 130)
    with pytest.raises(InvariantBroken):
        log.truncate(base - 1)
