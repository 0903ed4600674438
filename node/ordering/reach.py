"""Whether anything can be committed now: who leads, and which voters this node hears.

An election takes a moment, in which clients wait. Where a node hears no majority there is nothing to wait for, and they
are told so at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from consensus.quorum import majority
from consensus.replica import Replica
from remarque.errors import NodeCode, NodeError

HEARD_SECONDS = 1.0
"""A voter that was silent for longer is not heard. A candidate asks, and is answered, several times as often."""
UNREACHED_SECONDS_MAX = 1.0
"""After this long without a leader and without a majority, what is new is refused."""
LEADERLESS_SECONDS_MAX = 5.0
"""After this long without a leader, what is new is refused whoever is heard."""


class Reach:
    """What one node knows of its leader, and of the other voters."""

    def __init__(self, replica: Replica, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._replica = replica
        self._monotonic = monotonic
        self._led = monotonic()
        """When a leader was last known."""
        self._heard: dict[str, float] = {}
        """When each voter was last heard."""

    def heard(self, sender: str) -> None:
        """A voter's message has come."""
        self._heard[sender] = self._monotonic()

    def look(self) -> None:
        """Note who leads, from time to time."""
        if self._replica.leader:
            self._led = self._monotonic()

    def check(self) -> None:
        """Refuse what is new while nothing can be committed: NO_LEADER."""
        if self._replica.leader:
            return
        leaderless, count = self._monotonic() - self._led, 1 + len(self._replica.others)
        heard_since = self._monotonic() - HEARD_SECONDS
        hears = 1 + sum(self._heard.get(voter, 0.0) >= heard_since for voter in self._replica.others)
        if leaderless > UNREACHED_SECONDS_MAX and hears < majority(count) and self._replica.votes_here:
            detail = f"this node hears {hears} of {count} voters, itself included, and {majority(count)} are needed"
            raise NodeError(NodeCode.NO_LEADER, f"{detail}; start the others, or ask another node", 2)
        if leaderless > LEADERLESS_SECONDS_MAX:
            detail = f"no leader is known for {leaderless:.0f} s; see that the nodes reach each other"
            raise NodeError(NodeCode.NO_LEADER, detail, 5)
