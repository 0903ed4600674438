"""Real processes on damaged disks: whatever was flipped, torn or lost, a node says so and stops; the others go on."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from devnet.cluster import Cluster
from devnet.load import Stream
from devnet.story import CREATOR

STOPPED = {"DATA_CORRUPT", "LOG_LOST", "PageDamaged"}
"""Words with which a node ends whose disk is not what it wrote."""


def commit(cluster: Cluster, names: list[str], count: int) -> Stream:
    async def story() -> Stream:
        stream = Stream([cluster.url(name) for name in names], CREATOR, cluster.key(CREATOR))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(stream.run(clients=8))
            await stream.acknowledged_at_least(count, 60)
            stream.stop()
            await running
        return stream

    return asyncio.run(story())


def flip(file: Path) -> None:
    """Turn a bit over every few hundred bytes, from the middle of a file on."""
    data = bytearray(file.read_bytes())
    for at in range(len(data) // 2, len(data), 500):
        data[at] ^= 1
    file.write_bytes(data)


def tear(file: Path) -> None:
    """Cut the end off, as if the last writes had never reached the disk."""
    with file.open("r+b") as torn:
        torn.truncate(file.stat().st_size * 3 // 4)


def zero(file: Path) -> None:
    """Blank the second half, as some disks do after a power failure."""
    size = file.stat().st_size
    with file.open("r+b") as blanked:
        blanked.seek(size // 2)
        blanked.write(bytes(size - size // 2))


def largest(place: Path) -> Path:
    files = [file for kind in ("*.log", "*.ldb") for file in place.glob(kind)]
    return max(files, key=lambda file: file.stat().st_size)


def how_it_goes(cluster: Cluster, name: str, height: int) -> str:
    """What becomes of a node: the word it ended with, or that it came back to the others."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if cluster.pid(name) is None:
            tail = (cluster.home(name) / "node.log").read_text(errors="replace")[-3_000:]
            return next((word for word in STOPPED if word in tail), tail)
        if cluster.status(name).get("height", 0) >= height:
            return "came back"
        time.sleep(0.1)
    return json.dumps(cluster.status(name))


@pytest.mark.parametrize("part", ["log", "state"])
@pytest.mark.parametrize("damage", [flip, tear, zero], ids=["flipped", "torn", "blanked"])
def test_a_node_with_a_damaged_disk_stops_in_words_or_comes_back_whole(
    damage: Callable[[Path], None], part: str, three_nodes: Cluster
) -> None:
    cluster = three_nodes
    stream = commit(cluster, cluster.names, 100)
    leads = cluster.wait_leader()
    name = next(name for name in cluster.names if name != leads)
    others = [other for other in cluster.names if other != name]
    cluster.kill(name)
    damage(largest(cluster.home(name) / "data" / part))
    cluster.start(name)

    after = commit(cluster, others, 20)
    height = max(cluster.status(other)["height"] for other in others)
    outcome = how_it_goes(cluster, name, height)

    assert outcome in STOPPED | {"came back"}
    for transactions in (stream, after):
        assert asyncio.run(transactions.missing_on(cluster.url(others[0]))) == []
    if outcome == "came back":
        ours, theirs = cluster.status(name), cluster.status(others[0])
        assert ours["height"] != theirs["height"] or ours["hash"] == theirs["hash"]
        assert asyncio.run(after.missing_on(cluster.url(name))) == []
