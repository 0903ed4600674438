"""A running cluster whose keepers make the consortium's key, by the command."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from devnet.cluster import Cluster
from devnet.story import EDITOR, KEEPERS, STUDIO
from remarque.client import Client


def until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def client_of(cluster: Cluster, account: str, *nodes: str) -> Client:
    return Client([cluster.url(node) for node in nodes or cluster.names], account, cluster.key(account))


def make_key(cluster: Cluster, *keepers: str) -> str:
    """Have two administrators, who are enough, give the command; what the first is told."""
    with client_of(cluster, STUDIO) as house:
        until(lambda: all(house.state(f"keeper/{one}").value(f"keeper/{one}") for one in KEEPERS))
    running = [share_key(cluster, account, *keepers) for account in (STUDIO, EDITOR)]
    said = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    return said[0][0]


def share_key(cluster: Cluster, account: str, *keepers: str) -> subprocess.Popen[str]:
    who = [
        "--node",
        cluster.url("node1"),
        "--account",
        account,
        "--key",
        str(cluster.root / "accounts" / f"{account}.key"),
    ]
    words = [sys.executable, "-m", "node", *who, "consortium", "share-key", *keepers]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
