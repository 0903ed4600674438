"""Conversations with one replica, each a trap that an implementation fell into."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from consensus.errors import ConsensusBroken
from consensus.inputs import EntryRefused, Persisted, ProposeEntry, Receive, Tick
from consensus.messages import Append, AppendReply, Message, Result, VoteReply, VoteRequest
from consensus.outputs import Acknowledge, AnyOutput, Certify, CheckCertificate, Deliver, Endorse, Lead, Persist, Send
from consensus.raft_log import RaftEntry
from consensus.replica import Replica
from consensus.replica_state import ReplicaConfig, Role


class Disk:
    """What survives a crash. Satisfies `consensus.raft_log.RaftLogReader`."""

    def __init__(self) -> None:
        self.entries: list[RaftEntry] = []

    base = 0

    def last_index(self) -> int:
        return len(self.entries)

    def term(self, index: int) -> int:
        return 0 if index == 0 else self.entries[index - 1].term

    def entry(self, index: int) -> RaftEntry:
        return self.entries[index - 1]


def entries(*terms: int, start: int = 1) -> tuple[RaftEntry, ...]:
    return tuple(RaftEntry(start + place, term, b"%d" % term) for place, term in enumerate(terms))


def a_replica(*log: int, term: int = 0, committed: int = 0, voters: int = 3) -> Replica:
    disk = Disk()
    disk.entries = list(entries(*log))
    names = tuple("abcdefg"[:voters])
    return Replica(ReplicaConfig(name="a", voters=names), disk, term or max(log, default=0), "", committed, Random(1))


def hear(replica: Replica, message: Message) -> list[AnyOutput]:
    """All that a message leads to, with a disk that writes at once."""
    found: list[AnyOutput] = []
    inputs: list[object] = [Receive(message)]  # type: ignore[arg-type]
    while inputs:
        for output in replica.step(inputs.pop(0)):  # type: ignore[arg-type]
            found.append(output)
            if isinstance(output, Persist):
                disk = replica.log._reader
                assert isinstance(disk, Disk)
                if output.truncate_from is not None:
                    del disk.entries[output.truncate_from - 1 :]
                disk.entries.extend(output.entries)
                if output.entries:
                    inputs.insert(0, Persisted())
    return found


def append(term: int, previous: int, previous_term: int, *new: RaftEntry, sender: str = "b") -> Append:
    return Append(term=term, sender=sender, previous_index=previous, previous_term=previous_term, entries=new)


def elected(replica: Replica) -> Replica:
    """The replica, made leader by the votes of all."""
    while replica.role is Role.FOLLOWER:
        replica.step(Tick())
    hear(replica, VoteReply(term=replica.term + 1, sender="b", granted=True, probe=True))
    hear(replica, VoteReply(term=replica.term, sender="b", granted=True, probe=False))
    assert replica.role is Role.LEADER
    return replica


def propose(replica: Replica, data: bytes) -> list[AnyOutput]:
    """What a proposal leads to, with a disk that writes at once."""
    return [*replica.step(ProposeEntry(data)), *replica.step(Persisted())]


def only(kind: type, outputs: list[AnyOutput]) -> list:
    return [output for output in outputs if isinstance(output, kind)]


def test_a_delayed_append_drops_nothing_that_follows_it() -> None:
    replica = a_replica(1, 1, 1, 1)

    outputs = hear(replica, append(1, 0, 0, *entries(1, 1)))

    assert replica.log.last_index == 4
    assert not only(Persist, outputs)
    assert only(Acknowledge, outputs)[0].reply.index == 2


def test_an_acknowledgement_covers_what_was_sent_not_all_that_is_held() -> None:
    replica = a_replica(1, 1, 1)

    outputs = hear(replica, append(1, 1, 1))

    assert only(Acknowledge, outputs)[0].reply.index == 1


def test_a_conflict_truncates_from_its_first_place_on() -> None:
    replica = a_replica(1, 2, 2, 2)

    outputs = hear(replica, append(3, 1, 1, *entries(3, 3, start=2)))

    written = only(Persist, outputs)[-1]
    assert written.truncate_from == 2
    assert [entry.term for entry in written.entries] == [3, 3]
    assert replica.log.last_index == 3


def test_a_mismatch_is_answered_with_the_highest_place_that_may_match() -> None:
    replica = a_replica(1, 1, 4, 4)

    reply = only(Send, hear(replica, append(5, 9, 3)))[0].message

    assert (reply.result, reply.index, reply.hint_index, reply.hint_term) == (Result.REJECTED, 9, 2, 1)


def test_a_leader_of_an_older_term_learns_the_newer_one() -> None:
    replica = a_replica(1, term=5)

    reply = only(Send, hear(replica, append(4, 1, 1)))[0].message

    assert (reply.result, reply.term) == (Result.REJECTED, 5)


def test_a_vote_leaves_only_after_it_is_durable_and_is_given_once() -> None:
    replica = a_replica(1, term=1)
    ask = VoteRequest(term=2, sender="b", last_index=1, last_term=1, probe=False)

    first = hear(replica, ask)
    second = hear(replica, VoteRequest(term=2, sender="c", last_index=9, last_term=1, probe=False))

    persisted = [place for place, output in enumerate(first) if isinstance(output, Persist) and output.vote == "b"]
    sent = [place for place, output in enumerate(first) if isinstance(output, Send)]
    assert persisted[0] < sent[0]
    assert only(Send, second)[0].message.granted is False


@pytest.mark.parametrize(
    ("last_term", "last_index", "granted"), [(2, 1, True), (1, 9, False), (2, 2, True), (2, 0, False)]
)
def test_a_vote_goes_only_to_a_log_as_long_as_ours(last_term: int, last_index: int, granted: bool) -> None:
    replica = a_replica(2, term=2)
    ask = VoteRequest(term=3, sender="b", last_index=last_index, last_term=last_term, probe=False)

    outputs = hear(replica, ask)

    answers = [output.message for output in outputs if isinstance(output, Send)]
    assert answers[0].granted is granted


def test_a_probe_changes_no_term_and_is_refused_while_a_leader_is_heard() -> None:
    replica = a_replica(1, term=1)
    probe = VoteRequest(term=2, sender="c", last_index=5, last_term=1, probe=True)
    hear(replica, append(1, 1, 1))
    assert hear(replica, probe) == []
    for _ in range(replica.config.election_ticks):
        replica.step(Tick())

    reply = only(Send, hear(replica, probe))[0].message

    assert reply.granted
    assert replica.term == 1


def test_a_refused_probe_teaches_the_higher_term() -> None:
    replica = a_replica(1, term=1)
    while replica.role is Role.FOLLOWER:
        replica.step(Tick())

    hear(replica, VoteReply(term=9, sender="b", granted=False, probe=True))

    assert (replica.term, replica.role) == (9, Role.FOLLOWER)


def test_a_late_probe_answer_does_not_start_another_campaign() -> None:
    replica = elected(a_replica(1))
    term = replica.term

    hear(replica, VoteReply(term=term + 1, sender="c", granted=True, probe=True))

    assert (replica.term, replica.role) == (term, Role.LEADER)


def test_a_new_leader_asks_for_its_opening_entry_and_commits_nothing_older_by_itself() -> None:
    replica = elected(a_replica(1, 1))
    outputs: list[AnyOutput] = []
    for sender in ("b", "c"):
        reply = AppendReply(
            term=replica.term, sender=sender, result=Result.ACCEPTED, index=2, endorsements=((1, b"x"), (2, b"x"))
        )
        outputs += hear(replica, reply)

    assert not only(Certify, outputs)
    assert not only(Deliver, outputs)
    assert replica.committed == 0


def test_an_append_from_below_what_is_kept_is_answered_with_what_is_final() -> None:
    replica = a_replica(1, 1, 1, 1, committed=4)
    replica.log._reader.base = 3  # type: ignore[misc]

    (heartbeat,) = hear(replica, append(2, 1, 1))[-1:]
    (probe,) = hear(replica, append(2, 2, 0, *entries(1, start=3)))[-1:]

    for output in (heartbeat, probe):
        assert isinstance(output, Send)
        assert isinstance(output.message, AppendReply)
        assert (output.message.result, output.message.index) == (Result.ACCEPTED, 4)


def test_a_follower_below_what_is_kept_hears_of_its_leader_and_is_asked_for_what_that_knows() -> None:
    """Else it stands for election again and again, though it only has to take blocks from elsewhere."""
    replica = elected(a_replica(1, 1, 1, 1, committed=4))
    propose(replica, b"opening")
    replica.log._reader.base = 3  # type: ignore[misc]
    answer = AppendReply(term=replica.term, sender="b", result=Result.REJECTED, index=4, hint_index=1, hint_term=1)
    told = hear(replica, answer)
    told += [output for _ in range(2 * replica.config.heartbeat_ticks) for output in replica.step(Tick())]

    heard = [output.message for output in only(Send, told) if output.to == "b"]
    assert len(heard) == 3
    assert {(one.previous_index, one.previous_term, one.entries) for one in heard} == {(3, 1, ())}

    hear(replica, AppendReply(term=replica.term, sender="b", result=Result.ACCEPTED, index=4))
    assert (replica.progress["b"].match, replica.progress["b"].probing) == (4, False)


def test_entries_of_an_older_term_are_never_certified_themselves() -> None:
    """The two-certificates trap: only a descendant of the leader's own term makes them final."""
    replica = elected(a_replica(1, 1))
    propose(replica, b"opening")
    everything = ((1, b"x"), (2, b"x"), (3, b"x"))
    for sender in ("b", "c"):
        reply = AppendReply(term=replica.term, sender=sender, result=Result.ACCEPTED, index=3, endorsements=everything)
        outputs = hear(replica, reply)

    assert [output.index for output in only(Certify, outputs)] == [3]


def test_the_leader_counts_itself_only_once_its_disk_has_the_entry() -> None:
    replica = elected(a_replica())
    outputs = propose(replica, b"x")

    sent = [place for place, output in enumerate(outputs) if isinstance(output, Send)]
    written = [place for place, output in enumerate(outputs) if isinstance(output, Persist)]

    counted = [place for place, output in enumerate(outputs) if isinstance(output, Endorse)]

    assert sent[0] < written[0] < counted[0], "it leaves for the followers while the own disk writes"


def test_nothing_is_given_while_entries_are_written_and_nothing_is_answered_twice() -> None:
    leader, follower = elected(a_replica()), a_replica(1)
    leader.step(ProposeEntry(b"x"))
    follower.step(Receive(append(1, 1, 1, *entries(1, start=2))))

    for replica in (leader, follower):
        with pytest.raises(ConsensusBroken, match="answered before anything else"):
            replica.step(Tick())
        replica.step(Persisted())
        with pytest.raises(ConsensusBroken, match="and once"):
            replica.step(Persisted())


def test_what_was_final_before_a_refused_entry_is_final() -> None:
    replica = a_replica(1)
    given = msgspec.structs.replace(append(1, 1, 1, *entries(1, 1, start=2)), certified=2, certificate=b"of 2")

    replica.step(Receive(given))
    refused = replica.step(EntryRefused(3, "its clock is behind", postponed=True))

    assert only(Send, refused)[0].message.result is Result.POSTPONED
    assert [(one.index, one.certificate) for one in only(CheckCertificate, refused)] == [(2, b"of 2")]
    assert replica.log.last_index == 2


def test_a_stale_rejection_moves_nothing() -> None:
    replica = elected(a_replica(1, 1, 1))
    hear(replica, AppendReply(term=replica.term, sender="b", result=Result.ACCEPTED, index=3))
    before = (replica.progress["b"].match, replica.progress["b"].next)

    hear(replica, AppendReply(term=replica.term, sender="b", result=Result.REJECTED, index=2, hint_index=0))

    assert (replica.progress["b"].match, replica.progress["b"].next) == before


def test_an_acceptance_beyond_the_log_is_not_believed() -> None:
    replica = elected(a_replica(1))

    hear(replica, AppendReply(term=replica.term, sender="b", result=Result.ACCEPTED, index=99))

    assert replica.progress["b"].match == 1


def test_strangers_are_not_heard() -> None:
    replica = a_replica(1)

    assert hear(replica, append(9, 1, 1, sender="stranger")) == []
    assert hear(replica, append(9, 1, 1, sender="a")) == []


def test_a_lone_voter_leads_at_once_and_certifies_by_itself() -> None:
    replica = a_replica(voters=1)
    outputs: list[AnyOutput] = []
    while not only(Lead, outputs):
        outputs = replica.step(Tick())

    assert replica.role is Role.LEADER
    assert outputs.index(only(Persist, outputs)[0]) < outputs.index(only(Lead, outputs)[0])
