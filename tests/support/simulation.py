"""A whole cluster in one thread: replicas, disks that forget what was not synced, and a network that does its worst.

One seed replays everything. Endorsements are stand-ins for signatures: node name and the digest of the entry and all
below it, so that a certificate binds a history as a real one does. After every event the invariants are checked.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from random import Random

import msgspec

from consensus.inputs import Certified, Endorsed, EntryRefused, Persisted, ProposeEntry, Receive, Tick
from consensus.messages import AnyMessage, Append
from consensus.outputs import Acknowledge, Certify, CheckCertificate, Deliver, Endorse, Lead, Persist, Send
from consensus.quorum import majority
from consensus.raft_log import RaftEntry
from consensus.replica import Replica
from consensus.replica_state import ReplicaConfig, Role


class Disk:
    """What survives a crash. Satisfies `consensus.raft_log.RaftLogReader`."""

    def __init__(self) -> None:
        self.entries: list[RaftEntry] = []
        self.hard_term, self.hard_vote = 0, ""
        self.applied = 0

    base = 0

    def last_index(self) -> int:
        return len(self.entries)

    def term(self, index: int) -> int:
        return 0 if index == 0 else self.entries[index - 1].term

    def entry(self, index: int) -> RaftEntry:
        return self.entries[index - 1]

    def history(self, index: int) -> bytes:
        """Digest of the log up to an index: what a header's hash binds."""
        digest = b""
        for entry in self.entries[:index]:
            digest = hashlib.sha256(digest + repr((entry.index, entry.term, entry.data)).encode()).digest()
        return digest


class Node:
    """A replica with its disk and a driver that performs its outputs."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.disk = Disk()
        self.certificates: dict[int, bytes] = {}
        self.replica: Replica | None = None

    def start(self) -> None:
        world = self.world
        config = ReplicaConfig(name=self.name, voters=tuple(world.names), election_ticks=10, stall_ticks=60)
        disk = self.disk
        self.replica = Replica(
            config, disk, disk.hard_term, disk.hard_vote, disk.applied, Random(world.random.getrandbits(32))
        )

    def crash(self) -> None:
        self.replica = None

    def step(self, given: object) -> None:
        inputs = [given]
        while inputs and self.replica is not None:
            for output in self.replica.step(inputs.pop(0)):  # type: ignore[arg-type]
                self._perform(output, inputs)
                if self.replica is None:
                    return

    def _perform(self, output: object, inputs: list[object]) -> None:
        match output:
            case Persist():
                if self.world.crash_now():
                    self.crash()
                    return
                if answer := self._persist(output):
                    inputs.insert(0, answer)
                if self.world.crash_now():
                    self.crash()
            case Send(to, message):
                self._send(to, message)
            case Acknowledge(to, reply, first):
                self._send(to, msgspec.structs.replace(reply, endorsements=self._endorse(first, reply.index)))
            case Endorse(first, last):
                inputs.append(Endorsed(self._endorse(first, last)))
            case Certify(index, endorsements):
                assert len({node for node, _ in endorsements}) >= majority(len(self.world.names))
                histories = {signature for _, signature in endorsements}
                assert histories == {self.disk.history(index)}, "a certificate is over one history"
                self.certificates[index] = self.disk.history(index)
                inputs.append(Certified(index))
            case CheckCertificate(index, certificate):
                if certificate == self.disk.history(index):
                    self.certificates[index] = certificate
                    inputs.append(Certified(index))
            case Deliver(index):
                self.disk.applied = index
                self.world.delivered(self, index)
            case Lead(term):
                self.world.leads(self, term)
                inputs.append(ProposeEntry(f"opening {term}".encode()))

    def _persist(self, asked: Persist) -> object:
        disk = self.disk
        if asked.truncate_from is not None:
            assert asked.truncate_from > disk.applied, "a final entry is never truncated"
            del disk.entries[asked.truncate_from - 1 :]
        for entry in asked.entries:
            if self.world.refuses(self, entry):
                disk.hard_term, disk.hard_vote = asked.term, asked.vote
                return EntryRefused(entry.index, "no", True)
            assert entry.index == len(disk.entries) + 1
            disk.entries.append(entry)
        disk.hard_term, disk.hard_vote = asked.term, asked.vote
        return Persisted() if asked.entries else None

    def _endorse(self, first: int, last: int) -> tuple[tuple[int, bytes], ...]:
        assert self.replica is not None
        found = []
        for index in range(max(first, self.replica.committed + 1), last + 1):
            if self.disk.term(index) == self.replica.term:
                found.append((index, self.disk.history(index)))
                self.world.endorsed(self, index, self.replica.term)
        return tuple(found)

    def _send(self, to: str, message: AnyMessage) -> None:
        if isinstance(message, Append):
            last = message.previous_index + len(message.entries)
            known = max((index for index in self.certificates if index <= last), default=0)
            if known:
                message = msgspec.structs.replace(message, certified=known, certificate=self.certificates[known])
        self.world.post(self.name, to, message)


class World:
    """Nodes, the messages between them, the faults, and what must hold."""

    def __init__(self, seed: int, size: int = 3, *, faults: bool = True) -> None:
        self.random = Random(seed)
        self.names = [f"n{number}" for number in range(size)]
        self.nodes = {name: Node(self, name) for name in self.names}
        self.messages: list[tuple[str, str, AnyMessage]] = []
        self.faults = faults
        self.cut: set[tuple[str, str]] = set()
        self.leaders: dict[int, str] = {}
        self.final: dict[int, RaftEntry] = {}
        self.proposed = 0
        self.voted: dict[tuple[str, int], str] = {}
        self.endorsements: dict[tuple[str, int, int], bytes] = {}
        self.elections = 0
        for node in self.nodes.values():
            node.start()

    # Faults

    def crash_now(self) -> bool:
        return self.faults and self.random.random() < 0.002

    def refuses(self, node: Node, entry: RaftEntry) -> bool:
        leads = node.replica is not None and node.replica.role is Role.LEADER
        return self.faults and not leads and self.random.random() < 0.002

    def post(self, sender: str, to: str, message: AnyMessage) -> None:
        if self.faults and self.random.random() < 0.05:
            return
        self.messages.append((sender, to, message))
        if self.faults and self.random.random() < 0.03:
            self.messages.append((sender, to, message))

    # Running

    def run(self, events: int) -> None:
        """Let so many things happen, chosen by chance."""
        for _ in range(events):
            self.happen()
            self.check()

    def happen(self) -> None:
        chance = self.random.random()
        if chance < 0.55 and self.messages:
            self.deliver_one()
        elif chance < 0.90:
            self._living().step(Tick())
        elif chance < 0.97:
            self.propose()
        elif self.faults:
            self._break_something()

    def deliver_one(self, *, in_order: bool = False) -> None:
        place = 0 if in_order or self.random.random() < 0.7 else self.random.randrange(len(self.messages))
        sender, to, message = self.messages.pop(place)
        if (sender, to) not in self.cut:
            self.nodes[to].step(Receive(message))

    def propose(self) -> None:
        for node in self.nodes.values():
            if node.replica is not None and node.replica.role is Role.LEADER:
                self.proposed += 1
                node.step(ProposeEntry(f"entry {self.proposed}".encode()))

    def _living(self) -> Node:
        alive = [node for node in self.nodes.values() if node.replica is not None]
        return self.random.choice(alive) if alive else self._restart(self.random.choice(list(self.nodes.values())))

    def _restart(self, node: Node) -> Node:
        node.start()
        return node

    def _break_something(self) -> None:
        node = self.nodes[self.random.choice(self.names)]
        chance = self.random.random()
        if node.replica is None:
            node.start()
        elif chance < 0.3:
            node.crash()
        elif chance < 0.6:
            self.cut = {(a, b) for a in self.names for b in self.names if a != b and self.random.random() < 0.35}
        else:
            self.cut.clear()

    def heal(self) -> None:
        """End all faults and start every node."""
        self.faults = False
        self.cut.clear()
        for node in self.nodes.values():
            if node.replica is None:
                node.start()

    def settle(self, rounds: int = 400) -> None:
        """Without faults: let time pass and deliver everything, in order."""
        for _ in range(rounds):
            for node in self.nodes.values():
                node.step(Tick())
            while self.messages:
                self.deliver_one(in_order=True)
                self.check()

    # What must hold

    def leads(self, node: Node, term: int) -> None:
        assert self.leaders.setdefault(term, node.name) == node.name, f"two leaders in term {term}"
        self.elections += 1

    def endorsed(self, node: Node, index: int, term: int) -> None:
        """No node endorses two histories at one height in one term: that would convict an honest node."""
        history = node.disk.history(index)
        assert self.endorsements.setdefault((node.name, index, term), history) == history

    def delivered(self, node: Node, index: int) -> None:
        for entry in node.disk.entries[:index][-64:]:
            assert self.final.setdefault(entry.index, entry) == entry, f"two final entries at {entry.index}"
        holders = sum(node.disk.last_index() >= index for node in self.nodes.values())
        assert holders >= majority(len(self.names)), "what is final is on a majority of the disks"

    def check(self) -> None:
        terms: dict[int, set[str]] = defaultdict(set)
        for node in self.nodes.values():
            replica = node.replica
            if replica is None:
                continue
            assert replica.committed <= replica.log.last_index
            assert replica.term >= node.disk.hard_term
            assert replica.log.last_index == node.disk.last_index(), "what it knows of is on its disk"
            if replica.role is Role.LEADER:
                terms[replica.term].add(node.name)
        assert all(len(names) == 1 for names in terms.values())

    @property
    def leader(self) -> Node | None:
        led = [node for node in self.nodes.values() if node.replica is not None and node.replica.role is Role.LEADER]
        return max(led, key=lambda node: node.replica.term if node.replica else 0, default=None)
