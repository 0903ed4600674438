"""Quorum tables that etcd-io/raft recorded: what a vote has come to, and what a majority has acknowledged.

The first are put to `consensus.quorum`. Consensus has no function for the second: a leader asks for a certificate as
soon as a majority has endorsed an entry, so a leader is told who endorsed how much.
"""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

from replicas import Disk
from steps import Step, steps

from consensus.inputs import Endorsed, Persisted, ProposeEntry, Receive, Tick
from consensus.messages import AppendReply, Result, VoteReply
from consensus.outputs import AnyOutput, Certify
from consensus.quorum import decided
from consensus.replica import Replica
from consensus.replica_state import ReplicaConfig, Role

WORDS = {"VoteWon": True, "VoteLost": False, "VotePending": None}
NO_VOTERS = "one without voters, which no cluster is"


def cases(file: Path) -> tuple[list[Step], int]:
    """The cases of a table that have voters, and how many it has in all."""
    found = steps(file.read_text(encoding="utf-8"))
    return [step for step in found if "cfg=" in step.directives[0]], len(found)


def _given(step: Step, field: str) -> list[str]:
    """The values of a field such as `idx=(12, 5, _)`."""
    (values,) = re.findall(rf"{field}=\(([^)]*)\)", step.directives[0])
    return [value.strip() for value in values.split(",")]


def vote(step: Step) -> tuple[bool | None, bool | None]:
    """What a vote has come to as it was recorded, and here."""
    names, said = _given(step, "cfg"), _given(step, "votes")
    votes = {name: vote == "y" for name, vote in zip(names, said, strict=True) if vote != "_"}
    return WORDS[step.expected[-1]], decided(votes, len(names))


def committed(step: Step) -> tuple[int, int]:
    """Up to where a majority has acknowledged, as it was recorded, and what a leader here wants certified."""
    names, said = _given(step, "cfg"), _given(step, "idx")
    endorsed = {name: int(index) for name, index in zip(names, said, strict=True) if index != "_"}
    leader = _leader(tuple(names), max(endorsed.values(), default=1))
    asked: list[AnyOutput] = []
    for name, index in endorsed.items():
        signatures = tuple((place, name.encode()) for place in range(1, index + 1))
        if name == leader.config.name:
            asked += leader.step(Endorsed(signatures))
        else:
            reply = AppendReply(
                term=leader.term, sender=name, result=Result.ACCEPTED, index=index, endorsements=signatures
            )
            asked += leader.step(Receive(reply))
    return int(step.expected[-1]), max((one.index for one in asked if isinstance(one, Certify)), default=0)


def _leader(names: tuple[str, ...], last: int) -> Replica:
    """The first of the names, leading with a log of entries of its own term."""
    replica = Replica(ReplicaConfig(name=names[0], voters=names), Disk(), 0, "", 0, Random(1))
    while replica.role is Role.FOLLOWER:
        replica.step(Tick())
    for probe in (True, False):
        for name in names[1:]:
            replica.step(Receive(VoteReply(term=1, sender=name, granted=True, probe=probe)))
    for _ in range(last):
        replica.step(ProposeEntry(b""))
        replica.step(Persisted())
    return replica
