"""A transaction whose end nobody knows is called pending, is kept, and is committed once however often it is sent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR
from ledger.transaction import SignedTransaction
from node.ordering.reach import LEADERLESS_SECONDS_MAX
from remarque import Client, Pay, Pending, RemarqueError

ASKED = json.dumps([{"type": "payment.transfer", "to": CREATOR, "amount": 1, "currency": "EUR"}])


def paying(cluster: Cluster, where: Path, *words: str) -> subprocess.Popen[str]:
    """The command about to pay one cent: it runs, and waits for the actions in `where/pay.json`, a pipe."""
    os.mkfifo(where / "pay.json")
    key = cluster.root / "accounts" / f"{COLLECTOR}.key"
    command = [sys.executable, "-m", "node", *words, "--node", cluster.url("node1"), "--account", COLLECTOR]
    return subprocess.Popen(
        [*command, "--key", str(key), "submit", "pay.json"],
        cwd=where,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )


def balance(cluster: Cluster) -> int:
    with Client(cluster.url("node2"), COLLECTOR, cluster.key(COLLECTOR)) as carla:
        return carla.balances()["EUR"]


def test_a_payment_without_an_answer_is_pending_and_paid_once(three_nodes: Cluster, tmp_path: Path) -> None:
    cluster = three_nodes
    before = balance(cluster)
    others = [name for name in cluster.names if name != "node1"]
    command = paying(cluster, tmp_path, "--json")
    with (tmp_path / "pay.json").open("w") as asks:
        for name in others:
            os.kill(cluster.pid(name) or 0, signal.SIGSTOP)
        asks.write(ASKED)
    try:
        told, _ = command.communicate(timeout=60)
    finally:
        for name in others:
            os.kill(cluster.pid(name) or 0, signal.SIGCONT)
    pending = json.loads(told)

    assert (command.returncode, pending["code"]) == (3, "COMMIT_TIMEOUT")
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


def test_a_batch_without_an_answer_is_kept_and_committed_once(three_nodes: Cluster) -> None:
    cluster = three_nodes
    before = balance(cluster)
    with Client(cluster.url("node1"), COLLECTOR, cluster.key(COLLECTOR)) as carla:
        batch = tuple(carla.sign(Pay(to=CREATOR, amount=1, currency="EUR")) for _ in range(3))
        others = [name for name in cluster.names if name != "node1"]
        for name in others:
            os.kill(cluster.pid(name) or 0, signal.SIGSTOP)
        ending = threading.Timer(0.5, cluster.kill, ["node1"])
        ending.start()
        try:
            with pytest.raises(Pending) as raised:
                carla.send_batch(batch)
        finally:
            ending.join()
            for name in others:
                os.kill(cluster.pid(name) or 0, signal.SIGCONT)
        cluster.start("node1")
        cluster.wait_ready()

        assert raised.value.batch == batch
        assert [one.code for one in carla.send_batch(raised.value.batch)] == ["OK"] * 3
        assert [one.code for one in carla.send_batch(raised.value.batch)] == ["OK"] * 3
        assert balance(cluster) == before - 3


def test_a_node_that_hears_no_majority_says_so_at_once(three_nodes: Cluster) -> None:
    cluster = three_nodes
    with Client(cluster.url("node1"), COLLECTOR, cluster.key(COLLECTOR)) as carla:
        payment = carla.sign(Pay(to=CREATOR, amount=1, currency="EUR"), valid_s=120)
        for name in cluster.names:
            if name != "node1":
                cluster.kill(name)
        while carla.status().leader:
            time.sleep(0.05)
        began = time.monotonic()
        while not refuses(carla, payment):
            time.sleep(0.05)

        assert time.monotonic() - began < LEADERLESS_SECONDS_MAX


def refuses(client: Client, signed: SignedTransaction) -> bool:
    try:
        client.request("POST", "/v1/transactions?wait=false", signed.envelope(), session=False)
    except RemarqueError as error:
        assert error.code == "NO_LEADER"
        assert "hears 1 of 3 voters" in error.detail
        return True
    return False
