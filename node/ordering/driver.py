"""The driver: consensus meets disk, chain and peers.

What clients want is handed on by `forwarding.py`, what makes blocks final is kept by `certifying.py`, and what a leader
proposes is made by `proposer.py`. Here consensus is kept in motion: time passes, the replica takes one input after
another, and its outputs are performed in order before the next input: execute, make durable, then send.

The synced write is done on the event loop on purpose: on one machine with few cores a thread that waits for the
interpreter costs more than the write. The leader's blocks have left for the followers before it starts, so the disks
still run in parallel.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Protocol

import msgspec

from consensus.inputs import (
    AnyInput,
    Certified,
    Endorsed,
    EntryRefused,
    Observed,
    Persisted,
    ProposeEntry,
    Receive,
    Reconfigure,
    Resign,
    Tick,
)
from consensus.messages import AnyMessage, Append
from consensus.outputs import (
    Acknowledge,
    AnyOutput,
    Certify,
    CheckCertificate,
    Deliver,
    Endorse,
    Follow,
    Lead,
    Persist,
    ReadAt,
    ReadLost,
    Send,
)
from consensus.raft_log import RaftEntry
from consensus.replica import Replica
from consensus.replica_state import ReplicaConfig, Role
from ledger.block import Certificate
from ledger.encoding import encode
from ledger.errors import InvalidBlock, LedgerError
from ledger.transaction import SignedTransaction
from node.chain.chain import Chain
from node.chain.layers import Layer
from node.chain.level import Level
from node.chain.stretch import Stretch
from node.chain.voter_sets import Postponed
from node.ground import metrics
from node.ground.logs import logger
from node.ordering.certifying import Certifying
from node.ordering.forwarding import Forwarding, ForwardingNetwork
from node.ordering.freshness import Freshness
from node.ordering.inspection import Inspector
from node.ordering.mempool import Mempool
from node.ordering.proposer import Proposer
from node.ordering.reach import Reach
from node.ordering.read_index import ReadIndex
from node.ordering.reconfiguring import Reconfiguring
from node.storage.raft_log_store import RaftLogStore

TICK_SECONDS = 0.025
HAND_OVER_SECONDS = 0.5
"""How long a leader that is to stop waits for another to lead."""
AT_ONCE_SECONDS = 0.010
"""For so long blocks are run, or committed, in one turn of the event loop; the last of them may take longer."""


class Network(ForwardingNetwork, Protocol):
    """What the driver needs of the peers."""

    def send(self, to: str, message: AnyMessage) -> None:
        """Send, or drop if the peer is not reached; never waits."""

    async def level(self, node: str) -> Level | None:
        """How far a node says it is; None if it does not answer in time."""


class Driver:
    """One node's consensus, in motion."""

    def __init__(
        self,
        chain: Chain,
        raft_log: RaftLogStore,
        mempool: Mempool,
        clock: Callable[[], int],
        seed: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` gives milliseconds since 1970, `monotonic` seconds since whenever; `seed` decides chance."""
        self._monotonic, self._looked = monotonic, monotonic()
        self.chain = chain
        self.mempool = mempool
        self._network: Network | None = None
        self.on_broken: Callable[[BaseException], None] = lambda error: None
        """Called when this node must end at once."""
        self._raft_log = raft_log
        self._inputs: deque[AnyInput] = deque()
        self._stepping = False
        self._pump_scheduled = False
        self._final: deque[Certificate] = deque()
        """Certificates whose blocks are not all committed yet."""
        self._committing: asyncio.Handle | None = None
        """The turn of the event loop in which more of them are."""
        self._closed = False
        self.replica = Replica(
            ReplicaConfig(name=chain.node, voters=self._voters()),
            raft_log,
            raft_log.hard_term,
            raft_log.hard_vote,
            chain.committed.height,
            Random(seed),  # noqa: S311, only election timeouts are drawn from it
        )
        self.reach = Reach(self.replica, monotonic)
        self.inspector = Inspector(chain, self.replica)
        self.certifying = Certifying(chain)
        self.freshness = Freshness(chain, self.replica, monotonic)
        self.read_index = ReadIndex(self.step, self.replica)
        self.reconfiguring = Reconfiguring(chain, self.replica, self.freshness, mempool, self.step_aside, monotonic)
        self.proposer = Proposer(chain, mempool, clock, self.reconfiguring.may)
        self.forwarding = Forwarding(
            chain, mempool, self.replica, self.inspector, self.proposer, self.reconfiguring.check
        )
        chain.commits.follow(self._committed)
        if not self.replica.votes_here:
            # What a power cut took from the state, others give again; what is above it may not be final.
            self.step(Reconfigure(self._voters()))

    def connect(self, network: Network) -> None:
        """Speak to the other nodes from now on."""
        self._network = self.forwarding.network = network
        self.reconfiguring.level = network.level

    # Clients

    @property
    def leading(self) -> bool:
        return self.replica.role is Role.LEADER

    def submit(self, transactions: list[SignedTransaction]) -> None:
        """Take admitted transactions of this node's clients."""
        self.forwarding.take(transactions)
        if self.leading:
            self._schedule_pump()

    # Peers

    async def receive(self, message: AnyMessage) -> None:
        """Take an authenticated message of a peer.

        One of an older term is answered with this node's term, if at all, and not looked into: an honest node that led
        before may well say what has been decided otherwise since.
        """
        if message.term < self.replica.term or await self.inspector.admits(message):
            self.reach.heard(message.sender)
            if isinstance(message, Append):
                await self._take(message)
            else:
                self.step(Receive(message))
            self.freshness.heard(message)

    async def _take(self, append: Append) -> None:
        """Give consensus an append's entries, few enough at a time that running their blocks holds nothing else up.

        Each part is an append itself, as its leader might have sent it; the last one brings the certificate.
        """
        together = 1
        while len(append.entries) > together:
            first, rest = append.entries[:together], append.entries[together:]
            started = self._monotonic()
            self.step(Receive(msgspec.structs.replace(append, entries=first, certified=0, certificate=b"")))
            spent = self._monotonic() - started
            together = max(1, int(together * AT_ONCE_SECONDS / spent)) if spent else len(rest)
            await asyncio.sleep(0)
            append = msgspec.structs.replace(
                append, previous_index=first[-1].index, previous_term=first[-1].term, entries=rest
            )
            if not self.inspector.plausible(append):
                return
        self.step(Receive(append))

    async def receive_forwarded(self, member: str, transactions: list[SignedTransaction]) -> list[tuple[str, str, str]]:
        """Take transactions that another node's clients submitted; return (id, code, text) of those refused."""
        refused = await self.forwarding.receive(member, transactions)
        if self.leading:
            self._schedule_pump()
        return refused

    async def hand_over(self) -> None:
        """Before this node stops: if it leads, let another lead, so that nobody has to wait for an election."""
        self.step(Resign())
        deadline = self._monotonic() + HAND_OVER_SECONDS
        while self.leading and self.replica.resigning and self._monotonic() < deadline:
            await asyncio.sleep(TICK_SECONDS / 5)
        if self.leading:
            self.step(Resign(back=True))

    async def step_aside(self) -> None:
        """Let another lead, and follow."""
        await self.hand_over()
        self.step(Resign(back=True))

    async def run(self) -> None:
        """Let time pass, for ever."""
        self._looked = self._monotonic()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.look_at_the_clock()

    def look_at_the_clock(self) -> None:
        """Let the time pass that has gone since the last look: after a stall one election timeout of ticks at most."""
        now = self._monotonic()
        ticks = min(int((now - self._looked) / TICK_SECONDS), self.replica.config.election_ticks)
        metrics.LOOP_STALL.observe(max(0.0, now - self._looked - TICK_SECONDS))
        if ticks:
            self._looked = now
        for _ in range(ticks):
            self.step(Tick())
        self.reach.look()
        metrics.MEMPOOL.set(len(self.mempool))
        self.mempool.drop_expired(self.chain.committed.time_ms)
        if self.leading and self.mempool.unproposed:
            self._schedule_pump()
        self.forwarding.again(now)

    # Consensus

    def step(self, given: AnyInput) -> None:
        """Let consensus take an input, and perform what it asks for."""
        self._inputs.append(given)
        if self._stepping:
            return
        self._stepping = True
        with self._or_end():
            while self._inputs:
                for output in self.replica.step(self._inputs.popleft()):
                    self._perform(output)
        self._stepping = False

    @contextmanager
    def _or_end(self) -> Iterator[None]:
        """Whatever fails within, a write or an invariant, ends the process: memory may not be what is on disk."""
        try:
            yield
        except BaseException as error:
            self.on_broken(error)
            raise

    def _perform(self, output: AnyOutput) -> None:
        match output:
            case Persist():
                self._persist(output)
            case Send(to, message):
                self._send(to, message)
            case Acknowledge(to, reply, first):
                endorsements = self._endorsements(first, reply.index)
                self._send(to, msgspec.structs.replace(reply, endorsements=endorsements))
            case Endorse(first, last):
                self._inputs.append(Endorsed(self._endorsements(first, last)))
            case Certify(index, endorsements):
                self.certifying.complete(index, endorsements)
                self._inputs.append(Certified(index))
            case CheckCertificate(index, certificate):
                self._check_certificate(index, certificate)
            case Deliver(index):
                self._deliver(self.certifying.take(index))
            case _:
                self._told(output)

    def _told(self, output: ReadAt | ReadLost | Lead | Follow) -> None:
        """Consensus says how things stand."""
        match output:
            case ReadAt(number, index):
                self.read_index.at(number, index)
            case ReadLost(number):
                self.read_index.lost(number)
            case Lead(term):
                self._lead(term)
            case Follow(term, leader):
                self._follow(term, leader)

    def _lead(self, term: int) -> None:
        """This node leads: what it proposes first makes final what older terms left."""
        logger.info("leading", term=term)
        metrics.LEADING.set(1)
        self.step(ProposeEntry(self.proposer.opening_block(term)))

    def _follow(self, term: int, leader: str) -> None:
        """Another leads, or nobody does: hand a new leader what this node's clients wait for."""
        metrics.LEADING.set(0)
        logger.info("following", term=term, leader=leader)
        self.forwarding.all_over()

    def _send(self, to: str, message: AnyMessage) -> None:
        if self._network is None:
            return
        if isinstance(message, Append):
            certificate = self.certifying.upto(message.previous_index + len(message.entries))
            if certificate is not None:
                message = msgspec.structs.replace(
                    message, certified=certificate.height, certificate=encode(certificate)
                )
        self._network.send(to, message)

    def _persist(self, asked: Persist) -> None:
        """Execute, then write: what is refused is never written."""
        if asked.truncate_from is not None:
            self.mempool.put_back(self.chain.truncate(asked.truncate_from))
        taken: list[RaftEntry] = []
        refusal: EntryRefused | None = None
        for entry in asked.entries:
            try:
                if entry.index > self.chain.tip.height:
                    self.chain.accept(self.inspector.block_of(entry), self.proposer.clock())
            except Postponed as error:
                logger.warning("block_postponed", height=entry.index, reason=str(error))
                refusal = EntryRefused(entry.index, str(error), True)
                break
            except (InvalidBlock, LedgerError, msgspec.DecodeError) as error:
                logger.error("block_refused", height=entry.index, reason=str(error))
                refusal = EntryRefused(entry.index, str(error), False)
                break
            taken.append(entry)
        started = time.perf_counter()
        self._raft_log.persist(asked.term, asked.vote, asked.truncate_from, tuple(taken))
        metrics.SYNC_SECONDS.observe(time.perf_counter() - started)
        if asked.entries:
            self._inputs.appendleft(refusal or Persisted())

    def _endorsements(self, first: int, last: int) -> tuple[tuple[int, bytes], ...]:
        """This node's endorsements of the entries of its current term that are not final yet."""
        return self.certifying.endorsements(max(first, self.replica.committed + 1), last, self.replica.term)

    def _check_certificate(self, index: int, data: bytes) -> None:
        if self.certifying.check(index, data):
            self._inputs.append(Certified(index))
        else:
            logger.error("certificate_refused", height=index)

    def _deliver(self, certificate: Certificate) -> None:
        """Blocks are final. If the last of them changes the voters, that is so from here on, whenever it is committed;
        a leader opens the new epoch.
        """
        self._final.append(certificate)
        if self.chain.settle(certificate):
            voters = self._voters()
            if self.leading and self.chain.node in voters:
                self._inputs.appendleft(ProposeEntry(self.proposer.opening_block(self.replica.term)))
            self._inputs.appendleft(Reconfigure(voters))
        if self._committing is None:
            self._commit()

    def _commit(self) -> None:
        """Commit what is final: at once if it is little, else the rest of it in later turns of the event loop."""
        end = self._monotonic() + AT_ONCE_SECONDS
        with self._or_end():
            while self._final and not self._closed:
                certificate = self._final[0]
                self.chain.commit(self.chain.committed.height + 1, certificate)
                if self.chain.committed.height == certificate.height:
                    self._finished(self._final.popleft())
                if self._final and self._monotonic() >= end:
                    self._committing = asyncio.get_running_loop().call_soon(self._commit_rest)
                    return
        if self.leading:
            self._schedule_pump()

    def _commit_rest(self) -> None:
        self._committing = None
        self._commit()

    def close(self) -> None:
        """Touch the stores no more: they are closed next. What is final and not committed is run again at the start."""
        self._closed = True
        self.reconfiguring.close()

    def _voters(self) -> tuple[str, ...]:
        return tuple(voter.node for voter in self.chain.voters.voters)

    def _finished(self, certificate: Certificate) -> None:
        """All blocks that a certificate makes final are committed."""
        self.certifying.final(certificate)
        metrics.HEIGHT.set(certificate.height)

    def _committed(self, layers: list[Layer]) -> None:
        """Let go of what is in final blocks, and wake who waits for it."""
        for layer in layers:
            height = layer.block.header.height
            for position, signed in enumerate(layer.block.transactions):
                self.mempool.committed(signed.id, (height, position))
            metrics.TRANSACTIONS.inc(len(layer.block.transactions))

    def observe(self, stretch: Stretch, certificate: Certificate | None) -> None:
        """Not a voter: keep final blocks that another node gave, and that the chain has accepted."""
        entries = tuple(
            RaftEntry(height, self.chain.header(height).term, frame)
            for height, frame in enumerate(stretch.blocks, self.chain.committed.height + 1)
        )
        with self._or_end():
            if entries:
                self._raft_log.persist(self.replica.term, "", None, entries)
            if certificate is not None:
                self.chain.commit(certificate.height, certificate)
                self._finished(certificate)
        self.step(Observed(self.chain.committed.height, stretch.term, stretch.leader))
        if self._voters() != self.replica.config.voters:
            self.step(Reconfigure(self._voters()))

    # Proposing

    def _schedule_pump(self) -> None:
        """Cut a block at the end of this turn of the event loop, so that what arrived together travels together."""
        if not self._pump_scheduled:
            self._pump_scheduled = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        """Propose one block; the next, if there is room for it, in another turn of the loop."""
        self._pump_scheduled = False
        if not self.leading or self.replica.resigning or self._closed or not self.mempool.unproposed:
            return
        if len(self.chain.layers) >= self.proposer.most.uncommitted or self.chain.sets.pending(self.chain.tip):
            return
        with self._or_end():
            block = self.proposer.next_block(self.replica.term)
        if block is not None:
            self.step(ProposeEntry(block))
        self._schedule_pump()
