"""Whether this node is where the others are: that is what `/readyz` means by ready.

A leader is, once a block of its own term is final (before, it does not know how much of its log was final already), and
while a majority answers it as its followers. Any other node has to be told by such a leader, again and again,
how far the chain is, and to be there itself, but for blocks that are on their way. So a node that takes no blocks,
because its clock is wrong, its own frames do not leave it or its disk is slow, stops being ready within a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from consensus.messages import AnyMessage, Append, AppendReply
from consensus.quorum import majority
from consensus.replica_state import ReplicaState, Role
from node.chain.chain import Chain

BEHIND_MAX = 8
"""Blocks that may be on their way to a node that is level with the others."""
TOLD_SECONDS = 1.0
"""How long ago a voter was level at most: the longest election timeout."""
ASKED_SECONDS = 5.0
"""The same for a node that does not vote, which asks for blocks and may wait two seconds for an answer."""


class Freshness:
    """What a node knows of how far the others are."""

    def __init__(self, chain: Chain, replica: ReplicaState, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._answered: dict[str, float] = {}
        """When each voter answered this node as its leader last."""
        self._chain = chain
        self._replica = replica
        self._told = 0
        self._level = float("-inf")

    def heard(self, message: AnyMessage) -> None:
        """A message was taken: by the leader, which says how far it is, or by this leader, of one that follows it."""
        if isinstance(message, Append) and message.sender == self._replica.leader:
            self._told = message.newest
            if self.behind <= BEHIND_MAX and self.settled(message.term):
                self.level()
        elif isinstance(message, AppendReply) and message.term == self._replica.term:
            self._answered[message.sender] = self._monotonic()

    def settled(self, term: int) -> bool:
        """Whether this node has a final block of a term: without one its leader may not know what was final before."""
        return self._chain.committed.term == term

    def level(self) -> None:
        """This node is where the others are."""
        self._level = self._monotonic()

    @property
    def behind(self) -> int:
        """Final blocks that the leader has told of and this node lacks."""
        return max(0, self._told - self._chain.committed.height)

    def answering(self) -> set[str]:
        """This node, and the voters that have answered it as their leader a moment ago."""
        since = self._monotonic() - TOLD_SECONDS
        voters = {one for one in self._replica.others if self._answered.get(one, float("-inf")) >= since}
        return voters | {self._chain.node}

    @property
    def _led(self) -> bool:
        """Whether a majority, this node among them, has answered it as its leader a moment ago."""
        return len(self.answering()) >= majority(len(self._replica.config.voters))

    @property
    def ready(self) -> bool:
        """Whether this node leads, or was level with the others a moment ago."""
        if self._replica.role is Role.LEADER:
            return self.settled(self._replica.term) and self._led
        within = TOLD_SECONDS if self._replica.votes_here else ASKED_SECONDS
        return bool(self._replica.leader) and self._monotonic() - self._level <= within
