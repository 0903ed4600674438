"""Elections: time passing, pre-votes, votes, and stepping down when a majority falls silent (thesis 3.4, 6.2, 9.6)."""

from __future__ import annotations

from consensus import replication
from consensus.errors import ensure
from consensus.messages import HandOver, VoteReply, VoteRequest
from consensus.outputs import Follow, Lead
from consensus.progress import FollowerProgress
from consensus.quorum import decided, majority
from consensus.raft_log import NUMBER_MAX
from consensus.replica_state import ReplicaState, Role


def tick(replica: ReplicaState) -> None:
    """Let one tick pass."""
    replica.ticks += 1
    if replica.role is Role.LEADER:
        _tick_leader(replica)
    elif replica.votes_here and replica.ticks >= replica.timeout:
        stand(replica, probe=True)
    elif replica.role is Role.CANDIDATE and replica.ticks % replica.config.heartbeat_ticks == 0:
        _ask(replica, probe=False)


def _tick_leader(replica: ReplicaState) -> None:
    replica.heartbeat_ticks += 1
    replica.quorum_ticks += 1
    replica.stall_ticks = replica.stall_ticks + 1 if replica.log.last_index > replica.committed else 0
    if replica.quorum_ticks >= replica.config.election_ticks:
        replica.quorum_ticks = 0
        heard = 1 + sum(progress.heard for progress in replica.progress.values())
        for progress in replica.progress.values():
            progress.heard = False
        if heard < majority(len(replica.config.voters)):
            replica.become_follower(replica.term, "")
            return
    if replica.stall_ticks >= replica.config.stall_ticks:
        replica.become_follower(replica.term, "")
        return
    if replica.heartbeat_ticks >= replica.config.heartbeat_ticks:
        replica.heartbeat_ticks = 0
        replication.heartbeat(replica)
        if replica.resigning and replica.successor:
            _name_successor(replica)


def stand(replica: ReplicaState, *, probe: bool) -> None:
    """Ask for votes; first, by a probe that changes no term, whether there is any hope of getting them."""
    replica.reset_timeout()
    if replica.leader:
        replica.lose_reads(led_by="")
        replica.leader = ""
        replica.outputs.append(Follow(replica.term, ""))
    replica.votes = {replica.config.name: True}
    term = replica.term + 1
    ensure(term <= NUMBER_MAX, "terms do not end")
    if probe:
        replica.role = Role.PRE_CANDIDATE
    else:
        replica.role = Role.CANDIDATE
        replica.term, replica.vote, replica.successor = term, replica.config.name, ""
        # Before anybody is asked: a replica that forgot it in a crash could stand for one term twice.
        replica.persist(None, ())
    _ask(replica, probe=probe)
    _count(replica, probe=probe)


def _ask(replica: ReplicaState, *, probe: bool) -> None:
    """Ask those for their vote who have not answered: a request is lost, or comes before the word of who goes."""
    request = VoteRequest(
        term=replica.term + 1 if probe else replica.term,
        sender=replica.config.name,
        last_index=replica.log.last_index,
        last_term=replica.log.last_term,
        probe=probe,
    )
    for other in replica.others:
        if other not in replica.votes:
            replica.send(other, request)


def vote_requested(replica: ReplicaState, request: VoteRequest) -> None:
    """Grant at most one vote a term, and only to a log that is at least as long as ours."""
    log = replica.log
    as_long = (request.last_term, request.last_index) >= (log.last_term, log.last_index)
    if request.probe:
        granted = as_long and request.term > replica.term
        # A grant carries the term asked about; a refusal carries ours, for the asker to adopt if it is higher.
        term = request.term if granted else replica.term
        replica.send(request.sender, VoteReply(term=term, sender=replica.config.name, granted=granted, probe=True))
        return
    free = replica.vote == request.sender or (not replica.vote and not replica.leader)
    reply = VoteReply(term=replica.term, sender=replica.config.name, granted=as_long and free, probe=False)
    if reply.granted:
        replica.reset_timeout()
        replica.vote = request.sender
        replica.persist(None, ())
    replica.send(request.sender, reply)


def vote_answered(replica: ReplicaState, reply: VoteReply) -> None:
    """Count an answer of the running election."""
    expected = Role.PRE_CANDIDATE if reply.probe else Role.CANDIDATE
    if replica.role is not expected:
        return
    if reply.probe and reply.granted and reply.term != replica.term + 1:
        return
    replica.votes[reply.sender] = reply.granted
    _count(replica, probe=reply.probe)


def resign(replica: ReplicaState, *, back: bool) -> None:
    """Let another lead (thesis 3.10): whoever has the whole log stands at once, while this leader still answers.

    One that does not lead is not to be named by others either.
    """
    replica.resigning = bool(replica.others) and not back
    hand_over(replica)


def hand_over(replica: ReplicaState) -> None:
    """Name a follower that has all that this leader has: all are to vote for it, although they hear a leader.

    If nothing comes of it, the next one is named with the heartbeats.
    """
    if replica.role is Role.LEADER and replica.resigning and not replica.successor:
        _name_successor(replica)


def _name_successor(replica: ReplicaState) -> None:
    last = replica.log.last_index
    level = sorted(name for name, one in replica.progress.items() if one.heard and one.match == last)
    if level:
        replica.successor = next((name for name in level if name > replica.successor), level[0])
        for other in replica.others:
            replica.send(other, HandOver(term=replica.term, sender=replica.config.name, to=replica.successor))


def handed_over(replica: ReplicaState, message: HandOver) -> None:
    """The leader of this term goes. A vote asked for by another than whom it names is refused as before."""
    if message.sender == replica.leader:
        replica.successor = message.to
        if message.to == replica.config.name and not replica.resigning:
            stand(replica, probe=False)


def _count(replica: ReplicaState, *, probe: bool) -> None:
    won = decided(replica.votes, len(replica.config.voters))
    if won and probe:
        stand(replica, probe=False)
    elif won:
        _lead(replica)
    elif won is False:
        replica.become_follower(replica.term, "")


def _lead(replica: ReplicaState) -> None:
    replica.role, replica.leader = Role.LEADER, replica.config.name
    replica.heartbeat_ticks = replica.quorum_ticks = replica.stall_ticks = 0
    replica.progress = {other: FollowerProgress(replica.log.last_index + 1) for other in replica.others}
    replica.certifying = replica.committed
    replica.outputs.append(Lead(replica.term))
