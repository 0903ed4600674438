"""Real processes: a node that does not vote joins from a snapshot, follows, serves, and is shut out again."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from devnet.cluster import Cluster
from devnet.load import Stream
from devnet.story import CREATOR, STUDIO
from ledger.actions import AddKey, AddNode, RemoveNode
from ledger.node_certificate import make_certificate
from ledger.receipt import encode_receipt, verify_receipt
from node.snapshots.joining import INSTALLED_RATIO
from node.snapshots.snapshots import heights_in
from remarque.client import Client
from remarque.errors import RemarqueError
from remarque.keys.files import new_key

EVERY = 200
"""Transactions between snapshots."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Three nodes that take snapshots often, and keep few blocks behind them."""
    cluster = Cluster.create(tmp_path / "devnet", 3)
    for name in cluster.names:
        cluster.set(name, "storage", snapshot_every=EVERY, keep_blocks=5)
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down()


def commit(cluster: Cluster, count: int, names: list[str] | None = None) -> list[str]:
    """Ids of so many committed transactions, or a few more."""

    async def story() -> list[str]:
        urls = [cluster.url(name) for name in names or cluster.names[:3]]
        stream = Stream(urls, CREATOR, cluster.key(CREATOR))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(stream.run(clients=16))
            await stream.acknowledged_at_least(count, 120)
            stream.stop()
            await running
        return stream.acknowledged

    return asyncio.run(story())


def until(holds: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def events(cluster: Cluster, name: str) -> list[dict[str, object]]:
    lines = (cluster.home(name) / "node.log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def snapshots(cluster: Cluster, name: str) -> list[int]:
    return heights_in(cluster.home(name) / "data" / "snapshots")


def let_in(cluster: Cluster, name: str) -> None:
    key = cluster.prepare_observer(name)
    with Client(cluster.url("node1"), STUDIO, cluster.key(STUDIO)) as client:
        client.submit(AddNode(node=name, key=key.public, certificate=make_certificate(key).hex()))


def same(cluster: Cluster, name: str) -> bool:
    """Whether a node has caught up with what the voters hold now."""
    ours, theirs = cluster.status(name), cluster.status("node1")
    return bool(ours.get("height") == theirs["height"] and ours["hash"] == theirs["hash"])


def started_again_until_same(cluster: Cluster, name: str) -> bool:
    """The same of a node that is started again whenever it ends, as it does when others have pruned what it lacks."""
    cluster.start(name)
    return same(cluster, name)


def test_a_node_joins_follows_serves_hands_on_and_is_shut_out(cluster: Cluster) -> None:
    old = commit(cluster, 3 * EVERY)[0]
    until(lambda: snapshots(cluster, "node1"))
    let_in(cluster, "watcher")
    cluster.start("watcher")
    cluster.wait_ready(["watcher"])

    until(lambda: same(cluster, "watcher"))
    assert [event["event"] for event in events(cluster, "watcher") if event["event"] == "joined"] == ["joined"]
    newer = commit(cluster, 50)
    until(lambda: same(cluster, "watcher"))
    with Client(cluster.url("watcher"), CREATOR, cluster.key(CREATOR)) as client:
        asset = client.get("/v1/assets?limit=1")["assets"][0]["id"]
        proven = client.state(f"asset/{asset}", genesis=cluster.genesis)
        assert proven.value(f"asset/{asset}") is not None
        receipt = client.receipt(newer[-1])
        verify_receipt(encode_receipt(receipt), cluster.genesis)
        with pytest.raises(RemarqueError) as refused:
            client.receipt(old)
        assert refused.value.code == "NOT_FOUND"
        assert client.submit(AddKey(key=new_key().public)).outcome.code == "OK"
        with pytest.raises(RemarqueError) as told:
            client.submit(RemoveNode(node="node1"))
        assert told.value.code == "ROLE_MISSING"
        with pytest.raises(RemarqueError) as early:
            client.get("/v1/state/at?height=1&key=parameters")
        assert early.value.code == "BLOCK_PRUNED"
    cluster.kill("watcher")
    commit(cluster, 30)
    cluster.start("watcher")
    until(lambda: same(cluster, "watcher"))

    with Client(cluster.url("node1"), STUDIO, cluster.key(STUDIO)) as client:
        client.submit(RemoveNode(node="watcher"))
    until(lambda: any(event["event"] == "peer_shut_out" for event in events(cluster, "node1")))
    height = cluster.status("watcher").get("height", 0)
    commit(cluster, 20)
    assert cluster.status("watcher").get("height", 0) <= height + 1


def test_a_node_that_is_killed_while_it_joins_begins_where_it_was_cut_off(cluster: Cluster) -> None:
    commit(cluster, 3 * EVERY)
    until(lambda: snapshots(cluster, "node1"))
    let_in(cluster, "watcher")
    for _ in range(4):
        cluster.start("watcher")
        time.sleep(0.6)
        cluster.kill("watcher")
    cluster.start("watcher")

    until(lambda: same(cluster, "watcher"))


def test_two_nodes_join_at_once_while_blocks_go_on(cluster: Cluster) -> None:
    commit(cluster, 3 * EVERY)
    until(lambda: snapshots(cluster, "node1"))
    for name in ("watcher", "reader"):
        let_in(cluster, name)
    for name in ("watcher", "reader"):
        cluster.start(name)
    commit(cluster, 2 * EVERY)

    for name in ("watcher", "reader"):
        until(partial(started_again_until_same, cluster, name))
        assert "joined" in {event["event"] for event in events(cluster, name)}


def test_what_is_pruned_is_said_to_be_and_old_receipts_still_hold(cluster: Cluster) -> None:
    first = commit(cluster, 20)[0]
    with Client(cluster.url("node1"), CREATOR, cluster.key(CREATOR)) as client:
        kept = encode_receipt(client.receipt(first))
    commit(cluster, 4 * EVERY)
    until(lambda: any(event["event"] == "blocks_pruned" for event in events(cluster, "node1")))

    verify_receipt(kept, cluster.genesis)
    with Client(cluster.url("node1"), CREATOR, cluster.key(CREATOR)) as client:
        archived = partial(client.request, "GET", "/v1/archive", params={"after": "0"})
        for ask in (lambda: client.receipt(first), lambda: client.get("/v1/blocks/1"), archived):
            with pytest.raises(RemarqueError) as refused:
                ask()
            assert refused.value.code == "BLOCK_PRUNED"
            assert refused.value.status == 410
    for name in cluster.names:
        cluster.kill(name)
    cluster.up()
    assert commit(cluster, 10)


def voted_again(cluster: Cluster, name: str) -> None:
    """The cluster commits with a node and its leader alone, so the node votes and endorses."""
    until(lambda: same(cluster, name))
    leads = cluster.wait_leader()
    other = next(one for one in cluster.names if one not in (name, leads))
    cluster.kill(other)
    left = [one for one in cluster.names if one != other]
    assert commit(cluster, 20, left)


def test_a_voter_that_fell_behind_what_others_keep_joins_and_votes_again(cluster: Cluster) -> None:
    commit(cluster, 20)
    leads = cluster.wait_leader()
    name = next(one for one in cluster.names if one != leads)
    cluster.kill(name)
    others = [one for one in cluster.names if one != name]
    height = max(cluster.status(one)["height"] for one in others)
    until(lambda: commit(cluster, EVERY, others) and all(cluster.status(one)["oldest"] > height for one in others), 60)

    cluster.start(name)
    cluster.wait_ready([name])

    voted_again(cluster, name)
    assert "joined" in [event["event"] for event in events(cluster, name)]
    assert "peer_lies" not in [event["event"] for event in events(cluster, name)]


def test_a_voter_takes_what_its_leader_no_longer_keeps_from_one_that_does(tmp_path: Path) -> None:
    cluster = Cluster.create(tmp_path / "devnet", 3)
    for name in ("node2", "node3"):
        cluster.set(name, "storage", snapshot_every=EVERY, keep_blocks=5)
    try:
        cluster.up()
        commit(cluster, 20)
        leads = cluster.wait_leader()
        name = next(one for one in ("node2", "node3") if one != leads)
        pruning = next(one for one in ("node2", "node3") if one != name)
        cluster.kill(name)
        others = [one for one in cluster.names if one != name]
        height = max(cluster.status(one)["height"] for one in others)
        until(lambda: commit(cluster, EVERY, others) and cluster.status(pruning)["oldest"] > height, 60)

        cluster.start(name)
        cluster.wait_ready([name])

        voted_again(cluster, name)
        assert "joined" not in [event["event"] for event in events(cluster, name)]
        with Client(cluster.url(name), CREATOR, cluster.key(CREATOR)) as client:
            assert client.get(f"/v1/blocks/{height + 1}")["header"]["height"] == height + 1
    finally:
        cluster.down()


def test_a_node_that_fell_behind_what_others_keep_joins_again(cluster: Cluster) -> None:
    let_in(cluster, "watcher")
    cluster.start("watcher")
    until(lambda: same(cluster, "watcher"))
    cluster.stop("watcher")
    commit(cluster, 4 * EVERY)
    until(lambda: all(any(e["event"] == "blocks_pruned" for e in events(cluster, name)) for name in cluster.names[:3]))

    cluster.start("watcher")

    until(lambda: same(cluster, "watcher"))
    assert "joined" in [event["event"] for event in events(cluster, "watcher")]


ON_A_SMALL_DISK = """set -e
cp "$HOME/node.toml" "$ROOT/small.toml"
mount -t tmpfs -o size=$SIZE tmpfs "$HOME"
"$PYTHON" -m node node prepare "$HOME" \
    --genesis "$ROOT/genesis.json" --name watcher --key "$ROOT/watcher.key" >/dev/null
cp "$ROOT/small.toml" "$HOME/node.toml"
exec "$PYTHON" -m node node run --config "$HOME/node.toml"
"""
"""Run in a namespace of its own, whose mounts end with it."""


def joining(cluster: Cluster, size: int) -> subprocess.Popen[str]:
    """A process of the node on a disk of so many bytes."""
    places = {"HOME": str(cluster.home("watcher")), "ROOT": str(cluster.root), "PYTHON": sys.executable}
    words = ["unshare", "--map-root-user", "--mount", "sh", "-c", ON_A_SMALL_DISK]
    environment = os.environ | places | {"SIZE": str(size)}
    return subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.peers
def test_a_node_that_the_disk_has_no_room_for_says_so_and_joins_where_there_is(cluster: Cluster) -> None:
    commit(cluster, 3 * EVERY)
    until(lambda: snapshots(cluster, "node1"))
    let_in(cluster, "watcher")
    newest = cluster.home("node1") / "data" / "snapshots" / str(snapshots(cluster, "node1")[-1])
    wanted = INSTALLED_RATIO * sum(file.stat().st_size for file in newest.iterdir())

    waiting = joining(cluster, wanted // 2)
    assert waiting.stderr is not None
    told = json.loads(waiting.stderr.readline())
    waiting.terminate()
    waiting.communicate()
    assert told["event"] == "snapshot_refused"
    assert "are free" in told["reason"]

    broken_off = joining(cluster, wanted * 5 // 4)
    _, errors = broken_off.communicate(timeout=60)
    assert broken_off.returncode == 5
    assert "refused: DISK_FULL: " in errors

    cluster.start("watcher")
    until(lambda: same(cluster, "watcher"))
    assert commit(cluster, 20)
