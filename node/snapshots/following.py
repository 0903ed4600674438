"""Following: a node that does not vote asks the others for final blocks, runs them itself, and keeps up with the chain.

It checks all that a voter checks, and also that a certificate makes the last block of a stretch final. Only then is
anything written. It asks another node whenever one has nothing newer, so one that lies or lags costs time and nothing
else. What it is told of the leader is used for nothing but to hand on what its own clients submit.
"""

from __future__ import annotations

import asyncio

import msgspec

from ledger.block import Certificate, decode_block
from ledger.encoding import decode
from ledger.errors import InvalidBlock, LedgerError
from node.chain.stretch import STRETCH_BYTES_MAX, Stretch, decode_stretch
from node.ground.logs import logger
from node.ordering.driver import Driver
from node.peers.asking import NOT_REACHED, Givers
from node.snapshots.joining import GONE, behind

WAIT_SECONDS = 2
"""How long a node that is asked waits for a block to come."""
PAUSE_SECONDS = 0.2
LEVEL_MS = 5_000
"""A node whose newest block is not older has caught up."""


class Follower:
    """Keeps one node at the newest final block while it does not vote."""

    def __init__(self, driver: Driver, asking: Givers) -> None:
        self._driver = driver
        self._asking = asking
        self._peers: list[str] = []
        """Whom it asks, in turn: the next one first."""
        self.level = asyncio.Event()
        """Set once the newest block is of now, or no node gives a newer one."""

    async def run(self) -> None:
        """Follow, for ever. NodeError if none of those that answer keeps the blocks that come next."""
        without: dict[str, int] = {}
        loop = asyncio.get_running_loop()
        while True:
            if not self._follows:
                self.level.set()
            if not self._follows or not self._look_who_is_there():
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            peer, asked = self._peers[0], loop.time()
            height = self._driver.chain.committed.height
            path = f"/v1/stretch/{height}?wait_s={WAIT_SECONDS}"
            status, data = await self._asking.ask_status(peer, path, STRETCH_BYTES_MAX)
            if status == 200 and await self._take(peer, data):
                without.clear()
                continue
            without[peer] = status
            if (there := self._look_who_is_there()) and without.keys() >= set(there):
                answers = {without[one] for one in there}
                if GONE in answers and answers <= {GONE, NOT_REACHED}:
                    raise behind(height)
                self.level.set()
            if peer in self._peers:
                self._peers.remove(peer)
                self._peers.append(peer)
            await asyncio.sleep(max(0.0, PAUSE_SECONDS - (loop.time() - asked)))

    @property
    def _follows(self) -> bool:
        """Whether this node does not vote, and has committed all that was final when it last did."""
        replica = self._driver.replica
        return not replica.votes_here and self._driver.chain.committed.height == replica.committed

    def _look_who_is_there(self) -> list[str]:
        """Whom it may ask now, in turn. Nodes come and go while it runs."""
        there = self._asking.addresses
        self._peers = [peer for peer in self._peers if peer in there] + [
            peer for peer in there if peer not in self._peers
        ]
        return self._peers

    async def _take(self, peer: str, data: bytes) -> bool:
        """Take what a node gave; False if it is nothing, or not what follows."""
        chain = self._driver.chain
        first = chain.committed.height + 1
        try:
            stretch = decode_stretch(data)
            for frame in stretch.blocks:
                block = decode_block(frame)
                await self._driver.inspector.verify(list(block.transactions))
                chain.accept(block, None)
                await asyncio.sleep(0)
            self._driver.observe(stretch, self._certificate(stretch))
            recent = self._driver.proposer.clock() - chain.committed.time_ms < LEVEL_MS
            if recent:
                self.level.set()
            if recent or (not stretch.blocks and self._driver.freshness.settled(stretch.term)):
                self._driver.freshness.level()
        except (InvalidBlock, LedgerError, msgspec.DecodeError) as error:
            logger.error("stretch_refused", node=peer, reason=str(error))
            chain.truncate(first)
            return False
        return bool(stretch.blocks)

    def _certificate(self, stretch: Stretch) -> Certificate | None:
        """The certificate that makes the blocks of a stretch final. InvalidBlock if it does not."""
        if not stretch.blocks:
            return None
        chain, certificate = self._driver.chain, decode(stretch.certificate, Certificate)
        if certificate.height != chain.tip.height or not chain.certificate_holds(certificate):
            raise InvalidBlock(certificate.height, "its certificate does not make it final")
        return certificate
