"""What the trustless gateway gives strangers on one core: parts of large files, and small blocks.

    python -m bench.gateway [--seconds 5]

A node alone, and before it a plain file server (Starlette's `StaticFiles` on uvicorn) with as many bytes, each held to
one core; the client has the others. Parts are 4 MiB long, and begin anywhere in a file of 256 MiB: from the node as a
CAR with the blocks that they are held by, from the file server as a Range. Small blocks have 4 KiB. The node reads
every block from the disk, holds it against its id, and asks the rules whether a stranger may have it. Told are bytes
of the parts and answers a second, with the ratio to the file server's.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from devnet.cluster import Cluster, free_ports
from devnet.story import CREATOR
from ledger import actions
from node.content.blockstore import Blockstore
from remarque.client import Client

FILE_BYTES, PART_BYTES, SMALL_BYTES = 256 << 20, 4 << 20, 4 << 10
SMALL_FILES = 100
CONNECTIONS = 4
SERVER = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.staticfiles import StaticFiles
app = Starlette()
app.mount("/", StaticFiles(directory=sys.argv[1]))
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="critical", access_log=False)
"""

Ask = Callable[[], tuple[str, dict[str, str], int]]
"""An address, header fields, and how many bytes are wanted there."""


async def rate(url: str, ask: Ask, seconds: float) -> tuple[float, float]:
    """Megabytes of what is wanted, and answers, a second; each connection asks again as soon as it is answered."""
    answers = size = 0
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(url, timeout=timeout) as http:
        end = time.monotonic() + seconds

        async def one() -> None:
            nonlocal answers, size
            while time.monotonic() < end:
                path, headers, wanted = ask()
                async with http.get(path, headers=headers) as answer:
                    answer.raise_for_status()
                    got = 0
                    async for part in answer.content.iter_any():
                        got += len(part)
                if got < wanted:
                    raise RuntimeError(f"{path}: {got} bytes, {wanted} were asked for")
                answers, size = answers + 1, size + wanted

        began = time.monotonic()
        await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
        spent = time.monotonic() - began
    return size / spent / 1e6, answers / spent


@contextmanager
def file_server(folder: Path) -> Iterator[str]:
    (port,) = free_ports(1)
    with subprocess.Popen([sys.executable, "-c", SERVER, str(folder), str(port)]) as server:
        os.sched_setaffinity(server.pid, {0})
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def a_record(cid: str) -> actions.RegisterAsset:
    """A public record of a file."""
    return actions.RegisterAsset(
        pixel_digest=secrets.token_hex(32),
        file_digest=secrets.token_hex(32),
        width=1,
        height=1,
        content=actions.Content(cid=cid, size=1, media_type="image/png"),
        confidential=False,
    )


def a_part() -> int:
    """Where a part begins."""
    return random.randrange(FILE_BYTES - PART_BYTES)


def measure(root: Path, seconds: float) -> None:
    cluster = Cluster.create(root / "devnet", 1)
    cluster.set("node1", "api", gateway=True)
    store = Blockstore(cluster.home("node1") / "data" / "content")
    plain = root / "plain"
    plain.mkdir()
    large = os.urandom(FILE_BYTES)
    (plain / "large").write_bytes(large)
    (plain / "small").write_bytes(os.urandom(SMALL_BYTES))
    cid, smalls = store.put_file(large), [store.put_file(os.urandom(SMALL_BYTES)) for _ in range(SMALL_FILES)]

    def part_of_car() -> tuple[str, dict[str, str], int]:
        start = a_part()
        return f"/ipfs/{cid}?format=car&entity-bytes={start}:{start + PART_BYTES - 1}", {}, PART_BYTES

    def part_of_file() -> tuple[str, dict[str, str], int]:
        start = a_part()
        return "/large", {"Range": f"bytes={start}-{start + PART_BYTES - 1}"}, PART_BYTES

    with file_server(plain) as url:
        wait_for(url + "/small")
        parts, _ = asyncio.run(rate(url, part_of_file, seconds))
        _, answers = asyncio.run(rate(url, lambda: ("/small", {}, SMALL_BYTES), seconds))
    print(f"file server  {parts:8.0f} MB/s of parts   {answers:8.0f} small files/s")
    try:
        cluster.up()
        with Client(cluster.urls, CREATOR, cluster.key(CREATOR)) as alice:
            for one in (cid, *smalls):
                alice.submit(a_record(one))
        os.sched_setaffinity(cluster.pid("node1") or 0, {0})
        url = cluster.url("node1")
        of_node, _ = asyncio.run(rate(url, part_of_car, seconds))
        _, blocks = asyncio.run(
            rate(url, lambda: (f"/ipfs/{random.choice(smalls)}?format=raw", {}, SMALL_BYTES), seconds)
        )
    finally:
        cluster.down()
    print(f"gateway      {of_node:8.0f} MB/s of parts   {blocks:8.0f} small blocks/s")
    print(f"ratio        {of_node / parts:8.2f}                 {blocks / answers:8.2f}")


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each figure")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as root:
        measure(Path(root), seconds)


if __name__ == "__main__":
    main()
