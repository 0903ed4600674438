"""What must hold in every simulation, whatever befalls it: checked after every event, or where it is at stake."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable

from consensus.messages import Append, AppendReply, VoteReply
from consensus.progress import IN_FLIGHT_MAX
from consensus.quorum import majority
from ledger.block import Block
from node.ordering.driver import TICK_SECONDS
from node.ordering.freshness import BEHIND_MAX, TOLD_SECONDS
from node.peers.frames import AnyFrame
from simulator.node import SimulatedNode

ACCUSING = {"peer_lies", "append_refused", "certificate_refused", "endorsement_refused", "block_refused"}
"""What a node logs of another that it takes for a liar."""


class Violated(Exception):
    """Something that must hold does not."""


class Invariants:
    """What was seen of a run so far, and what it must agree with."""

    def __init__(self, nodes: dict[str, SimulatedNode]) -> None:
        self._nodes = nodes
        self.checked: Counter[str] = Counter()
        """How often each was evaluated."""
        self.leaders: dict[int, str] = {}
        self.final: dict[int, str] = {}
        """Hash of the final block of each height."""
        self.places: dict[str, tuple[int, int]] = {}
        """Where each transaction is final."""
        self._final_at: list[tuple[float, int]] = [(0.0, 0)]
        """When each height was final first."""
        self._endorsed: dict[tuple[str, int, int], str] = {}
        self._voted: dict[tuple[str, int], str] = {}
        self._terms: dict[str, int] = {}
        self._changes: dict[int, str] = {}
        """Digest of the voters after each change, by its place."""
        self._counted: dict[str, int] = {}
        self._heights: dict[str, tuple[int, int]] = {}

    def holds(self, statement: str, condition: object, facts: str = "") -> None:
        """Violated unless a condition holds."""
        self.checked[statement] += 1
        if not condition:
            raise Violated(f"{statement}: {facts}" if facts else statement)

    # Where it happens

    def started(self, node: SimulatedNode, now: float) -> None:
        """A node has begun a life. Blocks may be final on its disk of which it could not tell any more."""
        chain = node.chain
        heights = range(len(self.final) + 1, chain.committed.height + 1)
        self.committed(node, [chain.finals.at(height).block for height in heights], now)
        if height := chain.committed.height:
            kept = self.final[height] == chain.committed.hash
            self.holds("there is one final block at a height", kept, f"{node.name} has another {height}")

    def committed(self, node: SimulatedNode, blocks: Iterable[Block], now: float) -> None:
        """Blocks are final at a node."""
        for block in blocks:
            height, found = block.header.height, block.hash
            first = height not in self.final
            final = self.final.setdefault(height, found)
            self.holds("there is one final block at a height", final == found, f"{node.name} has another {height}")
            if first:
                self._first(node, height, block, now)

    def _first(self, node: SimulatedNode, height: int, block: Block, now: float) -> None:
        self.holds("blocks become final in order", height == len(self.final), f"{height} after {len(self.final) - 1}")
        chain = node.chain
        certificate = chain.finals.at(height).anchor
        if certificate is not None:
            voters = [voter.node for voter in chain.sets.of(chain.header(certificate.height)).voters]
            holders = [name for name in voters if _has(self._nodes[name], height, block.hash)]
            enough = majority(len(voters))
            self.holds("what is final is on most disks", len(holders) >= enough, f"{height} is at {holders}")
        self._final_at.append((now, height))
        for position, signed in enumerate(block.transactions):
            known = self.places.setdefault(signed.id, (height, position))
            self.holds("a transaction is final once", known == (height, position), f"{signed.id} at {known} too")

    def said(self, node: SimulatedNode, message: AnyFrame) -> None:
        """A node says something: what it promises by that it may never contradict, in no later life either."""
        if isinstance(message, Append):
            final = node.chain.committed.height
            self.holds("what a leader calls final is final", message.newest <= final, f"{node.name} {message.newest}")
        elif isinstance(message, AppendReply):
            for height, _ in message.endorsements:
                header = node.chain.hash_at(height)
                of = node.chain.header(height).term
                self.holds("a node endorses blocks of its own term", of == message.term, f"{node.name} {height}")
                known = self._endorsed.setdefault((node.name, height, message.term), header)
                self.holds("a node endorses one block of a height and term", known == header, f"{node.name} {height}")
                self.holds("what a node endorses is on its disk", _has(node, height, header), f"{node.name} {height}")
        elif isinstance(message, VoteReply) and message.granted and not message.probe:
            kept = node.raft_log.hard_term == message.term and node.raft_log.hard_vote
            self.holds("a vote is on disk before it is given", kept, node.name)

    # After every event

    def after(self, node: SimulatedNode, now: float) -> None:
        """What holds of a node that has just done something."""
        replica, chain, log = node.driver.replica, node.chain, node.raft_log
        if node.driver.leading:
            leader = self.leaders.setdefault(replica.term, node.name)
            self.holds("a term has one leader", leader == node.name, f"{leader} and {node.name} in {replica.term}")
            self._progress(node)
        term, vote = log.hard_term, log.hard_vote
        self.holds("terms never fall", self._terms.get(node.name, 0) <= term, f"{node.name} {term}")
        self._terms[node.name] = term
        if vote:
            known = self._voted.setdefault((node.name, term), vote)
            self.holds("a node votes once in a term", known == vote, f"{node.name} for {known} and {vote} in {term}")
        self.holds("its term is durable", replica.term == term, f"{node.name} is in {replica.term}, its disk in {term}")
        ends = (log.last_index(), chain.tip.height, replica.log.last_index)
        self.holds("disk, chain and consensus end at one block", len(set(ends)) == 1, f"{node.name} {ends}")
        self.holds("what is committed is final", chain.committed.height <= replica.committed, node.name)
        life, height = self._heights.get(node.name, (0, 0))
        if life == node.disk.life:
            self.holds("a height never falls", height <= chain.committed.height, node.name)
        self._heights[node.name] = node.disk.life, chain.committed.height
        self._epochs(node)
        if node.driver.freshness.ready and replica.votes_here:
            was = self.height_at(node.told_at() - _fresh_seconds(node))
            level = chain.committed.height + BEHIND_MAX >= was
            self.holds("ready means fresh", level, f"{node.name} at {chain.committed.height}, {was} was final")

    def _epochs(self, node: SimulatedNode) -> None:
        """Which sets of voters there were, one after the other, is the same everywhere."""
        known = node.raft_log.epochs
        if len(known) != self._counted.get(node.name):
            self._counted[node.name] = len(known)
            chain = node.chain
            former = [chain.genesis.voters, *(one.voters for one in known)]
            for place, (before, one) in enumerate(zip(former, known, strict=False)):
                first = self._changes.setdefault(place, one.voters.digest)
                self.holds("changes of voters are the same everywhere", first == one.voters.digest, node.name)
                differ = len({*before.voters} ^ {*one.voters.voters})
                self.holds("one voter changes at a time", differ == 1, f"{node.name} at {one.header.height}")
        votes = node.chain.node in [voter.node for voter in node.chain.voters.voters]
        self.holds("who votes is what its chain says", votes is node.driver.replica.votes_here, node.name)

    def _progress(self, node: SimulatedNode) -> None:
        """What a leader knows of its followers."""
        replica = node.driver.replica
        for name, progress in replica.progress.items():
            facts = f"{node.name} of {name}: {progress.match}, {progress.next}, {progress.in_flight}"
            within = progress.match < progress.next and progress.match <= replica.log.last_index
            self.holds("a leader sends what a follower lacks", within, facts)
            sent = sorted(set(progress.in_flight))
            self.holds("a window is kept", progress.in_flight == sent and len(sent) <= IN_FLIGHT_MAX, facts)

    def height_at(self, time: float) -> int:
        """What was final at a time."""
        place = bisect_right(self._final_at, (time, 1 << 60))
        return self._final_at[place - 1][1] if place else 0

    def accused(self, event: str, facts: str) -> None:
        """A node takes another for a liar, or its blocks for wrong."""
        self.holds("nobody honest is accused", event not in ACCUSING, f"{event}: {facts}")


def _fresh_seconds(node: SimulatedNode) -> float:
    """A node that says it is ready has all that was final so long before it was told: a leader that reaches nobody
    leads on for two looks at its quorum at most, by a clock that may go slow."""
    return 1.1 * 2 * node.driver.replica.config.election_ticks * TICK_SECONDS + TOLD_SECONDS


def _has(node: SimulatedNode, height: int, header: str) -> bool:
    """Whether a block is on a node's disk; whether the node lives does not matter."""
    return node.hash_on_disk(height) == header
