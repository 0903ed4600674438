"""What a replica answers: what its driver must now do, in order."""

from __future__ import annotations

import msgspec

from consensus.messages import AnyMessage, AppendReply
from consensus.raft_log import RaftEntry


class Output(msgspec.Struct, frozen=True):
    """Base of all outputs."""


class Persist(Output, frozen=True):
    """Execute the entries, then make term, vote, truncation and entries durable in one batch.

    If there are entries, answer with `Persisted` or `EntryRefused` before anything else is given to the replica.
    """

    term: int
    vote: str
    """Empty if this replica has voted for nobody in this term."""
    truncate_from: int | None
    """Drop the log from this index on before appending."""
    entries: tuple[RaftEntry, ...]


class Send(Output, frozen=True):
    """Send the message now."""

    to: str
    message: AnyMessage


class Acknowledge(Output, frozen=True):
    """Send an acceptance, with this node's endorsements of the entries `first` to `reply.index` of the current term."""

    to: str
    reply: AppendReply
    first: int


class Endorse(Output, frozen=True):
    """Endorse this leader's own durable entries of the current term, and answer with `Endorsed`."""

    first: int
    last: int


class Certify(Output, frozen=True):
    """A majority has endorsed entry `index`: build the certificate, and answer with `Certified`."""

    index: int
    endorsements: tuple[tuple[str, bytes], ...]
    """(node, signature), sorted by node."""


class CheckCertificate(Output, frozen=True):
    """Verify a certificate against this node's entry at `index`; answer with `Certified` if it holds."""

    index: int
    certificate: bytes


class Deliver(Output, frozen=True):
    """Entry `index` and all below are final."""

    index: int


class ReadAt(Output, frozen=True):
    """A read has to see what is final up to `index`."""

    number: int
    index: int


class ReadLost(Output, frozen=True):
    """A read cannot be answered: nobody leads, or who led does not any more."""

    number: int


class Lead(Output, frozen=True):
    """This replica leads the term now: propose an opening entry."""

    term: int


class Follow(Output, frozen=True):
    """This replica does not lead; `leader` is empty while unknown."""

    term: int
    leader: str


AnyOutput = (
    Persist | Send | Acknowledge | Endorse | Certify | CheckCertificate | Deliver | ReadAt | ReadLost | Lead | Follow
)
