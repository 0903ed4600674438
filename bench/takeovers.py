"""How long nothing is committed when the leader goes: killed, and stopped in good order, on three processes.

    python -m bench.takeovers [--rounds 40]

Clients pay one after the other by way of the two nodes that stay. The gap is the longest time without a
receipt of any client in the two seconds from when the leader goes; the reference is that of the same load while nobody
goes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from devnet.cluster import Cluster, free_ports
from devnet.story import COLLECTOR, CREATOR, SECOND_COLLECTOR, plan_of
from remarque.async_client import AsyncClient
from remarque.errors import RemarqueError

NODES = 3
QUIET_SECONDS = 2.0
SETTLE_SECONDS = 1.5


class Load:
    """Clients that pay, each one after the other, and when their receipts came."""

    def __init__(self, cluster: Cluster, names: list[str]) -> None:
        self._cluster = cluster
        self._names = names
        self.receipts: list[float] = []
        self.transactions: list[str] = []
        self.failed = 0

    async def pay(self, name: str, payer: str, payee: str) -> None:
        """Pay by way of one node until cancelled. What is refused for now is sent again, and counted."""
        async with AsyncClient(self._cluster.url(name), payer, self._cluster.key(payer)) as client:
            while True:
                try:
                    receipt = await client.pay(payee, 1, "EUR")
                    self.receipts.append(time.monotonic())
                    self.transactions.append(receipt.signed.id)
                except (RemarqueError, ConnectionError):
                    self.failed += 1
                    await asyncio.sleep(0.005)

    async def run(self) -> None:
        """All clients, two at each node."""
        async with asyncio.TaskGroup() as group:
            for name in self._names:
                group.create_task(self.pay(name, COLLECTOR, SECOND_COLLECTOR))
                group.create_task(self.pay(name, SECOND_COLLECTOR, CREATOR))

    def longest_gap(self, since: float) -> float:
        """Milliseconds of the longest time without a receipt, from the last one before a moment on."""
        before = max(at for at in self.receipts if at <= since)
        times = [at for at in self.receipts if at >= before]
        return 1000 * max(after - earlier for earlier, after in pairwise([*times, time.monotonic()]))


async def round_of(cluster: Cluster, go: Callable[[str], None] | None) -> tuple[float, int]:
    """The gap in milliseconds when the leader goes in some way, or nobody does; and requests that failed."""
    leader = await asyncio.to_thread(cluster.wait_leader)
    load = Load(cluster, [name for name in cluster.names if name != leader])
    paying = asyncio.create_task(load.run())
    await asyncio.sleep(SETTLE_SECONDS)
    moment, failed = time.monotonic(), load.failed
    going = [] if go is None else [asyncio.to_thread(go, leader)]
    await asyncio.gather(*going, asyncio.sleep(QUIET_SECONDS))
    gap = load.longest_gap(moment)
    paying.cancel()
    await asyncio.gather(paying, return_exceptions=True)
    if go is not None:
        cluster.start(leader)
        await asyncio.to_thread(cluster.wait_ready)
    return gap, load.failed - failed


def main() -> None:
    """Print a line for each way to go."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster.create(Path(folder) / "devnet", plan=plan_of(NODES, free_ports(2 * NODES), generator=False))
        cluster.up()
        try:
            for name, go in (("nobody goes", None), ("stopped", cluster.stop), ("killed", cluster.kill)):
                rounds = [asyncio.run(round_of(cluster, go)) for _ in range(options.rounds)]
                gaps = sorted(gap for gap, _ in rounds)
                print(
                    json.dumps(
                        {
                            "leader": name,
                            "rounds": len(rounds),
                            "gap_ms_p50": round(gaps[len(gaps) // 2]),
                            "gap_ms_p99": round(gaps[min(len(gaps) - 1, int(len(gaps) * 0.99))]),
                            "failed_requests": sum(failed for _, failed in rounds),
                            "nodes": NODES,
                            "cpus": os.cpu_count(),
                        }
                    ),
                    flush=True,
                )
        finally:
            cluster.down()


if __name__ == "__main__":
    main()
