"""Joining: a node that does not vote begins at a snapshot of another, fetched, checked and installed by itself.

Every chunk is checked against the manifest as it comes, and kept, so that a fetch goes on where it was cut off; whoever
gives a wrong one is asked no more. The snapshot is installed into a store of its own, whose root must be that of a
certified header, and takes the place of the old one by a rename: killed at any moment, the node joins again or has
joined.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from ledger.block import Certificate, certificate_fault, decode_header
from ledger.crypto import SigningKey, sha256
from ledger.encoding import NOT_DECODED, decode, decode_trusted
from ledger.epochs import Epochs
from ledger.errors import LedgerError
from ledger.genesis import Genesis, GenesisNode
from ledger.node_certificate import make_certificate
from ledger.records import NodeRecord, node_key
from ledger.snapshot import (
    MANIFEST_BYTES_MAX,
    Chunk,
    Manifest,
    SnapshotRefused,
    chunk_holds,
    parse_manifest,
)
from node.chain.chain import Chain
from node.chain.level import LEVEL_BYTES_MAX, Level, level_in
from node.chain.stretch import STRETCH_BYTES_MAX, decode_stretch
from node.chain.voter_sets import in_force
from node.ground.config import Config
from node.ground.logs import logger, progress
from node.ordering.driver import Driver
from node.peers.asking import NOT_REACHED, Asking, Givers
from node.peers.introduced import addresses_of, load_introduced, unknown_to
from node.snapshots.catching_up import Catching
from node.snapshots.installing import JOIN, finish_install, install
from node.snapshots.rebuilding import rebuild_if_lost
from node.snapshots.recovering import load_recoveries
from node.snapshots.snapshots import MANIFEST, chunk_file
from node.storage import directory
from node.storage.directory import write_durably
from node.storage.raft_log_store import RaftLogStore, disk_is_full
from node.storage.state_store import StateStore
from remarque.errors import NodeCode, NodeError
from remarque.keys.files import load_key
from remarque.trusted_files import load_genesis

CHUNK_SECONDS = 60.0
ASK_SECONDS = 3.0
RETRY_SECONDS = 1.0
WATCH_SECONDS = 10.0
OK, GONE = 200, 410
INSTALLED_RATIO = 5
"""How many times the bytes of its chunks a snapshot needs on the disk while it is installed."""
CHAIN_LOST = (
    "this node votes, has no chain, and others no longer keep the first blocks: what it has endorsed is lost, so it "
    "may not vote again; add a node with a new key, and `remarque consortium replace` this one by it"
)
JOIN_WAITS = (
    "no node is reached, or none lets this one in: see `remarque node add`; if the nodes of the genesis are gone, see "
    "`remarque node prepare --members`"
)
AT_ONCE = 4
"""Chunks fetched at the same time."""


class Fetching:
    """One snapshot on its way into a directory, from whichever nodes have it."""

    def __init__(self, asking: Asking, place: Path, data: bytes, manifest: Manifest, peers: list[str]) -> None:
        self._asking = asking
        self._place = place
        self._digest = sha256(data).hex()
        self._manifest = manifest
        self._peers = peers
        self._numbers = iter(progress("chunks_fetched", range(len(manifest.chunks))))
        place.mkdir(parents=True, exist_ok=True)
        write_durably(place / MANIFEST, data)

    async def run(self) -> None:
        """Fetch what is not here yet. SnapshotRefused if no node has it any more."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._some())

    async def _some(self) -> None:
        for number in self._numbers:
            chunk, file = self._manifest.chunks[number], chunk_file(self._place, number)
            if not file.exists() or not chunk_holds(await asyncio.to_thread(file.read_bytes), chunk):
                data = await self._fetch(number, chunk)
                await asyncio.to_thread(file.write_bytes, data)

    async def _fetch(self, number: int, chunk: Chunk) -> bytes:
        path = f"/v1/snapshots/{self._digest}/{number}"
        for peer in list(self._peers):
            data = await self._asking.ask(peer, path, chunk.size, CHUNK_SECONDS)
            if data is not None and chunk_holds(data, chunk):
                return data
            if data is not None:
                logger.error("chunk_refused", node=peer, number=number)
            if peer in self._peers:
                self._peers.remove(peer)
        height = self._manifest.header.height
        raise SnapshotRefused(f"no node gives chunk {number} of the snapshot at {height} any more")


async def join_if_behind(config: Config, home: Path) -> None:
    """Before a node starts: let it join if it has no chain yet, or less of it than the others keep."""
    genesis, key = load_genesis(home / config.node.genesis), load_key(home / config.node.key)
    data, name = home / config.node.data, config.node.name
    lock = directory.open_locked(data, genesis.chain, genesis.digest, name)
    try:
        finish_install(data)
        rebuild_if_lost(data, genesis, load_recoveries(data, genesis))
        introduced = introduced_by(config, home)
        asking = _asking(key, name, config.peers.addresses, _nodes(data, genesis, introduced))
        try:
            await Joining(asking, genesis, data, key, name).run()
        finally:
            await asking.close()
    except OSError as error:
        if disk_is_full(error):
            raise NodeError(
                NodeCode.DISK_FULL, f"{data}: no room for the snapshot; make some, and start again"
            ) from None
        raise
    finally:
        os.close(lock)


def introduced_by(config: Config, home: Path) -> tuple[NodeRecord, ...]:
    """The nodes that the settings introduce. CONFIG_INVALID if their file holds anything else."""
    return load_introduced(home / config.peers.members) if config.peers.members else ()


def _nodes(data: Path, genesis: Genesis, introduced: tuple[NodeRecord, ...] = ()) -> Sequence[NodeRecord | GenesisNode]:
    """The nodes that this one may ask: those of the chain that it has, and those introduced that it does not know.

    Without a chain those introduced, else those of the genesis.
    """
    if not (data / "state").exists():
        return introduced or genesis.nodes
    with closing(StateStore(data / "state")) as state:
        known = [decode_trusted(record, NodeRecord) for _, record in state.items(node_key(""))]
        return [*known, *unknown_to(state, introduced)] or introduced or genesis.nodes


def _asking(key: SigningKey, name: str, settings: dict[str, str], nodes: Sequence[NodeRecord | GenesisNode]) -> Asking:
    """Questions to the other nodes, where the settings say that they are, else where their records do."""
    certificates = {node.name: bytes.fromhex(node.certificate) for node in nodes}
    addresses = addresses_of(node for node in nodes if isinstance(node, NodeRecord))
    others = {peer: address for peer, address in (addresses | settings).items() if peer != name}
    return Asking(key, certificates.get(name) or make_certificate(key), others, certificates)


async def end_if_left_behind(driver: Driver, asking: Givers) -> None:
    """Watch over a node while it votes, for ever.

    NodeError once its leader no longer keeps the blocks that it lacks, or it hears none and no node that answers keeps
    them, or one shows final blocks that it lacks: started again it takes them, and learns whether it votes still.
    """
    while True:
        height = driver.chain.committed.height
        await asyncio.sleep(WATCH_SECONDS)
        leader, statuses = driver.replica.leader, set()
        for peer in [leader] if leader in asking.addresses else [] if leader else list(asking.addresses):
            if not driver.replica.votes_here or driver.chain.committed.height != height:
                break
            status, data = await asking.ask_status(peer, _stretch_above(height), STRETCH_BYTES_MAX)
            if driver.chain.committed.height != height or driver.replica.leader != leader:
                break
            statuses.add(status)
            if not leader and status == OK and _shows_more(driver.chain, data):
                detail = f"this node hears no leader, and {peer} has final blocks above {height}"
                raise NodeError(NodeCode.NO_LEADER, f"{detail}; start this node again, and it takes them")
        else:
            if GONE in statuses and statuses <= {GONE, NOT_REACHED}:
                raise behind(height)


def _shows_more(chain: Chain, data: bytes) -> bool:
    """Whether a stretch ends with a final block above those of this node; a member may say so that lies."""
    try:
        stretch = decode_stretch(data)
        last = decode_header(stretch.blocks[-1])
        certificate = decode(stretch.certificate, Certificate)
    except (*NOT_DECODED, LedgerError, IndexError):
        return False
    voters = chain.sets.final_above(last, chain.committed)
    above = last.height > chain.committed.height
    return above and voters is not None and certificate_fault(certificate, last, voters) is None


def _stretch_above(height: int) -> str:
    return f"/v1/stretch/{height}?wait_s=0"


class Joining:
    """One node on its way to a chain that it can follow, or vote on."""

    def __init__(self, asking: Asking, genesis: Genesis, data: Path, key: SigningKey, name: str) -> None:
        self._asking = asking
        self._peers = list(asking.addresses)
        self._genesis = genesis
        self._data = data
        self._key, self._name = key, name
        self._recoveries = load_recoveries(data, genesis)
        self._failed: set[str] = set()
        """Nodes whose snapshots did not come, or were not what they said; asked again when no others are left."""

    async def run(self) -> None:
        """Take what this node lacks, until it can start. NodeError if it may not."""
        height, epochs = await asyncio.to_thread(_held, self._data)
        self._votes = self._is_voter(epochs)
        while self._asking.addresses:
            answers = await self._answers(height)
            gone = GONE in answers.values()
            if gone and self._votes and height <= 0:
                raise NodeError(NodeCode.LOG_LOST, CHAIN_LOST)
            givers = [peer for peer, status in answers.items() if status == OK]
            if height >= 0 and (givers or not gone):
                # A node that follows takes blocks from whoever has them; one that votes, only from a leader it knows.
                if self._votes and (gone or await self._missed_a_change(givers, epochs)):
                    given = self._data, self._genesis, self._key, self._name, self._recoveries
                    with closing(Catching(*given)) as catching:
                        await catching.up(self._asking, givers)
                return
            if self._votes and not gone:
                return
            await self._check_never_voted(givers)
            if await self._install_newest(height) or (givers and not self._failed):
                return
            await asyncio.sleep(RETRY_SECONDS)

    async def _missed_a_change(self, givers: list[str], epochs: Epochs) -> bool:
        """Whether others vote, by the chain of some node, than by this one's."""
        known = in_force(self._genesis.voters, self._recoveries, epochs).digest
        return any(level.voters != known for level in await self._levels(givers))

    async def _check_never_voted(self, givers: list[str]) -> None:
        """LOG_LOST if this node has no chain, and most of those that answer say that it votes: it had one before."""
        levels = await self._levels(givers)
        if 2 * sum(level.asker_votes for level in levels) > len(levels):
            raise NodeError(NodeCode.LOG_LOST, CHAIN_LOST)

    async def _levels(self, givers: list[str]) -> list[Level]:
        asked = [self._asking.ask(peer, "/v1/level", LEVEL_BYTES_MAX, ASK_SECONDS) for peer in givers]
        levels = [level_in(answer) for answer in await asyncio.gather(*asked) if answer is not None]
        return [level for level in levels if level is not None]

    def _is_voter(self, epochs: Epochs) -> bool:
        """Whether this node votes, as far as changes of the voters are known."""
        return in_force(self._genesis.voters, self._recoveries, epochs).key(self._name) is not None

    async def _answers(self, height: int) -> dict[str, int]:
        """HTTP status of each reached node's answer to whether it keeps the blocks above a height.

        One that has no chain and does not vote waits here for the others; else a node may be the first to start.
        """
        path = _stretch_above(max(height, 0))
        while True:
            asked = [self._asking.ask_status(peer, path, STRETCH_BYTES_MAX, ASK_SECONDS) for peer in self._peers]
            found = dict(zip(self._peers, [status for status, _ in await asyncio.gather(*asked)], strict=True))
            reached = {peer: status for peer, status in found.items() if status != NOT_REACHED}
            if reached or height >= 0 or self._votes:
                return reached
            logger.warning("join_waits", reason=JOIN_WAITS)
            await asyncio.sleep(RETRY_SECONDS)

    async def _install_newest(self, height: int) -> bool:
        """Install the newest snapshot that a reachable node has. False if that did not succeed; nothing changed then.

        A snapshot below what this node holds is not taken: the node may have endorsed what it would forget.
        """
        place = self._data / JOIN
        offers = [offer for offer in await self._offers() if offer[1].header.height >= height]
        if not offers:
            self._failed.clear()
            return False
        manifest_data, manifest, peers = max(offers, key=lambda offer: offer[1].header.height)
        if height < 0 and self._is_voter(manifest.epochs):
            raise NodeError(NodeCode.LOG_LOST, CHAIN_LOST)
        if not _same(place, manifest_data):
            shutil.rmtree(place, ignore_errors=True)
        logger.info("joining", height=manifest.header.height, bytes=manifest.size, nodes=peers)
        refused = ""
        try:
            await Fetching(self._asking, place, manifest_data, manifest, list(peers)).run()
            await asyncio.to_thread(install, place, manifest, self._data)
        except* SnapshotRefused as group:
            refused = str(group.exceptions[0])
        except* OSError as failed:
            raise failed.exceptions[0] from None
        if refused:
            logger.error("snapshot_refused", nodes=peers, reason=refused)
            self._failed.update(peers)
            return False
        logger.info("joined", height=manifest.header.height, entries=manifest.entries)
        return True

    async def _offers(self) -> list[tuple[bytes, Manifest, list[str]]]:
        """Manifests that hold and fit, each with the nodes that have it, but for those that failed before."""
        found: dict[bytes, list[str]] = {}
        for peer in self._peers:
            if peer not in self._failed:
                data = await self._asking.ask(peer, "/v1/snapshots/newest", MANIFEST_BYTES_MAX)
                if data is not None:
                    found.setdefault(data, []).append(peer)
        offers = []
        free = shutil.disk_usage(self._data).free
        for data, peers in found.items():
            try:
                manifest = parse_manifest(data, self._genesis, self._recoveries)
                if manifest.size * INSTALLED_RATIO > free:
                    raise SnapshotRefused(f"it needs about {manifest.size * INSTALLED_RATIO} bytes, {free} are free")
                offers.append((data, manifest, peers))
            except SnapshotRefused as refused:
                logger.error("snapshot_refused", nodes=peers, reason=str(refused))
                self._failed.update(peers)
        return offers


def _held(data: Path) -> tuple[int, Epochs]:
    """Height up to which a data directory holds blocks, -1 if it never held any; and the changes of voters it knows."""
    if not (data / "state").exists():
        return -1, ()
    with closing(RaftLogStore(data / "log")) as raft_log:
        return raft_log.last_index(), tuple(raft_log.epochs)


def _same(place: Path, manifest: bytes) -> bool:
    return (place / MANIFEST).exists() and (place / MANIFEST).read_bytes() == manifest


def behind(height: int) -> NodeError:
    """The refusal that ends a node which fell behind what the others keep."""
    return NodeError(
        NodeCode.BLOCK_PRUNED,
        f"no reachable node keeps blocks above {height} any more; start this node again, and it joins from a snapshot",
    )
