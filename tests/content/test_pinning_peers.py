"""A pinning service that others wrote, which holds every request against the API's description, as a depot."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
from ipfs_programs import HERE, SECONDS_MAX, node_program
from stored_files import a_file

from node.depots import pinning
from node.depots.depot import CopyPending, DepotFailed
from node.depots.pinning import PinningDepot

pytestmark = pytest.mark.peers

ORIGINS = ("/ip4/127.0.0.1/tcp/8000/http/p2p/12D3KooWEuQzzRXvDfBkJAvYTXHp7H2KtJVKwyTiSc31ZDvHcQKv",)
TOKEN = "t0ken"


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    program = "node_modules/mock-ipfs-pinning-service/cli.js"
    command = [*node_program(), program, "--port", str(port), "--token", TOKEN, "--loglevel", "error"]
    with subprocess.Popen(command, cwd=HERE) as mock:
        try:
            deadline = time.monotonic() + SECONDS_MAX
            while time.monotonic() < deadline and mock.poll() is None:
                with socket.socket() as one:
                    if one.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            mock.kill()


def test_files_are_pinned_once_listed_and_withdrawn(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinning, "NAME", "pinned-remarque")  # by such a name this service has it at once

    async def story() -> None:
        depot = PinningDepot("service", service, service, f"Bearer {TOKEN}", ORIGINS)
        await depot.check()
        files = [a_file(size)[0] for size in (1, 70_000, 1_048_577)]
        cids = {file.shape.cid for file in files}
        for file in files:
            await depot.put(file)
            await depot.put(file)
        assert {cid async for cid in depot.listed()} == cids
        for cid in cids:
            await depot.delete(cid)
            await depot.delete(cid)
        assert [cid async for cid in depot.listed()] == []

    asyncio.run(story())


def test_what_it_has_not_fetched_yet_is_pending(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinning, "LOOKS", (0.01,))

    async def story() -> None:
        depot, file = PinningDepot("service", service, service, f"Bearer {TOKEN}", ORIGINS), a_file(5)[0]
        for _ in range(2):
            with pytest.raises(CopyPending, match="queued"):
                await depot.put(file)
        await depot.delete(file.shape.cid)

    asyncio.run(story())


def test_another_token_is_refused(service: str) -> None:
    with pytest.raises(DepotFailed, match=r"401|403"):
        asyncio.run(PinningDepot("service", service, service, "Bearer other", ORIGINS).check())
