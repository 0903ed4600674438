"""How fast a voter that was paused takes what it missed, and whether an election comes of it.

    python -m bench.healing [--transactions 20000]

One of three nodes is stopped (SIGSTOP) while the others commit payments in batches; then it goes on, and takes the
blocks from its leader. The reference is the rate at which the two committed them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import tempfile
import time
from pathlib import Path

from devnet.cluster import Cluster, free_ports
from devnet.story import COLLECTOR, SECOND_COLLECTOR, plan_of
from ledger.actions import Pay
from remarque.async_client import AsyncClient

NODES = 3
BATCH = 250
CLIENTS = 4
LEVEL_SECONDS_MAX = 120.0


async def commit(cluster: Cluster, names: list[str], count: int) -> None:
    """Have so many payments committed, by clients of two accounts in turn."""

    async def some(number: int) -> None:
        payer, payee = (COLLECTOR, SECOND_COLLECTOR) if number % 2 else (SECOND_COLLECTOR, COLLECTOR)
        async with AsyncClient(cluster.url(names[number % len(names)]), payer, cluster.key(payer)) as client:
            for _ in range(count // BATCH // CLIENTS):
                batch = [await client.sign(Pay(to=payee, currency="EUR", amount=1)) for _ in range(BATCH)]
                await client.send_batch(batch)

    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(some(number))


def main() -> None:
    """Print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster.create(Path(folder) / "devnet", plan=plan_of(NODES, free_ports(2 * NODES), generator=False))
        cluster.up()
        try:
            leader = cluster.wait_leader()
            behind = next(name for name in cluster.names if name != leader)
            others = [name for name in cluster.names if name != behind]
            before, pid = cluster.status(leader), cluster.pid(behind)
            if pid is None:
                raise RuntimeError(f"{behind} does not run")
            os.kill(pid, signal.SIGSTOP)
            started = time.monotonic()
            asyncio.run(commit(cluster, others, options.transactions))
            committing = time.monotonic() - started
            target = cluster.status(leader)["height"]
            os.kill(pid, signal.SIGCONT)
            started = time.monotonic()
            while cluster.status(behind).get("height", 0) < target:
                if time.monotonic() - started > LEVEL_SECONDS_MAX:
                    raise TimeoutError(f"{behind} is not level after {LEVEL_SECONDS_MAX:.0f} s")
                time.sleep(0.05)
            healing = time.monotonic() - started
            print(
                json.dumps(
                    {
                        "blocks_behind": target - before["height"],
                        "transactions_behind": options.transactions,
                        "seconds": round(healing, 2),
                        "of_the_time_to_commit": round(healing / committing, 2),
                        "elections": cluster.status(leader)["term"] - before["term"],
                        "nodes": NODES,
                        "cpus": os.cpu_count(),
                    }
                )
            )
        finally:
            cluster.down()


if __name__ == "__main__":
    main()
