"""A member that lies: it runs as the others do, and part of what it says to them is false, under its own name.

Three lies are left out, for certificates of a majority cannot prevent what they do, but only prove it afterwards: to
sign two blocks of one height, to vote for two leaders of one term, and to claim a log, or a term of its own, with which
it makes others drop blocks. What is left may hold the others up. It may not make any of them commit what the rest does
not, and may not stop one for good.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import msgspec

from consensus.messages import (
    AnyMessage,
    Append,
    AppendReply,
    AskIndex,
    HandOver,
    Message,
    Result,
    TellIndex,
    VoteReply,
    VoteRequest,
)
from consensus.raft_log import NUMBER_MAX, RaftEntry
from consensus.replica_state import TERM_STEP_MAX
from node.peers.frames import AnyFrame, Forward, encode_frame

OFTEN = 0.2
"""Part of what it says that is false, or is followed by something false."""


class Liar:
    """Makes false frames of those that a node would send."""

    def __init__(self, random: Random, lied: Callable[[], None]) -> None:
        """`lied` is called with every false frame."""
        self._random = random
        self._lied = lied

    def frames(self, message: AnyFrame) -> list[bytes]:
        """What is sent in place of a message: most often the same."""
        frame = encode_frame(message)
        if self._random.random() >= OFTEN:
            return [frame]
        self._lied()
        chosen = self._random.random()
        if chosen < 0.1:
            return [self._spoilt(frame), frame]
        if isinstance(message, Message):
            lie = self._random.choice(_LIES[type(message)])(message, self._random)
            return [encode_frame(lie)] if chosen < 0.5 else [frame, encode_frame(lie)]
        return [frame]

    def _spoilt(self, frame: bytes) -> bytes:
        """A frame with a bit that is wrong, or cut short."""
        at = self._random.randrange(len(frame))
        if self._random.random() < 0.3:
            return frame[:at]
        return frame[:at] + bytes([frame[at] ^ (1 << self._random.randrange(8))]) + frame[at + 1 :]


Lie = Callable[[AnyMessage, Random], AnyFrame]


def _but(**changes: Callable[[AnyMessage, Random], object]) -> Lie:
    """The message with other values in some fields."""

    def lie(message: AnyMessage, random: Random) -> AnyMessage:
        return msgspec.structs.replace(message, **{name: make(message, random) for name, make in changes.items()})

    return lie


def _number(_: AnyMessage, random: Random) -> int:
    return random.choice((0, 1, random.randint(0, 100), NUMBER_MAX))


def _term_above(message: AnyMessage, random: Random) -> int:
    """A term that is believed, or is not. The largest step that is, again and again, would outrun a node that is away:
    what justifies a term are votes, and they do not travel with it yet."""
    return min(NUMBER_MAX, message.term + random.choice((1, 2, 100, 2 * TERM_STEP_MAX, NUMBER_MAX)))


def _garbage(_: AnyMessage, random: Random) -> bytes:
    return random.randbytes(random.choice((0, 1, 40, 300)))


def _signatures(message: AnyMessage, random: Random) -> tuple[tuple[int, bytes], ...]:
    return tuple((random.randint(0, 50), random.randbytes(64)) for _ in range(random.randint(1, 3)))


def _entries(message: AnyMessage, random: Random) -> tuple[RaftEntry, ...]:
    """Blocks that are none, or that leave a gap."""
    first = getattr(message, "previous_index", 0) + random.choice((1, 1, 2))
    return tuple(RaftEntry(first + place, message.term, random.randbytes(200)) for place in range(2))


def _leads(message: AnyMessage, random: Random) -> AnyFrame:
    """It says that it leads a newer term, in which nobody has voted."""
    return Append(
        term=_term_above(message, random), sender=message.sender, previous_index=0, previous_term=0, entries=()
    )


def _goes(message: AnyMessage, random: Random) -> AnyFrame:
    """It says that it leads, and hands over, to itself for instance."""
    return HandOver(term=message.term, sender=message.sender, to=random.choice((message.sender, "node1", "nobody")))


def _forwards(message: AnyMessage, random: Random) -> AnyFrame:
    """It forwards what is no transaction."""
    return Forward(((random.randbytes(100), (random.randbytes(64),)),))


def _grants(message: AnyMessage, random: Random) -> AnyMessage:
    """It says that it would vote for whoever asks; a vote itself it gives once."""
    probe = isinstance(message, VoteReply) and message.probe
    return msgspec.structs.replace(message, granted=True) if probe else message


def _result(_: AnyMessage, random: Random) -> Result:
    return random.choice(list(Result))


_LIES: dict[type[AnyMessage], list[Lie]] = {
    Append: [
        _but(previous_index=_number),
        _but(previous_term=_number),
        _but(entries=_entries),
        _but(certified=_number, certificate=_garbage),
        _but(certificate=_garbage),
        _but(newest=_number),
        _but(round=_number),
        _leads,
        _goes,
        _forwards,
    ],
    AppendReply: [
        _but(index=_number),
        _but(result=_result),
        _but(result=_result, hint_index=_number, hint_term=_number, index=_number),
        _but(endorsements=_signatures),
        _but(term=_term_above),
        _leads,
        _goes,
    ],
    HandOver: [_leads],
    AskIndex: [_but(number=_number)],
    TellIndex: [_but(number=_number)],
    VoteRequest: [_but(term=_term_above), _but(probe=lambda message, random: False), _leads],
    VoteReply: [_grants, _but(term=_term_above)],
}
"""What may be false in each kind of message."""
