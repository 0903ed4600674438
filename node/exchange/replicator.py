"""Replication: every member keeps every asset's content, every registered statement, the directory of every content
archive, and the openings that it may.

They are fetched from the others once the record is committed. What is fetched is checked against its content id block
by block, so it does not matter who gives it. What cannot be had now is tried again, with growing pauses. How far
everything is here, and what is not, is kept in a file, so that a start goes on from there; a node without such a file
goes through everything recorded once. A block that is found damaged when it is read is fetched again. Openings
that their creator has erased are destroyed in the same way: what is wanted is that just that is here which may be.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from heapq import heappop, heappush
from itertools import islice
from pathlib import Path

import msgspec
from msgspec import UnsetType

from ledger import records
from ledger.block import Outcome
from ledger.encoding import NOT_DECODED, decode_trusted
from ledger.events import (
    AssetRegistered,
    AssetRekeyed,
    ContentArchived,
    SettingsDisclosed,
    SettingsErased,
    StatementRegistered,
)
from node.chain.chain import Chain
from node.chain.layers import Layer
from node.content.blockstore import Blockstore
from node.content.openings import OpeningStore
from node.content.uploads import SECONDS_MAX
from node.exchange.archives import recorded
from node.ground.logs import logger
from node.peers.network import Peers
from node.storage.directory import write_durably
from remarque.archives import directory_file
from remarque.cid import CidInvalid, cid_of_digest

RETRY_SECONDS = (0.2, 60.0)
BLOCK_BYTES_MAX = 2 * 1024 * 1024
KEEP_SECONDS = 10.0
COLLECT_SECONDS = 60.0
LOOKED_TOGETHER = 256
"""Wants looked at in one turn of a thread."""
AT_ONCE = 8
"""What is fetched at the same time."""
CONTENT, OPENINGS = "content/", "openings/"
"""What is wanted: a file by its content id, or the openings of a request as they may be kept."""


NOTHING: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())


class Kept(msgspec.Struct, frozen=True):
    """Up to which height everything recorded is here, and what of it is not."""

    height: int
    wants: list[str]


def read_kept(file: Path) -> Kept | None:
    """What was kept; None if nothing readable was, so that everything is looked at."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Kept)
    except (OSError, *NOT_DECODED):
        return None


class Replicator:
    """Fetches what this node lacks."""

    def __init__(self, chain: Chain, peers: Peers, blockstore: Blockstore, openings: OpeningStore, kept: Path) -> None:
        """`kept`: the file that says how far everything is here."""
        self._chain = chain
        self._kept = kept
        self._looked = False
        """Whether everything that was recorded before the start has been looked at."""
        self._peers = peers
        self._blockstore = blockstore
        self._openings = openings
        self._pauses: dict[str, float] = {}
        """What is wanted, with the pause before it is tried once more."""
        self._due: list[tuple[float, str]] = []
        """When to try each, as a heap: thousands may wait, and only the next is looked at."""
        self._woken = asyncio.Event()
        self.elsewhere: Callable[[str], Awaitable[bool]] = _nowhere
        """Brings a file back from somewhere beside the members; whether it was there."""
        chain.commits.follow(self._committed)

    def _committed(self, layers: list[Layer]) -> None:
        """Want the content of every asset and statement that was recorded."""
        for layer in layers:
            self._note(layer.result.outcomes)

    def _note(self, outcomes: tuple[Outcome, ...]) -> None:
        """Want what the assets and statements need that were recorded, and what was said of openings."""
        ledger = self._chain.ledger()
        for event in (event for outcome in outcomes for event in outcome.events):
            if isinstance(event, AssetRegistered | AssetRekeyed):
                for want in wants_of(ledger.asset(event.asset)):
                    self._want(want)
            elif isinstance(event, SettingsDisclosed | SettingsErased):
                self._want(OPENINGS + event.request)
            elif isinstance(event, StatementRegistered):
                self._want(CONTENT + cid_of_digest(bytes.fromhex(event.digest)))
            elif isinstance(event, ContentArchived):
                self._want(CONTENT + directory_file(event.root))

    def _want(self, want: str) -> None:
        """Note what may not be here. Content that several assets share is wanted once."""
        if want not in self._pauses:
            self._pauses[want] = RETRY_SECONDS[0]
            heappush(self._due, (0.0, want))
            self._woken.set()

    async def run(self) -> None:
        """Fetch, for ever."""
        loop = asyncio.get_running_loop()
        self._blockstore.on_damaged = lambda cid: loop.call_soon_threadsafe(self._want, CONTENT + cid)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_through())
            group.create_task(self._fetch())
            group.create_task(self._keep())
            group.create_task(self._collect())

    async def _look_through(self) -> None:
        """Want what was recorded since the file was written and is not here; without the file, look at everything."""
        kept = read_kept(self._kept)
        if kept is not None and self._chain.finals.oldest <= kept.height <= self._chain.committed.height:
            for want in kept.wants:
                self._want(want)
            for height in range(kept.height + 1, self._chain.committed.height + 1):
                self._note(self._chain.finals.at(height).results.outcomes)
                await asyncio.sleep(0)
        else:
            await self._look_at_all()
        self._looked = True

    async def _keep(self) -> None:
        """Write now and then how far everything is here."""
        written = None
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            now = Kept(self._chain.committed.height, sorted(self._pauses))
            if self._looked and now != written:
                try:
                    await asyncio.to_thread(write_durably, self._kept, msgspec.json.encode(now))
                    written = now
                except OSError as error:  # a start then goes on from farther back
                    logger.error("replication_not_kept", reason=str(error))

    async def _collect(self) -> None:
        """Forget uploads that no record has named in time: by the chain's clock, for a node that lags does not know
        what is recorded, and none that is wanted, for that is recorded and not yet content.
        """
        uploads = self._blockstore.uploads
        while True:
            await asyncio.sleep(COLLECT_SECONDS)
            if not self._looked:
                continue
            oldest = self._chain.committed.time_ms / 1_000 - SECONDS_MAX
            for account, cid in await self._blockstore.aside(uploads.older_than, oldest):
                if CONTENT + cid not in self._pauses:
                    uploads.drop(account, cid)
                    logger.info("upload_forgotten", account=account, content=cid)
                await asyncio.sleep(0)

    async def _look_at_all(self) -> None:
        wants = self._all_wants()
        while some := list(dict.fromkeys(islice(wants, LOOKED_TOGETHER))):
            openings = [want for want in some if want.startswith(OPENINGS)]
            files = [want for want in some if not want.startswith(OPENINGS)]
            lacking = [want for want in openings if self._unlike(want.removeprefix(OPENINGS)) != NOTHING]
            for want in lacking + await self._blockstore.aside(self._lacking, files):
                self._want(want)

    def _all_wants(self) -> Iterator[str]:
        for _, data in self._chain.state.items(records.asset_key("")):
            yield from wants_of(decode_trusted(data, records.Asset))
        prefix = records.statement_key("")
        for key, _ in self._chain.state.items(prefix):
            yield CONTENT + cid_of_digest(bytes.fromhex(key.removeprefix(prefix)))
        for archive in recorded(self._chain.state):
            yield CONTENT + directory_file(archive.root)

    def _lacking(self, wants: list[str]) -> list[str]:
        """The files that are not here. It reads and hashes what is here, so it is not for the event loop."""
        return [want for want in wants if not self._here(want.removeprefix(CONTENT))]

    def _here(self, cid: str) -> bool:
        try:
            return not self._blockstore.missing(cid)
        except CidInvalid:
            return True

    async def _fetch(self) -> None:
        while True:
            now = time.monotonic()
            due: list[str] = []
            while self._due and self._due[0][0] <= now and len(due) < AT_ONCE:
                due.append(heappop(self._due)[1])
            if due:
                await asyncio.gather(*(self._try(want) for want in due))
                continue
            self._woken.clear()
            try:
                async with asyncio.timeout(self._due[0][0] - now if self._due else RETRY_SECONDS[1]):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def _try(self, want: str) -> None:
        name = want.partition("/")[2]
        try:
            done = await (self._fetch_openings(name) if want.startswith(OPENINGS) else self.fetch_file(name))
        except CidInvalid as error:
            logger.error("content_refused", content=name, reason=str(error))
            done = True
        except OSError as error:
            logger.error("content_not_stored", content=name, reason=str(error))
            done = False
        if done:
            del self._pauses[want]
        else:
            pause = self._pauses[want]
            heappush(self._due, (time.monotonic() + pause, want))
            self._pauses[want] = min(2 * pause, RETRY_SECONDS[1])

    async def fetch_file(self, cid: str) -> bool:
        """Make a file content of this node, from an upload, members, or wherever else it is; whether it is here.

        CidInvalid if it is no file of a kind that is kept.
        """
        await self._blockstore.aside(self._blockstore.keep, cid)
        while missing := await self._blockstore.aside(self._blockstore.missing, cid):
            for block in missing:
                if not await self._fetch_block(block):
                    return await self.elsewhere(cid)
        return True

    async def _fetch_block(self, cid: str) -> bool:
        for peer in sorted(self._peers.connected):
            block = await self._peers.ask(peer, f"/v1/blocks/{cid}", BLOCK_BYTES_MAX)
            if block is None:
                continue
            try:
                await self._blockstore.aside(self._blockstore.put_block, cid, block)
                return True
            except CidInvalid as error:
                logger.error("block_refused", node=peer, reason=str(error))
        return False

    async def _fetch_openings(self, request: str) -> bool:
        """Destroy what was erased, and fetch what this node is to keep; whether nothing is left to do."""
        _, erased = self._unlike(request)
        if erased:
            await asyncio.to_thread(self._openings.erase, request, erased)
            logger.info("settings_erased", request=request, settings=sorted(erased))
        for peer in sorted(self._peers.connected):
            lacking, _ = self._unlike(request)
            data = await self._peers.ask(peer, f"/v1/openings/{request}", BLOCK_BYTES_MAX) if lacking else None
            if data is not None:
                disclosure = self._chain.ledger().disclosure(request)
                await asyncio.to_thread(self._openings.put_checked, disclosure, data, lacking)
        return self._unlike(request) == NOTHING

    def _unlike(self, request: str) -> tuple[frozenset[str], frozenset[str]]:
        """The settings of a request that are to be kept here and are not, and those that are here and were erased.

        Nothing for a request that the chain does not know: it may be one of a block that a recovery left out.
        """
        ledger, here = self._chain.ledger(), frozenset(self._openings.get(request).given())
        disclosure = ledger.find(records.disclosure_key(request), records.Disclosure)
        if disclosure is None:
            return NOTHING
        return disclosure.kept_by(ledger.org_of_node(self._chain.node)) - here, here & {*disclosure.erased}


async def _nowhere(_: str) -> bool:
    return False


def wants_of(asset: records.Asset) -> list[str]:
    """What members keep of an asset: its file, and of the openings of its request those that each may."""
    content = CONTENT + asset.content.cid
    return [content] if isinstance(asset.request, UnsetType) else [content, OPENINGS + asset.request]
