"""What a vote has come to, and what a majority has acknowledged, against tables that others recorded."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path

import pytest
from recorded_quorums import cases, committed, vote

from consensus.quorum import decided, majority

FOLDER = Path(os.environ.get("REMARQUE_CONFORMANCE", "")) / "raft"
VOTES, COMMITS = FOLDER / "quorum_testdata_majority_vote.txt", FOLDER / "quorum_testdata_majority_commit.txt"

recorded = pytest.mark.skipif(
    not VOTES.is_file(), reason="REMARQUE_CONFORMANCE names no folder with raft/quorum_testdata_*.txt"
)


@pytest.mark.parametrize("voters", [1, 2, 3, 4, 5])
def test_a_vote_is_decided_exactly_when_the_silent_cannot_change_it(voters: int) -> None:
    names = [f"n{number}" for number in range(voters)]
    for said in product((True, False, None), repeat=voters):
        votes = {name: vote for name, vote in zip(names, said, strict=True) if vote is not None}
        silent = voters - len(votes)
        possible = {sum(votes.values()) + more >= majority(voters) for more in range(silent + 1)}

        assert decided(votes, voters) == (possible.pop() if len(possible) == 1 else None)


@recorded
def test_votes_are_counted_as_the_recorded_table_says() -> None:
    found, _ = cases(VOTES)

    assert {step.directives[0]: vote(step) for step in found if len(set(vote(step))) > 1} == {}
    assert len(found) >= 20


@recorded
def test_a_leader_wants_certified_what_the_recorded_table_says_is_committed() -> None:
    found, _ = cases(COMMITS)

    assert {step.directives[0]: committed(step) for step in found if len(set(committed(step))) > 1} == {}
    assert len(found) >= 15
