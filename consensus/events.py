"""What is said to a replica, what it answers, and what replicas say to each other. All values, all frozen."""

from __future__ import annotations

from enum import Enum

import msgspec


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One place of the log, with bytes that consensus does not look into."""

    index: int
    term: int
    data: bytes


# Messages between replicas -------------------------------------------------------------------------------------------


class Message(msgspec.Struct, frozen=True, array_like=True, tag=True, kw_only=True):
    """Base of all messages."""

    term: int
    sender: str


class VoteRequest(Message, frozen=True):
    """Asks for a vote. With `probe` set it is a pre-vote: would you, if I stood?"""

    last_index: int
    last_term: int
    probe: bool


class VoteReply(Message, frozen=True):
    granted: bool
    probe: bool


class Append(Message, frozen=True):
    """Entries after a known place, and the newest certificate the receiver can use. Without entries: a heartbeat."""

    previous_index: int
    previous_term: int
    entries: tuple[Entry, ...]
    certified: int = 0
    """Index that `certificate` makes final; filled in by the driver. 0: none."""
    certificate: bytes = b""


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
    result: Result
    index: int
    """ACCEPTED: last index now held. REJECTED: the probed index. REFUSED, POSTPONED: the entry."""
    hint_index: int = 0
    """REJECTED: highest place at which the logs may still match."""
    hint_term: int = 0
    code: str = ""
    endorsements: tuple[tuple[int, bytes], ...] = ()
    """(index, signature) for entries of the current term; filled in by the driver."""


AnyMessage = VoteRequest | VoteReply | Append | AppendReply


# Events --------------------------------------------------------------------------------------------------------------


class Event(msgspec.Struct, frozen=True):
    """Base of all events."""


class Tick(Event, frozen=True):
    """A fixed span of time has passed."""


class Receive(Event, frozen=True):
    """An authenticated message has arrived."""

    message: AnyMessage


class Propose(Event, frozen=True):
    """The leader's driver wants an entry appended, built for index `last_index + 1` and the current term."""

    data: bytes


class Persisted(Event, frozen=True):
    """All of `Persist` up to this number is durable."""

    number: int


class Refused(Event, frozen=True):
    """Execution refused entry `index` of the newest `Persist`: it and what follows it were not made durable."""

    number: int
    index: int
    code: str
    postponed: bool


class Endorsed(Event, frozen=True):
    """This node, as leader, has endorsed its own durable entries."""

    endorsements: tuple[tuple[int, bytes], ...]


class Certified(Event, frozen=True):
    """A certificate for this index was built from endorsements, or arrived and was verified."""

    index: int


class Observed(Event, frozen=True):
    """A replica that does not vote has taken everything up to `index`, final and durable, from elsewhere."""

    index: int
    term: int
    leader: str
    """Who leads, as far as whoever gave it knows; empty: unknown."""


AnyEvent = Tick | Receive | Propose | Persisted | Refused | Endorsed | Certified | Observed


# Actions -------------------------------------------------------------------------------------------------------------


class Action(msgspec.Struct, frozen=True):
    """Base of all actions."""


class Persist(Action, frozen=True):
    """Execute the entries, then make term, vote, truncation and entries durable in one batch."""

    number: int
    term: int
    vote: str
    """Empty: none."""
    truncate_from: int | None
    """Drop the log from this index on before appending."""
    entries: tuple[Entry, ...]


class Send(Action, frozen=True):
    """Send now."""

    to: str
    message: AnyMessage


class SendAfter(Action, frozen=True):
    """Send once `Persist` `number` is durable."""

    number: int
    to: str
    message: AnyMessage


class Acknowledge(Action, frozen=True):
    """Send an acceptance, with this node's endorsements of the entries `first` to `reply.index` of the current term."""

    to: str
    reply: AppendReply
    first: int


class Endorse(Action, frozen=True):
    """Endorse this leader's own durable entries of the current term, and answer with `Endorsed`."""

    first: int
    last: int


class Certify(Action, frozen=True):
    """A majority has endorsed entry `index`: build the certificate, and answer with `Certified`."""

    index: int
    endorsements: tuple[tuple[str, bytes], ...]
    """(node, signature), sorted by node."""


class CheckCertificate(Action, frozen=True):
    """Verify a certificate against the own entry at `index`; answer with `Certified` if it holds."""

    index: int
    certificate: bytes


class Deliver(Action, frozen=True):
    """Entry `index` and all below are final."""

    index: int


class Lead(Action, frozen=True):
    """This replica leads the term now: propose an opening entry."""

    term: int


class Follow(Action, frozen=True):
    """This replica does not lead; `leader` is empty while unknown."""

    term: int
    leader: str


AnyAction = (
    Persist | Send | SendAfter | Acknowledge | Endorse | Certify | CheckCertificate | Deliver | Lead | Follow
)  # fmt: skip
