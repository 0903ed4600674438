"""The two clients: one is written from the other, and the one that blocks ends what it began."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import json
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import remarque
from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, CURRENCY, SECOND_COLLECTOR
from ledger import actions
from ledger.errors import Refused
from remarque.async_client import AsyncClient
from remarque.client import Client
from remarque.errors import RemarqueError

ROOT = Path(__file__).resolve().parent.parent.parent


def methods(kind: type[object]) -> dict[str, inspect.Signature]:
    """The public methods of a class, each with its parameters."""
    found = inspect.getmembers(kind, inspect.isfunction)
    return {name: inspect.signature(method) for name, method in found if not name.startswith("_")}


def test_the_blocking_client_is_what_the_script_writes() -> None:
    spec = importlib.util.spec_from_file_location("write_client", ROOT / "scripts" / "write_client.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    assert script.CLIENT.read_text(encoding="utf-8") == script.client(), "run scripts/write_client.py"


def test_both_clients_offer_the_same() -> None:
    waiting, blocking = methods(AsyncClient), methods(Client)

    assert waiting.keys() == blocking.keys()
    assert len(blocking) > 80
    for name, signature in waiting.items():
        assert signature.parameters == blocking[name].parameters, name
    assert inspect.signature(AsyncClient).parameters == inspect.signature(Client).parameters


def test_every_name_that_the_sdk_offers_says_what_it_is() -> None:
    for name in remarque.__all__:
        assert hasattr(remarque, name)
    for kind in (AsyncClient, Client):
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            assert name.startswith("_") or method.__doc__, f"{kind.__name__}.{name}"


@pytest.fixture(scope="module")
def carla(one_node: Cluster) -> Iterator[Client]:
    with Client(one_node.urls, COLLECTOR, one_node.key(COLLECTOR)) as client:
        yield client


def test_what_a_client_was_given_can_be_read_off_it(one_node: Cluster, carla: Client) -> None:
    assert (carla.urls, carla.account) == (one_node.urls, COLLECTOR)
    assert carla.key
    assert carla.key.public == one_node.key(COLLECTOR).public


def test_a_batch_tells_what_became_of_each(carla: Client) -> None:
    good = carla.sign(actions.Pay(to=SECOND_COLLECTOR, currency=CURRENCY, amount=1))
    bad = carla.sign(actions.Pay(to=SECOND_COLLECTOR, currency="CHF", amount=1))

    told = carla.send_batch([good, bad])

    assert [(one.transaction, one.code) for one in told] == [(good.id, "OK"), (bad.id, "CURRENCY_UNKNOWN")]
    assert told[1].detail


class Behind(BaseHTTPRequestHandler):
    """A node that is not as far as anybody asks."""

    def do_GET(self) -> None:
        problem = {"code": "HEIGHT_NOT_REACHED", "detail": "this node is at 1", "status": 503, "title": "", "type": ""}
        data = json.dumps(problem).encode()
        self.send_response(503)
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def test_a_read_that_a_node_is_too_far_behind_for_is_asked_of_the_next(one_node: Cluster) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Behind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    behind, key = f"http://127.0.0.1:{server.server_address[1]}", one_node.key(COLLECTOR)
    with server, Client([behind, *one_node.urls], COLLECTOR, key, signed_requests=True) as client:
        found = client.balances()
        with Client(behind, COLLECTOR, key, signed_requests=True) as lonely:
            lonely._waiting.height = 2**53 - 1
            with pytest.raises(RemarqueError, match="HEIGHT_NOT_REACHED"):
                lonely.balances()
            assert lonely._waiting.height == 0, "no node is there: who said so may have been wrong"
        server.shutdown()

    assert "EUR" in found


def test_events_are_iterated_over_and_left(carla: Client) -> None:
    receipt = carla.pay(SECOND_COLLECTOR, 3, CURRENCY)
    place, event = next(iter(carla.events(str(receipt.header.height))))

    assert place == f"{receipt.header.height}.0.0"
    assert event.transaction == receipt.signed.id
    assert event.event == receipt.outcome.events[0]
    assert carla.status().height >= receipt.header.height


def test_a_client_that_is_closed_has_ended_its_streams_and_says_so(one_node: Cluster, carla: Client) -> None:
    height = carla.pay(SECOND_COLLECTOR, 4, CURRENCY).header.height
    with Client(one_node.urls, COLLECTOR, one_node.key(COLLECTOR)) as client:
        stream = client.events(str(height))
        next(stream)
    client.close()

    with pytest.raises(RuntimeError, match="closed"):
        next(stream)
    with pytest.raises(RuntimeError, match="closed"):
        client.status()


async def numbers(ended: threading.Event) -> AsyncGenerator[int, None]:
    """A stream that says when it has ended."""
    try:
        for number in range(3):
            yield number
    finally:
        ended.set()


def test_a_stream_that_is_left_is_ended(carla: Client) -> None:
    ended = threading.Event()

    for number in carla._iterate(numbers(ended)):
        if number == 1:
            break

    assert ended.is_set()
    assert list(carla._iterate(numbers(ended))) == [0, 1, 2]


def test_a_client_that_is_closed_has_ended_a_stream_that_somebody_holds(one_node: Cluster) -> None:
    ended = threading.Event()
    with Client(one_node.urls) as client:
        held = client._iterate(numbers(ended))
        assert next(held) == 0

    assert ended.is_set()
    held.close()


class Interrupted(Exception):
    pass


@pytest.fixture
def interrupting() -> Iterator[Callable[[], Awaitable[None]]]:
    """What interrupts the main thread as soon as that waits."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    async def once_it_waits() -> None:
        main = threading.main_thread().ident or 0
        while sys._current_frames()[main].f_code.co_name != "wait":
            await asyncio.sleep(0)
        signal.pthread_kill(main, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupt)
    yield once_it_waits
    signal.signal(signal.SIGUSR1, before)


def test_whoever_interrupts_a_wait_ends_what_was_waited_for(
    carla: Client, interrupting: Callable[[], Awaitable[None]]
) -> None:
    ended = threading.Event()

    async def long() -> None:
        await interrupting()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(Interrupted):
        carla._run(long())
    assert ended.wait(10)


def test_whoever_interrupts_a_stream_that_takes_a_while_to_end_is_told_of_nothing_else(
    carla: Client, interrupting: Callable[[], Awaitable[None]]
) -> None:
    ended = threading.Event()

    async def long() -> AsyncGenerator[int, None]:
        await interrupting()
        try:
            await asyncio.Event().wait()
            yield 0
        finally:
            for _ in range(100):
                await asyncio.sleep(0)
            ended.set()

    with pytest.raises(Interrupted):
        next(carla._iterate(long()))
    assert ended.is_set()


def test_one_error_is_the_base_of_all_that_a_program_may_be_refused_with(
    one_node: Cluster, carla: Client, tmp_path: Path
) -> None:
    draft = carla.draft_sale("ab" * 32, CREATOR, 5, CURRENCY, terms="asset_default@1")
    with pytest.raises(Refused, match="TOKEN_UNKNOWN"):
        carla.token("00" * 32)
    with pytest.raises(Refused, match="KEY_UNREADABLE"):
        remarque.load_key(tmp_path / "none.key")
    with pytest.raises(Refused, match="SIGNATURE_EXTRA"):
        remarque.sign_draft(draft, remarque.new_key())
    with pytest.raises(Refused, match="SIGNATURE_MISSING"):
        carla.send_draft(draft)
    with pytest.raises(Refused):
        remarque.verify_receipt(b"{}", one_node.genesis)
    with pytest.raises(Refused):
        remarque.verify_consistency(b"{}", one_node.genesis)
    for kind in vars(remarque).values():
        if inspect.isclass(kind) and issubclass(kind, Exception):
            assert issubclass(kind, Refused), kind


@pytest.mark.parametrize("stream", ["events", "none"])
def test_closing_a_client_ends_what_another_thread_waits_for(one_node: Cluster, stream: str) -> None:
    client, ended = Client(one_node.urls, COLLECTOR, one_node.key(COLLECTOR)), []

    def wait() -> None:
        try:
            if stream == "events":
                list(client.events())
            else:
                client._run(asyncio.sleep(60))
        except RuntimeError as error:
            ended.append(str(error))

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    while not asyncio.all_tasks(client._loop):
        time.sleep(0.01)
    time.sleep(0.3)
    client.close()
    waiting.join(20)

    assert not waiting.is_alive()
    assert ended == ["this client is closed; make another one"]


def test_a_client_that_was_made_before_a_fork_says_so_in_the_child(one_node: Cluster) -> None:
    with Client(one_node.url("node1")) as client:
        height = client.status().height
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                client.status()
            except RuntimeError as error:
                os.write(write, str(error).encode())
            finally:
                client.close()
                os._exit(0)
        os.waitpid(child, 0)

        assert (
            os.read(read, 200)
            == b"this client was made before the process forked, and its thread stayed there; make another one"
        )
        assert client.status().height >= height


def test_a_client_of_another_event_loop_says_so(one_node: Cluster) -> None:
    client = AsyncClient(one_node.url("node1"))

    async def ask() -> None:
        await client.status()
        await client._session().close()

    asyncio.run(ask())
    with pytest.raises(RuntimeError, match=r"make one in each asyncio\.run"):
        asyncio.run(ask())


def test_whatever_stands_in_a_name_asks_for_nothing_else(one_node: Cluster) -> None:
    with Client(one_node.url("node1"), CREATOR, one_node.key(CREATOR)) as client:
        for ask in (client.asset, client.token, client.history, client.proposal, client.receipt, client.transaction):
            for name in ("ab" * 32 + "?limit=1", "ab" * 32 + "#x", "x/../../status", "a b", "%2e%2e"):
                with pytest.raises(RemarqueError) as refused:
                    ask(name)
                assert refused.value.code in ("REQUEST_MALFORMED", "ROUTE_UNKNOWN")


@pytest.mark.parametrize("url", ["node:8100", "junk", "", "http://", "http://127.0.0.1:99999", "ftp://node/", []])
def test_what_is_no_address_is_refused_with_how_one_is_written(url: Any) -> None:
    with pytest.raises(RemarqueError, match="REQUEST_MALFORMED"):
        Client(url)
