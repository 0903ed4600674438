"""Membership: the voters become others, one at a time, once the entry that says so is final (thesis 4.1, 4.2).

The driver tells, before anything above that entry is in the log. So whoever holds an entry of the new voters knows that
the change is final; and since any majorities of two sets in a row share a node, a candidate who does not know it yet
meets one who does.
"""

from __future__ import annotations

from msgspec.structs import replace

from consensus.errors import ensure
from consensus.progress import FollowerProgress
from consensus.replica_state import ReplicaState, Role


def reconfigure(replica: ReplicaState, voters: tuple[str, ...]) -> None:
    """Others vote from now on."""
    replica.config = replace(replica.config, voters=voters)
    if not replica.votes_here:
        _leave(replica)
    elif replica.role is Role.LEADER:
        ensure(replica.log.last_index == replica.committed, "a leader proposes nothing above a change of voters")
        _follow_up(replica)
    else:
        ensure(replica.role is Role.FOLLOWER, "who stands for election is told of nothing final")
        replica.reset_timeout()


def _leave(replica: ReplicaState) -> None:
    """This replica votes no more: what is not final here is for the others to decide."""
    if replica.role is not Role.FOLLOWER:
        replica.become_follower(replica.term, "")
    if replica.log.last_index > replica.committed:
        replica.log.truncate(replica.committed + 1)
        replica.persist(replica.committed + 1, ())


def _follow_up(replica: ReplicaState) -> None:
    """A leader follows those who vote now. Who is new counts as heard until it looks whether a majority answers."""
    kept = {name: one for name, one in replica.progress.items() if name in replica.others}
    new = {name: FollowerProgress(replica.log.last_index + 1) for name in replica.others if name not in kept}
    replica.progress = kept | new
    if replica.successor not in replica.progress:
        replica.successor = ""
