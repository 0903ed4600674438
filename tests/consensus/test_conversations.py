"""Conversations with replicas, each about a trap that an implementation fell into or a promise of the Raft paper.

They are the text files of `conversations/`, in the directives of `tests/support/conversing.py`. After a change that is
meant, `REWRITE=1 pytest tests/consensus/test_conversations.py` writes anew what is expected in them: read it as a diff.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest
from conversing import Conversation
from replica_words import an_entry
from replicas import Disk
from steps import performed, steps

from consensus.errors import ConsensusBroken
from consensus.inputs import Certified, Endorsed, Persisted, ProposeEntry, Receive, Tick
from consensus.messages import Append
from consensus.outputs import Certify, Deliver
from consensus.replica import Replica
from consensus.replica_state import ReplicaConfig, Role

FILES = sorted((Path(__file__).parent / "conversations").glob("*.txt"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_replicas_say_what_is_written(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    found = performed(text, Conversation().perform)

    if os.environ.get("REWRITE"):
        file.write_text(found, encoding="utf-8")
    else:
        assert found == text


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_conversation_says_what_it_is_about_and_shows_something(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    assert text.startswith("# ")
    assert any(step.expected for step in steps(text))


def test_nothing_is_given_while_entries_are_written_and_nothing_is_answered_twice() -> None:
    leader = Replica(ReplicaConfig(name="a", voters=("a",)), Disk(), 0, "", 0, Random(1))
    while leader.role is not Role.LEADER:
        leader.step(Tick())
    leader.step(ProposeEntry(b"x"))
    follower = Replica(ReplicaConfig(name="a", voters=("a", "b", "c")), Disk([1]), 1, "", 0, Random(1))
    follower.step(Receive(Append(term=1, sender="b", previous_index=1, previous_term=1, entries=(an_entry(2, 1),))))

    for replica in (leader, follower):
        with pytest.raises(ConsensusBroken, match="answered before anything else"):
            replica.step(Tick())
        replica.step(Persisted())
        with pytest.raises(ConsensusBroken, match="and once"):
            replica.step(Persisted())


def test_a_certificate_is_asked_for_once_and_an_entry_delivered_once() -> None:
    leader = Replica(ReplicaConfig(name="a", voters=("a",)), Disk(), 0, "", 0, Random(1))
    while leader.role is not Role.LEADER:
        leader.step(Tick())
    leader.step(ProposeEntry(b"x"))
    leader.step(Persisted())

    assert leader.step(Endorsed(((1, b"a"),))) == [Certify(1, (("a", b"a"),))]
    assert leader.step(Endorsed(((1, b"a"),))) == []
    assert leader.step(Certified(1)) == [Deliver(1)]
    assert leader.step(Certified(1)) == []


@pytest.mark.parametrize(
    ("directive", "complaint"),
    [
        ("give a", "no directive"),
        ("deliver from=a", "no such message"),
        ("hear a b shout term=1", "no message"),
    ],
)
def test_a_directive_that_means_nothing_is_no_conversation(directive: str, complaint: str) -> None:
    conversation = Conversation()
    conversation.perform("voters a b c")
    conversation.perform("begin a")

    with pytest.raises(ValueError, match=complaint):
        conversation.perform(directive)
