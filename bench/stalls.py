"""The longest stall of a node's event loop while each of some requests runs, against the same loop when idle.

    python -m bench.stalls [--assets 100000]

The node runs in this process; each request comes from one of its own, by the command line. A stall is the time between
two turns of a loop that never rests. Of three tries the least counts: a stall of the node's own comes every time.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from PIL import Image

from devnet.cluster import Cluster
from devnet.story import CREATOR
from ledger import actions
from node.ground.config import load_config
from node.run import SWITCH_INTERVAL_SECONDS, Node
from remarque.async_client import AsyncClient

CID = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
BATCH = 250


def registering(asset: str) -> actions.RegisterAsset:
    parts: dict[str, Any] = {
        "pixel_digest": asset,
        "file_digest": secrets.token_hex(32),
        "content": actions.Content(cid=CID, size=1, media_type="image/png"),
        "image_code": "ISCC:" + base64.b32encode(b"\x21\x07" + secrets.token_bytes(32)).decode().rstrip("="),
    }
    return actions.RegisterAsset(**parts, width=512, height=512, confidential=False)


async def longest_stall_ms(work: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> float:
    tries = []
    for _ in range(3):
        done, longest, last = asyncio.create_task(work(*arguments)), 0.0, time.perf_counter()
        while not done.done():
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
        tries.append(longest)
    return round(1000 * min(tries), 1)


async def request(cluster: Cluster, *arguments: str) -> None:
    access = ["--node", cluster.url("node1"), "--account", CREATOR, "--key", f"{cluster.root}/accounts/{CREATOR}.key"]
    command, quiet = [sys.executable, "-m", "node", *access, *arguments], asyncio.subprocess.DEVNULL
    running = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
    try:
        await asyncio.wait_for(running.wait(), 5.0)
    except TimeoutError:  # the events have no end
        running.terminate()
        await running.wait()


async def measure(cluster: Cluster, assets: int) -> None:
    node = Node(load_config(cluster.home("node1") / "node.toml"), cluster.home("node1"))
    serving = asyncio.create_task(node.run())
    while not node.driver.leading:
        await asyncio.sleep(0.05)
    told = secrets.token_hex(32)
    async with AsyncClient(cluster.url("node1"), CREATOR, cluster.key(CREATOR)) as alice:
        first = await alice.sign(registering(told))
        await node.submitter.commit_all([first])
        for _ in range(assets // BATCH):
            batch = [await alice.sign(registering(secrets.token_hex(32))) for _ in range(BATCH)]
            await node.submitter.commit_all([*batch, await alice.sign(actions.MintToken(asset=told))])
    picture, out = str(cluster.root / "picture.png"), str(cluster.root / "out")
    Image.effect_noise((600, 400), 90).resize((3000, 2000)).convert("RGB").save(picture)
    await request(cluster, "get", "/v1/orgs")
    idle = await longest_stall_ms(asyncio.sleep, 2.0)
    print(json.dumps({"request": "none", "assets": assets, "longest_stall_ms": idle}))
    requests = (f"get /v1/assets?after={'f' * 64}", f"history {told}", f"receipt get {first.id} --out {out}")
    for line in (*requests, "events --after 1", f"verify {picture}", f"register {picture}", f"verify {picture}"):
        stall = await longest_stall_ms(request, cluster, *line.split())
        print(json.dumps({"request": line[:24], "longest_stall_ms": stall, "ratio": round(stall / idle, 1)}))
    node.stop("measured")
    await serving


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=100_000)
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(measure(Cluster.create(Path(directory) / "devnet", 1), parser.parse_args().assets))
