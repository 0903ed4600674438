"""Following: a node that does not vote asks the others for final blocks, runs them itself, and keeps up with the chain.

It checks all that a voter checks, and besides that a certificate makes the last block of a stretch final; only then is
anything written. It asks one node after the other, so a node that lies or lags costs time and nothing else. What it is
told of the leader is used for nothing but to hand on what its own clients submit.
"""

from __future__ import annotations

import asyncio

import msgspec

from ledger.block import Certificate, decode_block
from ledger.encoding import decode
from ledger.errors import InvalidBlock, LedgerError
from node.driver import Driver
from node.joining import GONE, behind
from node.logs import log
from node.peers.asking import Asking
from node.peers.stretch import STRETCH_BYTES_MAX, Stretch, decode_stretch

WAIT_SECONDS = 2
"""How long a node that is asked waits for a block to come."""
PAUSE_SECONDS = 0.2


class Follower:
    """Keeps one node at the newest final block."""

    def __init__(self, driver: Driver, asking: Asking) -> None:
        self._driver = driver
        self._asking = asking
        self._peers = list(asking.addresses)

    async def run(self) -> None:
        """Follow, for ever. NodeError if the others no longer keep the blocks that come next."""
        gone: set[str] = set()
        while True:
            peer = self._peers[0]
            height = self._driver.chain.committed.height
            path = f"/v1/stretch/{height}?wait_s={WAIT_SECONDS}"
            status, data = await self._asking.ask_status(peer, path, STRETCH_BYTES_MAX)
            gone = gone | {peer} if status == GONE else gone - {peer}
            if gone == set(self._peers):
                raise behind(height)
            if status != 200 or not await self._take(peer, data):
                self._peers.append(self._peers.pop(0))
                await asyncio.sleep(PAUSE_SECONDS)

    async def _take(self, peer: str, data: bytes) -> bool:
        """Take what a node gave; False if it is not what follows."""
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
        except (InvalidBlock, LedgerError, msgspec.DecodeError) as error:
            log.error("stretch_refused", node=peer, reason=str(error))
            chain.truncate(first)
            return False
        return True

    def _certificate(self, stretch: Stretch) -> Certificate | None:
        """The certificate that makes the blocks of a stretch final. InvalidBlock if it does not."""
        if not stretch.blocks:
            return None
        chain, certificate = self._driver.chain, decode(stretch.certificate, Certificate)
        if certificate.height != chain.tip.height or not chain.certificate_holds(certificate):
            raise InvalidBlock(certificate.height, "its certificate does not make it final")
        return certificate
