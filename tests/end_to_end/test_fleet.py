"""A fleet on a local Ray: an actor is killed while it makes a picture, Ray starts another, and all are recorded."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devnet.cluster import Cluster
from devnet.story import CREATOR, GENERATOR, STUDIO, default_model
from remarque.client import Client

pytestmark = pytest.mark.peers


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Cluster]:
    """One node that has no worker of its own."""
    cluster = Cluster.create(tmp_path / "devnet", 1, generator=True)
    cluster.set("node1", "generator", local=False, lease_seconds=3)
    try:
        cluster.up()
        with Client(cluster.url("node1"), STUDIO, cluster.key(STUDIO)) as studio:
            studio.submit(default_model())
        yield cluster
    finally:
        cluster.down()


@pytest.fixture
def log(house: Cluster, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The command, and what it and its actors say."""
    said = tmp_path / "fleet.log"
    key = house.root / "accounts" / f"{GENERATOR}.key"
    target = ["--node", house.url("node1"), "--account", GENERATOR, "--key", str(key)]
    words = ["generator", "fleet", "--workers", "2", "--gpus", "0", "--device", "cpu"]
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "node", *target, *words],
            stdout=output,
            stderr=output,
            env=os.environ | {"RAY_DEDUP_LOGS": "0", "RAY_COLOR_PREFIX": "0"},
        )
    yield process, said
    process.send_signal(signal.SIGTERM)
    process.wait(90)


def test_a_killed_actor_is_started_anew_and_every_picture_is_recorded_once(
    house: Cluster, log: tuple[subprocess.Popen[bytes], Path]
) -> None:
    process, file = log

    def until(holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + 120
        while not holds():
            assert process.poll() is None, said()
            assert time.monotonic() < deadline, said()
            time.sleep(0.1)

    def said() -> str:
        return file.read_text(errors="replace")

    with Client(house.url("node1"), CREATOR, house.key(CREATOR)) as alice:
        until(lambda: said().count("ready to work") == 2)
        first = alice.generate("a boat on the sea", seed=10, steps=60, count=2)
        second = alice.generate("a house in the snow", seed=20, steps=20, count=2)
        until(lambda: re.search(rf"recorded picture 0 of generation {first}", said()))
        taken = re.search(rf"pid=(\d+)\S* .*taken generation {first}", said())
        assert taken is not None
        os.kill(int(taken[1]), signal.SIGKILL)

        made = [picture for one in (first, second) for picture in alice.generation(one)]

        assert [picture.index for picture in made] == [0, 1, 0, 1]
        assert len({picture.asset for picture in made}) == 4
        assert len([one for one in alice.assets() if one.evidence == "generated"]) == 4
        until(lambda: said().count("ready to work") == 3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(90) == 0, said()
    assert re.findall(r"Worker IP address: (\S+)", said()) == ["127.0.0.1"]


def test_a_fleet_whose_account_may_not_work_there_ends_with_what_it_is_told(house: Cluster) -> None:
    key = house.root / "accounts" / f"{CREATOR}.key"
    target = ["--node", house.url("node1"), "--account", CREATOR, "--key", str(key)]
    words = ["generator", "fleet", "--gpus", "0", "--device", "cpu"]
    done = subprocess.run(
        [sys.executable, "-m", "node", *target, *words], capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 5, done.stderr
    assert "NOT_A_WORKER: alice@studio is no generator of studio" in done.stderr
