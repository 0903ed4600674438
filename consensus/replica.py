"""The replica: one deterministic machine behind one door, `step`.

This file holds the state all roles share, the common gate for messages by term, and the dispatch. Elections are in
`election.py`, replication in `replication.py`: functions over a replica, split by kind of event. Ongaro's thesis
(2014) is the source; section numbers in comments are its.
"""

from __future__ import annotations

from enum import Enum
from random import Random

import msgspec

from consensus import election, replication
from consensus.events import (
    AnyAction,
    AnyEvent,
    AnyMessage,
    Append,
    AppendReply,
    Certified,
    Endorsed,
    Entry,
    Follow,
    Observed,
    Persist,
    Persisted,
    Propose,
    Receive,
    Refused,
    Result,
    Send,
    SendAfter,
    Tick,
    VoteReply,
    VoteRequest,
)
from consensus.log import Log, LogReader
from consensus.progress import Progress


class Role(Enum):
    FOLLOWER = "follower"
    PRE_CANDIDATE = "pre-candidate"
    CANDIDATE = "candidate"
    LEADER = "leader"


class Config(msgspec.Struct, frozen=True):
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


class Replica:
    """One member of the cluster."""

    def __init__(self, config: Config, log: LogReader, term: int, vote: str, committed: int, random: Random) -> None:
        self.config = config
        self.log = Log(log)
        self.term = term
        self.vote = vote
        """Whom this replica voted for in this term; empty: nobody."""
        self.role = Role.FOLLOWER
        self.leader = ""
        """Who leads this term, as far as known."""
        self.committed = committed
        """Index up to which everything is final."""
        self.persisted = self.log.last_index
        """Index up to which the own log is durable."""
        self.number = 0
        """Of the newest Persist."""
        self.votes: dict[str, bool] = {}
        """Answers in the running election or pre-vote."""
        self.progress: dict[str, Progress] = {}
        """Leader only: the followers."""
        self.endorsements: dict[int, dict[str, bytes]] = {}
        """Leader only: endorsements of uncommitted entries of this term, by index and node."""
        self.certifying = committed
        """Highest index for which a certificate has been asked of the driver."""
        self.pending_acknowledgements: list[tuple[str, int, int]] = []
        """Follower only: (leader, first, last) to acknowledge once durable."""
        self.pending_certificate: tuple[int, bytes] = (0, b"")
        """Follower only: newest certificate received, not yet checked."""
        self.timeout = 0
        """Ticks after which to stand for election."""
        self.ticks = 0
        """Since the last sign of a leader, or the start of an election."""
        self.heartbeat_ticks = 0
        self.quorum_ticks = 0
        self.stall_ticks = 0
        self._random = random
        self.actions: list[AnyAction] = []
        election.reset_timeout(self)

    @property
    def votes_here(self) -> bool:
        """Whether this replica is a voter. One that is not only observes: it neither stands nor answers."""
        return self.config.name in self.config.voters

    @property
    def others(self) -> list[str]:
        """All voters but this one."""
        return [voter for voter in self.config.voters if voter != self.config.name]

    def step(self, event: AnyEvent) -> list[AnyAction]:
        """Take one event; return what must now be done, in order."""
        self.actions = []
        match event:
            case Tick():
                election.tick(self)
            case Receive(message):
                self._receive(message)
            case Propose(data):
                replication.propose(self, data)
            case Persisted(number):
                replication.persisted(self, number)
            case Refused():
                replication.refused(self, event)
            case Endorsed(endorsements):
                replication.endorsed(self, self.config.name, endorsements)
            case Certified(index):
                replication.certified(self, index)
            case Observed():
                replication.observed(self, event)
        return self.actions

    # The common gate

    def _receive(self, message: AnyMessage) -> None:
        if message.sender not in self.others or not self.votes_here:
            return
        if message.term > self.term and not self._accept_newer_term(message):
            return
        if message.term < self.term and self._answer_older_term(message):
            return
        match message:
            case VoteRequest():
                election.vote_requested(self, message)
            case VoteReply():
                election.vote_answered(self, message)
            case Append():
                replication.append_received(self, message)
            case AppendReply():
                replication.append_answered(self, message)

    def _accept_newer_term(self, message: AnyMessage) -> bool:
        """Deal with a term above ours; False if the message must be ignored (4.2.3, 9.6)."""
        if isinstance(message, VoteRequest):
            if self.role is Role.LEADER or (self.leader and self.ticks < self.config.election_ticks):
                return False
            if message.probe:
                return True
        if isinstance(message, VoteReply) and message.probe and message.granted:
            return True
        self.become_follower(message.term, message.sender if isinstance(message, Append) else "")
        return True

    def _answer_older_term(self, message: AnyMessage) -> bool:
        """Answer a message of an older term so that its sender learns ours; True if nothing else is to be done."""
        if isinstance(message, Append):
            self.send(message.sender, self._reject(message.previous_index))
        elif isinstance(message, VoteRequest):
            reply = VoteReply(term=self.term, sender=self.config.name, granted=False, probe=message.probe)
            self.send(message.sender, reply)
        return True

    def _reject(self, probed: int) -> AppendReply:
        return AppendReply(term=self.term, sender=self.config.name, result=Result.REJECTED, index=probed)

    # What elections and replication share

    def become_follower(self, term: int, leader: str) -> None:
        """Follow, in this term or a newer one."""
        changed = self.role is not Role.FOLLOWER or leader != self.leader or term != self.term
        if term > self.term:
            self.term, self.vote = term, ""
            self.pending_acknowledgements.clear()
            self.pending_certificate = (self.committed, b"")
            self.persist(None, ())
        self.role, self.leader = Role.FOLLOWER, leader
        self.progress.clear()
        self.endorsements.clear()
        election.reset_timeout(self)
        if changed:
            self.actions.append(Follow(self.term, leader))

    def persist(self, truncate_from: int | None, entries: tuple[Entry, ...]) -> int:
        """Ask for term, vote and entries to be made durable; return the number to wait for."""
        self.number += 1
        self.actions.append(Persist(self.number, self.term, self.vote, truncate_from, entries))
        return self.number

    def send(self, to: str, message: AnyMessage) -> None:
        self.actions.append(Send(to, message))

    def send_after(self, number: int, to: str, message: AnyMessage) -> None:
        self.actions.append(SendAfter(number, to, message))

    def draw(self, low: int, high: int) -> int:
        """A number of ticks by chance, from the replica's own seed."""
        return self._random.randint(low, high)
