"""The drill of docs/operate.md: two of three nodes are lost for good, and the third goes on."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from devnet.cluster import Cluster
from devnet.load import Stream
from devnet.story import CREATOR, STUDIO
from ledger.actions import AddNode
from ledger.consistency import ConsistencyRefused
from ledger.node_certificate import make_certificate
from ledger.receipt import ReceiptRefused, encode_receipt, verify_receipt
from ledger.state_answer import StateAnswerRefused
from node.snapshots.recovering import Home
from remarque.client import Client
from remarque.keys.files import new_key, save_key
from remarque.trusted_files import read_recoveries


def remarque(*words: str, status: int = 0) -> Any:
    done = subprocess.run([sys.executable, "-m", "node", "--json", *words], capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def commit(cluster: Cluster, names: list[str], count: int) -> list[str]:
    async def story() -> list[str]:
        stream = Stream([cluster.url(name) for name in names], CREATOR, cluster.key(CREATOR))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(stream.run(clients=4))
            await stream.acknowledged_at_least(count, 60)
            stream.stop()
            await running
        return stream.acknowledged

    return asyncio.run(story())


def receipt(cluster: Cluster, name: str, transaction: str) -> bytes:
    with Client(cluster.url(name), CREATOR, cluster.key(CREATOR)) as client:
        return encode_receipt(client.receipt(transaction))


def test_one_survivor_of_three_goes_on_and_what_was_lost_can_be_shown(three_nodes: Cluster, tmp_path: Path) -> None:
    cluster, genesis = three_nodes, three_nodes.genesis
    survivor = "node1"
    kept = receipt(cluster, survivor, commit(cluster, cluster.names, 20)[-1])
    cluster.stop(survivor)
    others = [name for name in cluster.names if name != survivor]
    lost = receipt(cluster, others[0], commit(cluster, others, 20)[-1])
    for name in others:
        cluster.kill(name)
        shutil.rmtree(cluster.home(name))
    home, file = str(cluster.home(survivor)), str(tmp_path / "recovery.json")

    (held,) = remarque("recover", "survey", home)
    words = ["--survivor", survivor, "--reason", "two sites burnt down"]
    refused = remarque("recover", "propose", home, file, "--survivor", "node7", "--reason", "x", status=5)
    assert refused["code"] == "RECOVERY_INVALID"
    proposed = remarque("recover", "propose", home, file, *words)
    assert proposed["height"] == held["height"]
    installed = remarque("recover", "install", file, home)
    assert installed["voters"] == [survivor]
    cluster.start(survivor)
    cluster.wait_ready([survivor])

    newer = receipt(cluster, survivor, commit(cluster, [survivor], 20)[-1])
    status = cluster.status(survivor)
    assert (status["recoveries"], status["role"]) == (1, "leader")
    accepted = read_recoveries((Path(file),), genesis)
    verify_receipt(kept, genesis)
    verify_receipt(kept, genesis, accepted)
    verify_receipt(newer, genesis, accepted)
    verify_receipt(lost, genesis)
    with pytest.raises(ReceiptRefused, match="was lost"):
        verify_receipt(lost, genesis, accepted)
    with pytest.raises(ReceiptRefused):
        verify_receipt(newer, genesis)
    with Client(cluster.url(survivor), CREATOR, cluster.key(CREATOR)) as client:
        height = client.get("/v1/checkpoint")["header"]["height"]
        assert client.state("parameters", genesis=genesis, recoveries=accepted).header.height >= height
        assert client.consistency(height, height, genesis=genesis, recoveries=accepted).second.header.height == height
        with pytest.raises(StateAnswerRefused):
            client.state("parameters", genesis=genesis)
        with pytest.raises(ConsistencyRefused):
            client.consistency(height, height, genesis=genesis)
    cluster.kill(survivor)
    cluster.start(survivor)
    cluster.wait_ready([survivor])
    cluster.stop(survivor)
    (tmp_path / "lost.json").write_bytes(lost)
    words = ["--genesis", str(cluster.root / "genesis.json"), "--recovery", file]
    save_key(tmp_path / "fresh.key", new_key())
    remarque("backup", str(cluster.home(survivor) / "data"), str(tmp_path / "backup"), *words[:2])
    fresh, new = str(tmp_path / "fresh"), ["--name", "fresh", "--key", str(tmp_path / "fresh.key")]
    remarque("restore", str(tmp_path / "backup"), fresh, *words, *new)
    (restored,) = remarque("recover", "survey", fresh)
    assert (restored["recoveries"], restored["certified"]) == (1, Home(cluster.home(survivor)).held().certified)
    whole = ["audit", str(cluster.home(survivor) / "data"), "--genesis", str(cluster.root / "genesis.json")]
    (tmp_path / "newer.json").write_bytes(newer)
    assert remarque(*whole, "--recovery", file, "--receipt", str(tmp_path / "newer.json"))["holds"]
    assert remarque(*whole, status=1)["finding"]["height"] == held["height"] + 1
    denounced = remarque(*whole, "--recovery", file, "--receipt", str(tmp_path / "lost.json"), status=1)
    assert denounced["finding"]["fault"] in ("FORKED", "TRUNCATED")


def test_what_only_a_node_that_does_not_vote_still_holds_is_not_lost(three_nodes: Cluster, tmp_path: Path) -> None:
    cluster, survivor = three_nodes, "node1"
    key = cluster.prepare_observer("watcher")
    with Client(cluster.url(survivor), STUDIO, cluster.key(STUDIO)) as client:
        client.submit(AddNode(node="watcher", key=key.public, certificate=make_certificate(key).hex()))
    cluster.start("watcher")
    cluster.wait_ready(["watcher"])
    cluster.stop(survivor)
    others = ["node2", "node3"]
    kept = receipt(cluster, "node2", commit(cluster, others, 20)[-1])
    height = verify_receipt(kept, cluster.genesis).header.height
    deadline = time.monotonic() + 30
    while cluster.status("watcher").get("height", 0) < height:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for name in others:
        cluster.kill(name)
        shutil.rmtree(cluster.home(name))
    cluster.stop("watcher")
    home, watcher, file = str(cluster.home(survivor)), str(cluster.home("watcher")), str(tmp_path / "recovery.json")

    best = remarque("recover", "survey", home, watcher)[0]
    assert (best["node"], best["votes"]) == ("watcher", False)
    assert remarque("recover", "fetch", home, watcher)["height"] == best["certified"]
    remarque("recover", "propose", home, file, "--survivor", survivor, "--reason", "two lost")
    for one in (home, watcher):
        remarque("recover", "install", file, one)
    for name in (survivor, "watcher"):
        cluster.start(name)
    cluster.wait_ready([survivor, "watcher"])

    accepted = read_recoveries((Path(file),), cluster.genesis)
    transaction = verify_receipt(kept, cluster.genesis, accepted).signed.id
    assert receipt(cluster, survivor, transaction)
    commit(cluster, [survivor], 5)


def test_two_survivors_of_five_sign_together_and_the_better_log_is_gone_on_from(tmp_path: Path) -> None:
    cluster = Cluster.create(tmp_path / "devnet", 5)
    try:
        cluster.up()
        commit(cluster, cluster.names, 20)
        leads = cluster.wait_leader()
        behind = next(name for name in cluster.names if name != leads)
        cluster.kill(behind)
        commit(cluster, [name for name in cluster.names if name != behind], 20)
        for name in cluster.names:
            cluster.kill(name)
        other = max(
            (name for name in cluster.names if name != behind), key=lambda name: Home(cluster.home(name)).held().place
        )
        for name in cluster.names:
            if name not in (behind, other):
                shutil.rmtree(cluster.home(name))
        left = sorted([behind, other])
        words = [word for name in left for word in ("--survivor", name)]
        worse, file = str(tmp_path / "worse.json"), str(tmp_path / "recovery.json")
        homes = {name: str(cluster.home(name)) for name in left}

        assert remarque("recover", "survey", *homes.values())[0]["node"] == other
        remarque("recover", "propose", homes[behind], worse, *words, "--reason", "three lost")
        assert remarque("recover", "sign", worse, homes[other], status=5)["code"] == "RECOVERY_INVALID"
        remarque("recover", "propose", homes[other], file, *words, "--reason", "three lost")
        assert remarque("recover", "install", file, homes[other], status=5)["code"] == "RecoveryRefused"
        remarque("recover", "sign", file, homes[behind])
        for name in left:
            remarque("recover", "install", file, homes[name])
            cluster.start(name)
        cluster.wait_ready(left)

        assert commit(cluster, left, 20)
        assert {cluster.status(name)["recoveries"] for name in left} == {1}
    finally:
        cluster.down()


def test_a_majority_that_is_left_needs_no_recovery(three_nodes: Cluster, tmp_path: Path) -> None:
    commit(three_nodes, three_nodes.names, 5)
    for name in three_nodes.names:
        three_nodes.stop(name)
    home = str(three_nodes.home("node1"))
    words = ["--survivor", "node1", "--survivor", "node2", "--reason", "x"]

    refused = remarque("recover", "propose", home, str(tmp_path / "recovery.json"), *words, status=5)

    assert "majority" in refused["detail"]
    assert not (tmp_path / "recovery.json").exists()


def test_a_survivor_that_had_pruned_is_recovered_under_kills_audited_backed_up_and_restored(tmp_path: Path) -> None:
    cluster = Cluster.create(tmp_path / "devnet", 3)
    cluster.set("node1", "storage", snapshot_every=100, keep_blocks=5)
    home, file = cluster.home("node1"), str(tmp_path / "recovery.json")
    genesis = ["--genesis", str(cluster.root / "genesis.json")]
    try:
        cluster.up()
        commit(cluster, cluster.names, 400)
        until_pruned(home)
        for name in cluster.names:
            cluster.kill(name)
        remarque("recover", "propose", str(home), file, "--survivor", "node1", "--reason", "two sites burnt down")
        for tenths in range(3, 9):
            killed = subprocess.Popen([sys.executable, "-m", "node", "recover", "install", file, str(home)])
            time.sleep(tenths / 10)
            killed.kill()
            killed.wait()
        remarque("recover", "install", file, str(home))
        cluster.start("node1")
        cluster.wait_ready(["node1"])
        newer = receipt(cluster, "node1", commit(cluster, ["node1"], 20)[-1])
        cluster.stop("node1")
    finally:
        cluster.down()

    (tmp_path / "newer.json").write_bytes(newer)
    told = ["--recovery", file, "--receipt", str(tmp_path / "newer.json")]
    assert remarque("audit", str(home / "data"), *genesis, *told)["holds"]
    save_key(tmp_path / "fresh.key", new_key())
    backup, fresh = str(tmp_path / "backup"), str(tmp_path / "fresh")
    remarque("backup", str(home / "data"), backup, *genesis)
    new = ["--name", "fresh", "--key", str(tmp_path / "fresh.key"), "--recovery", file]
    remarque("restore", backup, fresh, *genesis, *new)
    assert remarque("audit", str(tmp_path / "fresh" / "data"), *genesis, *told)["holds"]
    (held,) = remarque("recover", "survey", fresh)
    assert (held["recoveries"], held["header"]) == (1, Home(home).held().header)


def until_pruned(home: Path) -> None:
    deadline = time.monotonic() + 30
    while "blocks_pruned" not in (home / "node.log").read_text():
        assert time.monotonic() < deadline, "no blocks were pruned"
        time.sleep(0.1)
