"""Real processes: voters are added, replaced and removed while payments go on, and whatever is killed meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from devnet.cluster import Cluster
from devnet.load import Stream
from devnet.story import CREATOR, EDITOR, STUDIO, TREASURER
from ledger.node_certificate import make_certificate
from ledger.receipt import ReceiptRefused, encode_receipt, verify_receipt
from node.cli.main import cli
from node.ground.config import load_config
from remarque.api.consortium import ConsortiumStanding
from remarque.client import Client

ADMINISTRATORS = (STUDIO, EDITOR, TREASURER)
FOUNDERS = ["node1", "node2", "node3"]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster.create(tmp_path / "devnet", 3)
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down()


def until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)


def client(cluster: Cluster, account: str, at: str) -> Client:
    return Client(cluster.url(at), account, cluster.key(account))


def standing(cluster: Cluster, at: str = "node1") -> ConsortiumStanding:
    with client(cluster, STUDIO, at) as asking:
        return asking.consortium()


def voters(cluster: Cluster, at: str = "node1") -> list[str]:
    return [one.node for one in standing(cluster, at).nodes if one.votes]


def command(cluster: Cluster, account: str, at: str, *words: str) -> Result:
    key = str(cluster.root / "accounts" / f"{account}.key")
    return CliRunner().invoke(cli, ["--node", cluster.url(at), "--account", account, "--key", key, *words])


def decided(cluster: Cluster, at: str, *words: str) -> None:
    """Have the administrators give the same command until one of them sees it done."""
    said = []
    for account in (*ADMINISTRATORS, *ADMINISTRATORS):
        done = command(cluster, account, at, "consortium", *words, "--wait", "1s")
        if done.exit_code == 0:
            return
        said.append(f"{done.output}{done.exception!r}")
    raise AssertionError("\n".join(said))


def let_in(cluster: Cluster, name: str, account: str, at: str = "node1") -> None:
    """A new node of an account's org, that runs and has the chain."""
    key = cluster.prepare_observer(name)
    address = load_config(cluster.home(name) / "node.toml").peers.listen
    words = ["--public", key.public, "--certificate", make_certificate(key).hex(), "--address", address]
    done = command(cluster, account, at, "node", "add", name, *words)
    assert done.exit_code == 0, done.output
    cluster.start(name)
    until(lambda: cluster.status(name).get("height", -1) >= cluster.status(at)["height"])


@contextmanager
def paying(cluster: Cluster, names: list[str]) -> Iterator[Stream]:
    """What goes on meanwhile: clients that want each transaction's receipt, by way of some nodes."""
    stream = Stream([cluster.url(name) for name in names], CREATOR, cluster.key(CREATOR))
    thread = ThreadPoolExecutor(1)
    running = thread.submit(asyncio.run, stream.run(clients=4))
    more(stream)
    yield stream
    more(stream)
    stream.stop()
    running.result(60)
    thread.shutdown()


def more(stream: Stream, count: int = 20) -> None:
    """Wait until so many more were acknowledged."""
    before = len(stream.acknowledged)
    until(lambda: len(stream.acknowledged) >= before + count)


def none_is_lost(cluster: Cluster, stream: Stream, names: list[str]) -> None:
    newest = max(cluster.status(name)["height"] for name in names)
    for name in names:
        until(lambda name=name: cluster.status(name)["height"] >= newest)
        assert asyncio.run(stream.missing_on(cluster.url(name))) == []


def audited(cluster: Cluster, name: str) -> None:
    cluster.stop(name)
    words = ["audit", str(cluster.home(name) / "data"), "--genesis", str(cluster.root / "genesis.json")]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output


def test_voters_are_added_and_removed_and_a_key_is_rotated_while_payments_go_on(cluster: Cluster) -> None:
    let_in(cluster, "fourth", STUDIO)
    with paying(cluster, FOUNDERS) as stream:
        decided(cluster, "node1", "set-voter", "fourth")
        assert voters(cluster) == ["fourth", *FOUNDERS]
        more(stream)
        let_in(cluster, "anew", STUDIO)
        decided(cluster, "node2", "replace", "node1", "anew")

    names = ["anew", "fourth", "node2", "node3"]
    assert voters(cluster, "node2") == names
    with client(cluster, CREATOR, "anew") as creator:
        receipt = creator.receipt(stream.acknowledged[-1])
    assert len(receipt.epochs) == 3
    assert verify_receipt(encode_receipt(receipt), cluster.genesis) == receipt
    with pytest.raises(ReceiptRefused, match="names other voters"):
        verify_receipt(encode_receipt(replace(receipt, epochs=receipt.epochs[:2])), cluster.genesis)
    none_is_lost(cluster, stream, names)
    for name in ("anew", "node3"):
        audited(cluster, name)
    for life in (1, 2):
        until(lambda: cluster.pid("node1") is None)
        log = (cluster.home("node1") / "node.log").read_text(encoding="utf-8")
        assert log.count("NODE_REMOVED") == life
        if life == 1:
            cluster.start("node1")
