"""Signing the manifests of what this node made or marked, once its record is final, and never before.

A record names its manifest by a label that was drawn before. When it is final the node that made the picture signs the
manifest, with a receipt of the record in it, and keeps it. What a crash or a missing key leaves unsigned is looked for
at every start and tried again, with growing pauses; what lacks a time-stamp gets one when there is one to be had.
Everything here happens beside the chain: a record never waits for its manifest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from typing import NamedTuple

from msgspec import UnsetType

from ledger import records
from ledger.encoding import decode_trusted
from ledger.errors import LedgerError
from ledger.events import AssetRegistered
from node.chain.chain import Chain
from node.chain.layers import Layer
from node.chain.reading import Reading
from node.content.blockstore import Blockstore
from node.credentials.claims import PictureClaims
from node.credentials.key_files import CLAIM, CredentialFolder, SigningLeaf
from node.credentials.manifest_store import ManifestName, ManifestStore, name_of
from node.credentials.parents import Parents
from node.credentials.stamping import StampAuthority
from node.decoding.lanes import Lane
from node.decoding.signing import CallBack, SealAsked
from node.ground.changes import ChangeCounter
from node.ground.logs import logger
from remarque.cid import CidInvalid
from remarque.errors import NodeCode, NodeError

RETRY_SECONDS = (1.0, 60.0)
STAMP_SECONDS = 30.0
"""How often what lacks a time-stamp is tried."""
READ_TOGETHER = 500
"""Assets read in one piece of work after a start."""


class Shelves(NamedTuple):
    """Where what is signed, and what it is made of, lies."""

    blockstore: Blockstore
    manifests: ManifestStore
    parents: Parents


class Sealing:
    """Seals what was made here."""

    def __init__(
        self,
        chain: Chain,
        reading: Reading,
        shelves: Shelves,
        lane: Lane,
        claims: PictureClaims,
        folder: CredentialFolder,
        stamps: StampAuthority | None,
        anchors: Callable[[], str],
        made_here: Callable[[records.Asset], bool],
        released: Callable[[records.Asset], Awaitable[bytes]],
    ) -> None:
        """`stamps`: None if manifests are not to be stamped. `anchors`: roots that are trusted when a parent is taken
        in. `made_here`: whether this node's generator made a picture. `released`: a picture's file with its manifest.
        """
        self._chain = chain
        self._reading = reading
        self._shelves = shelves
        self._lane = lane
        self._claims = claims
        self._folder = folder
        self._stamps = stamps
        self._anchors = anchors
        self._made_here = made_here
        self._released = released
        self._wanted: dict[str, float] = {}
        """Assets to be sealed, with the pause before the next try."""
        self.changes = ChangeCounter()
        """Whoever waits for a manifest waits here."""
        chain.commits.follow(self._committed)

    def is_awaited(self, record: records.Asset) -> bool:
        """Whether this node is to seal a picture, and has not yet."""
        return record.id in self._wanted

    def _committed(self, layers: list[Layer]) -> None:
        ledger = self._chain.ledger()
        for layer in layers:
            for event in (event for outcome in layer.result.outcomes for event in outcome.events):
                if isinstance(event, AssetRegistered):
                    self._want(ledger.asset(event.asset))

    def _want(self, record: records.Asset) -> None:
        if self._is_ours(record):
            self._wanted.setdefault(record.id, RETRY_SECONDS[0])
            self.changes.tell()

    def _is_ours(self, record: records.Asset) -> bool:
        """A record by somebody else may name any label; only what was made or marked here is sealed here."""
        name = name_of(record)
        if record.confidential or name is None:
            return False
        return self._made_here(record) or self._shelves.parents.has(name)

    # Doing

    async def run(self) -> None:
        """Seal, for ever."""
        await self._look_through()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._seal_all())
            group.create_task(self._stamp_all())

    async def _look_through(self) -> None:
        """Want what was recorded before the start and has no manifest here."""
        stored = self._chain.state.items(records.asset_key(""))
        while some := await self._reading.piece(lambda: list(islice(stored, READ_TOGETHER))):
            for record in await self._reading.piece(lambda: list(self._lacking(some))):  # awaited here
                self._want(record)

    def _lacking(self, some: list[tuple[str, bytes]]) -> Iterator[records.Asset]:
        for _, data in some:
            record = decode_trusted(data, records.Asset)
            name = name_of(record)
            if name is not None and not self._shelves.manifests.has(name):
                yield record

    async def _seal_all(self) -> None:
        while True:
            seen = self.changes.count
            pause = RETRY_SECONDS[1]
            for asset in list(self._wanted):
                if not await self._tried(asset):
                    pause = min(pause, self._wanted[asset])
                    self._wanted[asset] = min(2 * self._wanted[asset], RETRY_SECONDS[1])
            await self.changes.after(seen, pause if self._wanted else None)

    async def _tried(self, asset: str) -> bool:
        """Whether a picture is sealed now, or will never be."""
        try:
            await self._seal(self._chain.ledger().asset(asset))
        except (NodeError, LedgerError, OSError, CidInvalid) as error:
            logger.warning("manifest_waits", asset=asset, reason=str(error))
            return False
        del self._wanted[asset]
        self.changes.tell()
        return True

    async def _seal(self, record: records.Asset) -> None:
        name, manifests, parents = name_of(record), self._shelves.manifests, self._shelves.parents
        if name is not None and not manifests.has(name):
            leaf = await asyncio.to_thread(self._folder.leaf, CLAIM)
            if leaf is None:
                raise OSError("there is no key for claims that is in force; renew it")
            data = await self._shelves.blockstore.aside(self._shelves.blockstore.file, record.content.cid)
            parent = await asyncio.to_thread(parents.get, name) or await self._source(record)
            claim = await self._claims.of(record, has_parent=bool(parent))
            seal = SealAsked(claim=claim, chain=leaf.chain, stamped=self._stamps is not None)
            made = await self._lane.sealed(data, parent, seal, self._anchors(), _Signs(leaf, self._stamps))
            await asyncio.to_thread(manifests.put, name, made.store, time_stamped=made.time_stamped)
            logger.info("manifest_signed", asset=record.id, manifest=name.label, time_stamped=made.time_stamped)
        if name is not None:
            await asyncio.to_thread(parents.drop, name)

    async def _source(self, record: records.Asset) -> bytes:
        """The file of the recorded picture that a generator made this one of; nothing if it made it of none.

        With its manifest, or, where that cannot be had from any node now, as it is recorded.
        """
        if isinstance(record.commitments, UnsetType) or isinstance(record.commitments.strength_centi, UnsetType):
            return b""
        [source] = (self._chain.ledger().asset(parent) for parent in record.parents)
        try:
            return await self._released(source)
        except NodeError as error:
            if error.code is not NodeCode.MANIFEST_MISSING:
                raise
            return await self._shelves.blockstore.aside(self._shelves.blockstore.file, source.content.cid)

    async def _stamp_all(self) -> None:
        """Give a time-stamp to what was sealed without one, and forget what nobody recorded."""
        while True:
            try:
                await self.stamp_waiting()
                await asyncio.to_thread(self._forget)
            except (NodeError, OSError, CidInvalid) as error:
                logger.warning("stamps_wait", reason=str(error))
            await asyncio.sleep(STAMP_SECONDS)

    async def stamp_waiting(self) -> None:
        """Try once to stamp all that waits."""
        if self._stamps is None:
            return
        for name in await asyncio.to_thread(self._shelves.manifests.unstamped):
            await self._stamp(name, self._stamps)

    async def _stamp(self, name: ManifestName, stamps: StampAuthority) -> None:
        store = await asyncio.to_thread(self._shelves.manifests.get, name)
        if store is None:
            return
        record = self._chain.ledger().asset(name.asset)
        data = await self._shelves.blockstore.aside(self._shelves.blockstore.file, record.content.cid)
        made = await self._lane.stamped(data, store, _Signs(None, stamps))
        await asyncio.to_thread(self._shelves.manifests.put, name, made.store, time_stamped=True)
        logger.info("manifest_stamped", asset=name.asset, manifest=name.label)

    def _forget(self) -> None:
        for name in self._shelves.parents.older():
            if name.asset not in self._wanted:
                self._shelves.parents.drop(name)


class _Signs:
    """Gives a child what it calls for."""

    def __init__(self, leaf: SigningLeaf | None, stamps: StampAuthority | None) -> None:
        self._leaf = leaf
        self._stamps = stamps

    async def __call__(self, call: CallBack) -> bytes:
        if call.what == "sign":
            return b"" if self._leaf is None else self._leaf.sign(call.data)
        if self._stamps is None:
            return b""
        try:
            return await self._stamps.stamped(call.data)
        except NodeError as error:
            logger.warning("stamp_waits", reason=str(error))
            return b""
