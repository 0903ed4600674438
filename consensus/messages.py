"""What replicas say to each other. The names of these classes are their tags on the wire."""

from __future__ import annotations

from enum import Enum

import msgspec

from consensus.raft_log import Number, RaftEntry


class Message(msgspec.Struct, frozen=True, array_like=True, tag=True, kw_only=True):
    """Base of all messages."""

    term: Number
    sender: str


class VoteRequest(Message, frozen=True):
    """Asks for a vote. With `probe` set it is a pre-vote: would you, if I stood?"""

    last_index: Number
    last_term: Number
    probe: bool


class VoteReply(Message, frozen=True):
    """Answers a vote request."""

    granted: bool
    probe: bool


class Append(Message, frozen=True):
    """Entries after a known place, and the newest certificate the receiver can use. Without entries: a heartbeat."""

    previous_index: Number
    previous_term: Number
    entries: tuple[RaftEntry, ...]
    certified: Number = 0
    """Index that `certificate` makes final, 0 if there is none; filled in by the driver."""
    certificate: bytes = b""
    newest: Number = 0
    """Index up to which everything is final at the sender: by it a node knows how far it is behind, and no more."""
    round: Number = 0
    """Number of the sender's newest round; the answer names it again."""


class HandOver(Message, frozen=True):
    """A leader that is about to stop tells every follower which of them is to stand for election now."""

    to: str


class Result(Enum):
    """The three answers to an append; the last with two shades."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    """The logs do not match at the place before the entries."""
    REFUSED = "refused"
    """Execution refused an entry."""
    POSTPONED = "postponed"
    """Not yet: the entry lies ahead of the receiver's clock."""


class AppendReply(Message, frozen=True):
    """Answers an append."""

    result: Result
    index: Number
    """ACCEPTED: last index now held. REJECTED: the probed index. REFUSED, POSTPONED: the entry."""
    hint_index: Number = 0
    """REJECTED: highest place at which the logs may still match."""
    hint_term: Number = 0
    code: str = ""
    endorsements: tuple[tuple[Number, bytes], ...] = ()
    """(index, signature) for entries of the current term; filled in by the driver."""
    round: Number = 0
    """That of the append."""


class AskIndex(Message, frozen=True):
    """A follower asks its leader up to where a read that begins now has to see."""

    number: Number
    """Of the read, at the follower."""


class TellIndex(Message, frozen=True):
    """The leader's answer: everything up to `index` was final when it was asked, and it led after that."""

    number: Number
    index: Number


AnyMessage = VoteRequest | VoteReply | Append | AppendReply | HandOver | AskIndex | TellIndex
