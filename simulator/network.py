"""The network between simulated nodes: frames take time, and what may go wrong with them does."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from simulator.loop import SimulatedLoop

Link = tuple[str, str]
"""From a node to a node."""
REPLAYED_SECONDS = (5.0, 60.0)
"""How much later an old frame comes once more."""
TAIL_SECONDS = 3.0
"""How long a frame takes that takes long."""


class Weather:
    """What the network does of itself: each a share of the frames, and how long they take."""

    def __init__(self) -> None:
        self.loss = 0.0
        self.duplicates = 0.0
        self.replays = 0.0
        self.tails = 0.0
        self.seconds = 0.002
        """Mean time that a frame takes."""
        self.in_order = True
        """Whether frames of one link keep their order."""


class Network:
    """All links.

    `arrive` is called with sender, receiver, frame and when it was sent, `met` with the name of a fault that happened.
    """

    def __init__(
        self,
        loop: SimulatedLoop,
        random: Random,
        arrive: Callable[[str, str, bytes, float], None],
        met: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._random = random
        self._arrive = arrive
        self._met = met
        self.weather = Weather()
        self.cut: dict[Link, str] = {}
        """Links that carry nothing, each with the fault that cut it."""
        self.slow: dict[str, float] = {}
        """Seconds that frames from and to a node take longer."""
        self.clogged: dict[Link, list[tuple[bytes, float]]] = {}
        """Links that hold their frames back, and what they hold."""
        self._last: dict[Link, float] = {}

    def post(self, sender: str, to: str, frame: bytes) -> None:
        """Take a frame."""
        link, weather, chance = (sender, to), self.weather, self._random.random
        if link in self.cut:
            self._met(self.cut[link])
            return
        if chance() < weather.loss:
            self._met("frame lost")
            return
        if link in self.clogged:
            self._met("link clogged")
            self.clogged[link].append((frame, self._loop.time()))
            return
        self._carry(link, frame, self._loop.time())
        if chance() < weather.duplicates:
            self._met("frame doubled")
            self._carry(link, frame, self._loop.time())
        if chance() < weather.replays:
            self._met("old frame replayed")
            self._loop.call_later(
                self._random.uniform(*REPLAYED_SECONDS), self._arrive, sender, to, frame, self._loop.time()
            )

    def unclog(self, link: Link) -> None:
        """Let what a link held back go on."""
        for frame, sent in self.clogged.pop(link, []):
            self._carry(link, frame, sent)

    def clear(self) -> None:
        """End all faults, but for frames that are under way."""
        self.weather = Weather()
        self.cut.clear()
        self.slow.clear()
        for link in list(self.clogged):
            self.unclog(link)

    def _carry(self, link: Link, frame: bytes, sent: float) -> None:
        weather, chance = self.weather, self._random
        taken = chance.expovariate(1 / weather.seconds) + self.slow.get(link[0], 0.0) + self.slow.get(link[1], 0.0)
        if chance.random() < weather.tails:
            self._met("frame late")
            taken += chance.expovariate(1 / TAIL_SECONDS)
        at = self._loop.time() + taken
        last = self._last.get(link, 0.0)
        if at < last and weather.in_order:
            at = last
        elif at < last:
            self._met("frames out of order")
        self._last[link] = max(at, last)
        self._loop.call_at(at, self._arrive, *link, frame, sent)
