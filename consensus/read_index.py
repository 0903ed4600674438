"""Reads that miss nothing: up to where was everything final when a read began (thesis 6.4)?

Only a leader knows, and only while a majority still follows it. So it numbers its rounds of heartbeats, and once a
majority has answered one that began after the read, what was final when the read came is what the read has to see. A
follower asks its leader. Rounds are counted by the leader and never by what a reader calls its read, so no late answer
stands for another round. Every read of a replica ends once, with an index or as lost.
"""

from __future__ import annotations

from consensus.messages import AskIndex, TellIndex
from consensus.outputs import ReadAt, ReadLost
from consensus.quorum import majority
from consensus.replica_state import PendingRead, ReplicaState, Role
from consensus.replication import send_append


def read(replica: ReplicaState, number: int) -> None:
    """A read begins at this replica."""
    if replica.role is Role.LEADER:
        _begin(replica, replica.config.name, number)
    elif replica.leader:
        replica.lose_asked()
        replica.asked = number
        replica.send(replica.leader, AskIndex(term=replica.term, sender=replica.config.name, number=number))
    else:
        replica.outputs.append(ReadLost(number))


def index_asked(replica: ReplicaState, message: AskIndex) -> None:
    """A follower asks for a read of its own."""
    if replica.role is Role.LEADER:
        _begin(replica, message.sender, message.number)


def index_told(replica: ReplicaState, message: TellIndex) -> None:
    """The leader answers a read of this follower."""
    if message.sender == replica.leader and message.number == replica.asked:
        replica.asked = 0
        replica.outputs.append(ReadAt(message.number, message.index))


def begin_waiting(replica: ReplicaState) -> None:
    """Begin the reads that wait: until this leader knows what was final before it led, or the node's last one ends."""
    if replica.role is Role.LEADER and replica.waiting_reads and _settled(replica):
        waiting, replica.waiting_reads = replica.waiting_reads, {}
        for node, number in waiting.items():
            _begin(replica, node, number)


def answered(replica: ReplicaState) -> None:
    """A follower has answered: end the reads whose rounds a majority has answered."""
    if replica.role is not Role.LEADER or not replica.reads:
        return
    rounds = sorted([progress.round for progress in replica.progress.values()], reverse=True)
    needed = majority(len(replica.config.voters)) - 1
    reached = replica.round if needed == 0 else rounds[needed - 1]
    while replica.reads and replica.reads[0].round <= reached:
        one = replica.reads.pop(0)
        if one.node == replica.config.name:
            replica.outputs.append(ReadAt(one.number, one.upto))
        else:
            told = TellIndex(term=replica.term, sender=replica.config.name, number=one.number, index=one.upto)
            replica.send(one.node, told)
    begin_waiting(replica)


def _begin(replica: ReplicaState, node: str, number: int) -> None:
    """Begin a round for a read. A node has one at a time, so that asking costs it more than it costs the others."""
    if not _settled(replica) or any(one.node == node for one in replica.reads):
        replaced = replica.waiting_reads.get(node)
        if replaced is not None and node == replica.config.name:
            replica.outputs.append(ReadLost(replaced))
        replica.waiting_reads[node] = number
        return
    replica.round += 1
    replica.reads.append(PendingRead(replica.round, replica.committed, node, number))
    for name, progress in replica.progress.items():
        send_append(replica, name, progress.next, ())
    answered(replica)


def _settled(replica: ReplicaState) -> bool:
    """Whether an entry of this leader's own term is final: before, it may not know what others have seen as final."""
    return replica.log.term(replica.committed) == replica.term
