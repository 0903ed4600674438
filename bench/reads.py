"""How many reads a second three nodes answer, as they stand and linearizable, each against the other.

    python -m bench.reads [--seconds 5] [--readers 48]

Readers in one process ask all nodes for an account, in sessions, each one question after the other. While they do, one
client pays all the time, so that there is something to miss.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from pathlib import Path

import aiohttp

from devnet.cluster import Cluster, free_ports
from devnet.story import COLLECTOR, SECOND_COLLECTOR, plan_of
from remarque.async_client import AsyncClient
from remarque.client import Client

NODES = 3


async def reading(http: aiohttp.ClientSession, url: str, token: str, query: str, times: list[float]) -> None:
    """Ask one node for as long as it is let."""
    address, head = f"{url}/v1/accounts/{COLLECTOR}{query}", {"Authorization": f"Bearer {token}"}
    while True:
        started = time.perf_counter()
        async with http.get(address, headers=head) as answer:
            await answer.read()
            answer.raise_for_status()
        times.append(time.perf_counter() - started)


async def paying(cluster: Cluster) -> None:
    """Pay one amount after the other."""
    async with AsyncClient(cluster.urls, COLLECTOR, cluster.key(COLLECTOR)) as client:
        while True:
            await client.pay(SECOND_COLLECTOR, 1, "EUR")


async def measured(cluster: Cluster, query: str, readers: int, seconds: float) -> dict[str, float]:
    """Reads a second, and how long they took, in milliseconds."""
    tokens = []
    for url in cluster.urls:
        async with AsyncClient(url, COLLECTOR, cluster.key(COLLECTOR)) as client:
            tokens.append(await client.session())
    times: list[float] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        tasks = [asyncio.create_task(paying(cluster))]
        for number in range(readers):
            at = number % NODES
            tasks.append(asyncio.create_task(reading(http, cluster.urls[at], tokens[at], query, times)))
        await asyncio.sleep(seconds / 5)
        times.clear()
        await asyncio.sleep(seconds)
        found = sorted(times)
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    failed = [one for one in ended if not isinstance(one, asyncio.CancelledError)]
    if failed:
        raise RuntimeError(f"reads failed: {failed[0]!r}")
    return {
        "reads_per_s": round(len(found) / seconds),
        "p50_ms": round(1000 * found[len(found) // 2], 1),
        "p99_ms": round(1000 * found[int(len(found) * 0.99)], 1),
    }


def main() -> None:
    """Print a line for each way to read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--readers", type=int, default=48)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster.create(Path(folder) / "devnet", plan=plan_of(NODES, free_ports(2 * NODES), generator=False))
        cluster.up()
        try:
            with Client(cluster.urls, COLLECTOR, cluster.key(COLLECTOR)) as client:
                height = client.pay(SECOND_COLLECTOR, 1, "EUR").header.height
            ways = {
                "as it stands": "",
                "min_height": f"?min_height={height}",
                "linearizable": "?consistency=linearizable",
            }
            for name, query in ways.items():
                found = asyncio.run(measured(cluster, query, options.readers, options.seconds))
                conditions = {"readers": options.readers, "nodes": NODES, "cpus": os.cpu_count()}
                print(json.dumps({"read": name, **found, **conditions}), flush=True)
        finally:
            cluster.down()


if __name__ == "__main__":
    main()
