"""A transaction whose end nobody knows is called pending, is kept, and is committed once however often it is sent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR
from remarque import Client, Pay, Pending


def pay(cluster: Cluster, where: Path, *words: str) -> tuple[int, str]:
    """What the command says of a payment of one cent."""
    asks = where / "pay.json"
    asks.write_text(json.dumps([{"type": "payment.transfer", "to": CREATOR, "amount": 1, "currency": "EUR"}]))
    key = cluster.root / "accounts" / f"{COLLECTOR}.key"
    command = [sys.executable, "-m", "node", *words, "--node", cluster.url("node1"), "--account", COLLECTOR]
    done = subprocess.run(
        [*command, "--key", str(key), "submit", str(asks)],
        cwd=where,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    return done.returncode, done.stdout


def balance(cluster: Cluster) -> int:
    with Client(cluster.url("node2"), COLLECTOR, cluster.key(COLLECTOR)) as carla:
        return carla.balances()["EUR"]


def test_a_payment_without_an_answer_is_pending_and_paid_once(three_nodes: Cluster, tmp_path: Path) -> None:
    cluster = three_nodes
    before = balance(cluster)
    others = [name for name in cluster.names if name != "node1"]
    for name in others:
        os.kill(cluster.pid(name) or 0, signal.SIGSTOP)
    try:
        status, told = pay(cluster, tmp_path, "--json")
    finally:
        for name in others:
            os.kill(cluster.pid(name) or 0, signal.SIGCONT)
    pending = json.loads(told)

    assert (status, pending["code"]) == (3, "COMMIT_TIMEOUT")
    assert balance(cluster) in (before, before - 1)
    resumed = subprocess.run(
        [sys.executable, "-m", "node", "--node", cluster.url("node2"), "transaction", "resume", pending["pending"]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    assert pending["transaction"] in resumed.stdout
    assert not (tmp_path / pending["pending"]).exists()
    assert balance(cluster) == before - 1


def test_a_transaction_that_was_never_sent_is_not_pending(three_nodes: Cluster) -> None:
    with Client(three_nodes.url("node1"), COLLECTOR, three_nodes.key(COLLECTOR)) as carla:
        carla.genesis()
        three_nodes.kill("node1")

        with pytest.raises(ConnectionError, match="none of"):
            carla.submit(Pay(to=CREATOR, amount=1, currency="EUR"))


def test_a_node_that_ends_while_it_is_asked_leaves_the_transaction_pending(three_nodes: Cluster) -> None:
    cluster = three_nodes
    others = [name for name in cluster.names if name != "node1"]
    with Client(cluster.url("node1"), COLLECTOR, cluster.key(COLLECTOR)) as carla:
        carla.genesis()
        for name in others:
            cluster.kill(name)
        ending = threading.Timer(1.0, cluster.kill, ["node1"])
        ending.start()

        with pytest.raises(Pending) as raised:
            carla.submit(Pay(to=CREATOR, amount=1, currency="EUR"))
        ending.join()
        for name in cluster.names:
            cluster.start(name)
        cluster.wait_ready()

        receipt = carla.send(raised.value.signed)
        assert receipt.signed.id == raised.value.signed.id
        assert carla.send(raised.value.signed).outcome == receipt.outcome
