"""What a replica knows between two steps. Elections and replication both change it, by the changes they share here."""

from __future__ import annotations

from enum import Enum
from random import Random
from typing import NamedTuple

import msgspec

from consensus.messages import AnyMessage, Append
from consensus.outputs import AnyOutput, Follow, Persist, ReadLost, Send
from consensus.progress import FollowerProgress
from consensus.raft_log import RaftEntry, RaftLog, RaftLogReader

TERM_STEP_MAX = 1 << 16
"""By how much one message may raise the term: far more elections than an honest node can have missed while it ran, and
so little that a member that lies cannot use terms up."""


class Role(Enum):
    FOLLOWER = "follower"
    PRE_CANDIDATE = "pre-candidate"
    CANDIDATE = "candidate"
    LEADER = "leader"


class ReplicaConfig(msgspec.Struct, frozen=True):
    """Who takes part, and how patient they are. Times are in ticks."""

    name: str
    voters: tuple[str, ...]
    election_ticks: int = 20
    """Smallest election timeout; each is drawn between this and twice this."""
    heartbeat_ticks: int = 2
    stall_ticks: int = 160
    """A leader whose oldest proposal stays uncertified for so long steps down."""
    append_bytes_max: int = 4 * 1024 * 1024
    append_entries_max: int = 64


class PendingRead(NamedTuple):
    """A read that a leader has not answered yet."""

    round: int
    """The round that began after it."""
    upto: int
    """Index up to which everything was final when it came."""
    node: str
    """Who asks."""
    number: int


class ReplicaState:
    """What one replica knows. The functions of `election` and `replication` take it and change it."""

    def __init__(
        self, config: ReplicaConfig, log: RaftLogReader, term: int, vote: str, committed: int, random: Random
    ) -> None:
        self.config = config
        self.log = RaftLog(log)
        self.term = term
        self.vote = vote
        """Whom this replica voted for in this term; empty: nobody."""
        self.role = Role.FOLLOWER
        self.leader = ""
        """Who leads this term, as far as known."""
        self.committed = committed
        """Index up to which everything is final."""
        self.writing = 0
        """First index of the entries of the `Persist` that is to be answered next; 0 if none is."""
        self.votes: dict[str, bool] = {}
        """Answers in the running election or pre-vote."""
        self.progress: dict[str, FollowerProgress] = {}
        """Leader only: the followers."""
        self.resigning = False
        """This node is about to stop: it proposes nothing more, hands over if it leads, and takes over from nobody."""
        self.successor = ""
        """Who was told by this term's leader to stand for election, although the leader is there."""
        self.round = 0
        """Leader only: how many rounds it has begun, in whatever terms."""
        self.reads: list[PendingRead] = []
        """Leader only: reads whose round is not answered by a majority yet, in order of rounds."""
        self.waiting_reads: dict[str, int] = {}
        """Leader only: the newest read of each node that cannot begin yet."""
        self.asked = 0
        """Follower only: the read that its leader was asked for; 0 if none is."""
        self.endorsements: dict[int, dict[str, bytes]] = {}
        """Leader only: endorsements of uncommitted entries of this term, by index and node."""
        self.certifying = committed
        """Highest index for which a certificate has been asked of the driver."""
        self.taking: Append | None = None
        """Follower only: whose entries are being written."""
        self.timeout = 0
        """Ticks after which to stand for election."""
        self.ticks = 0
        """Ticks since the last sign of a leader, or since the start of an election."""
        self.heartbeat_ticks = 0
        """Leader only: ticks since the last heartbeat."""
        self.quorum_ticks = 0
        """Leader only: ticks since it last looked whether a majority answers."""
        self.stall_ticks = 0
        """Leader only: ticks since anything became final, while something waits to."""
        self._random = random
        self.outputs: list[AnyOutput] = []
        """What the running step has asked for so far."""
        self.reset_timeout()

    @property
    def votes_here(self) -> bool:
        """Whether this replica is a voter. If not, it only observes: it neither stands for election nor answers."""
        return self.config.name in self.config.voters

    @property
    def others(self) -> list[str]:
        """All voters but this one."""
        return [voter for voter in self.config.voters if voter != self.config.name]

    def believes(self, term: int) -> bool:
        """Whether a term that another node states may be adopted: it is not far above those that this one has seen.

        A node that missed more elections takes final blocks first, whose terms then are in its log.
        """
        return term <= max(self.term, self.log.last_term) + TERM_STEP_MAX

    def become_follower(self, term: int, leader: str) -> None:
        """Follow, in this term or a newer one."""
        changed = self.role is not Role.FOLLOWER or leader != self.leader or term != self.term
        if term > self.term:
            self.term, self.vote, self.successor = term, "", ""
            self.persist(None, ())
        self.lose_reads(led_by=leader)
        self.role, self.leader = Role.FOLLOWER, leader
        self.progress.clear()
        self.endorsements.clear()
        self.reset_timeout()
        if changed:
            self.outputs.append(Follow(self.term, leader))

    def lose_reads(self, led_by: str) -> None:
        """Give up the reads of this replica that another leader than now was to answer."""
        lost = [number for node, number in self.waiting_reads.items() if node == self.config.name]
        lost += [one.number for one in self.reads if one.node == self.config.name]
        self.reads.clear()
        self.waiting_reads.clear()
        self.outputs += [ReadLost(number) for number in lost]
        if led_by != self.leader:
            self.lose_asked()

    def lose_asked(self) -> None:
        """Give up the read that the leader was asked for."""
        if self.asked:
            self.outputs.append(ReadLost(self.asked))
            self.asked = 0

    def persist(self, truncate_from: int | None, entries: tuple[RaftEntry, ...]) -> None:
        """Ask for term, vote and entries to be made durable."""
        if entries:
            self.writing = entries[0].index
        self.outputs.append(Persist(self.term, self.vote, truncate_from, entries))

    def send(self, to: str, message: AnyMessage) -> None:
        self.outputs.append(Send(to, message))

    def reset_timeout(self) -> None:
        """Start waiting anew, for a span drawn by chance so that replicas rarely stand at the same time."""
        self.ticks = 0
        low = self.config.election_ticks
        self.timeout = self._random.randint(low, 2 * low)
