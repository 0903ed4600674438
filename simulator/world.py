"""One seed: a cluster, its faults and its clients for a while; then no more faults, and the cluster has to go on."""

from __future__ import annotations

import asyncio
import hashlib
import traceback
from collections import Counter, deque
from collections.abc import Callable, Coroutine, MutableMapping
from random import Random
from typing import Any

import plyvel
import structlog

from ledger.archive import block_line, closing_line, opening_line, parse_line
from ledger.audit import AuditFailed, Auditor
from ledger.block import Block
from ledger.succession import changes_voters
from node.chain.level import Level
from node.peers.frames import AnyFrame
from simulator.churn import Churn
from simulator.clients import Clients
from simulator.consortium import genesis_of
from simulator.disk import Crashed
from simulator.faults import ARCHIVE, CHANGED_WHILE_DOWN, LIES, NOT_READY, TUNINGS, VOTERS, Faults
from simulator.invariants import Invariants, Violated
from simulator.liar import Liar
from simulator.loop import SimulatedLoop
from simulator.network import Network
from simulator.node import SimulatedNode

UNTOLD = ("frame", "old frame", "link clogged", "network", "ring", "node cut", "leader cut", "member")
"""How faults begin that befall frames, and so happen too often to be told one by one."""
TRACE_LINES = 400
"""Of the newest things that happened, told of a seed that fails."""
SECONDS = 15.0
"""For how long a seed has faults."""
READS = (0.1, 0.3, 0.8)
"""Parts of the clients that read, one a seed."""
RESTART_SECONDS = 1.0
CHANGE_SECONDS = 0.7
"""Mean time from one thing that an administrator does to the next."""
WATCH_SECONDS = 2.0
HEAL_SECONDS = 60.0
"""Within so long after the last fault all nodes are level, and go on."""
SIZES = (1, 2, 3, 3, 3, 4, 5, 5, 7)


class World:
    """The run of one seed. Satisfies what nodes and faults want of their surroundings."""

    def __init__(
        self, seed: int, seconds: float = SECONDS, *, size: int = 0, spare: int = 0, quiet: bool = False
    ) -> None:
        """Of so many voters, if it is said, and so many nodes that may vote later.

        If `quiet`, without faults, tuning and clients of its own.
        """
        self.seed = seed
        self.seconds = seconds
        self.random = Random(f"simulation {seed}")  # noqa: S311, what it decides is to be foreseen
        self.loop = SimulatedLoop()
        self.faults_met: Counter[str] = Counter()
        self.trace: deque[str] = deque(maxlen=TRACE_LINES)
        self._digest = hashlib.sha256()
        self.violation: BaseException | None = None
        self.events = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self.network = Network(self.loop, self.random, self._arrive, self.met)
        self.faults = Faults(self, quiet=quiet)
        drawn, tuning = self.random.choice(SIZES), {} if quiet else self.random.choice(TUNINGS)
        size = size or drawn
        genesis = genesis_of(size)
        self.changing = VOTERS in self.faults.kinds
        self.nodes: dict[str, SimulatedNode] = {}
        spare = spare or self.random.randint(1, 3) * self.changing
        self.names = [f"node{number}" for number in range(1, size + spare + 1)]
        """The genesis's voters, and nodes that may vote later."""
        for name in self.names:
            self.nodes[name] = SimulatedNode(name, genesis, self.faults.fate_of(name), self, tuning)
        if LIES in self.faults.kinds and size > 2:
            liar = self.nodes[self.random.choice(self.names[:size])]
            liar.liar = Liar(self.random, lambda: self.met(LIES))
            self.tell(f"{liar.name} lies")
        self.invariants = Invariants(self.nodes)
        self.clients = Clients(genesis, self.nodes, self.random, self._seen)
        self._churn = Churn(genesis, self.nodes, self.random)
        self._reads = self.random.choice(READS)
        self.loads_seconds = self.random.choice((0.02, 0.2, 1.0))
        """Mean time from one client to the next."""
        self.tell(f"{size} nodes, {tuning or 'as usual'}, faults: {', '.join(self.faults.kinds)}")

    def run(self, story: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        """Run the story of a seed, or another, to its end. Violated if something does not hold."""
        structlog.configure(processors=[self._logged], cache_logger_on_first_use=False)
        asyncio.set_event_loop(self.loop)
        self.loop.set_exception_handler(self._unhandled)
        self._over = self.loop.create_future()
        try:
            self.start(self._run(story or self._story))
            self.loop.run_until_complete(self._over)
        finally:
            left = asyncio.all_tasks(self.loop)
            for task in left:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            asyncio.set_event_loop(None)
            self.loop.close()
            structlog.reset_defaults()
        if self.violation is not None:
            raise self.violation

    async def _run(self, story: Callable[[], Coroutine[Any, Any, None]]) -> None:
        for node in self.nodes.values():
            node.start()
        await story()
        self._end(None)

    async def _story(self) -> None:
        self.start(self._cause_faults())
        self.start(self._watch())
        self.start(self._send_clients())
        if self.changing:
            self.start(self._change_voters())
        await asyncio.sleep(self.seconds)
        self.heal()
        await self.until_level()
        self.invariants.holds("what was acknowledged is where it was said to be", self._all_kept())
        late = self.clients.expired & set(self.invariants.places)
        self.invariants.holds("what is said to have expired is never final", not late, ", ".join(late))
        if self.changing:
            self._audit(self.nodes[ARCHIVE])

    def _audit(self, node: SimulatedNode) -> None:
        """Hold the chain of a node that keeps every block against what comes out when it is run again."""
        auditor, chain = Auditor(node.chain.genesis), node.chain
        auditor.take(parse_line(opening_line(chain.genesis)))
        try:
            for height in range(1, chain.committed.height + 1):
                final = chain.finals.at(height)
                line = block_line(final.block, final.results.outcomes, chain.state.certificate(height))
                auditor.take(parse_line(line))
            auditor.take(parse_line(closing_line(chain.committed)))
            auditor.finish()
        except AuditFailed as failed:
            self.invariants.holds("an audit denounces no honest chain", False, str(failed))
        self.invariants.holds("an audit denounces no honest chain", True)

    def _all_kept(self) -> bool:
        return self.clients.acknowledged.items() <= self.invariants.places.items()

    async def _cause_faults(self) -> None:
        while self.faults.on:
            await asyncio.sleep(self.random.expovariate(1 / self.faults.pause_seconds))
            self.faults.one()

    async def _watch(self) -> None:
        """Stop voters whose leader has pruned what they lack, or that hear none while others have newer final blocks:
        so they do themselves, and catch up as they start.
        """
        while True:
            heights = {name: node.chain.committed.height for name, node in self.nodes.items() if node.alive}
            await asyncio.sleep(WATCH_SECONDS)
            for name, height in heights.items():
                node = self.nodes[name]
                leader = self.nodes.get(node.driver.replica.leader) if node.alive else None
                still = node.alive and node.chain.committed.height == height and node.driver.replica.votes_here
                if still and leader is not None and leader.alive and leader.chain.finals.oldest > height:
                    node.stop("left behind")
                elif still and leader is None and any(one.stretch(height) for one in self.givers(node)):
                    node.stop("others go on without it")

    async def _send_clients(self) -> None:
        while True:
            await asyncio.sleep(self.random.expovariate(1 / self.loads_seconds))
            if self.faults.on:
                self.start(self._ask())

    async def _change_voters(self) -> None:
        while self.faults.on:
            await asyncio.sleep(self.random.expovariate(1 / CHANGE_SECONDS))
            self.start(self._churn.one())

    async def _ask(self) -> None:
        await (self.clients.read() if self.random.random() < self._reads else self.clients.one())

    def _seen(self, all_of_it: bool, facts: str) -> None:
        if not self.faults_met[LIES]:
            self.invariants.holds("a read misses nothing that was acknowledged before", all_of_it, facts)

    def heal(self) -> None:
        """End all faults and start every node."""
        self.tell("no more faults")
        self.faults.end()
        self.network.clear()
        for node in self.nodes.values():
            node.paused_at, node.busy_until, node.offset_ms = None, 0.0, 0
            node.liar = None
            node.set_drift(1.0)
            if not node.alive and not node.lost:
                node.start()

    async def until_level(self) -> None:
        """Wait until a new payment is final at every node, all say that they are ready, and no client waits."""
        end, paid = self.now() + HEAL_SECONDS, ""
        while True:
            await asyncio.sleep(0.25)
            living = [node for node in self.nodes.values() if not node.lost]
            if not paid:
                paid = await self.clients.one()
            at = self.invariants.places.get(paid, (0, 0))[0]
            level = paid and all(node.alive and node.chain.committed.height >= at for node in living)
            if level and all(node.driver.freshness.ready and not node.driver.mempool.own for node in living):
                return
            facts = ", ".join(
                f"{node.name} {node.chain.committed.height} in {node.driver.replica.term}" for node in living
            )
            self.invariants.holds("the cluster goes on once faults end", self.now() < end, facts)

    def _end(self, violation: BaseException | None) -> None:
        if not self._over.done():
            self.violation = violation
            self._over.set_result(None)

    # What nodes and faults want of it

    def now(self) -> float:
        return self.loop.time()

    def later(self, seconds: float, work: Callable[..., object], *arguments: object) -> None:
        self.loop.call_later(seconds, work, *arguments)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    def chance(self) -> float:
        return self.random.random()

    def post(self, sender: str, to: str, frame: bytes) -> None:
        self.network.post(sender, to, frame)

    def met(self, fault: str) -> None:
        self.faults_met[fault] += 1
        if not fault.startswith(UNTOLD):
            self.tell(f"fault: {fault}")

    def said(self, node: SimulatedNode, message: AnyFrame) -> None:
        self.invariants.said(node, message)

    def givers(self, node: SimulatedNode) -> list[SimulatedNode]:
        cut = self.network.cut
        others = [other for other in self.nodes.values() if other is not node and other.alive and not other.waits]
        return [one for one in others if (node.name, one.name) not in cut and (one.name, node.name) not in cut]

    def level(self, node: SimulatedNode, of: str) -> Level | None:
        asked = next((one for one in self.givers(node) if one.name == of), None)
        if asked is None:
            return None
        replica, reached = asked.driver.replica, [one.name for one in self.givers(asked)]
        return Level(
            height=asked.chain.committed.height,
            last=replica.log.last_index,
            term=replica.term,
            votes=replica.votes_here,
            voters=asked.chain.voters.digest,
            reaches=tuple(sorted(set(reached) & set(replica.config.voters))),
        )

    def started(self, node: SimulatedNode) -> None:
        self.invariants.started(node, self.now())
        self.tell(f"{node.name} starts at {node.chain.committed.height}, its log ends at {node.chain.tip.height}")

    def committed(self, node: SimulatedNode, blocks: list[Block]) -> None:
        for block in blocks:
            if changes_voters(block.header) and block.header.height not in self.invariants.final:
                self._voters_changed(node)
        self.invariants.committed(node, blocks, self.now())
        self.tell(f"{node.name} commits {blocks[-1].header.height} {blocks[-1].hash[:8]}")

    def _voters_changed(self, node: SimulatedNode) -> None:
        self.met(VOTERS)
        if not all(self.nodes[voter.node].alive for voter in node.chain.voters.voters):
            self.met(CHANGED_WHILE_DOWN)

    def happened(self, node: SimulatedNode) -> None:
        self.events += 1
        if node.alive and node.liar is None:
            self.invariants.after(node, self.now())

    def stopped(self, node: SimulatedNode, reason: str) -> None:
        self.tell(f"{node.name} stops: {reason}")
        if not node.lost:
            self.later(self.random.expovariate(1 / RESTART_SECONDS), self._restart, node)

    def _restart(self, node: SimulatedNode) -> None:
        if not node.alive and not node.lost:
            node.start()

    def broke(self, node: SimulatedNode, error: BaseException) -> None:
        self._end(error if isinstance(error, Violated) else Violated(f"{node.name} broke: {_told(error)}"))

    # Inside

    def tell(self, what: str) -> None:
        """Add to the trace."""
        line = f"{self.now():9.3f} {what}"
        self._digest.update(line.encode())
        self.trace.append(line)

    @property
    def digest(self) -> str:
        """Of all that was told: two runs of a seed have the same."""
        return self._digest.hexdigest()

    def _arrive(self, sender: str, to: str, frame: bytes, sent: float) -> None:
        if (sender, to) not in self.network.cut:
            self.nodes[to].arrive(sender, frame, sent)

    def _logged(self, _: object, level: str, event: MutableMapping[str, Any]) -> str:
        name = event.pop("event")
        facts = " ".join(f"{key}={value}" for key, value in event.items())
        self.tell(f"log: {name} {facts}")
        if name == "voters_not_changed":
            self.met(NOT_READY)
        if not self.faults_met[LIES]:
            try:
                self.invariants.accused(name, facts)
            except Violated as violation:
                self._end(violation)
        raise structlog.DropEvent

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)

    def _unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None:
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, Crashed | plyvel.Error):
            self._end(error if isinstance(error, Violated) else Violated(f"something broke: {_told(error)}"))


def _told(error: BaseException) -> str:
    """An error, and where it came from."""
    return "".join(traceback.format_exception(error))
