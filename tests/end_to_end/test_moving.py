"""Real processes: a cluster meets a new node and finds one that has moved, by the chain and without a restart."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from devnet.cluster import Cluster, free_ports
from devnet.load import Stream
from devnet.story import CREATOR, EDITOR, STUDIO, TREASURER
from ledger.names import org_of
from ledger.node_certificate import make_certificate
from node.cli.main import cli
from node.ground.config import load_config
from remarque.client import Client
from remarque.errors import NodeError

ADMINISTRATORS = {org_of(account): account for account in (STUDIO, EDITOR, TREASURER)}
FOUNDERS = ["node1", "node2", "node3"]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Three nodes that do not run yet."""
    cluster = Cluster.create(tmp_path / "devnet", 3)
    try:
        yield cluster
    finally:
        cluster.down()


def until(holds: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def reached(cluster: Cluster, name: str) -> int:
    """How many others a node says it can send to; -1 while it does not answer."""
    try:
        with urllib.request.urlopen(cluster.url(name) + "/metrics", timeout=5) as answer:
            return int(float(re.findall(r"^remarque_peers_connected (\S+)", answer.read().decode(), re.M)[0]))
    except OSError:
        return -1


def logged(cluster: Cluster, name: str, event: str) -> list[str]:
    """Names of the nodes of which a node has logged something."""
    lines = (json.loads(line) for line in (cluster.home(name) / "node.log").read_text().splitlines() if line[:1] == "{")
    return [line["node"] for line in lines if line["event"] == event]


def same(cluster: Cluster, name: str, other: str = "node1") -> bool:
    """Whether a node has what another has now."""
    ours, theirs = cluster.status(name), cluster.status(other)
    return "hash" in ours and (ours["height"], ours["hash"]) == (theirs["height"], theirs["hash"])


def command(cluster: Cluster, of_node: str, *words: str) -> str:
    """What a command prints that an administrator of a node's org gives, at a node that runs."""
    org = next(node.org for node in cluster.genesis.nodes if node.name == of_node)
    account = ADMINISTRATORS[org]
    running = next(cluster.url(name) for name in cluster.names if cluster.pid(name) is not None)
    key = str(cluster.root / "accounts" / f"{account}.key")
    done = CliRunner().invoke(cli, ["--node", running, "--account", account, "--key", key, *words])
    assert done.exit_code == 0, done.output
    return done.output


def commit(cluster: Cluster, count: int, names: list[str]) -> None:
    async def story() -> None:
        stream = Stream([cluster.url(name) for name in names], CREATOR, cluster.key(CREATOR))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(stream.run(clients=8))
            await stream.acknowledged_at_least(count, 60)
            stream.stop()
            await running

    asyncio.run(story())


def address(cluster: Cluster, name: str) -> str:
    return load_config(cluster.home(name) / "node.toml").peers.listen


def edit(cluster: Cluster, name: str, before: str, after: str) -> None:
    file = cluster.home(name) / "node.toml"
    text, count = re.subn(before, after, file.read_text(), flags=re.M)
    assert count == 1, text
    file.write_text(text)


def listen_elsewhere(cluster: Cluster, name: str) -> str:
    """Give a node that does not run another peer port; its new address."""
    (port,) = free_ports(1)
    edit(cluster, name, rf'^listen = "{address(cluster, name)}"$', f'listen = "127.0.0.1:{port}"')
    return f"127.0.0.1:{port}"


def test_a_node_that_is_added_with_an_address_is_called_and_found_where_it_moves(cluster: Cluster) -> None:
    cluster.up()
    pids = [cluster.pid(name) for name in FOUNDERS]
    key = cluster.prepare_observer("watcher")
    words = ["--public", key.public, "--certificate", make_certificate(key).hex()]
    command(cluster, "node1", "node", "add", "watcher", *words, "--address", address(cluster, "watcher"))
    until(lambda: all("watcher" in logged(cluster, name, "peer_unreached") for name in FOUNDERS))
    cluster.start("watcher")
    until(lambda: [reached(cluster, name) for name in FOUNDERS] == [3, 3, 3])
    until(lambda: same(cluster, "watcher"))

    cluster.stop("watcher")
    until(lambda: [reached(cluster, name) for name in FOUNDERS] == [2, 2, 2])
    moved = listen_elsewhere(cluster, "watcher")
    told = command(cluster, "node1", "node", "set-address", "watcher", moved)
    assert told.startswith(f"node watcher is reached at {moved} from block ")
    cluster.start("watcher")
    until(lambda: [reached(cluster, name) for name in FOUNDERS] == [3, 3, 3])
    until(lambda: same(cluster, "watcher"))
    listed = command(cluster, "node1", "node", "list").splitlines()
    assert [line.split()[0] for line in listed] == [*FOUNDERS, "watcher"]
    assert listed[3].endswith(f"  observer  {moved}")

    # A lie: the address of another node costs attempts, and what the others do goes on.
    command(cluster, "node1", "node", "set-address", "watcher", address(cluster, "node2"))
    until(lambda: [reached(cluster, name) for name in FOUNDERS] == [2, 2, 2])
    commit(cluster, 20, FOUNDERS)
    assert [reached(cluster, name) for name in FOUNDERS] == [2, 2, 2]
    until(lambda: same(cluster, "watcher"))

    command(cluster, "node1", "node", "set-address", "watcher", moved)
    until(lambda: [reached(cluster, name) for name in FOUNDERS] == [3, 3, 3])
    command(cluster, "node1", "node", "remove", "watcher")
    until(lambda: [reached(cluster, name) for name in FOUNDERS] == [2, 2, 2])
    commit(cluster, 5, FOUNDERS)
    assert pids == [cluster.pid(name) for name in FOUNDERS]


def test_a_voter_moves_with_its_data_directory_and_goes_on_voting(cluster: Cluster, tmp_path: Path) -> None:
    """Its others know only from the chain where it is. The directory itself moves; a copy of it is refused."""
    for name in ("node1", "node2"):
        edit(cluster, name, r'^node3 = ".*"\n', "")
    for name in FOUNDERS:
        cluster.start(name)
    cluster.wait_ready(["node1", "node2"])
    command(cluster, "node3", "node", "set-address", "node3", address(cluster, "node3"))
    until(lambda: [reached(cluster, name) for name in FOUNDERS] == [2, 2, 2])
    pids = [cluster.pid(name) for name in ("node1", "node2")]

    cluster.stop("node3")
    moved = listen_elsewhere(cluster, "node3")
    data, volume = cluster.home("node3") / "data", tmp_path / "volume"
    data.rename(volume)
    shutil.copytree(volume, data)
    cluster.start("node3")
    with pytest.raises(NodeError, match="DATA_DIRECTORY_CLONED"):
        cluster.wait_ready(["node3"])
    shutil.rmtree(data)
    cluster.set("node3", "node", data=str(volume))
    command(cluster, "node3", "node", "set-address", "node3", moved)
    cluster.start("node3")
    until(lambda: [reached(cluster, name) for name in FOUNDERS] == [2, 2, 2])
    until(lambda: same(cluster, "node3"))
    assert pids == [cluster.pid(name) for name in ("node1", "node2")]

    cluster.kill("node2")
    commit(cluster, 10, ["node1", "node3"])
    with Client(cluster.url("node1"), STUDIO, cluster.key(STUDIO)) as client:
        assert {node.name: node.address for node in client.nodes()}["node3"] == moved
