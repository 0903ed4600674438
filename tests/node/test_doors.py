"""Connections by the thousand, heads without end: a node stays what it is for everybody else."""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fastapi import Request
from structlog.testing import capture_logs

from devnet.cluster import Cluster
from node.api.heads import HEAD_BYTES_MAX
from node.api.member import Member, asker
from node.ground import doors
from node.ground.config import split_address
from node.ground.doors import BoundedListener, Door, addresses_of, raise_descriptor_limit
from node.ground.logs import Seldom
from remarque.errors import NodeCode, NodeError

ADDRESS_MAX, TOTAL_MAX = 20, 40


def test_a_door_bounds_an_address_and_all_and_lets_in_again_when_one_has_left() -> None:
    door = Door("api", 3, 2)

    first = [door.enter("10.0.0.1") for _ in range(3)]
    others = [door.enter("10.0.0.2"), door.enter("10.0.0.3")]
    door.leave("10.0.0.1")

    assert (first, others) == ([True, True, False], [True, False])
    assert door.enter("10.0.0.3")
    assert door.open == 3


def test_a_host_has_one_network_of_ipv6_addresses_however_many_it_uses() -> None:
    door = Door("api", 9, 2)

    assert [door.enter(f"2001:db8::{number}") for number in range(3)] == [True, True, False]
    assert door.enter("2001:db8:0:1::1")
    door.leave("2001:db8::9")
    assert door.enter("2001:db8::7%eth0")


def test_what_counts_for_an_address_counts_for_the_network_of_one_host() -> None:
    def asking(address: str) -> Request:
        return Request({"type": "http", "headers": [], "client": (address, 7)})

    one, neighbour, other = (asker(asking(host), None) for host in ("2001:db8::1", "2001:db8::2:3", "2001:db9::1"))
    assert one == neighbour != other
    assert asker(asking("what:a:proxy:says"), None) == "what:a:proxy:says"
    assert asker(asking("2001:db8::1"), Member("", lambda: True)) == asker(asking("2001:db8::1"), None)
    assert asker(asking("2001:db8::1"), Member("alice@studio", lambda: True)) == "alice@studio"


def test_strangers_do_not_keep_known_members_out() -> None:
    door = Door("peers", 2, 2, frozenset({"10.9.9.9"}))

    assert [door.enter(f"10.0.0.{number}") for number in range(3)] == [True, True, False]
    assert [door.enter("10.9.9.9") for _ in range(3)] == [True, True, False]


def test_known_hosts_are_known_by_their_addresses_of_either_kind() -> None:
    door = Door("peers", 1, 2, frozenset({"2001:db8:1::7"}))
    door.enter("10.0.0.1")

    assert [door.enter("2001:db8:1::9"), door.enter("2001:db8:2::9")] == [True, False]
    assert addresses_of("localhost") <= {"127.0.0.1", "::1"}
    assert addresses_of("127.0.0.9") == {"127.0.0.9"}
    assert addresses_of("no-such-host.invalid") == frozenset()


def test_a_connection_counts_until_its_socket_is_closed() -> None:
    door = Door("api", 2, 2)
    with BoundedListener.at("127.0.0.1", 0, door) as listener, ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(socket.create_connection(listener.getsockname()))
        accepted = [listener.accept()[0] for _ in range(2)]
        with pytest.raises(BlockingIOError):
            listener.accept()
        assert door.open == 2
        for connection in accepted:
            connection.close()
            connection.close()

    assert door.open == 0


def test_a_crowd_is_told_of_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(1_000))
    monkeypatch.setattr(doors, "_crowded", Seldom("connections_refused", lambda: next(moments) / 10))
    door = Door("api", 0, 0)

    with capture_logs() as told:
        for _ in range(700):
            door.enter("10.0.0.1")

    assert [(one["event"], one["times"]) for one in told] == [("connections_refused", 1), ("connections_refused", 600)]


def test_a_process_that_may_not_open_enough_files_says_so_at_its_start() -> None:
    with pytest.raises(NodeError, match="LimitNOFILE") as refused:
        raise_descriptor_limit(1 << 40)

    assert refused.value.code is NodeCode.CONFIG_INVALID


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A node with a small door."""
    cluster = Cluster.create(tmp_path_factory.mktemp("door") / "devnet", 1)
    cluster.set("node1", "api", connections_max=TOTAL_MAX, address_connections_max=ADDRESS_MAX)
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down()


def rest(cluster: Cluster) -> tuple[str, int]:
    return split_address(cluster.url("node1").removeprefix("http://"))


def connected(cluster: Cluster, source: str) -> socket.socket:
    return socket.create_connection(rest(cluster), timeout=5, source_address=(source, 0))


def is_open(connection: socket.socket) -> bool:
    connection.settimeout(0.3)
    try:
        return connection.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def is_ready(cluster: Cluster) -> bool:
    with urllib.request.urlopen(cluster.url("node1") + "/readyz", timeout=5) as answer:
        return bool(json.load(answer)["ready"])


def test_silent_connections_hold_their_own_places_only(cluster: Cluster) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(connected(cluster, "127.0.0.2")) for _ in range(300)]
        assert sum(map(is_open, silent[-5:])) == 0
        assert sum(map(is_open, silent[:ADDRESS_MAX])) == ADDRESS_MAX

        assert is_ready(cluster)

    log = (cluster.home("node1") / "node.log").read_text()
    assert log.count("connections_refused") == 1
    deadline = time.monotonic() + 10
    while True:
        with connected(cluster, "127.0.0.2") as again:
            if is_open(again):
                break
        assert time.monotonic() < deadline


@pytest.mark.parametrize("begins", [b"GET /v1/status HTTP/1.1\r\nX: ", b"GET /", b""])
def test_a_head_without_end_is_cut_off(cluster: Cluster, begins: bytes) -> None:
    sent = 0
    with connected(cluster, "127.0.0.3") as connection:
        connection.sendall(begins)
        try:
            while sent < 100 * HEAD_BYTES_MAX:
                sent += connection.send(b"x" * 1024 if begins else b"\r\n" * 512)
        except OSError:
            pass

    assert sent < 100 * HEAD_BYTES_MAX
    assert is_ready(cluster)


def test_trailers_without_end_are_cut_off(cluster: Cluster) -> None:
    head = b"POST /v1/sessions/challenge HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    sent = 0
    with connected(cluster, "127.0.0.4") as connection:
        connection.sendall(head)
        try:
            while sent < 100 * HEAD_BYTES_MAX:
                sent += connection.send(b"X-Trailer: " + b"y" * 1000 + b"\r\n")
        except OSError:
            pass

    assert sent < 100 * HEAD_BYTES_MAX
    assert is_ready(cluster)


def test_what_is_no_http_is_refused_as_everything_else_is(cluster: Cluster) -> None:
    with connected(cluster, "127.0.0.5") as connection:
        connection.sendall(b"HELO mail.example\r\n\r\n")
        answer = b""
        while part := connection.recv(4096):
            answer += part

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["code"] == "REQUEST_MALFORMED"


def test_a_large_head_within_the_bound_and_a_second_request_on_the_connection_are_answered(cluster: Cluster) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"x" * (HEAD_BYTES_MAX // 2) + b"\r\n\r\n"
    with connected(cluster, "127.0.0.6") as connection:
        for _ in range(4):
            connection.sendall(request)
            answer = b""
            while b'"live"' not in answer:
                part = connection.recv(4096)
                assert part, answer
                answer += part
            assert answer.startswith(b"HTTP/1.1 200")


def test_a_slow_head_is_cut_off_in_time(cluster: Cluster, tmp_path: Path) -> None:
    with connected(cluster, "127.0.0.7") as connection:
        started = time.monotonic()
        connection.settimeout(30)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        try:
            ended = connection.recv(1) == b""
        except OSError:
            ended = True

    assert ended
    assert time.monotonic() - started < 25
