"""Copies: what this org wants kept in depots is brought there, read again, brought back, and let go.

A depot takes a file when its record is final, or, if it is one for that, before the member who stores it is answered.
What is there is read again, slowly, and held against its content id; what is not as it was is brought anew. What is
missing on this node and no member can give is fetched from a depot. What no record names, and nobody has pinned, is
deleted a day after this node first saw that, here and there.

A depot, a disk or a record may be as it should not be: then a copy is not brought, and nothing else ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterable, Mapping
from functools import partial
from itertools import islice
from typing import NamedTuple

from ledger import records
from ledger.encoding import decode_trusted
from ledger.events import AssetRegistered, AssetRekeyed
from ledger.names import org_of
from node.chain.chain import Chain
from node.chain.layers import Layer
from node.content.blockstore import Blockstore, Opened
from node.depots.depot import CopyMissing, CopyPending, Depot, DepotFailed, StoredFile, leaf_in, shape_in
from node.exchange.archives import recorded
from node.exchange.copy_book import Copy, CopyBook, Counts
from node.ground import metrics
from node.ground.config import ContentSection, DepotSection
from node.ground.logs import Seldom, logger
from remarque.archives import directory_file
from remarque.cid import CidInvalid, cid_of_digest
from remarque.dag import FileShape
from remarque.errors import NodeCode, NodeError

AT_ONCE = 4
"""Files that are brought to a depot at the same time."""
PAUSE_SECONDS = (1.0, 300.0)
"""Before a depot that failed is tried again; twice as long each time."""
LOOK_SECONDS = 3_600.0
"""Between two looks at all records."""
AGAIN_SECONDS = 86_400.0
"""Between two readings of a copy; and how long what no record names stays."""
IDLE_SECONDS = 1.0
LOOKED_TOGETHER = 256
DISK_SECONDS = 10.0
"""After a fault of this node's own disk."""
MISSING_SECONDS = 60.0
"""Before a file that is not here yet is looked for again."""
NONE = Counts(0, 0, 0)
_failed = Seldom("depot_failed")
_broken = Seldom("copies_not_kept")


class DepotStanding(NamedTuple):
    """How a depot is."""

    section: DepotSection
    counts: Counts
    fault: str
    """Why it was not to be used when it was last tried; empty if it was."""


class Copies:
    """All depots of a node."""

    def __init__(
        self,
        chain: Chain,
        blockstore: Blockstore,
        depots: Mapping[str, Depot],
        section: ContentSection,
        book: CopyBook,
        pinned: Callable[[], Iterable[str]],
        level: Callable[[], bool],
    ) -> None:
        """`pinned`: content ids of what is kept whatever becomes of its record; `level`: whether this node has all
        records, and what none names may be let go.
        """
        self._pinned = pinned
        self._level = level
        self._chain = chain
        self._blockstore = blockstore
        self._depots = depots
        self._sections = {one.name: one for one in section.depots}
        self._rate = section.scrub_bytes_per_second
        self._book = book
        self._faults = dict.fromkeys(depots, "")
        self._pauses = dict.fromkeys(depots, PAUSE_SECONDS[0])
        self._woken = {name: asyncio.Event() for name in depots}
        self._fresh = list[tuple[str, str, int]]()
        """Copies that are wanted since a moment, and not in the book yet."""
        self._noted = asyncio.Event()
        self._loose = dict[tuple[str, str], float]()
        """Copies of what no record names, and since when that is known, in seconds of the monotonic clock."""
        chain.commits.follow(self._committed)

    async def standing(self) -> list[DepotStanding]:
        """How each depot is."""
        counts = [await asyncio.to_thread(self._book.counts, name) for name in self._depots]
        return [
            DepotStanding(self._sections[name], count, self._faults[name])
            for name, count in zip(self._depots, counts, strict=True)
        ]

    async def where(self, cid: str) -> list[Copy]:
        """The copies of a file, there or wanted."""
        return await asyncio.to_thread(self._book.of, cid)

    async def run(self) -> None:
        """Bring, read again and let go, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(_on_and_on(self._write))
            group.create_task(_on_and_on(self._look))
            for name in self._depots:
                group.create_task(_on_and_on(partial(self._bring, name)))
                if self._rate:
                    group.create_task(_on_and_on(partial(self._scrub, name)))

    async def repair(self) -> None:
        """Try all that is wanted now, whatever failed before."""
        for name in self._depots:
            await asyncio.to_thread(self._book.hurry, name)
            self._pauses[name] = PAUSE_SECONDS[0]
            self._woken[name].set()

    async def scrub(self) -> None:
        """Have every copy read again."""
        for name in self._depots:
            await asyncio.to_thread(self._book.doubt, name)

    async def before_it_is_answered(self, account: str, cid: str) -> None:
        """Bring what a member stores where it is to be at once. DEPOT_FAILED if a depot does not take it."""
        for name in self._kept_in({account}, "at_once"):
            try:
                await self._put(name, cid)
            except DepotFailed as error:
                self._note(name, error)
                raise NodeError(NodeCode.DEPOT_FAILED, f"{error}; store it again once the depot works", 30) from None

    async def fetch(self, cid: str) -> bool:
        """Bring a file back that is missing here; whether a depot had it whole."""
        for name, depot in self._depots.items():
            try:
                shape, nodes = await shape_in(depot, cid)
                for leaf in shape.leaves:
                    if await self._blockstore.aside(self._blockstore.block, leaf.cid) is None:
                        block = await leaf_in(depot, shape, leaf)
                        await self._blockstore.aside(self._blockstore.put_block, leaf.cid, block)
                for one in shape.nodes:
                    await self._blockstore.aside(self._blockstore.put_block, one, nodes[one])
            except DepotFailed as error:
                self._note(name, error)
                continue
            logger.info("content_fetched", content=cid, depot=name)
            return True
        return False

    def _committed(self, layers: list[Layer]) -> None:
        events = (event for layer in layers for outcome in layer.result.outcomes for event in outcome.events)
        ledger = self._chain.ledger()
        for event in events:
            if isinstance(event, AssetRegistered | AssetRekeyed) and self._depots:
                self._fresh += self._wanted(ledger.asset(event.asset))
                self._noted.set()

    async def _write(self) -> None:
        """Write what is wanted into the book, all of a moment together."""
        while True:
            await self._noted.wait()
            self._noted.clear()
            fresh, self._fresh = self._fresh, []
            await self._want(fresh)

    async def _want(self, wanted: list[tuple[str, str, int]]) -> None:
        await asyncio.to_thread(self._book.want, wanted)
        for name in {name for name, _, _ in wanted}:
            self._woken[name].set()

    def _wanted(self, asset: records.Asset) -> list[tuple[str, str, int]]:
        """The copies that are wanted of an asset's file."""
        theirs = {asset.creator, *(share.account for share in asset.creators), self._chain.ledger().owner(asset)}
        return [(name, asset.content.cid, asset.content.size) for name in self._kept_in(theirs, "at_once", "later")]

    def _kept_in(self, accounts: set[str], *when: str) -> list[str]:
        """The depots that keep what is these accounts', at these times."""
        own = self._chain.ledger().org_of_node(self._chain.node) in {org_of(account) for account in accounts}
        return [name for name, one in self._sections.items() if one.when in when and (own or one.what == "all")]

    # Looking through

    async def _look(self) -> None:
        while True:
            live = await self._live()
            for name in self._depots:
                if await asyncio.to_thread(self._book.counts, name) == NONE:
                    await self._adopt(name, live)
            await self._want([copy for cid in live for copy in live[cid]])
            if self._level():
                await self._let_go(live)
                freed = await self._blockstore.aside(self._blockstore.sweep, [*live], AGAIN_SECONDS)
                if freed:
                    logger.info("content_deleted", bytes=freed)
            await asyncio.sleep(LOOK_SECONDS)

    async def _live(self) -> dict[str, list[tuple[str, str, int]]]:
        """What records name, and what is pinned, by content id; each with the copies that are wanted of it."""
        live = dict[str, list[tuple[str, str, int]]]()
        assets = (decode_trusted(data, records.Asset) for _, data in self._chain.state.items(records.asset_key("")))
        while some := list(islice(assets, LOOKED_TOGETHER)):
            live |= {asset.content.cid: self._wanted(asset) for asset in some}
            await asyncio.sleep(0)
        prefix = records.statement_key("")
        digests = (bytes.fromhex(key.removeprefix(prefix)) for key, _ in self._chain.state.items(prefix))
        directories = (directory_file(archive.root) for archive in recorded(self._chain.state))
        others = [*self._pinned(), *map(cid_of_digest, digests), *directories]
        return {cid: [] for cid in others} | live

    async def _adopt(self, name: str, live: Container[str]) -> None:
        """Note what is in a depot already, as after this node lost its disk. What is not this chain's is left alone."""
        try:
            async for cid in self._depots[name].listed():
                if cid in live:
                    await asyncio.to_thread(self._book.put, name, cid, 0, 0.0)
        except DepotFailed as error:
            self._note(name, error)

    async def _let_go(self, live: Container[str]) -> None:
        """Delete the copies of what no record names, once that has been so for a day."""
        before, self._loose = self._loose, {}
        for name in self._depots:
            after = ""
            while some := await asyncio.to_thread(self._book.all, name, after, LOOKED_TOGETHER):
                after = some[-1].cid
                for cid in (copy.cid for copy in some if copy.cid not in live):
                    since = self._loose[name, cid] = before.get((name, cid), time.monotonic())
                    if time.monotonic() - since >= AGAIN_SECONDS:
                        await self._delete(name, cid)

    async def _delete(self, name: str, cid: str) -> None:
        try:
            await self._depots[name].delete(cid)
        except DepotFailed as error:
            self._note(name, error)
            return
        await asyncio.to_thread(self._book.drop, name, cid)
        logger.info("copy_deleted", content=cid, depot=name)

    # Bringing

    async def _bring(self, name: str) -> None:
        try:
            await self._depots[name].check()
            self._note(name, None)
        except DepotFailed as error:
            self._note(name, error)
        while True:
            due = await asyncio.to_thread(self._book.due, name, there=False, before=time.time(), most=AT_ONCE)
            if not due:
                self._woken[name].clear()
                try:
                    async with asyncio.timeout(IDLE_SECONDS):
                        await self._woken[name].wait()
                except TimeoutError:
                    pass
                continue
            faults = [fault for fault in await asyncio.gather(*(self._try(copy) for copy in due)) if fault]
            if faults:
                await self._rest(name)
            else:
                self._pauses[name] = PAUSE_SECONDS[0]

    async def _try(self, copy: Copy) -> bool:
        """Bring one file; whether the depot failed."""
        try:
            await self._put(copy.depot, copy.cid)
        except CopyPending:
            await asyncio.to_thread(self._book.lack, copy.depot, copy.cid, time.time() + MISSING_SECONDS)
        except DepotFailed as error:
            self._note(copy.depot, error)
            await asyncio.to_thread(self._book.lack, copy.depot, copy.cid, time.time())
            return True
        except (NodeError, CidInvalid):  # it is not here yet, or is no file at all
            await asyncio.to_thread(self._book.lack, copy.depot, copy.cid, time.time() + MISSING_SECONDS)
        return False

    async def _put(self, name: str, cid: str) -> None:
        opened = await self._blockstore.aside(self._blockstore.open, cid)
        nodes = await self._blockstore.aside(opened.nodes)
        await self._depots[name].put(StoredFile(opened.shape, nodes, lambda: self._pieces(opened)))
        await asyncio.to_thread(self._book.put, name, cid, opened.size, time.time())
        self._note(name, None)

    async def _pieces(self, opened: Opened) -> AsyncIterator[bytes]:
        for leaf in opened.shape.leaves:
            yield await self._blockstore.aside(opened.piece, leaf.start)

    async def _rest(self, name: str) -> None:
        """Wait before a depot that failed is tried again, unless somebody has it repaired."""
        self._woken[name].clear()
        pause, self._pauses[name] = self._pauses[name], min(2 * self._pauses[name], PAUSE_SECONDS[1])
        try:
            async with asyncio.timeout(pause):
                while self._pauses[name] != PAUSE_SECONDS[0]:
                    await self._woken[name].wait()
                    self._woken[name].clear()
        except TimeoutError:
            pass

    def _note(self, name: str, error: DepotFailed | None) -> None:
        """Note whether a depot does what it is asked. That it lacks a file, or still fetches it, is no fault."""
        if isinstance(error, CopyMissing | CopyPending):
            return
        self._faults[name] = str(error or "")
        metrics.DEPOT_UP.labels(name).set(error is None)
        if error is not None:
            _failed.warning(depot=name, reason=str(error))

    # Reading again

    async def _scrub(self, name: str) -> None:
        while True:
            before = time.time() - AGAIN_SECONDS
            due = await asyncio.to_thread(self._book.due, name, there=True, before=before, most=1)
            if not due:
                await asyncio.sleep(IDLE_SECONDS)
                continue
            (copy,) = due
            try:
                shape = await self._read_again(name, copy)
            except CopyMissing as error:
                logger.error("copy_lost", content=copy.cid, depot=name, reason=str(error))
                metrics.COPIES_LOST.labels(name).inc()
                await asyncio.to_thread(self._book.lack, name, copy.cid, 0.0)
                self._woken[name].set()
            except DepotFailed as error:
                self._note(name, error)
                await asyncio.sleep(PAUSE_SECONDS[0])
            else:
                await asyncio.to_thread(self._book.put, name, copy.cid, shape.size, time.time())
                self._note(name, None)

    async def _read_again(self, name: str, copy: Copy) -> FileShape:
        depot = self._depots[name]
        shape, _ = await shape_in(depot, copy.cid)
        for leaf in shape.leaves:
            await leaf_in(depot, shape, leaf)
            await asyncio.sleep(leaf.size / self._rate)
        return shape


async def _on_and_on(work: Callable[[], Awaitable[None]]) -> None:
    """Do what has no end; once more a while after this node's own disk failed under it."""
    while True:
        try:
            await work()
        except OSError as error:
            _broken.warning(reason=str(error))
            await asyncio.sleep(DISK_SECONDS)
