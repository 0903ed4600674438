"""How a chain grows: from ten thousand assets to a million, what a node needs, and how another joins.

    python -m bench.scale [--assets 1000000] [--plot docs/pictures/growth.svg]

A chain of register+mint transactions is written straight into the stores of three nodes. At each size: what committing
the next block costs, what the disk holds, and how long a node of its own process takes to open the chain, and with how
much memory. At the last size the three nodes run, one is killed and starts again; then another joins from their
snapshot while clients go on at half of the highest rate: what is committed before is the reference for meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp

from bench.throughput import CID, make_transactions
from consensus.raft_log import RaftEntry
from devnet.cluster import Cluster
from devnet.load import Stream
from devnet.story import CREATOR, STUDIO
from ledger import actions
from ledger.block import Certificate, Endorsement, endorse
from ledger.node_certificate import make_certificate
from ledger.transaction import SignedTransaction, Signer, Transaction, sign
from node.chain.chain import Chain
from node.chain.paging import MANY
from node.run import GC_THRESHOLDS
from node.snapshots.snapshots import take, write
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.client import Client
from remarque.keys.files import load_key
from remarque.requesting import now_ms

BLOCK = 200
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
LOAD_SECONDS = 15
CLIENTS = 16
PACED_SECONDS_MAX = 150
IDLE_CORES = 0.3


class Writing:
    """The three nodes' chain, written by the first."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._keys = {name: load_key(cluster.home(name) / "node.key") for name in ("node1", "node2")}
        self._creator, self._chain = cluster.key(CREATOR), cluster.genesis.chain
        self.data = cluster.home("node1") / "data"
        self.assets = 0

    def grow(self, assets: int) -> dict[str, float]:
        """Write until there are so many assets; what the first block cost after opening, and a transaction at the end.

        Without signing and the log's writes. A chain that was just opened loads the pages of its state tree as they are
        needed, so the last fifth shows what goes on.
        """
        costs: list[float] = []
        with closing(RaftLogStore(self.data / "log")) as raft_log, closing(StateStore(self.data / "state")) as state:
            chain = Chain(self.cluster.genesis, self._keys["node1"], "node1", raft_log, state)
            while self.assets < assets:
                transactions = tuple(self._transaction() for _ in range(BLOCK))
                spent = self._commit(chain, raft_log, transactions)
                self.assets += BLOCK
                if state.pages.changed > MANY:
                    spent += self._write_pages(chain)
                costs.append(spent)
            self._write_pages(chain)
        last = costs[-max(1, len(costs) // 5) :]
        return {
            "first_block_ms": round(1_000 * costs[0], 1),
            "commit_us": round(1e6 * sum(last) / len(last) / BLOCK, 1),
        }

    def snapshot(self) -> None:
        """Write the snapshot that another node joins from, as a node does after so many transactions."""
        with closing(RaftLogStore(self.data / "log")) as raft_log, closing(StateStore(self.data / "state")) as state:
            chain = Chain(self.cluster.genesis, self._keys["node1"], "node1", raft_log, state)
            taken = take(chain)
            if taken is not None:
                write(taken, self.data / "snapshots" / str(taken.header.height))

    def _commit(self, chain: Chain, raft_log: RaftLogStore, transactions: tuple[SignedTransaction, ...]) -> float:
        started = time.perf_counter()
        data = chain.build(transactions, 1, now_ms())
        spent = time.perf_counter() - started
        header = chain.tip
        raft_log.persist(1, "", None, (RaftEntry(header.height, 1, data),))
        signed = tuple(Endorsement(node=name, signature=endorse(key, header.hash)) for name, key in self._keys.items())
        started = time.perf_counter()
        chain.commit(header.height, Certificate(height=header.height, header=header.hash, endorsements=signed))
        return spent + time.perf_counter() - started

    def _write_pages(self, chain: Chain) -> float:
        started = time.perf_counter()
        chain.write_pages(chain.state.pages.changed)
        return time.perf_counter() - started

    def _transaction(self) -> SignedTransaction:
        key, asset = self._creator, secrets.token_hex(32)
        register = actions.RegisterAsset(
            pixel_digest=asset,
            file_digest=secrets.token_hex(32),
            width=512,
            height=512,
            content=actions.Content(cid=CID, size=400_000, media_type="image/png"),
            confidential=False,
        )
        transaction = Transaction(
            chain=self._chain,
            signers=(Signer(account=CREATOR, key=key.public),),
            valid_until_ms=now_ms() + 60_000,
            nonce=secrets.token_hex(16),
            actions=(register, actions.MintToken(asset=asset)),
        )
        return sign(transaction, [key])


def opening(home: Path) -> dict[str, float]:
    """Seconds and MiB that a process of its own takes to open a node's chain."""
    program = (
        "import sys, time; from pathlib import Path; started = time.perf_counter();"
        "from node.config import load_genesis; from node.chain import Chain; from node.keys import load_key;"
        "from node.storage.raft_log_store import RaftLogStore; from node.storage.state_store import StateStore;"
        "home = Path(sys.argv[1]); data = home / 'data'; genesis = load_genesis(home / '../../genesis.json');"
        "Chain(genesis, load_key(home / 'node.key'), 'node1', RaftLogStore(data / 'log'), StateStore(data / 'state'));"
        "spent = time.perf_counter() - started; from bench.scale import anonymous_mib; import os;"
        "print(spent, anonymous_mib(os.getpid()))"
    )
    answer = subprocess.run([sys.executable, "-c", program, str(home)], capture_output=True, text=True, check=True)
    seconds, memory = map(float, answer.stdout.split())
    return {"open_s": round(seconds, 2), "open_mib": round(memory)}


def bytes_in(data: Path) -> int:
    return sum(file.stat().st_size for part in ("log", "state") for file in (data / part).iterdir())


def anonymous_mib(pid: int) -> int:
    """What a process holds in memory, without the files that are mapped into it and may be dropped at any time."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) >> 10


def running(cluster: Cluster) -> dict[str, float]:
    """The three nodes on the chain: how soon they are ready, after a kill too, and what another's joining costs."""
    found: dict[str, float] = {}
    started = time.perf_counter()
    cluster.up()
    found["three_nodes_ready_s"] = round(time.perf_counter() - started, 2)
    settle(cluster)
    found["three_nodes_idle_s"] = round(time.perf_counter() - started, 1)
    cluster.kill("node3")
    started = time.perf_counter()
    cluster.start("node3")
    cluster.wait_ready(["node3"])
    found["killed_node_ready_s"] = round(time.perf_counter() - started, 2)
    settle(cluster)
    rates = asyncio.run(joining(cluster))
    pids = [pid for name in cluster.names if (pid := cluster.pid(name)) is not None]
    return found | rates | {"node_mib": max(map(anonymous_mib, pids))}


def settle(cluster: Cluster) -> None:
    """Wait until the nodes have read what they index and load after a start: until they are idle."""
    while True:
        before = spent_s(cluster)
        time.sleep(1)
        if spent_s(cluster) - before < IDLE_CORES:
            return


def spent_s(cluster: Cluster) -> float:
    """Seconds of CPU that the nodes have spent."""
    found = 0.0
    for name in cluster.names:
        user, system = Path(f"/proc/{cluster.pid(name)}/stat").read_text().rpartition(")")[2].split()[11:13]
        found += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return found


async def joining(cluster: Cluster) -> dict[str, float]:
    """How long joining takes, from the node's start to the newest block, and what it does to clients meanwhile.

    They come at half the rate that the three nodes can do; a fourth shares the machine's cores with them.
    """
    most = await saturated(cluster)
    before = await paced(cluster, most / 2, asyncio.sleep(LOAD_SECONDS))
    key = cluster.prepare_observer("watcher")
    await asyncio.to_thread(_let_in, cluster, key.public, make_certificate(key).hex())
    started = time.perf_counter()
    meanwhile = await paced(cluster, most / 2, asyncio.to_thread(_join, cluster))
    return {
        "most_tx_s": round(most),
        "joined_s": round(time.perf_counter() - started, 1),
        "committed_while_joining": round(meanwhile[0] / before[0], 2),
        "p50_ms_before": before[1],
        "p50_ms_while_joining": meanwhile[1],
    }


async def saturated(cluster: Cluster) -> float:
    """Transactions a second with as many clients as help."""
    stream = Stream(cluster.urls, CREATOR, cluster.key(CREATOR))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(stream.run(CLIENTS))
        await stream.acknowledged_at_least(200, 60)
        before = len(stream.acknowledged)
        await asyncio.sleep(LOAD_SECONDS)
        done = len(stream.acknowledged) - before
        stream.stop()
        await running
    return done / LOAD_SECONDS


async def paced(cluster: Cluster, rate: float, until: Coroutine[Any, Any, None]) -> tuple[float, float]:
    """Committed transactions a second of a load that comes at a rate, while something goes on; and their p50, ms."""
    url, latencies = cluster.url("node1") + "/v1/transactions", []
    made = iter(make_transactions(cluster, int(rate * PACED_SECONDS_MAX)))

    async def one(http: aiohttp.ClientSession, body: bytes) -> None:
        started = time.perf_counter()
        async with http.post(url, data=body) as answer:
            await answer.read()
            if answer.status == 200:
                latencies.append(time.perf_counter() - started)

    started = time.perf_counter()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as group:
        going_on = group.create_task(until)
        for number, signed in enumerate(made):
            if going_on.done():
                break
            group.create_task(one(http, signed.envelope()))
            await asyncio.sleep(max(0.0, started + (number + 1) / rate - time.perf_counter()))
        await going_on
        elapsed = time.perf_counter() - started
    return len(latencies) / elapsed, round(1000 * statistics.median(latencies), 1)


def _join(cluster: Cluster) -> None:
    cluster.start("watcher")
    while not _level(cluster):
        time.sleep(0.2)


def _let_in(cluster: Cluster, public: str, certificate: str) -> None:
    with Client(cluster.url("node1"), STUDIO, cluster.key(STUDIO)) as client:
        client.submit(actions.AddNode(node="watcher", key=public, certificate=certificate))


def _level(cluster: Cluster) -> bool:
    ours, theirs = cluster.status("watcher"), cluster.status("node1")
    return bool(theirs.get("height", 0) - ours.get("height", -1_000) <= 3)


def plot(rows: list[dict[str, float]], file: Path) -> None:
    """Draw how what a node needs grows with its chain."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "remarque"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 4, figsize=(13, 3))
    for axis, (name, title) in zip(
        axes,
        (
            ("commit_us", "execute, prove, commit: µs a transaction"),
            ("disk_bytes", "disk: bytes a transaction"),
            ("open_s", "opening the chain: s"),
            ("open_mib", "memory after opening: MiB"),
        ),
        strict=True,
    ):
        axis.plot([row["assets"] for row in rows], [row[name] for row in rows], marker="o", color="#245")
        axis.set_xscale("log")
        axis.set_ylim(bottom=0)
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("assets", fontsize=8)
        axis.tick_params(labelsize=8)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=SIZES[-1])
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, float]] = []
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    with tempfile.TemporaryDirectory() as directory:
        cluster = Cluster.create(Path(directory) / "devnet", 3)
        writing = Writing(cluster)
        print(json.dumps({"cpus": os.cpu_count(), "python": platform.python_version()}), flush=True)
        for size in [one for one in SIZES if one <= options.assets]:
            row = {"assets": size} | writing.grow(size)
            rows.append(row | {"disk_bytes": round(bytes_in(writing.data) / size)} | opening(cluster.home("node1")))
            print(json.dumps(rows[-1]), flush=True)
        if options.plot is not None:
            plot(rows, options.plot)
        for name in ("node2", "node3"):
            for part in ("log", "state"):
                shutil.copytree(writing.data / part, cluster.home(name) / "data" / part)
        writing.snapshot()
        try:
            print(json.dumps(running(cluster)), flush=True)
        finally:
            cluster.down()


if __name__ == "__main__":
    main()
