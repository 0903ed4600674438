"""Replication: appends, their answers, endorsements, and what they make final (thesis 3.5, 10.2)."""

from __future__ import annotations

from consensus.errors import ConsensusBroken, ensure
from consensus.inputs import EntryRefused, Observed
from consensus.messages import Append, AppendReply, Result
from consensus.outputs import Acknowledge, Certify, CheckCertificate, Deliver, Endorse
from consensus.progress import FollowerProgress
from consensus.quorum import majority
from consensus.raft_log import RaftEntry
from consensus.replica_state import ReplicaState, Role

# The leader


def propose(replica: ReplicaState, data: bytes) -> None:
    """Append an entry to this replica's log, and send it to the others while its own disk writes."""
    ensure(replica.role is Role.LEADER, "only a leader proposes")
    entry = RaftEntry(replica.log.last_index + 1, replica.term, data)
    replica.log.append((entry,))
    for name, progress in replica.progress.items():
        send_entries(replica, name, progress)
    replica.persist(None, (entry,))


def send_entries(replica: ReplicaState, name: str, progress: FollowerProgress) -> None:
    """Send a follower what it lacks, as far as its window allows. It fetches elsewhere what is no longer kept here."""
    while progress.ready and replica.log.base < progress.next <= replica.log.last_index:
        config = replica.config
        limit = 1 if progress.probing else config.append_entries_max
        entries = replica.log.slice(progress.next, config.append_bytes_max, limit)
        send_append(replica, name, progress.next, entries)
        progress.sent(entries[-1].index)


def send_append(replica: ReplicaState, name: str, first: int, entries: tuple[RaftEntry, ...]) -> None:
    """Send a follower an append. Without entries, a place below what is kept here is not asked for: what term there is
    at that place may be unknown."""
    first = max(first, replica.log.base + 1)
    append = Append(
        term=replica.term,
        sender=replica.config.name,
        previous_index=first - 1,
        previous_term=replica.log.term(first - 1),
        entries=entries,
        newest=replica.committed,
        round=replica.round,
    )
    replica.send(name, append)


def heartbeat(replica: ReplicaState) -> None:
    """Tell every follower who leads and what is final; give lost messages another chance."""
    for name, progress in replica.progress.items():
        progress.heartbeat_due()
        if progress.probing:
            send_entries(replica, name, progress)
        if not progress.probing or not replica.log.base < progress.next <= replica.log.last_index:
            send_append(replica, name, progress.next, ())


def append_answered(replica: ReplicaState, reply: AppendReply) -> None:
    """Learn from a follower's answer."""
    if replica.role is not Role.LEADER:
        return
    progress = replica.progress[reply.sender]
    progress.heard = True
    progress.round = max(progress.round, min(reply.round, replica.round))
    if reply.result is Result.ACCEPTED:
        progress.accepted(min(reply.index, replica.log.last_index))
        endorsed(replica, reply.sender, reply.endorsements)
        send_entries(replica, reply.sender, progress)
    elif reply.result is Result.REJECTED:
        place = replica.log.highest_not_after(reply.hint_index, reply.hint_term)
        if progress.rejected(reply.index, place):
            send_append(replica, reply.sender, progress.next, ())
            progress.paused = True
    else:
        # What is final below the refused entry has a certificate of its own.
        progress.refuses(reply.index)
        send_append(replica, reply.sender, progress.next, ())


def endorsed(replica: ReplicaState, node: str, endorsements: tuple[tuple[int, bytes], ...]) -> None:
    """Keep endorsements; when a majority has endorsed an entry of this term, ask for its certificate."""
    if replica.role is not Role.LEADER:
        return
    best = 0
    for index, signature in endorsements:
        if index <= replica.committed or index > replica.log.last_index or replica.log.term(index) != replica.term:
            continue
        signatures = replica.endorsements.setdefault(index, {})
        signatures[node] = signature
        if len(signatures) >= majority(len(replica.config.voters)):
            best = max(best, index)
    # The leader's own endorsement is among them only once its disk has the entry; a majority without it will do.
    if best > replica.certifying:
        replica.certifying = best
        replica.outputs.append(Certify(best, tuple(sorted(replica.endorsements[best].items()))))


# Both roles


def certified(replica: ReplicaState, index: int) -> None:
    """A certificate holds: everything up to this index is final."""
    if index <= replica.committed:
        return
    ensure(index <= replica.log.last_index, "what is certified is in the log")
    replica.committed = index
    replica.stall_ticks = 0
    replica.outputs.append(Deliver(index))
    replica.log.forget(index)
    if replica.role is Role.LEADER:
        for done in [place for place in replica.endorsements if place <= index]:
            del replica.endorsements[done]
        for name, progress in replica.progress.items():
            if progress.next > replica.log.last_index and not progress.probing:
                send_append(replica, name, progress.next, ())


def persisted(replica: ReplicaState) -> None:
    """The disk holds the entries that it was given."""
    first, replica.writing = replica.writing, 0
    append, replica.taking = replica.taking, None
    if append is None:
        replica.outputs.append(Endorse(first, replica.log.last_index))
    else:
        _acknowledge(replica, append)


def refused(replica: ReplicaState, report: EntryRefused) -> None:
    """Execution refused an entry: forget it and what follows, and tell the leader which and why."""
    append, replica.taking = replica.taking, None
    if append is None:
        raise ConsensusBroken("a leader proposes only what it has executed")
    ensure(report.index >= replica.writing, "what is refused was to be written")
    replica.writing = 0
    replica.log.truncate(report.index)
    result = Result.POSTPONED if report.postponed else Result.REFUSED
    reply = AppendReply(
        term=replica.term,
        sender=replica.config.name,
        result=result,
        index=report.index,
        code=report.code,
        round=append.round,
    )
    replica.send(append.sender, reply)
    _check_certificate(replica, append)


def observed(replica: ReplicaState, report: Observed) -> None:
    """This replica does not vote: what is final came from another node, with its word on who leads."""
    ensure(not replica.votes_here, "only a replica that does not vote takes what is final from elsewhere")
    replica.log.refresh()
    replica.committed = report.index
    told = report.term if replica.believes(report.term) else 0
    term = max(told, replica.log.last_term, replica.term)
    leader = report.leader if told == term else ""
    if leader != replica.leader or term > replica.term:
        replica.become_follower(term, leader)
    ensure(replica.log.last_index == report.index, "what was observed is durable")


# The follower


def append_received(replica: ReplicaState, append: Append) -> None:
    """Match the leader's log: find the first real conflict, drop what follows it, take the rest."""
    ensure(replica.role is not Role.LEADER, "one leader a term")
    replica.become_follower(append.term, append.sender)
    log = replica.log
    if append.previous_index < log.base:
        # The append begins below what is kept here, which is final: the leader may go on from the newest final entry.
        known = AppendReply(
            term=replica.term,
            sender=replica.config.name,
            result=Result.ACCEPTED,
            index=replica.committed,
            round=append.round,
        )
        replica.send(append.sender, known)
        return
    if append.previous_index > log.last_index or log.term(append.previous_index) != append.previous_term:
        place = log.highest_not_after(append.previous_index, append.previous_term)
        reply = AppendReply(
            term=replica.term,
            sender=replica.config.name,
            result=Result.REJECTED,
            index=append.previous_index,
            hint_index=place,
            hint_term=log.term(place),
            round=append.round,
        )
        replica.send(append.sender, reply)
        return
    new = tuple(
        entry for entry in append.entries if entry.index > log.last_index or log.term(entry.index) != entry.term
    )
    if new:
        first = new[0].index
        ensure(first > replica.committed, "a final entry is never replaced")
        truncate = first if first <= log.last_index else None
        if truncate is not None:
            log.truncate(first)
        taken = append.entries[first - append.previous_index - 1 :]
        log.append(taken)
        replica.taking = append
        replica.persist(truncate, taken)
    else:
        _acknowledge(replica, append)


def _acknowledge(replica: ReplicaState, append: Append) -> None:
    """Acknowledge what an append covered and is durable, never our own last index."""
    # From the first place not yet final: an earlier acknowledgement, with its endorsements, may have been lost.
    first, last = min(append.previous_index, replica.committed) + 1, append.previous_index + len(append.entries)
    reply = AppendReply(
        term=replica.term, sender=replica.config.name, result=Result.ACCEPTED, index=last, round=append.round
    )
    replica.outputs.append(Acknowledge(append.sender, reply, first))
    _check_certificate(replica, append)


def _check_certificate(replica: ReplicaState, append: Append) -> None:
    if append.certificate and replica.committed < append.certified <= replica.log.last_index:
        replica.outputs.append(CheckCertificate(append.certified, append.certificate))
