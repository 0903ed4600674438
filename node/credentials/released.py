"""The file of a picture as it is released: the recorded one with its manifest.

A node that did not sign the manifest asks those of the orgs that made the picture, holds what they give against the
recorded file, and keeps it. So any member releases the same file, and goes on doing so when those nodes are gone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from ledger import records
from ledger.encoding import decode_trusted
from ledger.names import org_of
from node.chain.chain import Chain
from node.content.blockstore import Blockstore
from node.credentials.manifest_store import ManifestName, ManifestStore, name_of
from node.credentials.sealing import Sealing
from node.decoding.lanes import Lane
from node.decoding.signing import STORE_BYTES_MAX
from node.ground.logs import logger
from node.peers.network import Peers
from pictures.credentials.embedding import with_manifest
from pictures.errors import PictureError
from remarque.errors import NodeCode, NodeError

SEALED_SECONDS_MAX = 8.0
"""How long a manifest is waited for that is being signed."""


class Released:
    """Puts released files together."""

    def __init__(
        self,
        chain: Chain,
        peers: Peers,
        blockstore: Blockstore,
        manifests: ManifestStore,
        sealing: Sealing,
        lane: Lane,
        anchors: Callable[[], str],
    ) -> None:
        """`lane`: in which what others give is held against its file."""
        self._chain = chain
        self._peers = peers
        self._blockstore = blockstore
        self._manifests = manifests
        self._sealing = sealing
        self._lane = lane
        self._anchors = anchors

    async def file(self, record: records.Asset) -> bytes:
        """A picture's file as it is released; of a confidential one the ciphertext, and of one whose record names no
        manifest the recorded file. MANIFEST_MISSING, CONTENT_MISSING.
        """
        data = await self._recorded(record)
        name = name_of(record)
        if name is None or record.confidential:
            return data
        store = await self.store(record, name)
        try:
            return await self._blockstore.aside(with_manifest, data, store)
        except PictureError as error:
            raise NodeError(
                NodeCode.DATA_CORRUPT, f"the manifest of {record.id} fits its file no more: {error}"
            ) from None

    async def store(self, record: records.Asset, name: ManifestName) -> bytes:
        """The manifest store of a picture, wherever it is had from. MANIFEST_MISSING."""
        store = await self.own(record, name) or await self._fetched(record, name)
        if store is None:
            fact = f"no node that answers has manifest {name.label}, or it is not signed yet"
            raise NodeError(NodeCode.MANIFEST_MISSING, f"{fact}; ask again, or take the recorded file", 5)
        return store

    async def own(self, record: records.Asset, name: ManifestName) -> bytes | None:
        """The store, if it is here, or will be in some seconds."""
        deadline = time.monotonic() + SEALED_SECONDS_MAX
        while True:
            seen = self._sealing.changes.count
            store = await asyncio.to_thread(self._manifests.get, name)
            if store is not None or not self._sealing.is_awaited(record):
                return store
            if not await self._sealing.changes.after(seen, deadline - time.monotonic()):
                return None

    async def _fetched(self, record: records.Asset, name: ManifestName) -> bytes | None:
        for node in self._makers(record):
            store = await self._peers.ask(node, f"/v1/manifests/{record.id}", STORE_BYTES_MAX)
            if store and await self._holds(record, name, store, node):
                await asyncio.to_thread(self._manifests.put, name, store, time_stamped=True)
                return store
        return None

    async def _holds(self, record: records.Asset, name: ManifestName, store: bytes, node: str) -> bool:
        """Whether what a node gave is the manifest of this very file."""
        try:
            data = await self._recorded(record)
            found = await self._lane.held(data, store, name.label, self._anchors())
            why = found.why if not found.holds else ""
        except NodeError as error:
            if error.code in (NodeCode.OVERLOADED, NodeCode.DECODER_FAILED, NodeCode.CONTENT_MISSING):
                raise
            why = str(error)
        if why:
            logger.error("manifest_refused", node=node, asset=record.id, reason=why)
        return not why

    def _makers(self, record: records.Asset) -> list[str]:
        """The other nodes of the orgs that made a picture: one of them has signed its manifest."""
        orgs, prefix = {org_of(record.registrant), org_of(record.creator)}, records.node_key("")
        stored = (decode_trusted(data, records.NodeRecord) for _, data in self._chain.state.items(prefix))
        return sorted(node.name for node in stored if node.org in orgs and node.name != self._chain.node)

    async def _recorded(self, record: records.Asset) -> bytes:
        return await self._blockstore.aside(self._blockstore.file, record.content.cid)
