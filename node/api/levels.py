"""How new an answer is: every answer names the height it stands at, and whoever reads may ask for no less.

`min_height` waits until this node has a block: with the height of a receipt, a client reads what it wrote at whichever
node it asks. `consistency=linearizable` waits for all that was final anywhere when the question came.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

from fastapi import Query, Request
from starlette.responses import Response

from ledger.names import INTEGER_MAX
from ledger.times import moment
from node.chain.chain import Chain
from node.ordering.driver import Driver
from node.ordering.read_index import unread
from remarque.errors import NodeCode, NodeError

WAIT_SECONDS_MAX = 2.0
ACCOUNT_WAITS_MAX = 128
"""Requests of one account that may wait at a time."""
AHEAD_MAX = 4
"""Blocks above the newest known one for which it is worth waiting: more do not become final before this node knows."""
HEIGHT_HEADER, TIME_HEADER = "Remarque-Height", "Remarque-Time-Ms"

MinHeight = Annotated[int | None, Query(ge=0, le=INTEGER_MAX)]
Consistency = Annotated[Literal["linearizable"] | None, Query()]


class Levels:
    """The heights that one node answers at."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._chain = driver.chain
        self._waits: Counter[str] = Counter()
        """Requests that wait, by account."""

    async def wait(self, request: Request, account: str, min_height: int | None, consistency: str | None) -> None:
        """Wait until this node is as far as an account asks: HEIGHT_NOT_REACHED, or NO_LEADER, if it is not soon.

        ACCOUNT_BUSY if too many of its requests wait.
        """
        wanted = min_height or 0
        if consistency is not None or self._chain.committed.height < wanted <= self._known + AHEAD_MAX:
            with self._waiting(account):
                wanted = await self._awaited(wanted, linearizable=consistency is not None)
        newest = self._chain.committed
        request.state.level = level_of(self._chain)
        if newest.height < wanted:
            detail = f"this node is at {newest.height}, of {moment(newest.time_ms)}, and {wanted} was asked for"
            raise NodeError(NodeCode.HEIGHT_NOT_REACHED, f"{detail}; ask again, or ask another node", 1)

    async def _awaited(self, wanted: int, *, linearizable: bool) -> int:
        """The height that is wanted, once this node is there or the time is over."""
        commits, time = self._chain.commits, asyncio.get_running_loop().time
        deadline, known = time() + WAIT_SECONDS_MAX, self._known
        if linearizable:
            try:
                async with asyncio.timeout_at(deadline):
                    index = await self._driver.read_index.now()
            except TimeoutError:
                raise unread() from None
            wanted, known = max(wanted, index), max(known, index)
        if wanted > known + AHEAD_MAX:
            return wanted
        while self._chain.committed.height < wanted and time() < deadline:
            await commits.after(commits.count, deadline - time())
        return wanted

    @contextmanager
    def _waiting(self, account: str) -> Iterator[None]:
        """Count a request of an account that waits."""
        if self._waits[account] >= ACCOUNT_WAITS_MAX:
            detail = f"{self._waits[account]} reads of {account or 'strangers'} wait here; let them be answered first"
            raise NodeError(NodeCode.ACCOUNT_BUSY, detail, 1)
        self._waits[account] += 1
        try:
            yield
        finally:
            self._waits[account] -= 1
            if not self._waits[account]:
                del self._waits[account]

    @property
    def _known(self) -> int:
        """Height of the newest block that this node holds, or that its leader told it of."""
        return max(self._chain.tip.height, self._chain.committed.height + self._driver.freshness.behind)


def level_of(chain: Chain) -> tuple[int, int]:
    """Height and time of a node's newest final block."""
    return chain.committed.height, chain.committed.time_ms


def show_level(response: Response, level: tuple[int, int]) -> None:
    """Name in an answer the height and the time that it stands at, or is newer than."""
    response.headers[HEIGHT_HEADER], response.headers[TIME_HEADER] = map(str, level)
