"""One simulated node: the parts of a real one that decide, on a simulated disk, clock and network."""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Protocol

import msgspec
import plyvel

from consensus.messages import AnyMessage, Append, AppendReply, Message
from ledger.block import Block, decode_header
from ledger.encoding import encode
from ledger.errors import LedgerError
from ledger.genesis import Genesis
from ledger.transaction import SignedTransaction
from node.chain.chain import Chain
from node.chain.level import Level
from node.chain.stretch import Stretch, encode_stretch
from node.ordering.driver import TICK_SECONDS, Driver
from node.ordering.freshness import TOLD_SECONDS
from node.ordering.mempool import Mempool
from node.ordering.submitter import Submitter
from node.peers.asking import NOT_REACHED
from node.peers.frames import (
    AnyFrame,
    Forward,
    ForwardRefused,
    decode_frame,
    encode_frame,
    forward_of,
    forwarded,
)
from node.snapshots.catching_up import Catching
from node.snapshots.following import Follower
from node.snapshots.joining import GONE
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.errors import NodeError
from simulator.consortium import START_MS, key_of
from simulator.disk import Crashed, Disk, Fate
from simulator.liar import Liar

FETCH_SECONDS = 0.05
"""Least time from asking another node for blocks to its answer."""


class Surroundings(Protocol):
    """What a node needs of the world around it."""

    @property
    def names(self) -> list[str]:
        """Of all nodes."""

    def now(self) -> float:
        """Seconds since the run began."""

    def later(self, seconds: float, work: Callable[..., object], *arguments: object) -> None:
        """Call after a while."""

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside all else."""

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""

    def chance(self) -> float:
        """A number from 0 to below 1."""

    def post(self, sender: str, to: str, frame: bytes) -> None:
        """Hand a frame to the network."""

    def said(self, node: SimulatedNode, message: AnyFrame) -> None:
        """A node says something to another."""

    def givers(self, node: SimulatedNode) -> list[SimulatedNode]:
        """Living nodes that a node reaches."""

    def level(self, node: SimulatedNode, of: str) -> Level | None:
        """How far another node is, if a node reaches it."""

    def started(self, node: SimulatedNode) -> None:
        """A node has begun a life, with what its disk held."""

    def committed(self, node: SimulatedNode, blocks: list[Block]) -> None:
        """Blocks are final at a node."""

    def happened(self, node: SimulatedNode) -> None:
        """A node has taken an input, and done what came of it."""

    def stopped(self, node: SimulatedNode, reason: str) -> None:
        """A node has stopped."""

    def broke(self, node: SimulatedNode, error: BaseException) -> None:
        """A node has a bug."""


class SimulatedNode:
    """A node with its lives: started, stopped at any place, started again on what its disk has kept."""

    def __init__(
        self, name: str, genesis: Genesis, fate: Fate, surroundings: Surroundings, tuning: dict[str, int]
    ) -> None:
        self.name = name
        self.disk = Disk(fate)
        self._drifting = (0.0, 0.0, 1.0)
        """Since when its clock goes how fast, and what it showed then."""
        self.offset_ms = 0
        """By how much its time of day is ahead."""
        self.paused_at: float | None = None
        """Since when it is paused, if it is: it does nothing, and time passes."""
        self.busy_until = 0.0
        """Until then it waits for its disk."""
        self.alive = False
        self.restarts = 0
        self._genesis = genesis
        self._world = surroundings
        self._tuning = tuning
        self._hashes: dict[int, tuple[bytes, str]] = {}
        self.liar: Liar | None = None
        """Makes what it says false, if it lies."""
        self._came: dict[str, deque[tuple[bytes, float]]] = {}
        self._taking: set[str] = set()
        self._told: deque[tuple[float, float]] = deque()
        """When the newest appends and answers were taken, and when they had been sent."""

    # Its clocks

    def monotonic(self) -> float:
        """Seconds by its own clock, which stands still for it while it is paused."""
        return self._elapsed(self._world.now() if self.paused_at is None else self.paused_at)

    def clock_ms(self) -> int:
        """Its time of day."""
        return START_MS + int(self._elapsed(self._world.now()) * 1_000) + self.offset_ms

    def set_drift(self, drift: float) -> None:
        """Let its clock go faster or slower from now on."""
        now = self._world.now()
        self._drifting = now, self._elapsed(now), drift

    def _elapsed(self, now: float) -> float:
        since, elapsed, drift = self._drifting
        return elapsed + (now - since) * drift

    @property
    def lost(self) -> bool:
        """Whether its disk is damaged, so that it never starts again."""
        return any(volume.damaged for volume in self.disk.volumes.values())

    # Its lives

    def start(self) -> None:
        """Begin a life. What does not let it start, a damaged disk, is told as a reason to stop."""
        self.disk.life += 1
        self.alive, life = True, self.disk.life
        self.paused_at, self.busy_until = None, 0.0
        self._came.clear()
        self._taking.clear()
        try:
            self._catch_up()
            self.raft_log = RaftLogStore(Path("log"), self.disk.open)
            state = StateStore(Path("state"), self.disk.open)
            self.chain = Chain(self._genesis, key_of(self.name), self.name, self.raft_log, state)
            mempool, seed = Mempool(self.monotonic), int(self._world.chance() * 2**32)
            self.driver = Driver(self.chain, self.raft_log, mempool, self.clock_ms, seed, self.monotonic)
        except (Crashed, NodeError, plyvel.Error) as error:
            self.stop(f"could not start: {error!r}")
            return
        replica = self.driver.replica
        replica.config = msgspec.structs.replace(replica.config, **self._tuning)
        replica.reset_timeout()
        self.driver.on_broken = lambda error: self._broken(life, error)
        self.driver.connect(_Port(self, life))
        self.submitter = Submitter(self.driver, ".", 0)
        self.chain.commits.follow(lambda layers: self._world.committed(self, [layer.block for layer in layers]))
        self._world.started(self)
        self.restarts += 1
        self._world.later(TICK_SECONDS * (1 + self._world.chance()), self._tick, life)
        self._world.start(self._follow(life))

    async def _follow(self, life: int) -> None:
        """While it does not vote: ask the others for final blocks."""
        try:
            await Follower(self.driver, _Others(self, life)).run()
        except (Crashed, plyvel.Error):
            return
        except NodeError as error:
            if life == self.disk.life:
                self.stop(str(error))

    def _catch_up(self) -> None:
        """Take the final blocks that it lacks from whoever keeps them, as a node does before it starts."""
        with closing(Catching(Path(), self._genesis, key_of(self.name), self.name, (), self.disk.open)) as catching:
            for giver in self._world.givers(self):
                while (stretch := giver.stretch(catching.chain.committed.height)) is not None:
                    catching.take(stretch)

    def stretch(self, height: int) -> Stretch | None:
        """What it gives of the final blocks above a height; None if it keeps none that come next."""
        if height < self.chain.finals.oldest:
            return None
        blocks, certificate = self.chain.finals.stretch(height)
        return Stretch(blocks, encode(certificate), 0, "") if blocks else None

    @property
    def last_kept(self) -> int:
        """Height of the last block on its disk, whether it lives or not."""
        keys = self.disk.volumes["log"].keys
        place = bisect_left(keys, b"f")
        return int.from_bytes(keys[place - 1][1:]) if place and keys[place - 1][:1] == b"e" else 0

    def prune(self, upto: int) -> None:
        """Forget blocks up to a height. Its state is on the disk by then, as a snapshot is in a real node."""
        self.disk.volumes["state"].sync()
        self.chain.finals.prune(max(self.chain.finals.oldest, upto), 1_000)

    def stop(self, reason: str) -> None:
        """End this life here and now, as if killed."""
        if self.alive:
            self.alive = False
            self.disk.life += 1
            self._world.stopped(self, reason)

    async def retire(self) -> None:
        """Stop in good order, as a node does that is told to."""
        life = self.disk.life
        with suppress(Crashed, plyvel.Error):
            await self.driver.hand_over()
            await self.submitter.settle()
        if life == self.disk.life:
            self.stop("stopped")

    def _broken(self, life: int, error: BaseException) -> None:
        """The driver says that this node must end."""
        if life == self.disk.life:
            if not isinstance(error, Crashed | plyvel.Error):
                self._world.broke(self, error)
            self.stop(repr(error))

    def hash_on_disk(self, height: int) -> str:
        """Hash of the block that its disk holds at a height, whether it lives or not; empty if it holds none."""
        entry = self.disk.volumes["log"].content.get(b"e" + struct.pack(">Q", height))
        if entry is None:
            return ""
        known = self._hashes.get(height)
        if known is None or known[0] is not entry:
            known = self._hashes[height] = (entry, decode_header(entry[8:]).hash)
        return known[1]

    # What it is given

    def told_at(self) -> float:
        """When the oldest was sent of what it may still hold to be news."""
        now = self._world.now()
        while self._told and self._told[0][0] < now - 1.1 * TOLD_SECONDS:
            self._told.popleft()
        return min((sent for _, sent in self._told), default=now)

    @property
    def waits(self) -> bool:
        """Whether it can do nothing now."""
        return self.paused_at is not None or self._world.now() < self.busy_until

    def _tick(self, life: int) -> None:
        if life != self.disk.life:
            return
        if not self.waits:
            self._do(self.driver.look_at_the_clock)
            for sender in list(self._came):
                self._take_up(sender)
        self._world.later(TICK_SECONDS, self._tick, life)

    def arrive(self, sender: str, frame: bytes, sent: float) -> None:
        """A frame has come."""
        if self.alive:
            self._came.setdefault(sender, deque()).append((frame, sent))
            if not self.waits:
                self._take_up(sender)

    def _take_up(self, sender: str) -> None:
        if self._came[sender] and sender not in self._taking:
            self._taking.add(sender)
            self._world.start(self._take(sender, self.disk.life))

    async def _take(self, sender: str, life: int) -> None:
        """Take the frames of one sender, one after the other, as the stream of a real node does."""
        came = self._came[sender]
        while life == self.disk.life and came and not self.waits:
            data, sent = came.popleft()
            try:
                frame = decode_frame(data)
                if isinstance(frame, Append | AppendReply):
                    self._told.append((self._world.now(), sent))
                await self._take_frame(sender, frame)
            except Crashed:
                return
            except (msgspec.DecodeError, plyvel.Error):
                continue
            if life == self.disk.life:
                self._world.happened(self)
        if life == self.disk.life:
            self._taking.discard(sender)

    async def _take_frame(self, sender: str, frame: AnyFrame) -> None:
        if isinstance(frame, Message):
            if frame.sender == sender:
                await self.driver.receive(frame)
        elif isinstance(frame, Forward):
            try:
                given = forwarded(frame)
            except LedgerError:
                return
            for refused in await self.driver.receive_forwarded(sender, given):
                self._world.post(self.name, sender, encode_frame(ForwardRefused(*refused)))
        elif isinstance(frame, ForwardRefused) and sender == self.driver.replica.leader:
            self.driver.forwarding.refused(frame.transaction, frame.code, frame.detail)

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (Crashed, plyvel.Error):
            return
        self._world.happened(self)


class _Others:
    """The other nodes' peer ports, for one life of a node. Satisfies what a follower needs of them."""

    def __init__(self, node: SimulatedNode, life: int) -> None:
        self._node = node
        self._life = life

    @property
    def addresses(self) -> dict[str, str]:
        return {name: name for name in self._node._world.names if name != self._node.name}

    async def ask_status(self, peer: str, path: str, bytes_max: int, seconds: float = 0.0) -> tuple[int, bytes]:
        """Final blocks above the height that a path names."""
        node, world = self._node, self._node._world
        await world.sleep(FETCH_SECONDS * (1 + world.chance()))
        while node.waits and self._life == node.disk.life:
            await world.sleep(FETCH_SECONDS)
        if self._life != node.disk.life:
            raise Crashed
        giver = next((one for one in world.givers(node) if one.name == peer), None)
        if giver is None:
            return NOT_REACHED, b""
        height = int(path.removeprefix("/v1/stretch/").partition("?")[0])
        if height < giver.chain.finals.oldest:
            return GONE, b""
        blocks, certificate = giver.chain.finals.stretch(height)
        replica, packed = giver.driver.replica, b"" if certificate is None else encode(certificate)
        return 200, encode_stretch(Stretch(blocks, packed, replica.term, replica.leader))


class _Port:
    """A node's way to the others, for one life."""

    def __init__(self, node: SimulatedNode, life: int) -> None:
        self._node = node
        self._life = life

    def send(self, to: str, message: AnyMessage) -> None:
        node = self._node
        if self._life != node.disk.life:
            return
        if node.liar is None:
            node._world.said(node, message)
            self._post(to, encode_frame(message))
        else:
            for frame in node.liar.frames(message):
                self._post(to, frame)

    async def level(self, node: str) -> Level | None:
        return self._node._world.level(self._node, node)

    def forward(self, to: str, transactions: list[SignedTransaction]) -> None:
        if self._life == self._node.disk.life:
            self._post(to, encode_frame(forward_of(transactions)))

    def _post(self, to: str, frame: bytes) -> None:
        node, world = self._node, self._node._world
        waits = max(0.0, node.busy_until - world.now())
        if waits:
            world.later(waits, world.post, node.name, to, frame)
        else:
            world.post(node.name, to, frame)
