"""Committed register+mint transactions per second on three nodes, with the load generator on the same machine.

    python -m bench.throughput [--seconds 8] [--nodes 3]

Each transaction registers a picture and mints its token under one signature. They are signed before the clock starts.
Reported: batch submission (100 a request) and single submission (one a request), at several numbers of clients, and a
lone transaction on an idle cluster; with the time of a synced write on the same disk, without which a latency means
little. fsync is on for every block. If etcd is installed, the same loads go to three members of it on the same disk
right afterwards, and the ratio is printed: `bench/etcd.py` says what is compared. Results go to standard output as JSON
lines.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from bench.etcd import PUT, TRANSACTION, Etcd, put_body, transaction_body
from devnet.cluster import Cluster
from devnet.story import CREATOR
from ledger import actions
from ledger.transaction import SignedTransaction, Signer, Transaction, sign
from remarque.requesting import now_ms

BATCH = 100
LONE, BATCHED = "lone, idle cluster", f"batch of {BATCH}"
SINGLE_CLIENTS, BATCH_CLIENTS = (4, 16, 64), (1, 4, 8)
CID = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"


def make_transactions(cluster: Cluster, count: int) -> list[SignedTransaction]:
    """Register+mint transactions, signed."""
    key, chain = cluster.key(CREATOR), cluster.genesis.chain
    until = now_ms() + 500_000
    made = []
    for _ in range(count):
        asset = secrets.token_hex(32)
        register = actions.RegisterAsset(
            pixel_digest=asset,
            file_digest=secrets.token_hex(32),
            width=512,
            height=512,
            content=actions.Content(cid=CID, size=400_000, media_type="image/png"),
            confidential=False,
        )
        transaction = Transaction(
            chain=chain,
            signers=(Signer(account=CREATOR, key=key.public),),
            valid_until_ms=until,
            nonce=secrets.token_hex(16),
            actions=(register, actions.MintToken(asset=asset)),
        )
        made.append(sign(transaction, [key]))
    return made


async def offer(urls: list[str], bodies: list[bytes], path: str, clients: int, per_body: int) -> dict[str, float]:
    """Send bodies from a number of clients, each waiting for its answer; rate and latency."""
    latencies: list[float] = []
    queue = iter(bodies)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as http:

        async def client(number: int) -> None:
            url = urls[number % len(urls)] + path
            for body in queue:
                started = time.perf_counter()
                async with http.post(url, data=body) as answer:
                    data = await answer.read()
                    if answer.status != 200:
                        raise SystemExit(f"refused: {data!r}")
                latencies.append(time.perf_counter() - started)

        started = time.perf_counter()
        await asyncio.gather(*(client(number) for number in range(clients)))
        elapsed = time.perf_counter() - started
    ordered = sorted(latencies)
    return {
        "transactions_per_s": round(len(bodies) * per_body / elapsed, 1),
        "p50_ms": round(1000 * statistics.median(ordered), 2),
        "p99_ms": round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 2),
    }


def fdatasync_ms(directory: Path) -> float:
    """Median time of a synced 16 KiB write on the cluster's disk."""
    times = []
    with (directory / "sync-probe").open("wb") as file:
        for _ in range(100):
            started = time.perf_counter()
            file.write(b"x" * 16_384)
            file.flush()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - started)
    return round(1000 * statistics.median(times), 3)


async def measure(cluster: Cluster, seconds: float) -> dict[str, float]:
    """All loads, one after the other; transactions per second by load."""
    urls = [cluster.url(cluster.leader() or cluster.names[0])]

    def singles(count: int) -> list[bytes]:
        return [signed.envelope() for signed in make_transactions(cluster, count)]

    def batches(count: int) -> list[bytes]:
        made = singles(count * BATCH)
        return [b"[" + b",".join(made[start : start + BATCH]) + b"]" for start in range(0, len(made), BATCH)]

    await offer(urls, singles(200), "/v1/transactions", 4, 1)
    loads = [(LONE, 1, singles(100), "/v1/transactions", 1)]
    loads += [("single", clients, singles(int(seconds * 800)), "/v1/transactions", 1) for clients in SINGLE_CLIENTS]
    loads += [
        (BATCHED, clients, batches(int(seconds * 2_000) // BATCH), "/v1/transactions/batch", BATCH)
        for clients in BATCH_CLIENTS
    ]
    return await _run_loads(urls, loads)


async def measure_etcd(url: str, seconds: float) -> dict[str, float]:
    """The same loads against the peer."""
    await offer([url], [put_body() for _ in range(200)], PUT, 4, 1)
    loads = [(LONE, 1, [put_body() for _ in range(100)], PUT, 1)]
    loads += [
        ("single", clients, [put_body() for _ in range(int(seconds * 1_500))], PUT, 1) for clients in SINGLE_CLIENTS
    ]
    loads += [
        (BATCHED, clients, [transaction_body(BATCH) for _ in range(int(seconds * 3_000) // BATCH)], TRANSACTION, BATCH)
        for clients in BATCH_CLIENTS
    ]
    return await _run_loads([url], loads)


async def _run_loads(urls: list[str], loads: list[tuple[str, int, list[bytes], str, int]]) -> dict[str, float]:
    rates = {}
    for name, clients, bodies, path, per_body in loads:
        found = await offer(urls, bodies, path, clients, per_body)
        print(json.dumps({"load": name, "clients": clients, **found}), flush=True)
        rates[f"{name}, clients: {clients}"] = found["transactions_per_s"]
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--dir", type=Path, help="where the disk to measure on is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.dir) as directory:
        root = Path(directory)
        conditions = {"nodes": options.nodes, "cpus": os.cpu_count(), "python": platform.python_version()}
        print(json.dumps({"conditions": conditions | {"fdatasync_ms": fdatasync_ms(root)}}), flush=True)
        ours = _ours(root, options.nodes, options.seconds)
        if shutil.which("etcd") is None:
            print("etcd: not run; apt-get install etcd-server brings it")
            return
        with Etcd(root) as peer:
            theirs = asyncio.run(measure_etcd(peer.leader(), options.seconds))
        for load, rate in ours.items():
            print(json.dumps({"load": load, "of_etcd": round(rate / theirs[load], 2)}))


def _ours(root: Path, nodes: int, seconds: float) -> dict[str, float]:
    cluster = Cluster.create(root / "devnet", nodes)
    try:
        cluster.up()
        rates = asyncio.run(measure(cluster, seconds))
        heights = {name: cluster.status(name)["height"] for name in cluster.names}
        print(json.dumps({"heights": heights}), file=sys.stderr)
    finally:
        cluster.down()
    return rates


if __name__ == "__main__":
    main()
