"""Reading the chain beside consensus, on one event loop: in pieces, at most one in a turn of the loop, whoever asks.

A piece is what may be done without a pause: decoding a block takes up to 15 ms, and a stall of the loop above 20 ms
endangers elections. To give way between pieces is not enough when many ask: one piece of each would fall into a turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from time import perf_counter
from typing import ParamSpec, TypeVar

from ledger.block import Certificate
from ledger.receipt import Receipt
from node.chain.chain import Chain
from node.chain.finals import Final
from remarque.errors import NodeCode, NodeError

TOGETHER_MAX = 64
"""Transactions of one block read in one piece of work."""
STEPS_SECONDS = 0.004
"""Steps of a work are taken for so long in one piece of it; the last of them may take longer."""

Place = tuple[int, int]
"""Height and position of a committed transaction."""

P = ParamSpec("P")
T = TypeVar("T")


class Reading:
    """Hands out the turns of the event loop to those who read."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._turn = asyncio.Lock()

    async def piece(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Do a piece of work, in a turn in which no other is done."""
        await self._turn.acquire()
        asyncio.get_running_loop().call_soon(self._turn.release)
        return work(*arguments, **named)

    async def steps(self, work: Iterator[None]) -> None:
        """Do a work that may pause at each of its yields, a few milliseconds of it in a piece."""
        while await self.piece(_some_steps, work):
            pass

    async def final(self, height: int, read: Callable[[Final], T]) -> T:
        """What is read off a final block: at once if it is kept decoded, else as a piece of work with its decoding."""
        kept = self._chain.finals.kept(height)
        return read(kept) if kept is not None else await self.piece(lambda: read(self._chain.finals.at(height)))

    def place(self, transaction: str) -> Place:
        """Where a transaction was committed. NOT_FOUND if it was not."""
        place = self._chain.state.locate(transaction)
        if place is None:
            raise NodeError(NodeCode.NOT_FOUND, f"no transaction {transaction} is committed; ask again, or send it")
        return place

    async def receipt(self, height: int, position: int, anchor: Certificate | None = None) -> Receipt:
        """Receipt of the transaction at a place of the chain, anchored where asked."""
        return await self.final(height, lambda final: self._chain.finals.receipt(final, position, anchor))

    async def each(self, places: Iterable[Place], read: Callable[[Final, int], T]) -> list[T]:
        """What is read off each of some transactions, in their order; neighbours of one block in one piece of work."""
        found: list[T] = []
        for height, neighbours in groupby(places, itemgetter(0)):
            positions = [position for _, position in neighbours]
            for start in range(0, len(positions), TOGETHER_MAX):
                found += await self.piece(self._read, height, positions[start : start + TOGETHER_MAX], read)
        return found

    def _read(self, height: int, positions: list[int], read: Callable[[Final, int], T]) -> list[T]:
        final = self._chain.finals.at(height)
        return [read(final, position) for position in positions]


def _some_steps(work: Iterator[None]) -> bool:
    """Whether the work may go on after these steps."""
    end = perf_counter() + STEPS_SECONDS
    return any(perf_counter() >= end for _ in work)
