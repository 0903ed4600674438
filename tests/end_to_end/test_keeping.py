"""What is kept beside a running chain, by its commands: the past, backups, tables for analysts, snapshots."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from devnet.cluster import Cluster, free_ports
from devnet.story import COLLECTOR, CREATOR, SECOND_COLLECTOR, STUDIO
from ledger.actions import Pay
from ledger.node_certificate import make_certificate
from node.ground.config import load_config
from remarque.client import Client
from remarque.keys.files import load_key, new_key, save_key


def remarque(*words: str, status: int = 0) -> Any:
    command = [sys.executable, "-m", "node", "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def as_account(cluster: Cluster, account: str) -> list[str]:
    key = cluster.root / "accounts" / f"{account}.key"
    return ["--node", cluster.url("node1"), "--account", account, "--key", str(key)]


def test_the_past_a_backup_a_restored_node_and_tables(three_nodes: Cluster, tmp_path: Path) -> None:
    cluster, genesis = three_nodes, str(three_nodes.root / "genesis.json")
    with Client(cluster.url("node1"), COLLECTOR, cluster.key(COLLECTOR)) as client:
        paid = [client.submit(Pay(to=SECOND_COLLECTOR, currency="EUR", amount=amount)) for amount in (100, 250)]
    key = f"balance/{SECOND_COLLECTOR}/EUR"
    creator = as_account(cluster, CREATOR)

    past = remarque(*creator, "state", "at", key, "--height", str(paid[0].header.height))["entries"][0]
    now = remarque(
        *creator,
        "state",
        "at",
        key,
        "--time",
        datetime.fromtimestamp(paid[1].header.time_ms / 1000, UTC).isoformat(timespec="milliseconds"),
    )["entries"][0]
    assert now["value"] - past["value"] == 250
    assert (past["since"], past["transactions"]) == (paid[0].header.height, [paid[0].signed.id])

    made = remarque(*creator, "backup", cluster.url("node1"), str(tmp_path / "backup"), "--genesis", genesis)
    assert made["height"] >= paid[1].header.height
    source, tables_at = cluster.url("node1"), str(tmp_path / "tables")
    tables = remarque(*creator, "export", source, tables_at, "--genesis", genesis, "--parquet")
    assert tables["payments"] == 2
    payments = pq.read_table(tmp_path / "tables" / "payments.parquet").to_pylist()
    assert [(row["payer"], row["payee"], row["amount"]) for row in payments] == [
        (COLLECTOR, SECOND_COLLECTOR, 100),
        (COLLECTOR, SECOND_COLLECTOR, 250),
    ]

    save_key(cluster.root / "fresh.key", new_key())
    addresses = [word for name in cluster.names for word in ("--address", f"{name}={address(cluster, name)}")]
    key_file, home = cluster.root / "fresh.key", cluster.root / "nodes" / "fresh"
    words = ["--genesis", genesis, "--name", "fresh", "--key", str(key_file), *ports(), *addresses]
    restored = remarque("restore", str(tmp_path / "backup"), str(home), *words)
    assert restored["height"] == made["height"]
    taken = remarque("snapshot", "take", str(home / "data"), str(tmp_path / "snapshot"), "--genesis", genesis)
    checked = remarque("snapshot", "verify", str(tmp_path / "snapshot"), "--genesis", genesis)
    assert (checked["height"], checked["entries"]) == (taken["height"], taken["entries"])
    new = load_key(key_file)
    certificate = make_certificate(new).hex()
    remarque(*as_account(cluster, STUDIO), "node", "add", "fresh", "--public", new.public, "--certificate", certificate)
    cluster.names.append("fresh")
    cluster.start("fresh")
    cluster.wait_ready(["fresh"])
    with Client(cluster.url("node1"), COLLECTOR, cluster.key(COLLECTOR)) as client:
        newest = client.submit(Pay(to=SECOND_COLLECTOR, currency="EUR", amount=1))
    deadline = time.monotonic() + 20
    while cluster.status("fresh").get("height", 0) < newest.header.height:
        assert time.monotonic() < deadline
        time.sleep(0.05)

    damaged = next((tmp_path / "snapshot").glob("*.chunk"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert (
        "chunk" in remarque("snapshot", "verify", str(tmp_path / "snapshot"), "--genesis", genesis, status=1)["detail"]
    )


def address(cluster: Cluster, name: str) -> str:
    return load_config(cluster.home(name) / "node.toml").peers.listen


def ports() -> list[str]:
    peer, api = free_ports(2)
    return ["--peer", f"127.0.0.1:{peer}", "--api", f"127.0.0.1:{api}"]
