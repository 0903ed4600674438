"""Replicas of `consensus` by hand: each with a disk, a driver that keeps its duties, and messages to others.

Endorsements are stand-ins for signatures: the digest of an entry and all below it, so that a certificate binds a
history as a real one does. What Raft promises of every cluster (`raft_promises`) is checked after every input.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable
from random import Random

import msgspec
from raft_promises import Promises
from replica_words import an_entry, in_words, kind_of, output_in_words

from consensus.inputs import AnyInput, Certified, Endorsed, EntryRefused, Persisted, ProposeEntry, Receive
from consensus.messages import AnyMessage, Append
from consensus.outputs import Acknowledge, AnyOutput, Certify, CheckCertificate, Deliver, Endorse, Lead, Persist, Send
from consensus.quorum import majority
from consensus.raft_log import RaftEntry
from consensus.replica import Replica
from consensus.replica_state import ReplicaConfig, Role


class Disk:
    """What survives a crash. Satisfies `consensus.raft_log.RaftLogReader`."""

    def __init__(
        self,
        terms: Iterable[int] = (),
        *,
        voters: tuple[str, ...] = (),
        term: int = 0,
        vote: str = "",
        final: int = 0,
        base: int = 0,
    ) -> None:
        self.entries = [an_entry(index, of) for index, of in enumerate(terms, 1)]
        """All of them: those up to `base` for their digests alone."""
        self.base = base
        self.final = final
        self.voters = voters
        """By the newest change that is known to be final here; those of the cluster if there was none."""
        self.hard_term, self.hard_vote = max(term, self.entries[-1].term if self.entries else 0), vote

    def last_index(self) -> int:
        return len(self.entries)

    def term(self, index: int) -> int:
        return 0 if index == 0 or index < self.base else self.entries[index - 1].term

    def entry(self, index: int) -> RaftEntry:
        assert index > self.base, f"entry {index} is not kept"
        return self.entries[index - 1]

    def history(self, index: int, more: tuple[RaftEntry, ...] = ()) -> bytes:
        """Digest of the log up to an index, with entries that may not be written yet: what a header's hash binds."""
        kept = self.entries[: more[0].index - 1] if more else self.entries
        digest = b""
        for entry in [*kept, *more][:index]:
            digest = hashlib.sha256(digest + repr((entry.index, entry.term, entry.data)).encode()).digest()
        return digest


class Letter(msgspec.Struct, frozen=True):
    """A message under way."""

    sender: str
    to: str
    message: AnyMessage

    def __str__(self) -> str:
        return f"{self.sender} -> {self.to} {in_words(self.message)}"

    def is_of(self, *, sender: str = "", to: str = "", kind: str = "") -> bool:
        """Whether it is by one, to one, of one kind; what is left out does not matter."""
        wanted = ((sender, self.sender), (to, self.to), (kind, kind_of(self.message)))
        return all(not asked or asked == is_so for asked, is_so in wanted)


class Member:
    """A replica with its disk, its driver and its lives."""

    def __init__(self, cluster: Cluster, name: str, disk: Disk) -> None:
        self.name = name
        self.disk = disk
        self.replica: Replica | None = None
        self.refusals: dict[int, EntryRefused] = {}
        """What execution says once to the entry of an index."""
        self.crash_at = ""
        """`before` or `after`: it crashes there, at its next write."""
        self.lives = 0
        self._cluster = cluster
        self._certificates: dict[int, bytes] = {disk.final: disk.history(disk.final)} if disk.final else {}

    @property
    def alive(self) -> Replica:
        assert self.replica is not None, f"{self.name} has crashed"
        return self.replica

    def start(self) -> None:
        """Begin a life with what the disk holds."""
        disk = self.disk
        config = msgspec.structs.replace(self._cluster.config, name=self.name, voters=disk.voters)
        self.lives += 1
        self.refusals.clear()
        chance = Random(f"{self.name}{self.lives}")
        self.replica = Replica(config, disk, disk.hard_term, disk.hard_vote, disk.final, chance)

    def crash(self) -> None:
        self.replica = None

    def give(self, given: AnyInput) -> None:
        """Give the replica an input, and perform all that comes of it."""
        self.act(lambda: self.alive.step(given))

    def act(self, action: Callable[[], list[AnyOutput]]) -> None:
        """Perform what an action asks for, and all that comes of it."""
        inputs: deque[AnyInput] = deque()
        self._perform_all(action(), inputs)
        while inputs and self.replica is not None:
            self._perform_all(self.replica.step(inputs.popleft()), inputs)
        self._keeps_its_promises()

    def _keeps_its_promises(self) -> None:
        disk, replica, promises = self.disk, self.replica, self._cluster.promises
        promises.written(self.name, disk.hard_term, disk.hard_vote)
        promises.match(self._cluster.logs(), self.name)
        if replica is not None:
            assert (replica.term, replica.vote) == (disk.hard_term, disk.hard_vote), "term and vote are durable"
            assert replica.committed <= replica.log.last_index == disk.last_index(), "what it knows of is on its disk"
            if replica.role is Role.LEADER:
                promises.led(self.name, replica.term, disk.entries)

    def _perform_all(self, outputs: list[AnyOutput], inputs: deque[AnyInput]) -> None:
        for output in outputs:
            if self.replica is not None:
                self._perform(output, inputs)

    def _perform(self, output: AnyOutput, inputs: deque[AnyInput]) -> None:
        if not isinstance(output, Send | Acknowledge):
            self._cluster.tell(output_in_words(self.name, output))
        match output:
            case Persist():
                self._write(output, inputs)
            case Send(to, message):
                self._send(to, message)
            case Acknowledge(to, reply, first):
                self._send(to, msgspec.structs.replace(reply, endorsements=self._endorsements(first, reply.index)))
            case Endorse(first, last):
                inputs.append(Endorsed(self._endorsements(first, last)))
            case Certify(index, endorsements):
                assert len(endorsements) >= majority(len(self.disk.voters))
                assert {node for node, _ in endorsements} <= set(self.disk.voters), "who certifies votes"
                certificate = self.disk.history(index)
                assert {signature for _, signature in endorsements} == {certificate}, "one history is certified"
                self._certificates[index] = certificate
                inputs.append(Certified(index))
            case CheckCertificate(index, certificate):
                if certificate == self.disk.history(index):
                    self._certificates[index] = certificate
                    inputs.append(Certified(index))
            case Deliver(index):
                self.disk.final = index
                self._cluster.promises.delivered(self._cluster.logs(), self.name, index, self.disk.voters)
            case Lead(term):
                self._cluster.promises.leads(self.name, term, self.disk.entries)
                inputs.append(ProposeEntry(f"opening {term}".encode()))

    def _write(self, asked: Persist, inputs: deque[AnyInput]) -> None:
        crash, self.crash_at = self.crash_at, ""
        if crash != "before":
            answer = self._persist(asked)
            if asked.entries:
                inputs.appendleft(answer)
        if crash:
            self._cluster.tell(f"{self.name} crashes {crash} it is written")
            self.crash()

    def _persist(self, asked: Persist) -> Persisted | EntryRefused:
        disk = self.disk
        disk.hard_term, disk.hard_vote = asked.term, asked.vote
        if asked.truncate_from is not None:
            assert asked.truncate_from > disk.final, "a final entry is never truncated"
            del disk.entries[asked.truncate_from - 1 :]
        for entry in asked.entries:
            if refusal := self.refusals.pop(entry.index, None):
                return refusal
            assert entry.index == len(disk.entries) + 1
            disk.entries.append(entry)
        return Persisted()

    def _endorsements(self, first: int, last: int) -> tuple[tuple[int, bytes], ...]:
        replica = self.alive
        indexes = [
            index
            for index in range(max(first, replica.committed + 1), last + 1)
            if self.disk.term(index) == replica.term
        ]
        for index in indexes:
            self._cluster.promises.endorsed(self.name, index, replica.term, self.disk.history(index))
        return tuple((index, self.disk.history(index)) for index in indexes)

    def _send(self, to: str, message: AnyMessage) -> None:
        if isinstance(message, Append):
            last = message.previous_index + len(message.entries)
            known = max((index for index in self._certificates if index <= last), default=0)
            if known:
                message = msgspec.structs.replace(message, certified=known, certificate=self._certificates[known])
        letter = Letter(self.name, to, message)
        self._cluster.tell(str(letter))
        self._cluster.under_way.append(letter)


class Cluster:
    """Members and the messages between them. A voter without a member is one of whom nothing is known."""

    def __init__(self, config: ReplicaConfig) -> None:
        self.config = config
        self.members: dict[str, Member] = {}
        self.under_way: list[Letter] = []
        self.told: list[str] = []
        """What has happened, in words."""
        self.promises = Promises()

    def begin(self, name: str, disk: Disk) -> Member:
        """A member begins its first life."""
        disk.voters = disk.voters or self.config.voters
        member = self.members[name] = Member(self, name, disk)
        member.start()
        self.promises.delivered(self.logs(), name, disk.final, disk.voters)
        return member

    def logs(self) -> dict[str, list[RaftEntry]]:
        """What is on the disks."""
        return {name: member.disk.entries for name, member in self.members.items()}

    def tell(self, line: str) -> None:
        self.told.append(line)

    def arrive(self, letter: Letter) -> None:
        """Give a message to whom it is meant for; a crashed member does not hear it."""
        member = self.members.get(letter.to)
        if member is not None and member.replica is not None:
            member.give(Receive(letter.message))
