"""What a replica is told: time passed, a message came, the driver did what it was asked to do."""

from __future__ import annotations

import msgspec

from consensus.messages import AnyMessage


class Input(msgspec.Struct, frozen=True):
    """Base of all inputs."""


class Tick(Input, frozen=True):
    """A fixed span of time has passed."""


class Receive(Input, frozen=True):
    """An authenticated message has arrived."""

    message: AnyMessage


class ProposeEntry(Input, frozen=True):
    """The leader's driver wants an entry appended, built for index `last_index + 1` and the current term."""

    data: bytes


class Persisted(Input, frozen=True):
    """All entries of the `Persist` are durable."""


class EntryRefused(Input, frozen=True):
    """Execution refused entry `index` of the `Persist`: it and what follows it were not made durable."""

    index: int
    code: str
    postponed: bool


class Endorsed(Input, frozen=True):
    """This node, as leader, has endorsed its own durable entries."""

    endorsements: tuple[tuple[int, bytes], ...]


class Certified(Input, frozen=True):
    """A certificate for this index was built from endorsements, or arrived and was verified."""

    index: int


class Resign(Input, frozen=True):
    """This node is about to stop: if it leads, another is to lead, as soon as one has all that this one has."""

    back: bool = False
    """Nobody has taken over: it leads on until it stops."""


class Read(Input, frozen=True):
    """Up to where is everything final now? Answered with `ReadAt` or `ReadLost` of the same number, once."""

    number: int
    """From 1 on. A read that is still under way is lost when the next one begins."""


class Reconfigure(Input, frozen=True):
    """What was delivered changes who votes."""

    voters: tuple[str, ...]


class Observed(Input, frozen=True):
    """A replica that does not vote has taken everything up to `index`, final and durable, from elsewhere."""

    index: int
    term: int
    leader: str
    """Who leads, as far as the node that gave it knows; empty if unknown."""


AnyInput = (
    Tick | Receive | ProposeEntry | Persisted | EntryRefused | Endorsed | Certified | Resign | Read | Reconfigure
    | Observed
)  # fmt: skip
