"""What a node is made of, and how it starts and stops.

Start: settings, genesis, key, data directory (locked), stores, chain (replayed from the log), driver, peers, REST. Stop
on SIGTERM or SIGINT: take nothing new, let what was taken finish, close. Killed at any moment, it starts again the same
way and loses nothing that was acknowledged.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import uvicorn

from ledger.records import node_removed_key
from node.api import (
    archives,
    as_of,
    bindings,
    collections,
    consortium,
    content,
    copies,
    credentials,
    events,
    gateway,
    history,
    licences,
    lists,
    market,
    pages,
    pictures,
    pinning,
    policies,
    proofs,
    proposals,
    providers,
    reads,
    scitt,
    sessions,
    tlog,
    viewings,
    work,
)
from node.api import log as log_routes
from node.api.app import health_routes, make_app
from node.api.heads import BoundedHeads
from node.api.levels import Levels, level_of
from node.api.origins import allow_origins
from node.api.peer_port.content import peer_app
from node.api.peer_port.giving import Stretches, chain_routes
from node.api.peer_port.log import add_log_routes
from node.api.peer_port.manifests import add_manifest_routes
from node.api.readers import Reader
from node.api.signed_requests import SignedRequests
from node.api.submissions import described
from node.api.submit import SubmitRoutes
from node.chain.chain import Chain
from node.chain.entries import Entries
from node.chain.paging import load_pages, write_pages
from node.chain.proving import Proving
from node.chain.reading import Reading
from node.chain.thinning import thin_certificates
from node.content.at_rest import AtRest
from node.content.blockstore import Blockstore
from node.content.openings import OPENINGS, OpeningStore
from node.content.tree_index import TREES, TreeIndex
from node.credentials.claims import PictureClaims
from node.credentials.key_files import CLAIM, CredentialFolder
from node.credentials.manifest_store import MANIFESTS, ManifestStore
from node.credentials.marking import Marker
from node.credentials.parents import Parents
from node.credentials.released import Released
from node.credentials.sealing import Sealing, Shelves
from node.credentials.stamping import StampAuthority
from node.decoding.lanes import Decoders, LookedFor
from node.depots.opening import open_depots
from node.exchange.copies import Copies
from node.exchange.copy_book import COPIES, CopyBook
from node.exchange.keeper import ShareKeeper
from node.exchange.moving import Moving
from node.exchange.pins import PINS, Pins
from node.exchange.public_content import PublicContent
from node.exchange.releases import Releases
from node.exchange.replicator import Replicator
from node.exchange.share_store import SHARES, ShareStore
from node.exchange.viewings import Viewings
from node.generation.heard import HeardWorkers
from node.generation.jobs import JOBS, JobStore, end_left
from node.generation.marking import Marking
from node.generation.own import OwnWorker
from node.generation.pulled import PulledWork
from node.generation.queue import JobQueue
from node.generation.recording import Recorder, SigningRecorder
from node.generation.service import GenerationService
from node.ground import logs
from node.ground.config import Config, GeneratorSection, load_config, split_address
from node.ground.doors import (
    LOOPBACK,
    RESERVED_DESCRIPTORS,
    BoundedListener,
    Door,
    raise_descriptor_limit,
)
from node.ground.logs import logger
from node.ground.version import version
from node.ordering.driver import Driver
from node.ordering.mempool import Mempool
from node.ordering.submitter import Submitter
from node.ordering.upgrades import Upgrades
from node.peers.admission import Admission
from node.peers.introduced import Introduced
from node.peers.lookups import keep_known
from node.peers.members import Members
from node.peers.network import Peers, serve
from node.policies.replaying import Replays
from node.snapshots.following import Follower
from node.snapshots.joining import end_if_left_behind, introduced_by, join_if_behind
from node.snapshots.recovering import load_recoveries
from node.snapshots.snapshots import SNAPSHOTS, Snapshots
from node.storage import directory
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from node.transparency.cose_receipts import CoseReceipts
from node.transparency.notes import Notes
from node.transparency.scitt import Registrar, Statements
from node.verification.anchors import Anchors
from node.verification.bindings import Bindings
from node.verification.detectors import Detectors
from node.verification.fetching import Fetcher
from node.verification.likenesses import LIKENESSES
from node.verification.verifier import Verifier
from pictures.opening import PICTURE_BYTES_MAX
from remarque.api.chain import Readiness
from remarque.errors import NodeCode, NodeError
from remarque.keys.files import load_key
from remarque.trusted_files import load_genesis

SWITCH_INTERVAL_SECONDS = 0.0005
"""How soon a thread that waits for the interpreter gets it: the default 5 ms starves workers beside a busy loop."""
GC_THRESHOLDS = (50_000, 20, 100)
"""Collect cycles rarely: a block makes thousands of values and hardly a cycle."""
WAITS_SECONDS_MAX = 600
"""For how long what is read through after a start waits for a node to catch up."""
REMOVED = "this node was removed from the consortium, and its name and key stay taken; run another in its place"
EXIT_UPGRADE = 69
"""Exit status when the chain's rules are not known here: started again, it refuses until the software is newer."""
EXIT_BROKEN = 70
"""Exit status after a failed write or a broken invariant: never retried in the same process."""


def clock_ms() -> int:
    """Milliseconds since 1970 by this machine's clock."""
    return time.time_ns() // 1_000_000


class _Server(uvicorn.Server):
    """Uvicorn without its own signal handling: the node's is for all its parts."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Node:
    """One running node."""

    def __init__(self, config: Config, home: Path) -> None:
        self.config = config
        self.home = home
        self.genesis = load_genesis(home / config.node.genesis)
        self.key = load_key(home / config.node.key)
        self._check_key()
        self.data = home / config.node.data
        self._lock = directory.open_locked(self.data, self.genesis.chain, self.genesis.digest, config.node.name)
        self.raft_log = RaftLogStore(self.data / "log")
        self.state_store = StateStore(self.data / "state")
        recoveries = load_recoveries(self.data, self.genesis)
        self.chain = Chain(self.genesis, self.key, config.node.name, self.raft_log, self.state_store, recoveries)
        if self.state_store.get(node_removed_key(config.node.name)) is not None:
            raise NodeError(NodeCode.NODE_REMOVED, REMOVED)
        self.reading = Reading(self.chain)
        self.proving = Proving(self.chain, self.reading)
        self.mempool = Mempool()
        self.driver = Driver(self.chain, self.raft_log, self.mempool, clock_ms, secrets.randbits(64))
        admission = Admission(self.chain, self.key)
        self.peers = Peers(admission, self.key, config.peers.addresses, self.driver)
        self.driver.connect(self.peers)
        self.introduced = Introduced(self.peers.asking, introduced_by(config, home), self.state_store)
        self.upgrades = Upgrades(self.chain)
        self.submitter = Submitter(self.driver, str(self.data), config.node.disk_free_bytes_min)
        self.blockstore = Blockstore(self.data / "content")
        self.at_rest = AtRest(self.key)
        self.openings = OpeningStore(self.data / OPENINGS, self.at_rest)
        self.replicator = Replicator(
            self.chain, self.peers, self.blockstore, self.openings, self.data / "replication.json"
        )
        self.provider = providers.provider(self.key.public, config.api.gateway_url)
        self.copy_book = CopyBook(self.data / COPIES)
        self.copies = Copies(
            self.chain,
            self.blockstore,
            open_depots(config.content.depots, home, providers.delegates(self.provider)),
            config.content,
            self.copy_book,
            lambda: self.pins.cids(),
            lambda: self.driver.freshness.ready,
        )
        self.replicator.elsewhere = self.copies.fetch
        self.pins = Pins(self.data / PINS, self.replicator.fetch_file, clock_ms)
        self.members = Members(self.chain, self.peers)
        self.entries = Entries(self.chain, self.reading)
        self.receipts = CoseReceipts(self.chain, self.entries, self.proving, self.members, self.key)
        self.notes = Notes(self.chain, self.reading, self.proving, self.members, self.key)
        self.statements = Statements(
            self.chain,
            self.reading,
            self.entries,
            self.receipts,
            self.submitter,
            self.blockstore,
            self._registrar(),
            clock_ms,
        )
        self.keeper = self._make_keeper()
        self.releases = Releases(self.chain, self.reading, self.key, self.keeper, self.peers, clock_ms)
        storage = config.storage
        self.snapshots = Snapshots(
            self.chain, self.reading, self.data / SNAPSHOTS, storage.snapshot_every, storage.keep_blocks
        )
        self.decoders = Decoders()
        anchors = self.anchors = Anchors(self.home / config.verification.anchors)
        self.watermark_key = self._watermark_key()
        self.credentials = CredentialFolder(self.home / config.marks.credentials)
        fetcher = Fetcher(PICTURE_BYTES_MAX) if config.verification.by_url else None
        self.verifier = Verifier(
            self.chain,
            self.reading,
            self.blockstore,
            self.decoders,
            self.data / LIKENESSES,
            lambda: LookedFor(anchors.pem(), self.watermark_key),
            fetcher,
            Detectors(config.verification.detectors),
        )
        self.trees = TreeIndex(self.data / TREES)
        self.public_content = PublicContent(self.chain, self.blockstore, self.trees, self.verifier.open_to_strangers)
        self.generation = self._make_generation()
        self.stamps = StampAuthority(self.credentials, for_all=config.marks.timestamps_for_all)
        self.shelves = Shelves(
            self.blockstore, ManifestStore(self.data / MANIFESTS), Parents(self.data / MANIFESTS / "parents")
        )
        self.sealing = self._make_sealing()
        self.released = Released(
            self.chain,
            self.peers,
            self.blockstore,
            self.shelves.manifests,
            self.sealing,
            self.decoders.signing,
            anchors.pem,
        )
        self.viewings = self._make_viewings()
        self._stop = asyncio.Event()
        self._fatal: NodeError | None = None

    def _check_key(self) -> None:
        record = next((node for node in self.genesis.nodes if node.name == self.config.node.name), None)
        if record is not None and record.key != self.key.public:
            raise NodeError(
                NodeCode.GENESIS_MISMATCH,
                f"the key in {self.config.node.key} is not that of {self.config.node.name} in the genesis; use its own",
            )

    def _watermark_key(self) -> bytes:
        """The members' key; nothing if this node has none. KEY_UNREADABLE if the file holds something else."""
        file = self.home / self.config.marks.watermark_key
        return load_key(file).seed if file.exists() else b""

    def _own_org(self) -> str:
        """Whose node this is."""
        return self.chain.ledger().org_of_node(self.config.node.name)

    def _make_keeper(self) -> ShareKeeper | None:
        section = self.config.keeper
        if section is None:
            return None
        key, store = load_key(self.home / section.key), ShareStore(self.data / SHARES, self.at_rest)
        return ShareKeeper(section.account, key, self.chain, self.submitter, store, clock_ms)

    def _make_viewings(self) -> Viewings | None:
        if not self.config.viewing.enabled:
            return None
        if not self.watermark_key:
            fact = f"{self.config.marks.watermark_key}, the members' key, is not here"
            raise NodeError(NodeCode.CONFIG_INVALID, f"viewing.enabled: {fact}, and nothing is shown without a mark")
        lane = self.decoders.members
        return Viewings(self.chain, self.key, self.watermark_key, self.blockstore, self.releases, lane)

    def _registrar(self) -> Registrar | None:
        section = self.config.scitt
        return None if section is None else Registrar(section.account, load_key(self.home / section.key))

    def _make_generation(self) -> GenerationService | None:
        section = self.config.generator
        if section is None:
            end_left(self.data / JOBS, self.at_rest)
            return None
        marking = Marking(
            self.config.marks, self.watermark_key, lambda: self.credentials.usable(CLAIM) is not None, self.chain
        )
        recorder = Recorder(self.chain, self.blockstore, self.openings, marking)
        queue = JobQueue(JobStore(self.data / JOBS, self.at_rest), recorder, clock_ms)
        heard, lease_ms = HeardWorkers(clock_ms), section.lease_seconds * 1_000
        pulled = PulledWork(queue, heard, recorder, marking, self.chain, self.decoders.members, lease_ms)
        own = self._make_own_worker(section, queue, recorder, marking) if section.local else None
        return GenerationService(section, self.chain, queue, own, heard, pulled)

    def _make_own_worker(
        self, section: GeneratorSection, queue: JobQueue, recorder: Recorder, marking: Marking
    ) -> OwnWorker:
        key = load_key(self.home / section.key)
        signing = SigningRecorder(section.account, key, self.chain, self.submitter, recorder, clock_ms)
        return OwnWorker(section, self.home, key, self.chain, queue, signing, self.blockstore, marking)

    def _make_sealing(self) -> Sealing:
        marks, generation = self.config.marks, self.generation
        return Sealing(
            self.chain,
            self.reading,
            self.shelves,
            self.decoders.signing,
            PictureClaims(self.chain, marks, self.receipts.of_transaction),
            self.credentials,
            self.stamps if "timestamp" in marks.layers else None,
            self.anchors.pem,
            lambda record: generation is not None and generation.made(record),
            lambda record: self.released.file(record),
        )

    def ready(self) -> Readiness:
        """What `/readyz` says."""
        fresh = self.driver.freshness
        return Readiness(
            ready=fresh.ready and not self.submitter.closing,
            leader=self.driver.replica.leader,
            height=self.chain.committed.height,
            behind=fresh.behind,
        )

    def stop(self, reason: str, fatal: NodeError | None = None) -> None:
        """Ask the node to stop; if it may not go on, `fatal` says why."""
        if not self._stop.is_set():
            logger.info("stopping", reason=reason)
            self._fatal = fatal
            self.submitter.closing = True
            self._stop.set()

    def _stop_for_good(self, code: NodeCode, detail: str) -> None:
        self.stop(detail, NodeError(code, detail))

    async def run(self) -> None:
        """Serve until stopped. Raises NodeError if it cannot start, or had to stop by itself."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop, name.name)
        self.driver.on_broken = _end_at_once
        self.peers.on_log_lost = lambda detail: self._stop_for_good(NodeCode.LOG_LOST, detail.partition(": ")[2])
        self.peers.on_removed = lambda: self._stop_for_good(NodeCode.NODE_REMOVED, REMOVED)
        application = peer_app(self.peers, self.chain, self.blockstore, self.openings, self.releases)
        application.add_routes(chain_routes(self.peers, Stretches(self.driver, self.reading), self.snapshots))
        add_manifest_routes(application, self.peers, self.chain, self.released)
        add_log_routes(application, self.peers, self.chain.commits, self.receipts, self.notes)
        peer_door, rest_door = self._doors()
        listener = BoundedListener.at(*split_address(self.config.api.listen), rest_door)
        peer_listener = BoundedListener.at(*split_address(self.config.peers.listen), peer_door)
        runner = await serve(application, self.peers.server_context(), peer_listener)
        server = self._rest_server()
        gc.collect()
        gc.freeze()
        try:
            async with asyncio.TaskGroup() as group:
                rest = group.create_task(server.serve([listener]))
                others = [group.create_task(work) for work in self._work()]
                others.append(group.create_task(keep_known(peer_door, self.peers.book)))
                logger.info("started", node=self.chain.node, chain=self.chain.name, height=self.chain.committed.height)
                await self._stop.wait()
                await self.driver.hand_over()
                await self.submitter.settle()
                server.should_exit = True
                await rest
                for task in others:
                    task.cancel()
        finally:
            await runner.cleanup()
            await self.introduced.close()
            self.driver.close()
            self.decoders.close()
            self.verifier.close()
            await loop.shutdown_default_executor()  # a thread may still write what is closed next
            self.chain.write_pages(self.state_store.pages.changed)
            self.raft_log.close()
            self.state_store.close()
            self.openings.close()
            self.copy_book.close()
            if self.keeper is not None:
                self.keeper.close()
            self.trees.close()
            self.pins.close()
            os.close(self._lock)
        if self._fatal is not None:
            raise self._fatal

    def _work(self) -> list[Any]:
        """What goes on beside REST, for ever. What is read through after a start waits until the node has caught up."""
        work = [
            self.driver.run(),
            self.peers.run(),
            self.snapshots.run(),
            write_pages(self.chain, self.reading),
            load_pages(self.chain, self.reading),
            thin_certificates(self.chain, self.reading),
            self.public_content.run(),
        ]
        follower = Follower(self.driver, self.introduced)
        level = follower.level
        work += [end_if_left_behind(self.driver, self.introduced), follower.run()]
        work += [_after(level, self.replicator.run), _after(level, self.verifier.run), _after(level, self.sealing.run)]
        work += [_after(level, self.copies.run), _after(level, self.pins.run)]
        if self.keeper is not None:
            moving = Moving(self.chain, self.key, self.keeper)
            work += [_after(level, self.keeper.run), _after(level, moving.run)]
        return work if self.generation is None else [*work, self.generation.run()]

    def _rest_server(self) -> _Server:
        member_sessions = sessions.Sessions(self.chain)
        signed = SignedRequests(self.chain, self.config.api.signed_authority, clock_ms)
        reader = Reader(self.chain, member_sessions, signed, Levels(self.driver))
        replays = Replays(self.chain, self.reading)
        content_gateway = gateway.Gateway(self.blockstore, self.public_content, reader, for_all=self.config.api.gateway)
        marker = Marker(self.config.marks, self.watermark_key, self.credentials, self.shelves.parents, self._own_org)
        app = make_app(
            version(),
            [
                health_routes(self.driver, self.ready),
                reads.open_routes(self.driver),
                log_routes.routes(self.proving, self.receipts),
                tlog.routes(self.chain.log, self.entries, self.proving, self.notes, reader),
                scitt.routes(self.statements, self.members),
                sessions.routes(member_sessions),
                described(),
                reads.member_routes(self.chain, self.reading, self.proving, reader),
                licences.routes(self.chain, reader),
                lists.routes(self.chain, reader),
                collections.routes(self.chain, reader),
                consortium.routes(self.driver, self.members, reader),
                market.routes(self.chain, reader),
                history.routes(self.chain, self.reading, reader),
                proposals.routes(self.chain, replays, reader),
                proofs.routes(self.chain, self.reading, reader),
                as_of.routes(self.chain, self.reading, reader),
                policies.routes(self.chain, self.reading, replays, reader),
                events.routes(events.Feed(self.chain, self.reading), self.chain, reader),
                pictures.verify_routes(self.verifier, reader),
                content.upload_routes(
                    self.decoders.members,
                    self.verifier,
                    self.blockstore,
                    self.submitter,
                    marker,
                    self.copies,
                    reader,
                ),
                content.content_routes(self.blockstore, reader),
                gateway.routes(content_gateway),
                providers.routes(content_gateway, self.provider),
                pinning.routes(self.chain, self.pins, reader, *providers.delegates(self.provider)),
                archives.routes(self.chain, self.blockstore, self.submitter, reader),
                copies.routes(self.chain, self.copies, self.pins, self.blockstore, self.peers, reader),
                pictures.opening_routes(self.chain, self.openings, reader),
                credentials.released_routes(self.chain, self.released, reader),
                credentials.stamp_routes(self.stamps, reader),
                bindings.binding_routes(
                    self.chain,
                    Bindings(self.chain, self.verifier),
                    self.released,
                    self.entries,
                    self.receipts.of_transaction,
                    reader,
                ),
                pictures.release_routes(self.releases, reader),
                viewings.routes(self.viewings, reader),
                pictures.generation_routes(self.generation, self.chain, reader),
                work.work_routes(None if self.generation is None else self.generation.pulled, self.submitter, reader),
                pages.routes(),
            ],
            lambda: level_of(self.chain),
        )
        settings = uvicorn.Config(
            allow_origins(SubmitRoutes(app, self.submitter, self.chain, self.reading), self.config.api.allowed_origins),
            log_config=None,
            access_log=False,
            lifespan="off",
            http=BoundedHeads,
            ws="none",
            timeout_keep_alive=75,
            timeout_graceful_shutdown=3,
            ssl_certfile=str(self.home / self.config.api.tls_certificate) if self.config.api.tls_certificate else None,
            ssl_keyfile=str(self.home / self.config.api.tls_key) if self.config.api.tls_key else None,
        )
        return _Server(settings)

    def _doors(self) -> tuple[Door, Door]:
        """Of the peer port and of the REST port. CONFIG_INVALID if this process may not open so many files."""
        api, peers = self.config.api, self.config.peers
        raise_descriptor_limit(api.connections_max + peers.connections_max + RESERVED_DESCRIPTORS)
        return (
            Door("peers", peers.connections_max, peers.connections_max // 2),
            Door("api", api.connections_max, api.address_connections_max, LOOPBACK),
        )


async def _after(event: asyncio.Event, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do what can wait for an event, but not for ever."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(WAITS_SECONDS_MAX):
            await event.wait()
    await work()


def _end_at_once(error: BaseException) -> None:
    """End the process without another step: it starts again from what is on disk."""
    if isinstance(error, NodeError) and error.code is NodeCode.PROTOCOL_UNKNOWN:
        logger.critical("protocol_unknown", code=error.code.name, reason=error.detail)
        sys.stderr.flush()
        os._exit(EXIT_UPGRADE)
    logger.critical("broken", reason=f"{type(error).__name__}: {error}")
    sys.stderr.flush()
    os._exit(EXIT_BROKEN)


def run_node(config_path: Path) -> None:
    """Run a node until it is stopped. NodeError if it cannot start."""
    config = load_config(config_path)
    logs.configure(config.node.log_level)
    directory.keep_private()
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    gc.set_threshold(*GC_THRESHOLDS)

    async def main() -> None:
        await join_if_behind(config, config_path.parent)
        node = Node(config, config_path.parent)
        await node.run()

    try:
        asyncio.run(main())
    except BaseExceptionGroup as group:
        raise _refusal_in(group) or group from None


def _refusal_in(group: BaseExceptionGroup[BaseException]) -> NodeError | None:
    """The refusal among the failures of a node's tasks: the others only follow from it."""
    for error in group.exceptions:
        found = _refusal_in(error) if isinstance(error, BaseExceptionGroup) else error
        if isinstance(found, NodeError):
            return found
    return None
