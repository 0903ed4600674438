"""Waiting for what others change: nobody who looks first and waits then misses what came in between."""

from __future__ import annotations

import asyncio


class ChangeCounter:
    """Counts changes. Whoever waits says up to which one they have looked."""

    def __init__(self) -> None:
        self.count = 0
        self._next = asyncio.Event()

    def tell(self) -> None:
        """Something has changed."""
        self.count += 1
        self._next.set()
        self._next = asyncio.Event()

    async def after(self, count: int, seconds: float | None) -> bool:
        """Wait until more than `count` changes have been told; False if there is none in time. None: for ever."""
        try:
            async with asyncio.timeout(seconds):
                while self.count <= count:
                    await self._next.wait()
        except TimeoutError:
            return False
        return True
