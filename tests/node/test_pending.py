"""A transaction whose end nobody knows is called pending, is kept, and is committed once however often it is sent."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR
from ledger.transaction import SignedTransaction, parse_envelope
from node.ordering.reach import LEADERLESS_SECONDS_MAX
from remarque import Client, Pay, Pending, RemarqueError

ASKED = json.dumps([{"type": "payment.transfer", "to": CREATOR, "amount": 1, "currency": "EUR"}])


def paying(cluster: Cluster, where: Path, *words: str, stderr: int | None = None) -> subprocess.Popen[str]:
    """The command about to pay one cent: it runs, and waits for the actions in `where/pay.json`, a pipe."""
    os.mkfifo(where / "pay.json")
    key = cluster.root / "accounts" / f"{COLLECTOR}.key"
    command = [sys.executable, "-m", "node", *words, "--node", cluster.url("node1"), "--account", COLLECTOR]
    return subprocess.Popen(
        [*command, "--key", str(key), "submit", "pay.json"],
        cwd=where,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )


def balance(cluster: Cluster) -> int:
    with Client(cluster.url("node2"), COLLECTOR, cluster.key(COLLECTOR)) as carla:
        return carla.balances()["EUR"]


def test_a_payment_without_an_answer_is_pending_and_paid_once(shared_nodes: Cluster, tmp_path: Path) -> None:
    cluster = shared_nodes
    before = balance(cluster)
    others = [name for name in cluster.names if name != "node1"]
    command = paying(cluster, tmp_path, "--json")
    with (tmp_path / "pay.json").open("w") as asks:
        for name in others:
            os.kill(cluster.pid(name) or 0, signal.SIGSTOP)
        asks.write(ASKED)
    try:
        told, _ = command.communicate(timeout=60)
    finally:
        for name in others:
            os.kill(cluster.pid(name) or 0, signal.SIGCONT)
    pending = json.loads(told)

    assert (command.returncode, pending["code"]) == (3, "COMMIT_TIMEOUT")
    assert balance(cluster) in (before, before - 1)
    resumed = subprocess.run(
        [sys.executable, "-m", "node", "--node", cluster.url("node2"), "transaction", "resume", pending["pending"]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    assert pending["transaction"] in resumed.stdout
    assert not (tmp_path / pending["pending"]).exists()
    assert balance(cluster) == before - 1


def test_a_transaction_that_was_never_sent_is_not_pending(three_nodes: Cluster) -> None:
    with Client(three_nodes.url("node1"), COLLECTOR, three_nodes.key(COLLECTOR)) as carla:
        carla.genesis()
        three_nodes.kill("node1")

        with pytest.raises(ConnectionError, match="none of"):
            carla.submit(Pay(to=CREATOR, amount=1, currency="EUR"))


def test_a_node_that_ends_while_it_is_asked_leaves_the_transaction_pending(three_nodes: Cluster) -> None:
    cluster = three_nodes
    others = [name for name in cluster.names if name != "node1"]
    with Client(cluster.url("node1"), COLLECTOR, cluster.key(COLLECTOR)) as carla:
        carla.genesis()
        for name in others:
            cluster.kill(name)
        ending = threading.Timer(1.0, cluster.kill, ["node1"])
        ending.start()

        with pytest.raises(Pending) as raised:
            carla.submit(Pay(to=CREATOR, amount=1, currency="EUR"))
        ending.join()
        for name in cluster.names:
            cluster.start(name)
        cluster.wait_ready()

        receipt = carla.send(raised.value.signed)
        assert receipt.signed.id == raised.value.signed.id
        assert carla.send(raised.value.signed).outcome == receipt.outcome


def test_a_batch_without_an_answer_is_kept_and_committed_once(three_nodes: Cluster) -> None:
    cluster = three_nodes
    before = balance(cluster)
    with Client(cluster.url("node1"), COLLECTOR, cluster.key(COLLECTOR)) as carla:
        batch = tuple(carla.sign(Pay(to=CREATOR, amount=1, currency="EUR")) for _ in range(3))
        others = [name for name in cluster.names if name != "node1"]
        for name in others:
            os.kill(cluster.pid(name) or 0, signal.SIGSTOP)
        ending = threading.Timer(0.5, cluster.kill, ["node1"])
        ending.start()
        try:
            with pytest.raises(Pending) as raised:
                carla.send_batch(batch)
        finally:
            ending.join()
            for name in others:
                os.kill(cluster.pid(name) or 0, signal.SIGCONT)
        cluster.start("node1")
        cluster.wait_ready()

        assert raised.value.batch == batch
        assert [one.code for one in carla.send_batch(raised.value.batch)] == ["OK"] * 3
        assert [one.code for one in carla.send_batch(raised.value.batch)] == ["OK"] * 3
        assert balance(cluster) == before - 3


def test_a_node_that_hears_no_majority_says_so_at_once(three_nodes: Cluster) -> None:
    cluster = three_nodes
    with Client(cluster.url("node1"), COLLECTOR, cluster.key(COLLECTOR)) as carla:
        payment = carla.sign(Pay(to=CREATOR, amount=1, currency="EUR"), valid_s=120)
        for name in cluster.names:
            if name != "node1":
                cluster.kill(name)
        while carla.status().leader:
            time.sleep(0.05)
        began = time.monotonic()
        while not refuses(carla, payment):
            time.sleep(0.05)

        assert time.monotonic() - began < LEADERLESS_SECONDS_MAX


def refuses(client: Client, signed: SignedTransaction) -> bool:
    try:
        client.request("POST", "/v1/transactions?wait=false", signed.envelope(), session=False)
    except RemarqueError as error:
        assert error.code == "NO_LEADER"
        assert "hears 1 of 3 voters" in error.detail
        return True
    return False


# What answers in a node's place, and what interrupts


@contextmanager
def before(cluster: Cluster, answering: str) -> Iterator[str]:
    """The address of a proxy that passes everything on, and answers in its own way for transactions."""

    async def passed(request: web.Request) -> web.StreamResponse:
        sending = request.path == "/v1/transactions"
        if sending and answering == "no leader":
            return web.json_response(
                {"code": "NO_LEADER", "detail": "none", "status": 503, "type": "", "title": ""}, status=503
            )
        async with ClientSession() as session:
            url, body = cluster.url("node1") + request.path_qs, await request.read()
            headers = {
                name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers
            }
            async with session.request(request.method, url, data=body or None, headers=headers) as answer:
                data, status = await answer.read(), answer.status
        if sending and answering == "cut off":
            assert request.transport is not None
            request.transport.abort()
        if sending and answering == "504":
            return web.Response(status=504, text="<html>Gateway Time-out</html>", content_type="text/html")
        if sending and answering == "unreadable":
            return web.Response(body=data[:100], content_type="application/json")
        return web.Response(body=data, status=status, content_type=answer.content_type)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def begun() -> TestServer:
        application = web.Application()
        application.router.add_route("*", "/{rest:.*}", passed)
        server = TestServer(application)
        await server.start_server()
        return server

    server = asyncio.run_coroutine_threadsafe(begun(), loop).result()
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.mark.parametrize("answering", ["cut off", "504", "unreadable"])
def test_an_answer_that_does_not_say_what_became_of_a_payment_leaves_it_pending(
    shared_nodes: Cluster, answering: str
) -> None:
    """Also where another node, which is asked next, could not take it."""
    cluster = shared_nodes
    had = balance(cluster)
    with before(cluster, answering) as first, before(cluster, "no leader") as second:
        urls = [first, second] if answering == "cut off" else [first]
        with (
            Client(urls, COLLECTOR, cluster.key(COLLECTOR)) as carla,
            pytest.raises(Pending) as raised,
        ):
            carla.submit(Pay(to=CREATOR, amount=1, currency="EUR"))

    with Client(cluster.url("node3"), COLLECTOR, cluster.key(COLLECTOR)) as carla:
        assert carla.send(raised.value.signed).outcome.code == "OK"
    assert balance(cluster) == had - 1


def test_a_node_that_could_not_take_it_leaves_nothing_pending(shared_nodes: Cluster) -> None:
    with before(shared_nodes, "no leader") as url, Client(url, COLLECTOR, shared_nodes.key(COLLECTOR)) as carla:
        with pytest.raises(RemarqueError, match="NO_LEADER") as refused:
            carla.submit(Pay(to=CREATOR, amount=1, currency="EUR"))

        assert not isinstance(refused.value, Pending)
        assert carla.unsettled == ()


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_interrupted_keeps_what_it_sent(
    shared_nodes: Cluster, tmp_path: Path, ended_by: signal.Signals
) -> None:
    """Where it cannot write a file, it prints it."""
    cluster, place = shared_nodes, tmp_path / "gone"
    place.mkdir()
    had = balance(cluster)
    others = [name for name in cluster.names if name != "node1"]
    command = paying(cluster, place, "--json", stderr=subprocess.PIPE)
    with (place / "pay.json").open("w") as asks:
        for name in others:
            os.kill(cluster.pid(name) or 0, signal.SIGSTOP)
        asks.write(ASKED)
    try:
        deadline = time.monotonic() + 20
        while waiting(cluster) == 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        if ended_by == signal.SIGTERM:
            shutil.rmtree(place)
        command.send_signal(ended_by)
        told, complained = command.communicate(timeout=20)
    finally:
        for name in others:
            os.kill(cluster.pid(name) or 0, signal.SIGCONT)
    cluster.wait_ready()
    pending = json.loads(told)

    assert (command.returncode, pending["code"]) == (3, "COMMIT_TIMEOUT")
    kept = place / pending["pending"]
    envelope = kept.read_bytes() if kept.exists() else complained.splitlines()[-1].encode()
    with Client(cluster.url("node2"), COLLECTOR, cluster.key(COLLECTOR)) as carla:
        assert carla.send(parse_envelope(envelope)).signed.id == pending["transaction"]
    assert balance(cluster) == had - 1


def waiting(cluster: Cluster) -> int:
    """Transactions that wait at the first node."""
    with urllib.request.urlopen(cluster.url("node1") + "/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return int(float(next(line for line in lines if line.startswith("remarque_mempool_transactions ")).split()[1]))


@pytest.mark.parametrize("taken_by", ["nobody", "full"])
def test_a_command_whose_answer_cannot_be_printed_does_not_say_that_nothing_was_done(
    shared_nodes: Cluster, tmp_path: Path, taken_by: str
) -> None:
    cluster = shared_nodes
    had = balance(cluster)
    (tmp_path / "pay.json").write_text(ASKED)
    key = cluster.root / "accounts" / f"{COLLECTOR}.key"
    command = [sys.executable, "-m", "node", "--node", cluster.url("node1"), "--account", COLLECTOR, "--key", str(key)]
    reading, writing = os.pipe()
    os.close(reading)
    out = writing if taken_by == "nobody" else os.open("/dev/full", os.O_WRONLY)
    done = subprocess.run(
        [*command, "submit", "pay.json"],
        cwd=tmp_path,
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )

    assert done.returncode == 6, done.stderr
    assert "what was asked may be done" in done.stderr
    assert "Traceback" not in done.stderr
    assert balance(cluster) == had - 1
