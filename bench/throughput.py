"""Committed register+mint transactions per second on three nodes, with the load generator on the same machine.

    python bench/throughput.py [--seconds 8] [--nodes 3]

Each transaction registers a picture and mints its token under one signature. They are signed before the clock starts.
Reported: batch submission (100 a request) and single submission (one a request), at several numbers of clients, and a
lone transaction on an idle cluster; with the time of a synced write on the same disk, without which a latency means
little. fsync is on for every block. Results go to standard output as JSON lines.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from devnet.cluster import Cluster
from devnet.story import CREATOR
from ledger import actions
from ledger.transaction import SignedTransaction, Signer, Transaction, sign
from node.client import now_ms

BATCH = 100
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


async def measure(cluster: Cluster, seconds: float) -> None:
    """All loads, one after the other."""
    leader = cluster.leader() or cluster.names[0]
    urls = [cluster.url(leader)]
    report = {"conditions": {"nodes": len(cluster.names), "cpus": os.cpu_count(), "python": platform.python_version()}}
    report["conditions"]["fdatasync_ms"] = fdatasync_ms(cluster.root)
    print(json.dumps(report))
    await offer(urls, [signed.envelope() for signed in make_transactions(cluster, 200)], "/v1/transactions", 4, 1)
    lone = [signed.envelope() for signed in make_transactions(cluster, 100)]
    print(json.dumps({"load": "lone, idle cluster", **await offer(urls, lone, "/v1/transactions", 1, 1)}), flush=True)
    for clients in (4, 16, 64):
        singles = [signed.envelope() for signed in make_transactions(cluster, int(seconds * 800))]
        found = await offer(urls, singles, "/v1/transactions", clients, 1)
        print(json.dumps({"load": "single", "clients": clients, **found}), flush=True)
    for clients in (1, 4, 8):
        made = make_transactions(cluster, int(seconds * 1_500) // BATCH * BATCH)
        bodies = [
            b"[" + b",".join(signed.envelope() for signed in made[start : start + BATCH]) + b"]"
            for start in range(0, len(made), BATCH)
        ]
        found = await offer(urls, bodies, "/v1/transactions/batch", clients, BATCH)
        print(json.dumps({"load": f"batch of {BATCH}", "clients": clients, **found}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--dir", type=Path, help="where the devnet's disk is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.dir) as directory:
        cluster = Cluster.create(Path(directory) / "devnet", options.nodes)
        try:
            cluster.up()
            asyncio.run(measure(cluster, options.seconds))
            heights = {name: cluster.status(name)["height"] for name in cluster.names}
            print(json.dumps({"heights": heights}), file=sys.stderr)
        finally:
            cluster.down()


if __name__ == "__main__":
    main()
