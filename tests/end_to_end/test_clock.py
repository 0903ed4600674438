"""Real processes whose clocks jump while they run: blocks go on, their time stays true, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devnet.cluster import Cluster
from devnet.load import Stream
from devnet.story import CREATOR
from remarque.client import Client

pytestmark = pytest.mark.peers

AHEAD_SECONDS_MAX = 11


class Clocks:
    """What the clock of each node's process shows beside this machine's: whole seconds, changed while it runs."""

    def __init__(self, place: Path) -> None:
        self._place = place
        program = shutil.which("faketime") or pytest.fail("no faketime; run scripts/install_peers.sh")
        show = "import json, os; print(json.dumps(dict(os.environ)))"
        shown = subprocess.run([program, "-f", "+0", sys.executable, "-c", show], capture_output=True, check=True)
        self.environment = {
            name: value
            for name, value in json.loads(shown.stdout).items()
            if os.environ.get(name) != value and not name.startswith("FAKETIME")
        }
        """What faketime puts into the environment of a program, but for the time itself."""

    def file(self, name: str) -> Path:
        return self._place / f"{name}.clock"

    def set(self, name: str, seconds: int) -> None:
        new = self.file(name).with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.rename(self.file(name))


@pytest.fixture
def clocks(tmp_path: Path) -> Clocks:
    return Clocks(tmp_path)


@pytest.fixture
def cluster(tmp_path: Path, clocks: Clocks, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Three nodes, each with a clock of its own."""
    cluster = Cluster.create(tmp_path / "devnet", 3)
    for name, value in clocks.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    monkeypatch.setenv("FAKETIME_CACHE_DURATION", "1")
    try:
        for name in cluster.names:
            clocks.set(name, 0)
            monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(clocks.file(name)))
            cluster.start(name)
        monkeypatch.undo()
        cluster.wait_ready()
        yield cluster
    finally:
        cluster.down()


def jumped(cluster: Cluster, clocks: Clocks, name: str, seconds: int) -> tuple[Stream, int]:
    """What clients of the other nodes had acknowledged, before and after a node's clock jumped; a height after that."""
    others = [one for one in cluster.names if one != name]
    urls, other = [cluster.url(one) for one in others], others[0]

    async def story() -> tuple[Stream, int]:
        stream = Stream(urls, CREATOR, cluster.key(CREATOR))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(stream.run(clients=4))
            await stream.acknowledged_at_least(20)
            clocks.set(name, seconds)
            await asyncio.sleep(2)
            height = await asyncio.to_thread(lambda: cluster.status(other)["height"])
            await stream.acknowledged_at_least(len(stream.acknowledged) + 100, 60)
            stream.stop()
            await running
        return stream, height

    return asyncio.run(story())


def block_time(cluster: Cluster, name: str) -> float:
    """Seconds since 1970 of the newest block."""
    with Client(cluster.url(name), CREATOR, cluster.key(CREATOR)) as client:
        height = client.get("/v1/status")["height"]
        return float(client.get(f"/v1/blocks/{height}")["header"]["time_ms"]) / 1_000


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def proposers(cluster: Cluster, name: str, above: int) -> set[str]:
    """Who proposed the blocks above a height, as a node tells it."""
    with Client(cluster.url(name), CREATOR, cluster.key(CREATOR)) as client:
        newest = client.get("/v1/status")["height"]
        blocks = (client.get(f"/v1/blocks/{height}") for height in range(above + 1, newest + 1))
        return {block["header"]["proposer"] for block in blocks}


@pytest.mark.parametrize("seconds", [3_600, -3_600])
@pytest.mark.parametrize("leads", [True, False])
def test_a_clock_jumps_by_an_hour(cluster: Cluster, clocks: Clocks, *, leads: bool, seconds: int) -> None:
    first = cluster.wait_leader()
    name = first if leads else next(one for one in cluster.names if one != first)
    others = [one for one in cluster.names if one != name]
    started = time.time()

    stream, jumped_at = jumped(cluster, clocks, name, seconds)

    assert started - 1 <= block_time(cluster, others[0]) <= time.time() + AHEAD_SECONDS_MAX
    if seconds > 0:
        wait_until(lambda: cluster.leader() not in (None, name))
    led_behind = seconds < 0 and name in proposers(cluster, others[0], jumped_at)
    clocks.set(name, 0)
    for url in cluster.urls:
        wait_until(lambda url=url: asyncio.run(stream.missing_on(url)) == [])
    if led_behind:  # on a busy machine another may have been elected before the clock jumped
        assert "clock_behind" in (cluster.home(name) / "node.log").read_text()
