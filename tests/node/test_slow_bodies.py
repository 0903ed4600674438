"""Bodies that are announced and do not come hold no room that others need."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from fastapi import Request

from devnet.cluster import Cluster
from node.api import bodies
from node.api.bodies import Arriving
from node.ground.config import split_address
from remarque.errors import NodeError


@contextmanager
def announced(cluster: Cluster, path: str, size: int, count: int) -> Iterator[None]:
    """So many bodies on their way to a path, each with its first byte and no more."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n[".encode()
    address = split_address(cluster.url("node1").removeprefix("http://"))
    with ExitStack() as stack:
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection(address, source_address=("127.0.0.8", 0)))
            connection.sendall(head)
        yield


def code_of(cluster: Cluster, path: str, body: bytes) -> str:
    try:
        with urllib.request.urlopen(urllib.request.Request(cluster.url("node1") + path, body), timeout=15) as answer:
            return str(answer.status)
    except urllib.error.HTTPError as refused:
        return str(json.load(refused)["code"])


@pytest.mark.parametrize(
    ("path", "size", "code"),
    [
        ("/v1/transactions/batch", 16 << 20, "MALFORMED"),
        ("/v1/verify", 30 << 20, "IMAGE_UNREADABLE"),
    ],
)
def test_what_is_announced_and_never_sent_blocks_nobody(one_node: Cluster, path: str, size: int, code: str) -> None:
    with announced(one_node, path, size, 40):
        assert code_of(one_node, path, b"no picture, and no batch") == code


def test_bodies_are_charged_as_they_come_for_all_and_for_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "ARRIVING_BYTES_MAX", 10)
    monkeypatch.setattr(bodies, "ADDRESS_BYTES_MAX", 6)
    arriving = Arriving()
    with (
        arriving.counted(("10.0.0.1", 1)) as first,
        arriving.counted(("10.0.0.1", 2)) as second,
        arriving.counted(("10.0.0.2", 1)) as third,
    ):
        first(4)
        with pytest.raises(NodeError, match="OVERLOADED"):
            second(3)
        second(2)
        third(4)
        with pytest.raises(NodeError, match="OVERLOADED"):
            third(1)
    with arriving.counted(("10.0.0.1", 3)) as again:
        again(6)


def test_a_client_that_goes_away_is_no_fault_of_the_node(one_node: Cluster) -> None:
    with announced(one_node, "/v1/verify", 50, 3):
        pass
    assert code_of(one_node, "/v1/verify", b"x") == "IMAGE_UNREADABLE"

    log = (one_node.home("node1") / "node.log").read_text()
    assert "request_failed" not in log


def test_a_large_body_has_longer_as_it_comes_and_one_that_stops_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS_MAX", 0.05)
    monkeypatch.setattr(bodies, "BODY_BYTES_PER_SECOND_MIN", 1_000)

    async def sent(*waits: float) -> int:
        async def coming() -> AsyncIterator[dict[str, Any]]:
            for wait in waits:
                await asyncio.sleep(wait)
                yield {"type": "http.request", "body": b"x" * 100, "more_body": True}
            yield {"type": "http.request", "body": b"", "more_body": False}

        parts = coming()
        scope = {"type": "http", "method": "POST", "headers": [], "client": ("10.0.0.1", 1)}
        return len(await bodies.read_body(Request(scope, parts.__anext__), 10_000))

    assert asyncio.run(sent(*[0.02] * 10)) == 1_000
    with pytest.raises(NodeError, match=r"REQUEST_MALFORMED.*100 bytes so far"):
        asyncio.run(sent(0.0, 5.0))
