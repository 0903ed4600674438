"""Streams go on, without a gap and without a repetition, although the node that sends them is started again."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, aclosing
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from asgi import answer_of
from consortium import key_of, registering
from written_chain import WrittenChain

from devnet.cluster import Cluster
from devnet.story import CREATOR, EDITOR
from ledger.events import AssetRegistered
from node.api.app import make_app
from node.api.events import ACCOUNT_SUBSCRIBERS_MAX, ORG_SUBSCRIBERS_MAX, SUBSCRIBERS_MAX, Feed
from node.api.events import routes as event_routes
from node.api.member import Member
from node.chain.finals import FinalBlocks
from remarque import AsyncClient
from remarque.api.chain import ProtocolStatus, Status
from remarque.errors import NodeError

SECONDS = 60.0
STATUS = Status(
    chain="test",
    node="node1",
    role="leader",
    leader="node1",
    term=1,
    height=7,
    hash="0" * 64,
    tip=7,
    oldest=0,
    recoveries=0,
    protocol=ProtocolStatus(in_force=1, known=(1,)),
)


@pytest.mark.parametrize("ended_by", ["kill", "stop"])
@pytest.mark.parametrize("early", [True, False])
def test_events_go_on_over_a_restart_whenever_it_comes(three_nodes: Cluster, ended_by: str, *, early: bool) -> None:
    """Also one that comes before the first event: from where the stream began, not from where it goes on."""

    cluster = three_nodes

    async def story() -> tuple[list[str], list[str]]:
        async with (
            AsyncClient(cluster.url("node2"), CREATOR, cluster.key(CREATOR)) as alice,
            AsyncClient(cluster.url("node1"), EDITOR, cluster.key(EDITOR)) as nadia,
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
            made.append(await registered(alice, 2))
            await asyncio.to_thread(cluster.start, "node1")
            await asyncio.to_thread(cluster.wait_ready)
            made.append(await registered(alice, 3))
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


def test_a_stream_that_was_cut_off_before_its_first_event_asks_for_what_came_since_it_began() -> None:
    """Against a server of this test's own, for only it can cut a stream off before the chain goes on."""
    asked: list[str] = []

    async def events(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers.get("Last-Event-ID", ""))
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        if len(asked) > 1:
            await asyncio.sleep(SECONDS)
        return answer

    async def status(_: web.Request) -> web.Response:
        return web.json_response(msgspec.to_builtins(STATUS))

    async def challenge(_: web.Request) -> web.Response:
        return web.json_response({"chain": "test", "node": "node1", "account": EDITOR, "challenge": "00"})

    async def session(_: web.Request) -> web.Response:
        return web.json_response({"token": "t", "expires_in_s": 9}, status=201)

    async def story() -> None:
        application = web.Application()
        application.add_routes(
            [
                web.get("/v1/status", status),
                web.post("/v1/sessions/challenge", challenge),
                web.post("/v1/sessions", session),
                web.get("/v1/events", events),
            ]
        )
        async with TestServer(application) as server:
            url = str(server.make_url("")).rstrip("/")
            async with AsyncClient(url, EDITOR, key_of(EDITOR)) as nadia, aclosing(nadia.events()) as stream:
                waiting = asyncio.ensure_future(anext(stream))
                async with asyncio.timeout(SECONDS):
                    while len(asked) < 2:
                        await asyncio.sleep(0.01)
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(story())

    assert asked == ["8", "8"]


def test_an_account_and_an_org_have_so_many_streams_and_leave_the_others_theirs() -> None:
    feed = Feed(None, None)
    with ExitStack() as streams:
        for number in range(ORG_SUBSCRIBERS_MAX // ACCOUNT_SUBSCRIBERS_MAX):
            for _ in range(ACCOUNT_SUBSCRIBERS_MAX):
                streams.enter_context(feed.place(f"a{number}@studio"))
            with pytest.raises(NodeError, match=r"ACCOUNT_BUSY.*16 streams of a"), feed.place(f"a{number}@studio"):
                pass
        with pytest.raises(NodeError, match=r"ACCOUNT_BUSY.*128 streams of studio"), feed.place("late@studio"):
            pass
        for number in range(SUBSCRIBERS_MAX - ORG_SUBSCRIBERS_MAX):
            streams.enter_context(feed.place(f"10.0.0.{number}"))
        with pytest.raises(NodeError, match="OVERLOADED"), feed.place(EDITOR):
            pass
    with feed.place("late@studio"):
        assert feed._open.total() == 1


def test_events_from_before_what_the_node_keeps_are_refused_before_the_stream_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = WrittenChain(tmp_path)
    monkeypatch.setattr(FinalBlocks, "oldest", 5)
    member = Member("alice@studio", lambda: True)
    routes = event_routes(Feed(written.chain, None), written.chain, lambda: member)

    status, body = asyncio.run(answer_of(make_app("0", [routes]), "GET", "/v1/events", query=b"after=3"))

    assert (status, body["code"]) == (410, "BLOCK_PRUNED")
    written.close()
