"""The replica: one deterministic machine behind one door, `step`.

This file holds the common gate for messages by term, and the dispatch. Elections are in `election.py`, replication in
`replication.py`: functions over a replica's state, split by kind of input. Ongaro's thesis (2014) is the source;
section numbers in comments are its.
"""

from __future__ import annotations

from consensus import election, membership, read_index, replication
from consensus.errors import ensure
from consensus.inputs import (
    AnyInput,
    Certified,
    Endorsed,
    EntryRefused,
    Observed,
    Persisted,
    ProposeEntry,
    Read,
    Receive,
    Reconfigure,
    Resign,
    Tick,
)
from consensus.messages import (
    AnyMessage,
    Append,
    AppendReply,
    AskIndex,
    HandOver,
    Result,
    TellIndex,
    VoteReply,
    VoteRequest,
)
from consensus.outputs import AnyOutput
from consensus.replica_state import ReplicaState, Role


class Replica(ReplicaState):
    """One member of the cluster: its state, and the door through which it changes."""

    def step(self, given: AnyInput) -> list[AnyOutput]:
        """Take one input; return what must now be done, in order."""
        self.outputs = []
        answered = isinstance(given, Persisted | EntryRefused)
        ensure(answered is bool(self.writing), "what is to be written is answered before anything else, and once")
        match given:
            case Tick():
                election.tick(self)
            case Receive(message):
                self._receive(message)
            case ProposeEntry(data):
                replication.propose(self, data)
            case Persisted():
                replication.persisted(self)
            case EntryRefused():
                replication.refused(self, given)
            case Endorsed(endorsements):
                replication.endorsed(self, self.config.name, endorsements)
            case Certified(index):
                replication.certified(self, index)
                read_index.begin_waiting(self)
            case Resign() | Read() | Reconfigure() | Observed():
                self._asked(given)
        return self.outputs

    def _asked(self, given: Resign | Read | Reconfigure | Observed) -> None:
        """Deal with what the driver does not do for consensus, but wants of it."""
        match given:
            case Resign(back):
                election.resign(self, back=back)
            case Read(number):
                read_index.read(self, number)
            case Reconfigure(voters):
                membership.reconfigure(self, voters)
                read_index.answered(self)
            case Observed():
                replication.observed(self, given)

    # The common gate

    def _receive(self, message: AnyMessage) -> None:
        if message.sender not in self.others or not self.votes_here:
            return
        if not self.believes(message.term):
            return
        if message.term > self.term and not self._accept_newer_term(message):
            return
        if message.term < self.term and self._answer_older_term(message):
            return
        self._take(message)

    def _take(self, message: AnyMessage) -> None:
        """Deal with a message of this term, or with a probe."""
        match message:
            case VoteRequest():
                election.vote_requested(self, message)
            case VoteReply():
                election.vote_answered(self, message)
            case Append():
                replication.append_received(self, message)
            case AppendReply():
                replication.append_answered(self, message)
                election.hand_over(self)
                read_index.answered(self)
            case AskIndex():
                read_index.index_asked(self, message)
            case TellIndex():
                read_index.index_told(self, message)
            case HandOver():
                election.handed_over(self, message)

    def _accept_newer_term(self, message: AnyMessage) -> bool:
        """Deal with a term above ours; False if the message must be ignored (4.2.3, 9.6)."""
        if isinstance(message, VoteRequest):
            led = self.role is Role.LEADER or (self.leader and self.ticks < self.config.election_ticks)
            if led and message.sender != self.successor:
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
