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
"""Assets fetched at the same time."""


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
        """Assets whose content is not wholly here."""
        return len(self._wanted)

    def follow(self, driver: Driver) -> None:
        """Want the content of every asset recorded from now on."""
        driver.listeners.append(self._committed)

    def _committed(self, layers: list[Layer]) -> None:
        for layer in layers:
            for outcome in layer.result.outcomes:
                for event in outcome.events:
                    if isinstance(event, AssetRegistered):
                        self._wanted[event.asset] = (0.0, RETRY_SECONDS[0])
        if self._wanted:
            self._woken.set()

    async def run(self) -> None:
        """Fetch, for ever."""
        for count, (_, data) in enumerate(self._chain.state.items(records.asset_key(""))):
            asset = decode_trusted(data, records.Asset)
            if not self._complete(asset):
                self._wanted[asset.id] = (0.0, RETRY_SECONDS[0])
            if count % 16 == 0:
                await asyncio.sleep(0)
        while True:
            now = time.monotonic()
            due = [name for name, (when, _) in self._wanted.items() if when <= now]
            for start in range(0, len(due), AT_ONCE):
                await asyncio.gather(*(self._try(name) for name in due[start : start + AT_ONCE]))
            self._woken.clear()
            soonest = min((due for due, _ in self._wanted.values()), default=now + 60.0)
            try:
                async with asyncio.timeout(max(0.0, soonest - time.monotonic())):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def _try(self, name: str) -> None:
        asset = self._chain.ledger().asset(name)
        try:
            done = await self._fetch_file(asset.content.cid) and await self._fetch_openings(asset)
        except CidInvalid as error:
            log.error("content_refused", asset=name, reason=str(error))
            done = True
        except OSError as error:
            log.error("content_not_stored", asset=name, reason=str(error))
            done = False
        if done:
            self._wanted.pop(name, None)
        else:
            _, pause = self._wanted.get(name, (0.0, RETRY_SECONDS[0]))
            self._wanted[name] = (time.monotonic() + pause, min(2 * pause, RETRY_SECONDS[1]))

    def _complete(self, asset: records.Asset) -> bool:
        """Whether all of an asset is here that can be."""
        try:
            missing = self._blockstore.missing(asset.content.cid)
        except CidInvalid:
            return True
        public = not asset.confidential and not isinstance(asset.commitments, UnsetType)
        return not missing and (not public or self._openings.get(asset.id) is not None)

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

    async def _fetch_openings(self, asset: records.Asset) -> bool:
        if asset.confidential or isinstance(asset.commitments, UnsetType):
            return True
        if self._openings.get(asset.id) is not None:
            return True
        for peer in sorted(self._peers.connected):
            data = await self._peers.ask(peer, f"/v1/openings/{asset.id}", BLOCK_BYTES_MAX)
            if data is not None and self._openings.put_checked(asset, data):
                return True
        return False
