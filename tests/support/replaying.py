"""A recording of etcd-io/raft, replayed with replicas of `consensus`: what came of it is compared.

Compared are outcomes, not lines: who leads which term, terms and votes on disk, logs, what is final, and what a leader
knows of its followers. What was sent, in which order, and in how many parts differs on purpose.

A recording gives a node's messages to the network when it handles its Ready, ours at once; so they are held back here
until then. What stands in the logs at the beginning is of term 1 there, with nodes in term 0; here it is of term 0, for
no replica is in an older term than its newest entry. Without pre-vote a node there stands at once, as ours does when it
has won the pre-vote.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from unittest.mock import patch

from recorded_facts import Facts, Recorded, entries, followers
from replicas import Cluster, Disk, Letter, Member
from steps import Step

from consensus import election, progress, replication
from consensus.inputs import ProposeEntry, Tick
from consensus.outputs import AnyOutput
from consensus.progress import FollowerProgress
from consensus.replica import Replica
from consensus.replica_state import ReplicaConfig, Role

ELECTION_TICKS = 3
STATES = {
    Role.FOLLOWER: "StateFollower",
    Role.PRE_CANDIDATE: "StatePreCandidate",
    Role.CANDIDATE: "StateCandidate",
    Role.LEADER: "StateLeader",
}


@dataclass
class Replayed:
    """What came of one recording."""

    directives: int
    ran: int = 0
    compared: int = 0
    differences: list[str] = field(default_factory=list)


class Replay:
    """One recording, from its first directive on."""

    def __init__(self, found: Replayed) -> None:
        self._found = found
        self._cluster = Cluster(ReplicaConfig(name="", voters=()))
        self._out: list[Letter] = []
        """Messages that a handled Ready has given to the network."""
        self._recorded = Recorded()
        self._probe = False
        self._window = progress.IN_FLIGHT_MAX
        self._here = ""

    def perform(self, step: Step) -> None:
        """Perform a directive, and compare what came of it with what was recorded."""
        self._here = step.directives[0]
        name, *words = self._here.split()
        with patch.object(progress, "IN_FLIGHT_MAX", self._window):
            getattr(self, f"_{name.replace('-', '_')}")(words, step.expected)

    # Directives

    def _log_level(self, words: list[str], expected: tuple[str, ...]) -> None:
        """What is written down of the next ones; each says so by itself."""

    def _add_nodes(self, words: list[str], expected: tuple[str, ...]) -> None:
        options = dict(word.split("=") for word in words[1:])
        voters = tuple(re.findall(r"\d+", options["voters"]))
        config = ReplicaConfig(name="", voters=voters, election_ticks=ELECTION_TICKS, heartbeat_ticks=1)
        self._cluster = Cluster(config)
        self._probe = options.get("prevote") == "true"
        self._window = int(options.get("inflight", self._window))
        index = int(options["index"])
        for name in voters:
            self._cluster.begin(name, Disk([0] * index, final=index, base=index))
            self._recorded.of[name] = Facts()

    def _campaign(self, words: list[str], expected: tuple[str, ...]) -> None:
        replica = self._member(words[0]).alive
        self._member(words[0]).act(lambda: _outputs(replica, lambda: election.stand(replica, probe=self._probe)))

    def _propose(self, words: list[str], expected: tuple[str, ...]) -> None:
        self._member(words[0]).give(ProposeEntry(words[1].encode()))

    def _tick_election(self, words: list[str], expected: tuple[str, ...]) -> None:
        for _ in range(ELECTION_TICKS):
            self._member(words[0]).give(Tick())

    def _tick_heartbeat(self, words: list[str], expected: tuple[str, ...]) -> None:
        self._member(words[0]).give(Tick())

    def _set_randomized_election_timeout(self, words: list[str], expected: tuple[str, ...]) -> None:
        self._member(words[0]).alive.timeout = int(words[1].removeprefix("timeout="))

    def _report_unreachable(self, words: list[str], expected: tuple[str, ...]) -> None:
        follower = self._member(words[0]).alive.progress[words[1]]
        follower.probe_from(follower.match + 1)

    def _compact(self, words: list[str], expected: tuple[str, ...]) -> None:
        self._member(words[0]).disk.base = int(words[1])
        self._raft_log(words, expected)

    def _process_ready(self, words: list[str], expected: tuple[str, ...]) -> None:
        for name in words:
            self._release(name)
        self._learn(expected, words[0])

    def _process_append_thread(self, words: list[str], expected: tuple[str, ...]) -> None:
        """Nothing is left to do: a disk has written when the step ends."""

    def _process_apply_thread(self, words: list[str], expected: tuple[str, ...]) -> None:
        """Nothing is left to do, as with what is written."""

    def _deliver_msgs(self, words: list[str], expected: tuple[str, ...]) -> None:
        for word in words:
            if word.startswith("drop="):
                for name in re.findall(r"\d+", word):
                    self._taken(name)
            else:
                self._arrive(word)
        self._learn(expected)

    def _stabilize(self, words: list[str], expected: tuple[str, ...]) -> None:
        names = words or list(self._cluster.members)
        self._settle(names)
        self._heartbeat(names)
        self._learn(expected)
        for name in names:
            self._compare_facts(name)

    def _settle(self, names: list[str]) -> None:
        while any(letter.sender in names for letter in self._cluster.under_way) or any(
            letter.to in names for letter in self._out
        ):
            for name in names:
                self._release(name)
            for name in names:
                self._arrive(name)

    def _heartbeat(self, names: list[str]) -> None:
        """Of those that answer a new leader, the last learn what is final with its next heartbeat; there, at once."""
        replicas = {name: self._member(name).alive for name in names}
        final = max(replica.committed for replica in replicas.values())
        for name, replica in replicas.items():
            behind = any(other.committed < final for other in replicas.values())
            if behind and replica.role is Role.LEADER and replica.committed == final:
                self._member(name).act(lambda leader=replica: _outputs(leader, lambda: replication.heartbeat(leader)))
                self._settle(names)

    # What is looked at

    def _status(self, words: list[str], expected: tuple[str, ...]) -> None:
        leader = self._member(words[0]).alive
        for name, recorded in followers(expected).items():
            if name != words[0]:
                self._compare(f"follower {name}", recorded, _known(leader.progress[name]))

    def _raft_log(self, words: list[str], expected: tuple[str, ...]) -> None:
        member = self._member(words[0])
        kept = member.disk.entries[member.disk.base :]
        ours = [(one.index, one.term, _data(one.data)) for one in kept]
        self._compare(f"log of {member.name}", entries(expected), ours)

    # Messages

    def _release(self, name: str) -> None:
        """Give the messages of a node to the network."""
        sent = [letter for letter in self._cluster.under_way if letter.sender == name]
        self._cluster.under_way = [letter for letter in self._cluster.under_way if letter.sender != name]
        self._out += sent

    def _taken(self, name: str) -> list[Letter]:
        """The messages to a node, taken from the network."""
        found = [letter for letter in self._out if letter.to == name]
        self._out = [letter for letter in self._out if letter.to != name]
        return found

    def _arrive(self, name: str) -> None:
        for letter in self._taken(name):
            self._cluster.arrive(letter)

    # Comparing

    def _compare_facts(self, name: str) -> None:
        facts, replica, disk = self._recorded.of[name], self._member(name).alive, self._member(name).disk
        if facts.hard is not None:
            hard = (disk.hard_term, int(disk.hard_vote or 0), replica.committed)
            self._compare(f"term, vote and final of {name}", facts.hard, hard)
        if facts.role is not None:
            role = (STATES[replica.role], int(replica.leader or 0))
            self._compare(f"role and leader of {name}", facts.role, role)
        for index, recorded in facts.entries.items():
            kept = disk.entries[index - 1] if index <= disk.last_index() else None
            self._compare(f"entry {index} of {name}", recorded, kept and (kept.term, _data(kept.data)))

    def _learn(self, expected: tuple[str, ...], name: str = "") -> None:
        known = len(self._recorded.leaders)
        self._recorded.learn(expected, name)
        for term, leader in [*self._recorded.leaders.items()][known:]:
            self._compare(f"leader of term {term}", leader, self._cluster.promises.leaders.get(term))

    def _compare(self, what: str, recorded: object, ours: object) -> None:
        self._found.compared += 1
        if recorded != ours:
            self._found.differences.append(f"{self._here}: {what}: {recorded} was recorded, here it is {ours}")

    def _member(self, name: str) -> Member:
        return self._cluster.members[name]


def _outputs(replica: Replica, action: Callable[[], None]) -> list[AnyOutput]:
    """What an action asks for that no input stands for."""
    replica.outputs = []
    action()
    return replica.outputs


def _known(follower: FollowerProgress) -> tuple[bool, int, int, int]:
    return follower.probing, follower.match, follower.next, len(follower.in_flight)


def _data(data: bytes) -> str:
    """What was proposed; a recording has nothing in a leader's first entry."""
    return "" if data.startswith(b"opening") else data.decode()
