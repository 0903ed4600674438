"""What a vote has come to, against a table that others recorded (etcd-io/raft, `quorum/testdata`)."""

from __future__ import annotations

import os
import re
from itertools import product
from pathlib import Path

import pytest

from consensus.quorum import decided, majority

TABLE = Path(os.environ.get("REMARQUE_CONFORMANCE", "")) / "raft" / "quorum_testdata_majority_vote.txt"
WORDS = {"VoteWon": True, "VoteLost": False, "VotePending": None}


@pytest.mark.parametrize("voters", [1, 2, 3, 4, 5])
def test_a_vote_is_decided_exactly_when_the_silent_cannot_change_it(voters: int) -> None:
    names = [f"n{number}" for number in range(voters)]
    for said in product((True, False, None), repeat=voters):
        votes = {name: vote for name, vote in zip(names, said, strict=True) if vote is not None}
        silent = voters - len(votes)
        possible = {sum(votes.values()) + more >= majority(voters) for more in range(silent + 1)}

        assert decided(votes, voters) == (possible.pop() if len(possible) == 1 else None)


@pytest.mark.skipif(not TABLE.is_file(), reason="REMARQUE_CONFORMANCE names no folder with raft/quorum_testdata_*.txt")
def test_votes_are_counted_as_the_recorded_table_says() -> None:
    """All cases but that of no voters at all, which a replica cannot have."""
    cases = re.findall(r"vote cfg=\(([\d,]+)\) votes=\((.*)\)\n----\n(\w+)", TABLE.read_text())
    for voters, said, word in cases:
        names = voters.split(",")
        votes = {name: vote == "y" for name, vote in zip(names, said.split(","), strict=True) if vote != "_"}

        assert decided(votes, len(names)) is WORDS[word], f"voters {voters}, votes {said}"
    assert len(cases) >= 20
