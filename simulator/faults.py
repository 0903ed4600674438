"""What befalls a cluster. Each seed draws which kinds of faults it has, how often, and how the nodes are tuned."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from itertools import pairwise
from random import Random
from typing import Any, Protocol

from simulator.disk import Crashed, no_room, no_sync
from simulator.network import Network
from simulator.node import SimulatedNode

WRITE_FAULT = 0.004
"""How often a write meets each of the faults of writes that a seed has."""
LYING = 0.25
"""Part of the seeds in which a member may lie."""
DOWN_SECONDS = 2.0
"""Mean time for which a node that stopped is down, or a fault lasts."""
JUMP_MS = 20_000
DRIFT = 0.05
ARCHIVE = "node1"
"""The node that keeps every block, and whose disk stays whole."""


class Cluster(Protocol):
    """What faults need of the world."""

    random: Random
    changing: bool
    """Whether administrators change who votes."""
    nodes: dict[str, SimulatedNode]
    network: Network

    def met(self, fault: str) -> None:
        """A fault has happened."""

    def later(self, seconds: float, work: Callable[..., object], *arguments: object) -> None:
        """Call after a while."""

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside all else."""

    def now(self) -> float:
        """Seconds since the run began."""


WEATHER = ("frame lost", "frame doubled", "frame late", "frames out of order", "old frame replayed")
WRITES = ("crash before a write", "crash after a write", "write torn", "sync failed", "disk full", "disk slow")
EVENTS = (
    "node stopped",
    "node killed",
    "power cut",
    "power cut for all",
    "node paused",
    "node slow",
    "clock drifts",
    "clock jumps",
    "link clogged",
    "network split",
    "network cut one way",
    "ring of links",
    "node cut off",
    "link flaps",
    "disk damaged",
    "blocks pruned",
    "leader killed",
    "leader cut off",
)
LIES = "member lies"
VOTERS = "voters changed"
"""Administrators change who votes: no fault, but one more thing that goes on meanwhile."""
ALL = (*WEATHER, *WRITES, *EVENTS, LIES, VOTERS)
"""Every kind of fault, by the name that it is counted by."""
CHANGED_WHILE_DOWN, NOT_READY = "voters changed while one is down", "change of voters refused"
COUNTED = (CHANGED_WHILE_DOWN, NOT_READY)
"""What comes of changes of voters among faults, counted beside them."""


class Faults:
    """The faults of one seed."""

    def __init__(self, cluster: Cluster, *, quiet: bool) -> None:
        self._cluster = cluster
        random = cluster.random
        self.kinds = [] if quiet else [kind for kind in ALL if random.random() < (LYING if kind is LIES else 0.5)]
        self.pause_seconds = random.choice((0.2, 0.5, 1.0))
        """Mean time from one fault to the next."""
        self.on = True
        self._set_weather()

    def _set_weather(self) -> None:
        random, weather = self._cluster.random, self._cluster.network.weather
        weather.seconds = random.choice((0.0005, 0.002, 0.02))
        weather.in_order = "frames out of order" not in self.kinds
        weather.loss = random.choice((0.01, 0.1, 0.3)) if "frame lost" in self.kinds else 0.0
        weather.duplicates = random.choice((0.01, 0.1)) if "frame doubled" in self.kinds else 0.0
        weather.tails = random.choice((0.01, 0.05)) if "frame late" in self.kinds else 0.0
        weather.replays = 0.02 if "old frame replayed" in self.kinds else 0.0

    def fate_of(self, name: str) -> Fate:
        """What befalls the writes of a node."""
        return Fate(self, self._cluster, name)

    def one(self) -> None:
        """Let one thing happen."""
        kinds = [kind for kind in EVENTS if kind in self.kinds]
        if self.on and kinds:
            _HAPPENINGS[self._cluster.random.choice(kinds)](self._cluster)

    def end(self) -> None:
        """No more from now on."""
        self.on = False


class Fate:
    """What befalls the writes of one node."""

    def __init__(self, faults: Faults, cluster: Cluster, name: str) -> None:
        self._faults = faults
        self._cluster = cluster
        self._name = name
        self._full_until = 0.0

    def _meets(self, fault: str) -> bool:
        faults = self._faults
        if faults.on and fault in faults.kinds and self._cluster.random.random() < WRITE_FAULT:
            self._cluster.met(fault)
            return True
        return False

    def before(self, volume: str, size: int, *, sync: bool) -> None:
        """Before a write."""
        if self._meets("crash before a write") or self._meets("write torn"):
            raise Crashed
        if self._meets("disk full"):
            self._full_until = self._cluster.now() + self._cluster.random.expovariate(1 / DOWN_SECONDS)
        if self._faults.on and self._cluster.now() < self._full_until:
            raise no_room()
        if self._meets("sync failed"):
            raise no_sync()

    def after(self, volume: str, size: int, *, sync: bool) -> None:
        """After a write."""
        if self._meets("crash after a write"):
            raise Crashed
        if self._meets("disk slow"):
            node = self._cluster.nodes[self._name]
            node.busy_until = self._cluster.now() + self._cluster.random.expovariate(1 / DOWN_SECONDS)


def _one(cluster: Cluster, *, living: bool = True) -> SimulatedNode | None:
    nodes = [node for node in cluster.nodes.values() if node.alive or not living]
    return cluster.random.choice(nodes) if nodes else None


def _while(cluster: Cluster) -> float:
    return cluster.random.expovariate(1 / DOWN_SECONDS)


def _stopped(cluster: Cluster) -> None:
    """A node is stopped as an operator stops it, most often the leader."""
    leaders = [node for node in cluster.nodes.values() if node.alive and node.driver.leading]
    node = leaders[0] if leaders and cluster.random.random() < 0.7 else _one(cluster)
    if node is not None and not node.waits:
        cluster.met("node stopped")
        cluster.start(node.retire())


def _killed(cluster: Cluster) -> None:
    if node := _one(cluster):
        cluster.met("node killed")
        node.stop("killed")


def cut_power(cluster: Cluster, node: SimulatedNode) -> None:
    """Stop a node; some of what it had not synced is lost."""
    node.stop("power cut")
    for volume in node.disk.volumes.values():
        volume.lose(cluster.random.randint(0, volume.unsynced))


def _power_cut(cluster: Cluster) -> None:
    if node := _one(cluster):
        cluster.met("power cut")
        cut_power(cluster, node)


def _power_cut_for_all(cluster: Cluster) -> None:
    cluster.met("power cut for all")
    for node in cluster.nodes.values():
        cut_power(cluster, node)


def _paused(cluster: Cluster) -> None:
    node = _one(cluster)
    if node is not None and node.paused_at is None:
        cluster.met("node paused")
        node.paused_at, life = cluster.now(), node.disk.life
        cluster.later(_while(cluster), _resume, node, life)


def _resume(node: SimulatedNode, life: int) -> None:
    if life == node.disk.life:
        node.paused_at = None


def _slow(cluster: Cluster) -> None:
    if node := _one(cluster):
        cluster.met("node slow")
        cluster.network.slow[node.name] = cluster.random.uniform(0.05, 0.5)
        cluster.later(_while(cluster), cluster.network.slow.pop, node.name, None)


def _drifts(cluster: Cluster) -> None:
    if node := _one(cluster):
        cluster.met("clock drifts")
        node.set_drift(1 + cluster.random.uniform(-DRIFT, DRIFT))


def _jumps(cluster: Cluster) -> None:
    if node := _one(cluster):
        cluster.met("clock jumps")
        node.offset_ms = cluster.random.randint(-JUMP_MS, JUMP_MS)


def _clogged(cluster: Cluster) -> None:
    link = _a_link(cluster)
    if link is not None and link not in cluster.network.clogged:
        cluster.network.clogged[link] = []
        cluster.later(_while(cluster), cluster.network.unclog, link)


def _a_link(cluster: Cluster) -> tuple[str, str] | None:
    if len(cluster.nodes) < 2:
        return None
    first, second = cluster.random.sample(sorted(cluster.nodes), 2)
    return first, second


def _cut(cluster: Cluster, fault: str, links: list[tuple[str, str]]) -> None:
    """Cut links for a while. What an earlier fault cut comes back."""
    cut = cluster.network.cut = {link: fault for link in links if link[0] != link[1]}
    if cut:
        cluster.later(2 * _while(cluster), _mend, cluster, cut)


def _mend(cluster: Cluster, cut: dict[tuple[str, str], str]) -> None:
    if cluster.network.cut is cut:
        cluster.network.cut = {}


def _split(cluster: Cluster) -> None:
    side = {name: cluster.random.random() < 0.5 for name in cluster.nodes}
    _cut(cluster, "network split", [(a, b) for a in side for b in side if side[a] is not side[b]])


def _one_way(cluster: Cluster) -> None:
    names = sorted(cluster.nodes)
    _cut(cluster, "network cut one way", [(a, b) for a in names for b in names if cluster.random.random() < 0.35])


def _ring(cluster: Cluster) -> None:
    """Each node reaches its two neighbours alone: every one sees another majority."""
    names = sorted(cluster.nodes)
    cluster.random.shuffle(names)
    kept = {link for a, b in pairwise([*names, names[0]]) for link in ((a, b), (b, a))}
    _cut(cluster, "ring of links", [(a, b) for a in names for b in names if (a, b) not in kept])


def _cut_off(cluster: Cluster) -> None:
    _isolate(cluster, "node cut off", cluster.random.choice(sorted(cluster.nodes)))


def _isolate(cluster: Cluster, fault: str, alone: str) -> None:
    others = [name for name in cluster.nodes if name != alone]
    _cut(cluster, fault, [link for name in others for link in ((alone, name), (name, alone))])


def _leading(cluster: Cluster) -> SimulatedNode | None:
    return next((node for node in cluster.nodes.values() if node.alive and node.driver.leading), None)


def _leader_killed(cluster: Cluster) -> None:
    if node := _leading(cluster):
        cluster.met("leader killed")
        node.stop("killed")


def _leader_cut_off(cluster: Cluster) -> None:
    if node := _leading(cluster):
        _isolate(cluster, "leader cut off", node.name)


def _flaps(cluster: Cluster) -> None:
    link = _a_link(cluster)
    if link is not None:
        for number in range(10):
            cluster.later(0.2 * number, _flap, cluster, link, number % 2 == 0)


def _flap(cluster: Cluster, link: tuple[str, str], down: bool) -> None:
    if down:
        cluster.network.cut[link] = "link flaps"
    else:
        cluster.network.cut.pop(link, None)


def _damaged(cluster: Cluster) -> None:
    """A disk is damaged while its node is down. The node never comes back, so there may be few of them, and none where
    voters become fewer otherwise."""
    lost = sum(node.lost for node in cluster.nodes.values())
    node = _one(cluster)
    few = 2 * (lost + 1) < len(cluster.nodes) and not cluster.changing
    if few and node is not None and node.name != ARCHIVE:
        cluster.met("disk damaged")
        node.stop("its disk is damaged")
        cluster.random.choice(list(node.disk.volumes.values())).damaged = True


def _pruned(cluster: Cluster) -> None:
    node = _one(cluster)
    if node is not None and node.name != ARCHIVE:
        cluster.met("blocks pruned")
        node.prune(min(node.chain.committed.height - cluster.random.randint(1, 20), cluster.nodes[ARCHIVE].last_kept))


_HAPPENINGS: dict[str, Callable[[Cluster], None]] = {
    "node stopped": _stopped,
    "node killed": _killed,
    "power cut": _power_cut,
    "power cut for all": _power_cut_for_all,
    "node paused": _paused,
    "node slow": _slow,
    "clock drifts": _drifts,
    "clock jumps": _jumps,
    "link clogged": _clogged,
    "network split": _split,
    "network cut one way": _one_way,
    "ring of links": _ring,
    "node cut off": _cut_off,
    "link flaps": _flaps,
    "disk damaged": _damaged,
    "blocks pruned": _pruned,
    "leader killed": _leader_killed,
    "leader cut off": _leader_cut_off,
}

TUNINGS: tuple[dict[str, int], ...] = (
    {},
    {"append_entries_max": 1},
    {"append_bytes_max": 1},
    {"election_ticks": 6, "heartbeat_ticks": 1},
    {"election_ticks": 60, "heartbeat_ticks": 5},
    {"stall_ticks": 40},
)
"""How nodes are tuned, one way a seed."""
