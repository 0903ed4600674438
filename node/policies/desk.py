"""Where policies that members bring are looked at: off the event loop, one after the other, few of one account."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from remarque.errors import NodeCode, NodeError

ACCOUNT_WAITING_MAX = 2
WAITING_MAX = 32

P = ParamSpec("P")
T = TypeVar("T")


class Desk:
    """One thread: several would take the interpreter from the event loop in turns, and be done no sooner."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "policies")
        self._waiting: Counter[str] = Counter()

    async def done(self, account: str, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Have work done for an account. ACCOUNT_BUSY or OVERLOADED if too much waits."""
        if self._waiting[account] >= ACCOUNT_WAITING_MAX:
            raise NodeError(NodeCode.ACCOUNT_BUSY, f"{ACCOUNT_WAITING_MAX} policies of {account} are looked at", 1)
        if self._waiting.total() >= WAITING_MAX:
            raise NodeError(NodeCode.OVERLOADED, f"{WAITING_MAX} policies are looked at; try again", 1)
        self._waiting[account] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*arguments, **named))
        finally:
            self._waiting[account] -= 1
            if not self._waiting[account]:
                del self._waiting[account]
