"""Following the chain: whoever needs to know what became final is told here, and in no other way.

A listener is called with the layers that became final, in order, before the turn of the event loop in which they did
ends. It must not wait and must not fail. Whoever can wait waits by `count` instead.
"""

from __future__ import annotations

from collections.abc import Callable

from node.chain.layers import Layer
from node.ground.changes import ChangeCounter

Listener = Callable[[list[Layer]], None]


class Commits:
    """Tells of the blocks that become final."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._changes = ChangeCounter()

    def follow(self, listener: Listener) -> None:
        """Call a listener with all that becomes final from now on. Those that were added first are called first."""
        self._listeners.append(listener)

    def tell(self, layers: list[Layer]) -> None:
        """Blocks are final, and what they wrote is the committed state."""
        for listener in self._listeners:
            listener(layers)
        self._changes.tell()

    @property
    def count(self) -> int:
        """How often blocks have become final since the start."""
        return self._changes.count

    async def after(self, count: int, seconds: float) -> bool:
        """Wait until blocks have become final more than `count` times; False if they do not in time."""
        return await self._changes.after(count, seconds)
