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


def jumped(cluster: Cluster, clocks: Clocks, name: str, seconds: int) -> Stream:
    """What clients of the other nodes had acknowledged, before and after a node's clock jumped."""
    urls = [cluster.url(other) for other in cluster.names if other != name]

    async def story() -> Stream:
        stream = Stream(urls, CREATOR, cluster.key(CREATOR))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(stream.run(clients=4))
            await stream.acknowledged_at_least(20)
            clocks.set(name, seconds)
            await asyncio.sleep(2)
            await stream.acknowledged_at_least(len(stream.acknowledged) + 100, 60)
            stream.stop()
            await running
        return stream

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


def leader(cluster: Cluster) -> str:
    wait_until(lambda: cluster.leader() is not None)
    return str(cluster.leader())


@pytest.mark.parametrize("seconds", [3_600, -3_600])
@pytest.mark.parametrize("leads", [True, False])
def test_a_clock_jumps_by_an_hour(cluster: Cluster, clocks: Clocks, *, leads: bool, seconds: int) -> None:
    first = leader(cluster)
    name = first if leads else next(one for one in cluster.names if one != first)
    others = [one for one in cluster.names if one != name]
    started = time.time()

    stream = jumped(cluster, clocks, name, seconds)

    assert started - 1 <= block_time(cluster, others[0]) <= time.time() + AHEAD_SECONDS_MAX
    if leads and seconds > 0:
        assert leader(cluster) != name
    clocks.set(name, 0)
    for url in cluster.urls:
        wait_until(lambda url=url: asyncio.run(stream.missing_on(url)) == [])
    if leads and seconds < 0:
        assert "clock_behind" in (cluster.home(name) / "node.log").read_text()
