"""What a bystander feels of one account that floods: payments of another, one after the other, against idle ones.

    python -m bench.floods [--seconds 15] [--only large,checks]

Three nodes on this machine. Each flood comes from a process of its own, by one account, over eight connections that ask
again as soon as they are answered; it runs at the lowest priority, for a flood's own work is done elsewhere. The
bystander asks another node than the one that is flooded. Told are the bystander's 50th and 99th percentile, both as a
ratio to idle before it; how many elections there were; and the part of the turns of all nodes' event loops that came
back more than 20 ms late.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from msgspec import UNSET

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, CURRENCY, SECOND_COLLECTOR, STUDIO
from ledger import actions
from ledger.encoding import encode
from remarque.api.policies import AskReplay, Written
from remarque.async_client import AsyncClient
from remarque.errors import RemarqueError
from remarque.sealing import ReaderKey, new_seed, seal_to_node

CID = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
HEAVY = "requester.roles.all(x, x in {list} == false)".replace(
    "{list}", json.dumps([f"role-{number}" for number in range(8)])
)
CONNECTIONS = 8
Flood = Callable[[AsyncClient], Awaitable[object]]


def a_policy(name: str, version: int, rules: int = 29) -> str:
    """A policy as costly as one may be, of about as many bytes as one may have."""
    costly = "".join(f"  permit view as r{number} when {HEAVY};\n" for number in range(rules))
    return (
        f"policy {name} version {version} schema remarque@1 {{\n"
        f"{costly}  permit view as all_may when true;\n  permit mint, transfer as too when true;\n}}\n"
    )


def registering(*sealed: actions.SealedKey) -> actions.RegisterAsset:
    return actions.RegisterAsset(
        pixel_digest=secrets.token_hex(32),
        file_digest=secrets.token_hex(32),
        width=1,
        height=1,
        content=actions.Content(cid=CID, size=1, media_type="image/png", sealed_keys=sealed or UNSET),
        confidential=bool(sealed),
    )


async def large(client: AsyncClient) -> None:
    """Transactions of about 48 KB that are refused in their block, not waited for."""
    signed = await client.sign(*(actions.PublishPolicy(source=secrets.token_hex(8_000)) for _ in range(3)))
    await client.request("POST", "/v1/transactions", signed.envelope(), session=False, params={"wait": "false"})


async def small(client: AsyncClient) -> None:
    """Batches of small transactions, not waited for."""
    batch = [await client.sign(registering()) for _ in range(100)]
    body = b"[" + b",".join(one.envelope() for one in batch) + b"]"
    await client.request("POST", "/v1/transactions/batch", body, session=False, params={"wait": "false"})


async def decisions(client: AsyncClient) -> None:
    """Requests for access to a picture whose policy costs as much as one may, not waited for."""
    asset = (await client.get("/v1/collections/heavy@studio/assets"))["assets"][0]
    batch = [
        await client.sign(actions.RequestAccess(asset=asset, reader_key=ReaderKey().public, purpose=""))
        for _ in range(50)
    ]
    body = b"[" + b",".join(one.envelope() for one in batch) + b"]"
    await client.request("POST", "/v1/transactions/batch", body, session=False, params={"wait": "false"})


async def policies(client: AsyncClient) -> None:
    """Policies published, not waited for."""
    name = "p" + secrets.token_hex(8)
    signed = await client.sign(*(actions.PublishPolicy(source=a_policy(name, one)) for one in range(1, 10)))
    await client.request("POST", "/v1/transactions", signed.envelope(), session=False, params={"wait": "false"})


async def checks(client: AsyncClient) -> None:
    """Policies checked."""
    await client.request("POST", "/v1/policies/check", encode(Written(source=a_policy("p", 1))))


async def replays(client: AsyncClient) -> None:
    """Policies replayed."""
    await client.request("POST", "/v1/policies/replay", encode(AskReplay(source=a_policy("p", 1), requests=1_000)))


async def reads(client: AsyncClient) -> None:
    """Whole pages of lists, and blocks."""
    newest = (await client.status()).height
    for path in ("/v1/assets?limit=100", f"/v1/blocks/{newest}", "/v1/policies?limit=100"):
        await client.request("GET", path)


async def archives(client: AsyncClient) -> None:
    """The whole chain, over and over."""
    await client.request("GET", "/v1/archive")


FLOODS: dict[str, tuple[str, Flood]] = {
    "large": (CREATOR, large),
    "small": (CREATOR, small),
    "decisions": (CREATOR, decisions),
    "policies": (STUDIO, policies),
    "checks": (STUDIO, checks),
    "replays": (STUDIO, replays),
    "reads": (CREATOR, reads),
    "archives": (CREATOR, archives),
}


async def flood(root: Path, name: str) -> None:
    """Flood, until ended."""
    os.nice(19)
    cluster, (account, ask) = Cluster(root), FLOODS[name]

    async def one() -> None:
        async with AsyncClient(cluster.url("node1"), account, cluster.key(account)) as client:
            while True:
                try:
                    await ask(client)
                except (RemarqueError, ConnectionError, TimeoutError):
                    await asyncio.sleep(0.05)

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))


async def bystander(cluster: Cluster, seconds: float) -> list[float]:
    """Seconds that each of somebody's payments took."""
    took: list[float] = []
    async with AsyncClient(cluster.url("node2"), COLLECTOR, cluster.key(COLLECTOR)) as carla:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            started = time.perf_counter()
            await carla.pay(SECOND_COLLECTOR, 1, CURRENCY)
            took.append(time.perf_counter() - started)
    return took


def loops(cluster: Cluster) -> tuple[float, float]:
    """Turns of the nodes' event loops that were timed, and those of them that were more than 20 ms late."""
    late = turns = 0.0
    for name in cluster.names:
        with urllib.request.urlopen(cluster.url(name) + "/metrics", timeout=20) as answer:
            lines = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if line[0] != "#")
        count = float(lines["remarque_loop_stall_seconds_count"])
        turns += count
        late += count - float(lines['remarque_loop_stall_seconds_bucket{le="0.02"}'])
    return turns, late


def term(cluster: Cluster) -> int:
    with urllib.request.urlopen(cluster.url("node3") + "/v1/status", timeout=20) as answer:
        return int(json.load(answer)["term"])


async def prepare(cluster: Cluster) -> None:
    async with (
        AsyncClient(cluster.url("node1"), STUDIO, cluster.key(STUDIO)) as house,
        AsyncClient(cluster.url("node1"), CREATOR, cluster.key(CREATOR)) as alice,
    ):
        await house.submit(actions.PublishPolicy(source=a_policy("costly", 1)))
        node = cluster.genesis.nodes[0]
        sealed = seal_to_node(new_seed(), node.key).hex()
        ask = registering(actions.SealedKey(node=node.name, sealed=sealed))
        await alice.create_collection("heavy@studio")
        await alice.submit(ask, actions.AddToCollection(collection="heavy@studio", asset=ask.pixel_digest))
        await alice.set_policy("costly", 1, asset=ask.pixel_digest)


async def measured(cluster: Cluster, seconds: float) -> dict[str, float]:
    before, began = loops(cluster), term(cluster)
    took = sorted(await bystander(cluster, seconds))
    after = loops(cluster)
    return {
        "p50_ms": round(1_000 * statistics.median(took), 1),
        "p99_ms": round(1_000 * took[int(0.99 * len(took))], 1),
        "elections": term(cluster) - began,
        "late_turns": round((after[1] - before[1]) / max(after[0] - before[0], 1), 4),
    }


async def each(cluster: Cluster, names: list[str], seconds: float) -> AsyncIterator[dict[str, float | str]]:
    for name in names:
        idle = await measured(cluster, seconds / 3)
        program = [sys.executable, "-m", "bench.floods", "--flood", name, "--root", str(cluster.root)]
        with subprocess.Popen(program) as flooding:
            await asyncio.sleep(1.0)
            found = await measured(cluster, seconds)
            flooding.terminate()
        await asyncio.sleep(2.0)
        ratios = {f"{part}_ratio": round(found[f"{part}_ms"] / idle[f"{part}_ms"], 1) for part in ("p50", "p99")}
        yield {"flood": name, **found, "idle_p99_ms": idle["p99_ms"], **ratios}


async def main(names: list[str], seconds: float) -> None:
    with tempfile.TemporaryDirectory() as directory:
        cluster = Cluster.create(Path(directory) / "devnet", 3)
        try:
            cluster.up()
            await prepare(cluster)
            async for line in each(cluster, names, seconds):
                print(json.dumps(line), flush=True)
        finally:
            cluster.down()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--only", default=",".join(FLOODS))
    parser.add_argument("--flood", default="", help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    asyncio.run(flood(given.root, given.flood) if given.flood else main(given.only.split(","), given.seconds))
