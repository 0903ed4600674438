"""Three real processes: what was acknowledged is never lost, whatever is killed, and any node will do."""

from __future__ import annotations

import asyncio
import json
import re
import resource
import subprocess
import sys
import time
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from devnet.cluster import Cluster, free_ports
from devnet.load import Stream
from devnet.story import COLLECTOR, CREATOR, SECOND_COLLECTOR, plan_of
from ledger.actions import Pay
from ledger.block import Certificate, Header, certificate_fault
from ledger.encoding import decode, encode
from ledger.receipt import encode_receipt, verify_receipt
from ledger.transaction import SignedTransaction
from remarque.async_client import AsyncClient
from remarque.client import Client
from remarque.errors import NodeCode, RemarqueError


def level(cluster: Cluster, seconds: float = 20.0) -> int:
    """Height that all nodes have reached."""
    target = max(cluster.status(name).get("height", 0) for name in cluster.names)
    deadline = time.monotonic() + seconds
    while min(cluster.status(name).get("height", 0) for name in cluster.names) < target:
        assert time.monotonic() < deadline, [cluster.status(name) for name in cluster.names]
        time.sleep(0.05)
    return int(target)


def hashes(cluster: Cluster, height: int) -> set[str]:
    found = set()
    for name in cluster.names:
        with Client(cluster.url(name), CREATOR, cluster.key(CREATOR)) as client:
            found.add(client.get(f"/v1/blocks/{height}")["hash"])
    return found


async def stream_through(cluster: Cluster, blows: list[str], restart: bool = True) -> Stream:
    """Stream transactions while nodes are killed one after the other, each restarted before the next falls."""
    stream = Stream(cluster.urls, CREATOR, cluster.key(CREATOR), pause_seconds=0.1)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(stream.run(clients=6))
        await stream.acknowledged_at_least(20)
        for blow in blows:
            leads = await asyncio.to_thread(cluster.wait_leader)
            name = leads if blow == "leader" else next(one for one in cluster.names if one != leads)
            await asyncio.to_thread(cluster.kill, name)
            await stream.acknowledged_at_least(len(stream.acknowledged) + 20)
            if restart:
                cluster.start(name)
                await asyncio.to_thread(cluster.wait_ready, [name])
        stream.stop()
        await running
    return stream


def test_nothing_acknowledged_is_lost_when_leaders_and_followers_are_killed(three_nodes: Cluster) -> None:
    stream = asyncio.run(stream_through(three_nodes, ["leader", "follower", "leader"]))

    height = level(three_nodes)
    missing = [asyncio.run(stream.missing_on(three_nodes.url(name))) for name in three_nodes.names]
    assert missing == [[], [], []]
    assert len(hashes(three_nodes, height)) == 1


def test_all_nodes_killed_at_once_come_back_with_everything(three_nodes: Cluster) -> None:
    stream = asyncio.run(stream_through(three_nodes, []))
    for name in three_nodes.names:
        three_nodes.kill(name)
    three_nodes.up()

    assert [asyncio.run(stream.missing_on(url)) for url in three_nodes.urls] == [[], [], []]
    assert len(hashes(three_nodes, level(three_nodes))) == 1


def test_without_a_majority_nothing_is_acknowledged_and_with_it_the_wait_ends(three_nodes: Cluster) -> None:
    with Client(three_nodes.urls, CREATOR, three_nodes.key(CREATOR)) as client:
        signed = client.sign(Pay(to=COLLECTOR, currency="EUR", amount=1))
    for name in three_nodes.names[1:]:
        three_nodes.kill(name)
    url = three_nodes.url(three_nodes.names[0])
    deadline = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(
                urllib.request.Request(url + "/v1/transactions", signed.envelope(), method="POST"), timeout=3
            )
            pytest.fail("acknowledged without a majority")
        except urllib.error.HTTPError as error:
            assert error.code == 503
            assert json.load(error)["code"] == NodeCode.NO_LEADER.name
            assert error.headers["Retry-After"] == "2"
            break
        except TimeoutError:
            assert time.monotonic() < deadline
    three_nodes.up()

    with (
        Client(url, CREATOR, three_nodes.key(CREATOR)) as client,
        pytest.raises(RemarqueError, match="INSUFFICIENT_FUNDS"),
    ):
        client.send(signed)


def test_a_flood_is_refused_with_a_time_to_come_back_and_memory_stays_bounded(three_nodes: Cluster) -> None:
    """Nothing can be committed meanwhile, so all that is taken has to wait in memory."""
    with Client(three_nodes.urls, CREATOR, three_nodes.key(CREATOR)) as client:
        signed = [client.sign(Pay(to=COLLECTOR, currency="EUR", amount=10**9)) for _ in range(7_000)]
    for name in three_nodes.names[1:]:
        three_nodes.kill(name)
    name = three_nodes.names[0]
    before = resident_bytes(three_nodes, name)
    answers = [flood(three_nodes.url(name), signed[start : start + 500]) for start in range(0, len(signed), 500)]

    taken = [answer for answer in answers if answer == (202, "", "")]
    refused = [answer for answer in answers if answer[0] in (429, 503)]
    assert taken
    assert len(taken) + len(refused) == len(answers)
    assert set(refused) <= {(429, "ACCOUNT_BUSY", "1"), (503, "NO_LEADER", "2")}
    assert refused
    assert resident_bytes(three_nodes, name) - before < 100 * 2**20
    three_nodes.up()
    with Client(three_nodes.url(name), CREATOR, three_nodes.key(CREATOR)) as client:
        with pytest.raises(RemarqueError, match="INSUFFICIENT_FUNDS"):
            client.send(signed[0])
        with pytest.raises(RemarqueError, match="INSUFFICIENT_FUNDS"):
            client.send(signed[-1])


def flood(url: str, transactions: list[SignedTransaction]) -> tuple[int, str, str]:
    """Status, code and Retry-After of the answer to a batch that does not wait."""
    body = b"[" + b",".join(signed.envelope() for signed in transactions) + b"]"
    request = urllib.request.Request(url + "/v1/transactions/batch?wait=false", body, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, "", ""
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["code"], error.headers["Retry-After"]


def resident_bytes(cluster: Cluster, name: str) -> int:
    pages = Path(f"/proc/{cluster.pid(name)}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def test_any_node_takes_a_transaction_and_all_say_the_same_of_it(shared_nodes: Cluster) -> None:
    with Client(shared_nodes.urls, CREATOR, shared_nodes.key(CREATOR)) as client:
        before = client.balances(SECOND_COLLECTOR)["EUR"]
    for url in shared_nodes.urls:
        with Client(url, COLLECTOR, shared_nodes.key(COLLECTOR)) as client:
            receipt = client.pay(SECOND_COLLECTOR, 1, "EUR")
            verify_receipt(encode_receipt(receipt), shared_nodes.genesis)
    level(shared_nodes)

    for url in shared_nodes.urls:
        with Client(url, CREATOR, shared_nodes.key(CREATOR)) as client:
            assert client.balances(SECOND_COLLECTOR)["EUR"] == before + 3
            again = client.receipt(receipt.signed.id)
            assert (again.header, again.outcome) == (receipt.header, receipt.outcome)


def test_a_restored_directory_that_lost_endorsed_blocks_is_refused_by_the_others(three_nodes: Cluster) -> None:
    asyncio.run(stream_through(three_nodes, []))
    level(three_nodes)
    leads = three_nodes.wait_leader()
    victim, other = (name for name in three_nodes.names if name != leads)
    three_nodes.kill(other)  # so that the victim is in every further certificate
    asyncio.run(asyncio.wait_for(_pay_some(three_nodes), 30))
    three_nodes.stop(victim)
    data = three_nodes.home(victim) / "data"
    for part in ("log", "state"):
        for path in sorted((data / part).iterdir()):
            path.unlink()
    three_nodes.start(victim)
    deadline = time.monotonic() + 20
    while three_nodes.pid(victim) is not None:
        assert time.monotonic() < deadline, "it stops by itself"
        time.sleep(0.05)

    assert "LOG_LOST" in (three_nodes.home(victim) / "node.log").read_text().splitlines()[-1]


async def _pay_some(cluster: Cluster) -> None:
    async with AsyncClient(cluster.urls, COLLECTOR, cluster.key(COLLECTOR)) as client:
        for _ in range(5):
            await client.pay(SECOND_COLLECTOR, 1, "EUR")


def test_events_are_followed_and_resumed_without_a_gap(shared_nodes: Cluster) -> None:
    async def story() -> tuple[list[str], list[str]]:
        async with AsyncClient(shared_nodes.urls, COLLECTOR, shared_nodes.key(COLLECTOR)) as client:
            for _ in range(6):
                await client.pay(SECOND_COLLECTOR, 1, "EUR")
            whole: list[str] = []
            async for place, _ in client.events("1"):
                whole.append(place)
                if len(whole) == 6:
                    break
            rest = []
            async for place, _ in client.events(whole[2]):
                rest.append(place)
                if len(rest) == 3:
                    break
            return whole, rest

    whole, rest = asyncio.run(asyncio.wait_for(story(), 20))

    assert rest == whole[3:]
    assert len(set(whole)) == 6


def test_the_newest_checkpoint_is_certified_by_a_majority(shared_nodes: Cluster) -> None:
    asyncio.run(_pay_some(shared_nodes))
    with Client(shared_nodes.urls) as client:
        found = client.get("/v1/checkpoint", session=False)
    header = decode(encode(found["header"]), Header)
    certificate = decode(encode(found["certificate"]), Certificate)

    assert certificate_fault(certificate, header, shared_nodes.genesis.voters) is None


def test_a_node_told_to_stop_finishes_and_ends_with_status_0(three_nodes: Cluster) -> None:
    asyncio.run(_pay_some(three_nodes))
    three_nodes.down()

    for name in three_nodes.names:
        log = (three_nodes.home(name) / "node.log").read_text()
        assert "Traceback" not in log
        assert all(json.loads(line)["event"] for line in log.splitlines())


def test_a_leader_that_is_told_to_stop_hands_over_first(three_nodes: Cluster) -> None:
    leader = three_nodes.wait_leader()
    others = [name for name in three_nodes.names if name != leader]
    term = three_nodes.status(leader)["term"]

    async def story() -> None:
        async with asyncio.TaskGroup() as group:
            for name in others:
                group.create_task(pay_on(name))
            await asyncio.sleep(0.3)
            group.create_task(asyncio.to_thread(three_nodes.stop, leader))

    async def pay_on(name: str) -> None:
        async with AsyncClient(three_nodes.url(name), COLLECTOR, three_nodes.key(COLLECTOR)) as client:
            for _ in range(40):
                await client.pay(SECOND_COLLECTOR, 1, "EUR")

    asyncio.run(asyncio.wait_for(story(), 60))

    said = [json.loads(line) for line in (three_nodes.home(leader) / "node.log").read_text().splitlines()]
    followed = [one["leader"] for one in said if one["event"] == "following" and one["term"] == term + 1]
    assert {name for name in followed if name} <= set(others)
    assert followed, "it lives to see the one that leads after it"
    assert three_nodes.status(others[0])["term"] == term + 1


def test_what_a_client_wrote_it_reads_at_every_node(shared_nodes: Cluster) -> None:
    async def story() -> list[int]:
        lags = []
        async with AsyncClient(shared_nodes.urls, COLLECTOR, shared_nodes.key(COLLECTOR)) as client:
            for _ in range(60):
                receipt = await client.pay(SECOND_COLLECTOR, 1, "EUR")
                client.urls.append(client.urls.pop(0))
                found = await client.transaction(receipt.signed.id)
                lags.append(found.height - receipt.header.height)
        return lags

    assert set(asyncio.run(asyncio.wait_for(story(), 60))) == {0}


def test_a_reader_says_how_new_the_answer_must_be_and_is_told_how_new_it_is(shared_nodes: Cluster) -> None:
    with Client(shared_nodes.url("node1"), COLLECTOR, shared_nodes.key(COLLECTOR)) as client:
        height = client.pay(SECOND_COLLECTOR, 1, "EUR").header.height
    token = session_of(shared_nodes, "node2")

    newest, heads = asked(shared_nodes, "node2", token, f"min_height={height}&consistency=linearizable")
    late, _ = asked(shared_nodes, "node2", token, f"min_height={height + 1_000_000}")
    wrong = [asked(shared_nodes, "node2", token, query)[0] for query in ("min_height=-1", "consistency=strong")]

    assert newest["name"] == COLLECTOR
    assert int(heads["Remarque-Height"]) >= height
    assert abs(int(heads["Remarque-Time-Ms"]) - time.time_ns() // 1_000_000) < 600_000
    assert late["code"] == "HEIGHT_NOT_REACHED"
    assert str(height + 1_000_000) in late["detail"]
    assert {one["code"] for one in wrong} == {"REQUEST_MALFORMED"}


def test_a_node_that_reaches_nobody_answers_but_not_for_all(three_nodes: Cluster) -> None:
    """What it has it tells, and how old it is; that nothing newer is final anywhere it cannot say."""
    level(three_nodes)
    token = session_of(three_nodes, "node1")
    for name in ("node2", "node3"):
        three_nodes.kill(name)
    deadline = time.monotonic() + 20
    while three_nodes.status("node1").get("leader"):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    plain, heads = asked(three_nodes, "node1", token, "")
    strict, _ = asked(three_nodes, "node1", token, "consistency=linearizable")

    assert plain["name"] == COLLECTOR
    assert int(heads["Remarque-Height"]) == three_nodes.status("node1")["height"]
    assert strict["code"] == "NO_LEADER"


def session_of(cluster: Cluster, name: str) -> str:
    """Token of a session at a node."""
    with Client(cluster.url(name), COLLECTOR, cluster.key(COLLECTOR)) as client:
        return client.session()


def asked(cluster: Cluster, name: str, token: str, query: str) -> tuple[dict[str, Any], Message]:
    """Answer and header of the collector's account, asked for with a query."""
    url = f"{cluster.url(name)}/v1/accounts/{COLLECTOR}?{query}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer), answer.headers
    except urllib.error.HTTPError as refusal:
        return json.load(refusal), refusal.headers


def test_an_idle_cluster_writes_nothing(shared_nodes: Cluster) -> None:
    def syncs() -> list[float]:
        found = []
        for url in shared_nodes.urls:
            text = urllib.request.urlopen(url + "/metrics", timeout=5).read().decode()
            found.append(float(re.findall(r"^remarque_log_sync_seconds_count (\S+)", text, re.M)[0]))
        return found

    level(shared_nodes)
    before = syncs()
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        time.sleep(0.2)

    assert syncs() == before


def test_a_full_disk_refuses_new_transactions_and_keeps_serving(tmp_path: Path) -> None:
    cluster = Cluster.create(tmp_path / "devnet", plan=plan_of(1, free_ports(2), generator=False))
    config = cluster.home("node1") / "node.toml"
    config.write_text(config.read_text().replace("[node]", f"[node]\ndisk_free_bytes_min = {2**52}"))
    try:
        cluster.up()
        with Client(cluster.urls, COLLECTOR, cluster.key(COLLECTOR)) as client:
            with pytest.raises(RemarqueError, match="DISK_FULL") as refused:
                client.pay(SECOND_COLLECTOR, 1, "EUR")
            assert refused.value.status == 507
            with pytest.raises(RemarqueError, match="DISK_FULL"):
                client.request("POST", "/v1/content", b"a picture")
            assert client.balances()["EUR"] == 500_000
    finally:
        cluster.down()


def test_a_failed_write_ends_the_node_and_loses_nothing_acknowledged(tmp_path: Path) -> None:
    cluster = Cluster.create(tmp_path / "devnet", 1)
    home = cluster.home("node1")
    limited = subprocess.Popen(
        [
            "/bin/bash",
            "-c",
            f'ulimit -f 256; exec "{sys.executable}" -m node node run --config "{home / "node.toml"}"',
        ],
        stderr=subprocess.DEVNULL,
    )
    acknowledged = []
    with Client(cluster.urls, CREATOR, cluster.key(CREATOR)) as client:
        deadline = time.monotonic() + 60
        while limited.poll() is None and time.monotonic() < deadline:
            try:
                batch = [client.sign(Pay(to=COLLECTOR, currency="EUR", amount=1)) for _ in range(100)]
                client.send_batch(batch)
                acknowledged += [signed.id for signed in batch]
            except (ConnectionError, RemarqueError):
                time.sleep(0.05)
        assert limited.wait(timeout=10) == 70
        assert acknowledged
        try:
            cluster.up()
            for transaction in acknowledged:
                verify_receipt(encode_receipt(client.receipt(transaction)), cluster.genesis)
        finally:
            cluster.down()
