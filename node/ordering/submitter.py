"""Taking transactions from clients of this node, whichever way they come, and waiting until they are final."""

from __future__ import annotations

import asyncio
import shutil
import time

from ledger.transaction import SignedTransaction
from node.chain.reading import Place
from node.ground import metrics
from node.ordering.driver import Driver
from node.ordering.upgrades import check_vote
from remarque.errors import NodeCode, NodeError

WAIT_SECONDS_MAX = 30.0
SETTLE_SECONDS = 2.0


class Submitter:
    """Takes transactions from clients, whichever way they come."""

    def __init__(self, driver: Driver, data: str, disk_free_bytes_min: int) -> None:
        self._driver = driver
        self._data = data
        self._disk_free_bytes_min = disk_free_bytes_min
        self._disk_checked = 0.0
        self._disk_free = 0
        self.closing = False

    async def take(self, transactions: list[SignedTransaction]) -> list[SignedTransaction]:
        """Admit transactions, or refuse all; return those that still need committing."""
        self.check_condition()
        chain = self._driver.chain
        new = [signed for signed in transactions if chain.state.locate(signed.id) is None]
        self._check_mempool(new)  # first, for it costs least, and again after the signatures, which cost most
        admit = self._driver.inspector.door(self._driver.proposer.time_for)
        for signed in new:
            admit(signed)
        await self._driver.inspector.verify(transactions)  # a receipt is for whoever has one with its signatures
        for signed in new:
            check_vote(chain, chain.ledger(), signed)
        new = [signed for signed in new if chain.state.locate(signed.id) is None]
        self._check_mempool(new)
        self._driver.submit(new)
        return new

    def _check_mempool(self, transactions: list[SignedTransaction]) -> None:
        mempool = self._driver.mempool
        mempool.check_room([signed for signed in transactions if signed.id not in mempool])

    def waits_for(self, signed: SignedTransaction) -> bool:
        """Whether a transaction that was taken may still be committed."""
        return signed.id in self._driver.mempool

    async def place(self, signed: SignedTransaction, deadline: float) -> Place:
        """Where a taken transaction was committed."""
        place = self._driver.chain.state.locate(signed.id)
        if place is not None:
            return place
        waiting = self._driver.mempool.wait(signed.id)
        try:
            async with asyncio.timeout_at(deadline):
                return await waiting
        except TimeoutError:
            raise NodeError(
                NodeCode.COMMIT_TIMEOUT,
                f"{signed.id} is not committed after {WAIT_SECONDS_MAX:.0f} s; ask for it, or send the same again",
                1,
            ) from None

    async def commit(self, signed: SignedTransaction) -> Place:
        """Admit one transaction and wait until it is final."""
        started = time.perf_counter()
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS_MAX
        await self.take([signed])
        place = await self.place(signed, deadline)
        metrics.COMMIT_SECONDS.observe(time.perf_counter() - started)
        return place

    async def commit_all(self, transactions: list[SignedTransaction]) -> list[Place]:
        """Admit several and wait until all are final."""
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS_MAX
        await self.take(transactions)
        return await asyncio.gather(*(self.place(signed, deadline) for signed in transactions))

    async def settle(self) -> None:
        """Take nothing new, and give what was taken a moment to commit."""
        self.closing = True
        mempool, loop = self._driver.mempool, asyncio.get_running_loop()
        deadline = loop.time() + SETTLE_SECONDS
        while mempool.own and loop.time() < deadline:
            await asyncio.sleep(0.02)
        mempool.refuse_all(NodeError(NodeCode.SHUTTING_DOWN, "send the same transaction to another node", 1))
        await asyncio.sleep(0)

    def check_room(self) -> None:
        """Refuse whatever is new while this node cannot keep it."""
        if self.closing:
            raise NodeError(NodeCode.SHUTTING_DOWN, "send it to another node", 5)
        now = time.monotonic()
        if now - self._disk_checked > 1.0:
            self._disk_checked, self._disk_free = now, shutil.disk_usage(self._data).free
        if self._disk_free < self._disk_free_bytes_min:
            raise NodeError(
                NodeCode.DISK_FULL,
                f"{self._disk_free} bytes are free, this node stops at {self._disk_free_bytes_min}; make room",
                60,
            )

    def check_condition(self) -> None:
        """Refuse transactions while this node cannot take them."""
        self.check_room()
        self._driver.reach.check()
