"""Who stands for election and who steps down, and what a leader goes on sending: one replica at a time."""

from __future__ import annotations

from random import Random

from consensus.inputs import Certified, EntryRefused, Observed, Persisted, ProposeEntry, Receive, Tick
from consensus.messages import Append, AppendReply, Result, VoteReply, VoteRequest
from consensus.outputs import Acknowledge, AnyOutput, Certify, CheckCertificate, Follow, Persist, Send
from consensus.progress import IN_FLIGHT_MAX, FollowerProgress
from consensus.raft_log import RaftEntry
from consensus.replica import Replica
from consensus.replica_state import TERM_STEP_MAX, ReplicaConfig, Role


class Written:
    """A disk that has some entries. Satisfies `consensus.raft_log.RaftLogReader`."""

    base = 0

    def __init__(self, *terms: int) -> None:
        self.terms = list(terms)

    def last_index(self) -> int:
        return len(self.terms)

    def term(self, index: int) -> int:
        return self.terms[index - 1] if index else 0

    def entry(self, index: int) -> RaftEntry:
        return RaftEntry(index, self.term(index), b"")


def a_replica(*log: int, name: str = "a", voters: str = "abc") -> Replica:
    config = ReplicaConfig(name=name, voters=tuple(voters))
    return Replica(config, Written(*log), max(log, default=0), "", 0, Random(1))


def ticked(replica: Replica, count: int) -> list[AnyOutput]:
    return [output for _ in range(count) for output in replica.step(Tick())]


def until_it_stands(replica: Replica) -> list[AnyOutput]:
    outputs: list[AnyOutput] = []
    while replica.role is Role.FOLLOWER:
        outputs += replica.step(Tick())
    return outputs


def elected(replica: Replica) -> Replica:
    until_it_stands(replica)
    replica.step(Receive(VoteReply(term=replica.term + 1, sender="b", granted=True, probe=True)))
    replica.step(Receive(VoteReply(term=replica.term, sender="b", granted=True, probe=False)))
    assert replica.role is Role.LEADER
    return replica


def proposed(replica: Replica) -> list[AnyOutput]:
    return [*replica.step(ProposeEntry(b"")), *replica.step(Persisted())]


def an_answer(replica: Replica, index: int, result: Result = Result.ACCEPTED) -> Receive:
    return Receive(AppendReply(term=replica.term, sender="b", result=result, index=index))


def certified(replica: Replica, index: int) -> list[int]:
    """Which certificates are asked for once two followers have endorsed an entry."""
    outputs: list[AnyOutput] = []
    for sender in ("b", "c"):
        reply = AppendReply(
            term=replica.term, sender=sender, result=Result.ACCEPTED, index=index, endorsements=((index, b"signed"),)
        )
        outputs += replica.step(Receive(reply))
    return [output.index for output in outputs if isinstance(output, Certify)]


def an_append(term: int, previous: int, previous_term: int, *terms: int, certified: int = 0) -> Append:
    entries = tuple(RaftEntry(previous + place, one, b"") for place, one in enumerate(terms, 1))
    return Append(
        term=term, sender="b", previous_index=previous, previous_term=previous_term, entries=entries,
        certified=certified, certificate=b"of it" if certified else b"",
    )  # fmt: skip


def test_who_does_not_vote_stands_for_nothing() -> None:
    assert ticked(a_replica(1, name="d"), 200) == []


def test_no_two_spans_of_patience_need_be_alike() -> None:
    replica, spans = a_replica(), set[int]()
    for _ in range(50):
        replica.reset_timeout()
        spans.add(replica.timeout)

    assert len(spans) > 5
    assert min(spans) >= replica.config.election_ticks


def test_a_leader_whose_entries_are_held_and_never_endorsed_steps_down() -> None:
    replica = elected(a_replica())
    proposed(replica)
    for _ in range(replica.config.stall_ticks):
        replica.step(an_answer(replica, 1))
        replica.step(Tick())

    assert replica.role is Role.FOLLOWER


def test_who_stands_for_election_has_no_leader_and_may_vote_for_another() -> None:
    replica = a_replica(1)
    replica.step(Receive(an_append(1, 1, 1)))
    assert replica.leader == "b"

    outputs = until_it_stands(replica)
    asked = VoteRequest(term=2, sender="c", last_index=1, last_term=1, probe=False)
    answers = [output.message for output in replica.step(Receive(asked)) if isinstance(output, Send)]

    assert Follow(1, "") in outputs
    assert [answer.granted for answer in answers if isinstance(answer, VoteReply)] == [True]


def test_a_pre_vote_goes_only_to_a_log_as_long_as_ours() -> None:
    replica = a_replica(1, 1)
    asked = VoteRequest(term=2, sender="b", last_index=1, last_term=1, probe=True)

    answers = [output.message for output in replica.step(Receive(asked)) if isinstance(output, Send)]

    assert [answer.granted for answer in answers if isinstance(answer, VoteReply)] == [False]


def test_votes_of_an_election_that_is_over_do_not_count_in_the_next() -> None:
    """One own, one of a pre-vote and one that comes late are three of five, and no majority of anything."""
    replica = a_replica(1, voters="abcde")
    until_it_stands(replica)
    for sender in ("b", "c"):
        replica.step(Receive(VoteReply(term=2, sender=sender, granted=True, probe=True)))
    assert (replica.role, replica.term) == (Role.CANDIDATE, 2)
    while replica.role is Role.CANDIDATE:
        replica.step(Tick())
    replica.step(Receive(VoteReply(term=3, sender="b", granted=True, probe=True)))

    replica.step(Receive(VoteReply(term=2, sender="c", granted=True, probe=False)))

    assert replica.role is Role.PRE_CANDIDATE


def test_a_leader_that_becomes_known_within_its_term_is_told_of() -> None:
    replica = a_replica(1)
    replica.step(Receive(VoteRequest(term=2, sender="b", last_index=1, last_term=1, probe=False)))

    assert Follow(2, "b") in replica.step(Receive(an_append(2, 1, 1)))


def test_a_term_out_of_reach_is_not_taken_up() -> None:
    replica = a_replica(1)

    assert replica.step(Receive(an_append(TERM_STEP_MAX + 2, 1, 1))) == []
    assert replica.term == 1


def test_who_leads_again_asks_anew_for_certificates() -> None:
    """Those that it had asked for before were of entries that another leader has replaced."""
    replica = elected(a_replica())
    for _ in range(3):
        proposed(replica)
    assert certified(replica, 3) == [3]
    replica.step(Receive(an_append(replica.term + 1, 0, 0, replica.term + 1)))
    replica.step(Persisted())

    elected(replica)
    proposed(replica)

    assert certified(replica, 2) == [2]


def test_what_a_follower_postponed_is_sent_again_with_the_next_heartbeat() -> None:
    replica = elected(a_replica())
    proposed(replica)
    replica.step(an_answer(replica, 1, Result.POSTPONED))

    outputs = ticked(replica, replica.config.heartbeat_ticks)
    sent = [one.message for one in outputs if isinstance(one, Send) and one.to == "b"]

    assert [1] in [[entry.index for entry in one.entries] for one in sent if isinstance(one, Append)]


def test_who_asks_for_a_pre_vote_of_an_older_term_learns_the_newer_one() -> None:
    """Else a long log of a low term and a short one of a high term elect nobody."""
    replica = a_replica(1, 5)
    asked = VoteRequest(term=3, sender="b", last_index=9, last_term=2, probe=True)

    answers = [output.message for output in replica.step(Receive(asked)) if isinstance(output, Send)]

    assert answers == [VoteReply(term=5, sender="a", granted=False, probe=True)]


def test_a_certificate_of_an_entry_that_was_refused_is_not_checked() -> None:
    replica = a_replica(1)
    replica.step(Receive(an_append(1, 1, 1, 1, 1, certified=3)))

    outputs = replica.step(EntryRefused(3, "its clock is behind", postponed=True))

    assert not [one for one in outputs if isinstance(one, CheckCertificate)]


def test_an_entry_that_is_held_already_is_not_written_again() -> None:
    replica = a_replica(1, 1)

    assert not [one for one in replica.step(Receive(an_append(1, 0, 0, 1, 1))) if isinstance(one, Persist)]


def test_a_follower_is_probed_until_it_matches_and_then_streamed_to_within_the_window() -> None:
    progress = FollowerProgress(5)
    progress.sent(5)
    assert (progress.ready, progress.next) == (False, 5)

    progress.accepted(5)
    sent = []
    while progress.ready:
        sent.append(progress.next)
        progress.sent(progress.next)
    assert sent == list(range(6, 6 + IN_FLIGHT_MAX))

    progress.accepted(6)
    assert (progress.ready, len(progress.in_flight)) == (True, IN_FLIGHT_MAX - 1)
    progress.accepted(5)
    assert (progress.match, progress.next) == (6, 6 + IN_FLIGHT_MAX)


def test_after_a_rejection_one_probe_is_out_at_a_time() -> None:
    progress = FollowerProgress(9)
    progress.accepted(3)
    for last in (4, 5):
        progress.sent(last)
    assert progress.rejected(5, 3)
    assert (progress.probing, progress.next) == (True, 4)
    progress.sent(4)
    assert not progress.ready

    progress.heartbeat_due()

    assert progress.ready


def test_a_rejection_that_comes_late_moves_nothing() -> None:
    streamed, probed = FollowerProgress(4), FollowerProgress(9)
    streamed.accepted(3)
    streamed.sent(4)

    assert not streamed.rejected(2, 0)
    assert not probed.rejected(5, 0)

    assert (streamed.probing, streamed.in_flight, probed.next) == (False, [4], 9)


def test_what_is_final_stays_so_whatever_certificate_comes_late() -> None:
    replica = a_replica(1, 1)
    replica.step(Certified(2))

    assert replica.step(Certified(1)) == []
    assert replica.committed == 2


def test_every_answer_endorses_anew_what_is_not_final() -> None:
    """Else one answer that is lost leaves an entry without its majority for good."""
    replica = a_replica(1, 1, 1)
    replica.step(Certified(1))

    (answer,) = [one for one in replica.step(Receive(an_append(1, 3, 1))) if isinstance(one, Acknowledge)]

    assert (answer.first, answer.reply.index) == (2, 3)


def test_what_an_observer_was_given_is_final_for_it() -> None:
    replica = a_replica(1, 1, name="d")

    replica.step(Observed(2, 1, "b"))

    assert (replica.committed, replica.leader) == (2, "b")
