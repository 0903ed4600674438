"""An event loop whose time is simulated: it never waits, it goes on to the next thing that is due."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any


class NothingDue(BaseException):
    """Whoever runs waits for something that will never come."""


class _Selector(selectors.BaseSelector):
    """Watches nothing: instead of waiting it moves the time on."""

    def __init__(self) -> None:
        self.now = 0.0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return selectors.SelectorKey(fileobj, 0, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return selectors.SelectorKey(fileobj, 0, 0, None)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return {}

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        raise KeyError(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingDue
        self.now += max(0.0, timeout)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Its `time` is seconds since the run began."""

    def __init__(self) -> None:
        self._watch = _Selector()
        super().__init__(self._watch)

    def time(self) -> float:
        return self._watch.now
