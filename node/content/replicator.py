"""Replication: every member keeps every asset's content, fetched from the others once the record is committed.

What is fetched is checked against its content id block by block, so it does not matter who gives it. What cannot be had
now is tried again, with growing pauses; at start everything recorded is gone through once.
"""

from __future__ import annotations

import asyncio
import time

from msgspec import UnsetType

from ledger import records
from ledger.encoding import decode_trusted
from ledger.events import AssetRegistered
from node.chain import Chain, Layer
from node.content.blockstore import Blockstore
from node.content.cid import CidInvalid
from node.content.openings import OpeningStore
from node.driver import Driver
from node.logs import log
from node.peers.network import Peers

RETRY_SECONDS = (0.2, 60.0)
BLOCK_BYTES_MAX = 2 * 1024 * 1024
AT_ONCE = 8
"""What is fetched at the same time."""
CONTENT, OPENINGS = "content/", "openings/"
"""What is wanted: a file by its content id, or openings by their asset."""


class Replicator:
    """Fetches what this node lacks."""

    def __init__(self, chain: Chain, peers: Peers, blockstore: Blockstore, openings: OpeningStore) -> None:
        self._chain = chain
        self._peers = peers
        self._blockstore = blockstore
        self._openings = openings
        self._wanted: dict[str, tuple[float, float]] = {}
        self._woken = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Files and openings that are not here."""
        return len(self._wanted)

    def follow(self, driver: Driver) -> None:
        """Want the content of every asset recorded from now on."""
        driver.listeners.append(self._committed)

    def _committed(self, layers: list[Layer]) -> None:
        ledger = self._chain.ledger()
        for layer in layers:
            for outcome in layer.result.outcomes:
                for event in outcome.events:
                    if isinstance(event, AssetRegistered):
                        self._want(ledger.asset(event.asset))
        if self._wanted:
            self._woken.set()

    def _want(self, asset: records.Asset) -> None:
        """Note what of an asset is not here. Content that several assets share is wanted once."""
        public = not asset.confidential and not isinstance(asset.commitments, UnsetType)
        wants = [CONTENT + asset.content.cid] + ([OPENINGS + asset.id] if public else [])
        for want in wants:
            if want not in self._wanted and not self._here(want):
                self._wanted[want] = (0.0, RETRY_SECONDS[0])

    def _here(self, want: str) -> bool:
        name = want.partition("/")[2]
        if want.startswith(OPENINGS):
            return self._openings.get(name) is not None
        try:
            return not self._blockstore.missing(name)
        except CidInvalid:
            return True

    async def run(self) -> None:
        """Fetch, for ever."""
        for count, (_, data) in enumerate(self._chain.state.items(records.asset_key(""))):
            self._want(decode_trusted(data, records.Asset))
            if count % 16 == 0:
                await asyncio.sleep(0)
        while True:
            now = time.monotonic()
            due = [want for want, (when, _) in self._wanted.items() if when <= now]
            for start in range(0, len(due), AT_ONCE):
                await asyncio.gather(*(self._try(want) for want in due[start : start + AT_ONCE]))
            self._woken.clear()
            soonest = min((when for when, _ in self._wanted.values()), default=now + 60.0)
            try:
                async with asyncio.timeout(max(0.0, soonest - time.monotonic())):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def _try(self, want: str) -> None:
        name = want.partition("/")[2]
        try:
            done = await (self._fetch_openings(name) if want.startswith(OPENINGS) else self._fetch_file(name))
        except CidInvalid as error:
            log.error("content_refused", content=name, reason=str(error))
            done = True
        except OSError as error:
            log.error("content_not_stored", content=name, reason=str(error))
            done = False
        if done:
            self._wanted.pop(want, None)
        else:
            _, pause = self._wanted.get(want, (0.0, RETRY_SECONDS[0]))
            self._wanted[want] = (time.monotonic() + pause, min(2 * pause, RETRY_SECONDS[1]))

    async def _fetch_file(self, cid: str) -> bool:
        while missing := self._blockstore.missing(cid):
            for block in missing:
                if not await self._fetch_block(block):
                    return False
        return True

    async def _fetch_block(self, cid: str) -> bool:
        for peer in sorted(self._peers.connected):
            block = await self._peers.ask(peer, f"/v1/blocks/{cid}", BLOCK_BYTES_MAX)
            if block is None:
                continue
            try:
                self._blockstore.put_block(cid, block)
                return True
            except CidInvalid as error:
                log.error("block_refused", node=peer, reason=str(error))
        return False

    async def _fetch_openings(self, name: str) -> bool:
        asset = self._chain.ledger().asset(name)
        for peer in sorted(self._peers.connected):
            data = await self._peers.ask(peer, f"/v1/openings/{name}", BLOCK_BYTES_MAX)
            if data is not None and self._openings.put_checked(asset, data):
                return True
        return False
