"""What conversations do not show: chance, how far a follower is, and what a driver need not say."""

from __future__ import annotations

from random import Random

from consensus.inputs import Certified, Persisted, ProposeEntry, Receive, Tick
from consensus.messages import Append, AppendReply, Result, VoteReply
from consensus.outputs import AnyOutput, Certify
from consensus.progress import IN_FLIGHT_MAX, FollowerProgress
from consensus.raft_log import RaftEntry
from consensus.replica import Replica
from consensus.replica_state import ReplicaConfig, Role


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


def certified(replica: Replica, index: int) -> list[int]:
    """Which certificates are asked for once two followers have endorsed an entry."""
    outputs: list[AnyOutput] = []
    for sender in ("b", "c"):
        reply = AppendReply(
            term=replica.term, sender=sender, result=Result.ACCEPTED, index=index, endorsements=((index, b"signed"),)
        )
        outputs += replica.step(Receive(reply))
    return [output.index for output in outputs if isinstance(output, Certify)]


def test_no_two_spans_of_patience_need_be_alike() -> None:
    replica, spans = a_replica(), set[int]()
    for _ in range(50):
        replica.reset_timeout()
        spans.add(replica.timeout)

    assert len(spans) > 5
    assert min(spans) >= replica.config.election_ticks


def test_who_leads_again_asks_anew_for_certificates() -> None:
    """Those that it had asked for before were of entries that another leader has replaced."""
    replica = elected(a_replica())
    for _ in range(3):
        proposed(replica)
    assert certified(replica, 3) == [3]
    newer = replica.term + 1
    entry = RaftEntry(1, newer, b"")
    replica.step(Receive(Append(term=newer, sender="b", previous_index=0, previous_term=0, entries=(entry,))))
    replica.step(Persisted())

    elected(replica)
    proposed(replica)

    assert certified(replica, 2) == [2]


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
