"""A pinning service as a depot: told once, believed in nothing, and left alone where others pin there too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from stored_files import SIZES, a_file, read

from node.depots import pinning
from node.depots.depot import CopyMissing, CopyPending, DepotFailed
from node.depots.pinning import NAME, PinningDepot
from remarque.dag import import_file

HERE = ("/ip4/127.0.0.1/tcp/8000/http/p2p/12D3KooW",)
TOKEN = "Bearer t0ken"


class Service:
    """A pinning service and its gateway, which fetches as its test has it."""

    def __init__(self) -> None:
        self.pins = list[dict[str, Any]]()
        self.blocks = dict[str, bytes]()
        self.first = "pinned"
        """What becomes of a pin at once."""
        self.asked = list[str]()
        self.odd: Callable[[], web.Response] | None = None
        """An answer of its own to all that is asked."""

    def knows(self, data: bytes) -> None:
        self.blocks |= dict(import_file(data)[1])

    def others(self, cid: str, *, name: str = "theirs", status: str = "pinned", requestid: str = "") -> None:
        number = len(self.pins)
        pin = {"cid": cid, "name": name, "origins": [], "meta": {}}
        created = f"2026-01-01T00:00:00.{number:03}Z"
        whole = {"requestid": requestid or f"{name}-{number}", "status": status, "created": created, "pin": pin}
        self.pins.insert(0, {**whole, "delegates": [], "info": {"of": "another version"}, "extra": True})

    async def listed(self, request: web.Request) -> web.Response:
        wanted = request.query
        found = [one for one in self.pins if one["status"] in wanted["status"].split(",")]
        found = [one for one in found if one["pin"]["name"] == wanted["name"]]
        found = [one for one in found if "cid" not in wanted or one["pin"]["cid"] == wanted["cid"]]
        found = [one for one in found if "before" not in wanted or one["created"] < wanted["before"]]
        return web.json_response({"count": len(found), "results": found[: int(wanted.get("limit", "10"))]})

    async def added(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert tuple(body["origins"]) == HERE
        self.others(body["cid"], name=body["name"], status=self.first)
        return web.json_response(self.pins[0], status=202)

    async def gone(self, request: web.Request) -> web.Response:
        before = len(self.pins)
        self.pins = [one for one in self.pins if one["requestid"] != request.match_info["id"]]
        return web.Response(status=202 if len(self.pins) < before else 404)

    async def block(self, request: web.Request) -> web.Response:
        assert request.query["format"] == "raw"
        found = self.blocks.get(request.match_info["cid"])
        return web.Response(status=404) if found is None else web.Response(body=found)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[PinningDepot]:
        @web.middleware
        async def first(request: web.Request, handler: Callable[[web.Request], Awaitable[Any]]) -> Any:
            self.asked.append(f"{request.method} {request.path}")
            if self.odd is not None:
                return self.odd()
            if request.path.startswith("/psa") and request.headers.get("Authorization") != TOKEN:
                return web.Response(status=401, text="who are you?")
            assert request.path.startswith("/psa") or "Authorization" not in request.headers
            return await handler(request)

        app = web.Application(middlewares=[first])
        app.router.add_get("/psa/pins", self.listed)
        app.router.add_post("/psa/pins", self.added)
        app.router.add_delete("/psa/pins/{id}", self.gone)
        app.router.add_get("/ipfs/{cid}", self.block)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        try:
            yield PinningDepot("far", f"http://127.0.0.1:{port}/psa/", f"http://127.0.0.1:{port}", TOKEN, HERE)
        finally:
            await runner.cleanup()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinning, "LOOKS", (0.001, 0.001))


def told(story: Callable[[Service, PinningDepot], Awaitable[None]]) -> Service:
    """A service, after a story with it."""
    service = Service()

    async def whole() -> None:
        async with service.running() as depot:
            await story(service, depot)

    asyncio.run(whole())
    return service


def test_files_of_every_size_are_kept_there_read_again_and_let_go() -> None:
    async def story(service: Service, depot: PinningDepot) -> None:
        await depot.check()
        files = [a_file(size) for size in SIZES]
        for file, data in files:
            service.knows(data)
            await depot.put(file)
            await depot.put(file)
        assert len(service.pins) == len(SIZES)
        for file, data in files:
            assert await read(depot, file.shape.cid) == data
        assert {cid async for cid in depot.listed()} == {file.shape.cid for file, _ in files}
        for file, _ in files:
            for _ in range(2):
                await depot.delete(file.shape.cid)
            with pytest.raises(CopyMissing):
                await read(depot, file.shape.cid)

    assert told(story).pins == []


def test_what_it_takes_long_over_is_pending_and_not_asked_for_again() -> None:
    async def story(service: Service, depot: PinningDepot) -> None:
        service.first = "queued"
        file, data = a_file(70)
        for status in ("queued", "pinning"):
            with pytest.raises(CopyPending, match=status):
                await depot.put(file)
            service.pins[0]["status"] = "pinning"
        service.knows(data)
        service.pins[0]["status"] = "pinned"
        await depot.put(file)
        assert await read(depot, file.shape.cid) == data

    assert [one for one in told(story).asked if one.startswith("POST")] == ["POST /psa/pins"]


def test_what_failed_there_is_asked_for_anew_and_its_failure_is_cleared_away() -> None:
    async def story(service: Service, depot: PinningDepot) -> None:
        file, _ = a_file(70)
        service.others(file.shape.cid, name=NAME, status="failed")
        await depot.put(file)

    assert [one["status"] for one in told(story).pins] == ["pinned"]


def test_pins_of_others_are_neither_counted_nor_withdrawn() -> None:
    async def story(service: Service, depot: PinningDepot) -> None:
        file, _ = a_file(70)
        service.others(file.shape.cid)
        with pytest.raises(CopyMissing):
            await depot.nodes(file.shape.cid)
        assert [cid async for cid in depot.listed()] == []
        await depot.put(file)
        await depot.delete(file.shape.cid)

    assert [one["pin"]["name"] for one in told(story).pins] == ["theirs"]


def test_what_is_listed_comes_in_pages_and_what_is_no_content_id_is_passed_over() -> None:
    async def story(service: Service, depot: PinningDepot) -> None:
        files = [a_file(number)[0].shape.cid for number in range(1, pinning.LISTED * 2 + 2)]
        for cid in files:
            service.others(cid, name=NAME)
        service.others("QmOld", name=NAME)
        assert {cid async for cid in depot.listed()} == set(files)

    assert told(story).asked.count("GET /psa/pins") == 3


def test_what_it_says_it_has_and_does_not_give_is_missing() -> None:
    async def story(service: Service, depot: PinningDepot) -> None:
        file, data = a_file(SIZES[-1])
        await depot.put(file)
        with pytest.raises(CopyMissing):
            await read(depot, file.shape.cid)
        service.knows(data)
        leaf = file.shape.leaves[0].cid
        service.blocks[leaf] = service.blocks[leaf][::-1]
        with pytest.raises(CopyMissing):
            await read(depot, file.shape.cid)
        service.blocks[file.shape.cid] += b"\0"
        with pytest.raises(CopyMissing):
            await read(depot, file.shape.cid)

    told(story)


@pytest.mark.parametrize(
    "odd",
    [
        lambda: web.Response(status=500, text="broken"),
        lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"}),
        lambda: web.Response(text="<html>"),
        lambda: web.Response(text="[" * 100_000),
        lambda: web.Response(body=b"\xff\xfe"),
        lambda: web.json_response({"results": [{"requestid": 7}]}),
        lambda: web.Response(body=bytes(3 << 20)),
    ],
    ids=["fails", "leads away", "page", "deep", "bytes", "other", "large"],
)
def test_an_answer_that_is_none_is_a_fault_of_the_depot(odd: Callable[[], web.Response]) -> None:
    async def story(service: Service, depot: PinningDepot) -> None:
        service.odd = odd
        file, _ = a_file(70)
        for asked in (depot.check(), depot.put(file), depot.nodes(file.shape.cid), depot.delete(file.shape.cid)):
            with pytest.raises(DepotFailed) as failed:
                await asked
            assert not isinstance(failed.value, CopyMissing | CopyPending)

    told(story)


@pytest.mark.parametrize("requestid", ["../uploads", "a/b", "a?b", "a%2fb", "é", "."])
def test_a_pin_whose_name_leads_elsewhere_is_not_asked_for(requestid: str) -> None:
    async def story(service: Service, depot: PinningDepot) -> None:
        file, _ = a_file(70)
        service.others(file.shape.cid, name=NAME, requestid=requestid)
        with pytest.raises(DepotFailed):
            await depot.delete(file.shape.cid)

    assert not [one for one in told(story).asked if one.startswith("DELETE")]
