"""Pins: kept over restarts, fetched where they are not here, listed as the Pinning Service API wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgi import answer_of, asked
from written_chain import WrittenChain

from node.api import pinning
from node.api.app import make_app
from node.api.member import Member
from node.exchange import pins
from node.exchange.pins import Pins
from remarque.api.pinning import AskPin
from remarque.cid import CidInvalid, cid_of_digest
from remarque.errors import NodeError

ROOT, ALICE = "root@studio", "alice@studio"
FILES = [cid_of_digest(bytes((number,) * 32)) for number in range(30)]
EVERY = "queued,pinning,pinned,failed"


class Desk:
    """A node's pins, with content that comes when the test lets it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 1_700_000_000_000
        self.given = set[str]()
        self.asked = list[str]()
        self.written = WrittenChain(path / "chain")
        self.start()

    def start(self) -> None:
        self.pins = Pins(self.path / "pins.sqlite", self.fetch, lambda: self.now)
        chain = self.written.chain
        self.apps = {
            account: make_app("0", [pinning.routes(chain, self.pins, self.reader(account), "/ip4/127.0.0.1/tcp/1")])
            for account in (ROOT, ALICE, "root@agency")
        }

    @staticmethod
    def reader(account: str) -> Callable[[], Member]:
        return lambda: Member(account, lambda: True)

    async def fetch(self, cid: str) -> bool:
        self.asked.append(cid)
        if cid == FILES[9]:
            raise CidInvalid("it is a folder")
        return cid in self.given

    async def ask(self, method: str, path: str, body: bytes = b"", account: str = ROOT) -> tuple[int, Any]:
        place, _, query = path.partition("?")
        if method == "DELETE":
            [start, *_] = [one async for one in asked(self.apps[account], method, f"/pinning{place}")]
            return start["status"], None
        return await answer_of(self.apps[account], method, f"/pinning{place}", body, query.encode())

    async def pin(self, cid: str, more: str = "") -> str:
        status, found = await self.ask("POST", "/pins", f'{{"cid":"{cid}"{more}}}'.encode())
        assert (status, found["pin"]["cid"], found["delegates"]) == (202, cid, ["/ip4/127.0.0.1/tcp/1"])
        return str(found["requestid"])

    async def cids(self, query: str) -> list[int]:
        status, found = await self.ask("GET", f"/pins?{query}")
        assert status == 200
        return [FILES.index(one["pin"]["cid"]) for one in found["results"]]

    async def until(self, requestid: str, status: str) -> dict[str, Any]:
        running = asyncio.create_task(self.pins.run())
        try:
            async with asyncio.timeout(60):
                while (found := (await self.ask("GET", f"/pins/{requestid}"))[1])["status"] != status:
                    await asyncio.sleep(0.01)
        finally:
            running.cancel()
        return dict(found)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(pins, "LOOK_SECONDS", 0.01)
    return Desk(tmp_path)


def test_a_file_is_fetched_and_kept_over_a_restart(desk: Desk) -> None:
    async def story() -> None:
        name = await desk.pin(FILES[0], ',"name":"cover","origins":["/dns/a"],"meta":{"album":"spring"}')
        missing = await desk.pin(FILES[1])
        desk.given.add(FILES[0])
        found = await desk.until(name, "pinned")
        waiting = await desk.until(missing, "queued")
        desk.pins.close()
        desk.start()
        assert (await desk.ask("GET", f"/pins/{name}"))[1] == found
        assert found["pin"] == {"cid": FILES[0], "name": "cover", "origins": ["/dns/a"], "meta": {"album": "spring"}}
        assert (found["created"], found["info"]) == ("2023-11-14T22:13:20.000Z", {})
        assert "no member" in waiting["info"]["status_details"]
        assert desk.pins.cids() == {FILES[0], FILES[1]}

    asyncio.run(story())


def test_what_nobody_gives_is_looked_for_ever_more_rarely_and_given_up_after_a_day(desk: Desk) -> None:
    async def story() -> None:
        name = await desk.pin(FILES[0])
        await desk.until(name, "queued")
        running = asyncio.create_task(desk.pins.run())
        tried = []
        for seconds in (1, 10, 100, 10_000):
            desk.now += 1_000 * seconds
            before = len(desk.asked)
            async with asyncio.timeout(60):
                while len(desk.asked) == before:
                    await asyncio.sleep(0.01)
            tried.append(len(desk.asked))
        assert tried == [*range(tried[0], tried[0] + 4)]
        desk.now += pins.GIVEN_UP_MS
        running.cancel()
        await desk.until(name, "failed")

    asyncio.run(story())


def test_what_is_no_file_of_ours_is_said_so(desk: Desk) -> None:
    async def story() -> None:
        found = await desk.until(await desk.pin(FILES[9]), "queued")
        while not found["info"]:
            found = await desk.until(found["requestid"], "queued")
        assert found["info"] == {"status_details": "it is a folder"}

    asyncio.run(story())


def test_pins_are_listed_by_all_that_they_are_asked_by(desk: Desk) -> None:
    async def story() -> None:
        for number in range(12):
            desk.now += 1_000
            await desk.pin(FILES[number], f',"name":"Cover {number}","meta":{{"even":"{number % 2 == 0}"}}')
        desk.given.add(FILES[3])
        [third] = [one.requestid for one in desk.pins.newest_first() if one.asked.cid == FILES[3]]
        await desk.until(third, "pinned")
        second = desk.pins.newest_first()[9]
        assert await desk.cids("") == [3]
        assert await desk.cids(f"status={EVERY}") == [*range(11, 1, -1)]
        assert await desk.cids(f"status={EVERY}&limit=2") == [11, 10]
        assert await desk.cids(f"status=queued,pinning&cid={FILES[3]},{FILES[4]}") == [4]
        assert await desk.cids(f"cid={FILES[4]}") == [4]
        assert await desk.cids("name=Cover%201") == [1]
        assert await desk.cids("name=cover%201") == []
        assert await desk.cids("name=cover%201&match=iexact") == [1]
        assert await desk.cids("name=over%201&match=partial") == [11, 10, 1]
        assert await desk.cids("name=OVER%201&match=ipartial") == [11, 10, 1]
        assert await desk.cids(f"status={EVERY}&meta=%7B%22even%22:%22True%22%7D") == [10, 8, 6, 4, 2, 0]
        created = pinning.status_of(second, "").created
        assert await desk.cids(f"status={EVERY}&before={created}") == [1, 0]
        assert await desk.cids(f"status={EVERY}&after={created}&limit=100") == [*range(11, 2, -1)]
        assert (await desk.ask("GET", f"/pins?status={EVERY}&limit=3"))[1]["count"] == 12

    asyncio.run(story())


def test_no_two_pins_are_of_one_time_so_that_pages_lose_none(desk: Desk) -> None:
    async def story() -> None:
        for cid in FILES:
            await desk.pin(cid)
        seen, before = [], ""
        while some := (await desk.ask("GET", f"/pins?status={EVERY}&limit=7{before}"))[1]["results"]:
            seen += [FILES.index(one["pin"]["cid"]) for one in some]
            before = f"&before={some[-1]['created']}"
        assert seen == [*range(29, -1, -1)]

    asyncio.run(story())


def test_a_pin_is_replaced_in_one_step_and_removed(desk: Desk) -> None:
    async def story() -> None:
        first = await desk.pin(FILES[0])
        status, other = await desk.ask("POST", f"/pins/{first}", f'{{"cid":"{FILES[1]}"}}'.encode())
        assert (status, desk.pins.cids()) == (202, {FILES[1]})
        assert other["requestid"] != first
        assert (await desk.ask("GET", f"/pins/{first}"))[0] == 404
        assert (await desk.ask("POST", f"/pins/{first}", f'{{"cid":"{FILES[2]}"}}'.encode()))[0] == 404
        assert await desk.ask("DELETE", f"/pins/{other['requestid']}") == (202, None)
        assert await desk.ask("DELETE", f"/pins/{other['requestid']}") == (404, None)
        desk.pins.close()
        desk.start()
        assert desk.pins.cids() == set()

    asyncio.run(story())


def test_only_administrators_of_the_nodes_org_pin_and_a_refusal_has_both_forms(desk: Desk) -> None:
    async def story() -> None:
        for account in (ALICE, "root@agency"):
            status, told = await desk.ask("POST", "/pins", f'{{"cid":"{FILES[0]}"}}'.encode(), account)
            assert (status, told["code"], told["error"]["reason"]) == (422, "ROLE_MISSING", "ROLE_MISSING")
            assert told["error"]["details"] == told["detail"]
        assert desk.pins.cids() == set()

    asyncio.run(story())


@pytest.mark.parametrize(
    "query",
    [
        "cid=b",
        "status=lost",
        "before=yesterday",
        "before=2026-13-01T00:00:00Z",
        "meta=x",
        "limit=0",
        "match=like",
        "x=1",
    ],
)
def test_a_list_that_is_asked_for_wrongly_is_refused(desk: Desk, query: str) -> None:
    assert asyncio.run(desk.ask("GET", f"/pins?{query}"))[0] == 400


@pytest.mark.parametrize("body", ['{"cid":"Qm"}', "{}", '{"cid":1}', '{"cid":"%s","meta":{"a":1}}' % FILES[0], "x"])  # noqa: UP031
def test_a_pin_that_is_asked_for_wrongly_is_refused(desk: Desk, body: str) -> None:
    assert asyncio.run(desk.ask("POST", "/pins", body.encode()))[0] == 400


def test_pins_are_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "PINS_MAX", 1)

    async def story() -> None:
        one = await desk.pins.add(AskPin(cid=FILES[0]))
        with pytest.raises(NodeError, match="OVERLOADED"):
            await desk.pins.add(AskPin(cid=FILES[1]))
        await desk.pins.add(AskPin(cid=FILES[1]), one.requestid)

    asyncio.run(story())
