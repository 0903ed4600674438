"""What the leader knows of one follower: how far it matches, what to send next, and what is under way.

A follower is *probed* with one message at a time until a place is found where the logs match; then entries are
*streamed*, several messages ahead of their answers.
"""

from __future__ import annotations

IN_FLIGHT_MAX = 4
"""Messages with entries on their way to one follower."""


class FollowerProgress:
    """One follower, as its leader sees it."""

    def __init__(self, next_index: int) -> None:
        self.match = 0
        """Highest index known to be the same on both."""
        self.next = next_index
        """Index of the next entry to send."""
        self.probing = True
        self.in_flight: list[int] = []
        """Last index of each message with entries that is unanswered."""
        self.paused = False
        """While probing: a probe is out. Cleared by an answer or the next heartbeat."""
        self.refused = 0
        """Index of an entry that its execution refuses: what lies above is not sent before it takes that one."""
        self.round = 0
        """The newest round of this leader's that it has answered."""
        self.heard = True
        """Whether it answered since the last check of the quorum."""

    @property
    def ready(self) -> bool:
        """Whether a message may be sent now."""
        return not self.paused if self.probing else len(self.in_flight) < IN_FLIGHT_MAX

    def sent(self, last: int) -> None:
        """Entries up to `last` have been sent."""
        if self.probing:
            self.paused = True
        else:
            self.in_flight.append(last)
            self.next = last + 1

    def accepted(self, index: int) -> None:
        """The follower holds everything up to `index`."""
        self.match = max(self.match, index)
        if index < self.refused:
            return
        self.refused = 0
        self.paused = False
        self.in_flight = [last for last in self.in_flight if last > index]
        if self.probing:
            self.probing = False
            self.next = self.match + 1
        self.next = max(self.next, self.match + 1)

    def rejected(self, probed: int, place: int) -> bool:
        """The follower did not match at `probed`, but may at `place`. False if the answer is stale."""
        if probed < self.match or (self.probing and probed != self.next - 1):
            return False
        # It may have said before that it holds more than it does.
        self.match = min(self.match, place)
        self.probe_from(min(place, probed - 1) + 1)
        return True

    def refuses(self, index: int) -> None:
        """Execution refused an entry: it is tried again with the next heartbeat, and not at once."""
        self.probe_from(index)
        self.refused, self.paused = index, True

    def probe_from(self, index: int) -> None:
        """Start looking again for the place where the logs match."""
        self.refused = 0
        self.next = max(index, self.match + 1)
        self.probing, self.paused = True, False
        self.in_flight.clear()

    def heartbeat_due(self) -> None:
        """A heartbeat goes out: whatever was lost may be sent again."""
        if self.probing:
            self.paused = False
