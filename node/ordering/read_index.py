"""Reads that miss nothing that was final anywhere when they began: many share one round of the leader's.

A read that comes while a round is under way waits for the next one, which begins after it. So a node asks at most once
for two rounds, however many read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from consensus.inputs import Read
from consensus.replica_state import ReplicaState
from remarque.errors import NodeCode, NodeError

ATTEMPT_SECONDS, PAUSE_SECONDS = 0.5, 0.02
"""How long a round is waited for before it is asked for again, for what was said may be lost; and the pause before
that, where nobody leads or who led does not any more."""
ANSWER_SECONDS_MAX = 2.0
"""Within so long a round is answered, or nobody leads who could."""


class ReadIndex:
    """The reads of one node."""

    def __init__(self, step: Callable[[Read], None], replica: ReplicaState) -> None:
        self._step = step
        self._replica = replica
        self._number = 0
        self._under_way: dict[int, asyncio.Future[int]] = {}
        self._next: asyncio.Task[int] | None = None
        """The round that those who come now wait for."""
        self._turn = asyncio.Lock()

    async def now(self) -> int:
        """Height up to which a read that begins now has to see.

        NO_LEADER if no leader can say in time; HEIGHT_NOT_REACHED at a node that does not vote, which none answers.
        """
        if not self._replica.votes_here:
            detail = "this node does not vote, and no leader tells it what is final everywhere"
            raise NodeError(NodeCode.HEIGHT_NOT_REACHED, f"{detail}; ask one that votes, or ask with min_height")
        if self._next is None:
            self._next = asyncio.ensure_future(self._round())
            self._next.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(self._next)

    async def _round(self) -> int:
        async with self._turn:
            self._next = None
            loop = asyncio.get_running_loop()
            deadline = loop.time() + ANSWER_SECONDS_MAX
            while loop.time() < deadline:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(min(deadline, loop.time() + ATTEMPT_SECONDS)):
                        return await self._attempt()
                await asyncio.sleep(PAUSE_SECONDS)
        raise unread()

    async def _attempt(self) -> int:
        self._number += 1
        number = self._number
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._under_way[number] = answer
        try:
            self._step(Read(number))
            return await answer
        finally:
            del self._under_way[number]

    def at(self, number: int, index: int) -> None:
        """A round is answered."""
        if (answer := self._under_way.get(number)) is not None and not answer.done():
            answer.set_result(index)

    def lost(self, number: int) -> None:
        """A round is not going to be answered."""
        if (answer := self._under_way.get(number)) is not None and not answer.done():
            answer.set_exception(TimeoutError())


def unread() -> NodeError:
    """The refusal of a read that nobody could answer in time."""
    detail = "no leader that a majority follows says what is final now; ask again, or ask another node"
    return NodeError(NodeCode.NO_LEADER, detail, 1)
