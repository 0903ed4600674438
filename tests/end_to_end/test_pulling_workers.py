"""Workers in their own processes pull jobs: one is killed, the node is killed, and every picture is recorded once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devnet.cluster import Cluster
from devnet.story import CREATOR, GENERATOR, STUDIO
from generator.models import default_model_folder, model_digest
from ledger.actions import EnrolAccount, RegisterModel
from remarque.api.generation import Generation
from remarque.client import Client
from remarque.errors import RemarqueError
from remarque.keys.files import new_key, save_key

SECOND = "gpu2@studio"
MODEL = model_digest(default_model_folder())


class PullingProcess:
    """A worker's process and what it has logged."""

    def __init__(self, house: Cluster, account: str, key: Path, log: Path) -> None:
        self._log = log
        target = ["--node", house.url("node1"), "--account", account, "--key", str(key)]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "node", *target, "generator", "work", "--device", "cpu"],
                stdout=output,
                stderr=output,
                env=os.environ | {"OMP_NUM_THREADS": "1"},  # several that use all cores each hinder each other
            )

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def end(self) -> None:
        self.process.kill()
        self.process.wait(20)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One node that has no worker of its own."""
    cluster = Cluster.create(tmp_path_factory.mktemp("house") / "devnet", 1, generator=True)
    cluster.set("node1", "generator", local=False, lease_seconds=3)
    try:
        cluster.up()
        with Client(cluster.url("node1"), STUDIO, cluster.key(STUDIO)) as studio:
            studio.submit(RegisterModel(model=MODEL, name="default", version="1", licence="Apache-2.0"))
            key = new_key()
            save_key(cluster.root / "accounts" / f"{SECOND}.key", key)
            studio.submit(EnrolAccount(account=SECOND, key=key.public, roles=("generator",)))
        yield cluster
    finally:
        cluster.down()


@pytest.fixture
def workers(house: Cluster, tmp_path: Path) -> Iterator[dict[str, PullingProcess]]:
    started = {
        account: PullingProcess(house, account, house.root / "accounts" / f"{account}.key", tmp_path / account)
        for account in (GENERATOR, SECOND)
    }
    yield started
    for worker in started.values():
        worker.end()


def until(holds: Callable[[], bool], workers: dict[str, PullingProcess]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline, "\n".join(worker.said for worker in workers.values())
        time.sleep(0.05)


def now(alice: Client, generation: str) -> Generation:
    return Generation(**alice.get(f"/v1/generations/{generation}"))


def test_every_picture_is_recorded_once_though_a_worker_and_the_node_are_killed(
    house: Cluster, workers: dict[str, PullingProcess]
) -> None:
    with Client(house.url("node1"), CREATOR, house.key(CREATOR)) as alice:
        until(lambda: all("ready to work" in worker.said for worker in workers.values()), workers)
        until(lambda: alice.generators() == (MODEL,), workers)
        first = alice.generate("a boat on the sea", seed=10, steps=60, count=3)
        second = alice.generate("a house in the snow", seed=20, steps=15, count=3, confidential=True)
        until(
            lambda: all(
                f"taken generation {one}" in "".join(w.said for w in workers.values()) for one in (first, second)
            ),
            workers,
        )
        [victim] = [account for account, worker in workers.items() if f"taken generation {first}" in worker.said]
        until(lambda: bool(now(alice, first).pictures), workers)

        workers[victim].process.send_signal(signal.SIGKILL)
        house.kill("node1")
        house.start("node1")
        house.wait_ready(["node1"])

        pictures = {one: alice.generation(one) for one in (first, second)}
        assert {one: [picture.index for picture in made] for one, made in pictures.items()} == {
            first: [0, 1, 2],
            second: [0, 1, 2],
        }
        assets = [picture.asset for made in pictures.values() for picture in made]
        records = [alice.asset(asset).asset for asset in assets]
        assert len(set(assets)) == 6 == len([one for one in alice.assets() if one.evidence == "generated"])
        assert {record.registrant for record in records} == {GENERATOR, SECOND}
        assert (records[0].registrant == victim, records[2].registrant == victim) == (True, False)
        assert alice.open(assets[3]).startswith(b"\x89PNG")
        assert alice.openings(assets[0]).value("seed") == 10

        [survivor] = [worker for account, worker in workers.items() if account != victim]
        third = alice.generate("a lighthouse", seed=30, steps=100, count=3)
        until(lambda: isinstance(now(alice, third).step, int), workers)
        survivor.process.send_signal(signal.SIGTERM)
        assert survivor.process.wait(30) == 0, survivor.said
        assert now(alice, third).state == "queued"
        assert alice.withdraw_generation(third).code == "GENERATION_CANCELLED"
    assert "is left as queued" in survivor.said


def test_an_account_that_may_not_work_here_is_told_so(house: Cluster) -> None:
    with (
        Client(house.url("node1"), CREATOR, house.key(CREATOR)) as alice,
        pytest.raises(RemarqueError, match="NOT_A_WORKER: alice@studio is no generator of studio"),
    ):
        alice.take_work("00" * 16, (MODEL,))
