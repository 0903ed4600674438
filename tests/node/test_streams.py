"""Streams go on, without a gap and without a repetition, although the node that sends them is started again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from consortium import registering

from devnet.cluster import Cluster
from devnet.story import CREATOR, EDITOR
from ledger.events import AssetRegistered
from remarque import AsyncClient

SECONDS = 60.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster.create(tmp_path / "devnet", 1)
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down()


@pytest.mark.parametrize("ended_by", ["kill", "stop"])
@pytest.mark.parametrize("early", [True, False])
def test_events_go_on_over_a_restart_whenever_it_comes(cluster: Cluster, ended_by: str, *, early: bool) -> None:
    """Also one that comes before the first event: from where the stream began, not from where it goes on."""

    async def story() -> tuple[list[str], list[str]]:
        async with (
            AsyncClient(cluster.urls, CREATOR, cluster.key(CREATOR)) as alice,
            AsyncClient(cluster.urls, EDITOR, cluster.key(EDITOR)) as nadia,
        ):
            seen: list[str] = []
            begun = asyncio.Event()

            async def watch() -> None:
                stream = nadia.events()
                waiting = asyncio.ensure_future(anext(stream))
                while "http" not in "".join(nadia._tokens):
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.1)
                begun.set()
                while True:
                    _, event = await waiting
                    if isinstance(event.event, AssetRegistered):
                        seen.append(event.event.asset)
                    waiting = asyncio.ensure_future(anext(stream))

            watching = asyncio.create_task(watch())
            await begun.wait()
            made = [] if early else [await registered(alice, 1)]
            await asyncio.to_thread(getattr(cluster, ended_by), "node1")
            await asyncio.to_thread(cluster.start, "node1")
            await asyncio.to_thread(cluster.wait_ready)
            made += [await registered(alice, number) for number in (2, 3)]
            async with asyncio.timeout(SECONDS):
                while len(seen) < len(made) and not watching.done():
                    await asyncio.sleep(0.05)
            watching.cancel()
            return made, seen

    made, seen = asyncio.run(story())

    assert seen == made


async def registered(client: AsyncClient, number: int) -> str:
    ask = registering(number)
    await client.submit(ask)
    return str(ask.pixel_digest)
