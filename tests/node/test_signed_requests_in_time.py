"""Signed requests and time: how long a signature is good, and that none is good twice, on a clock that tests set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from consortium import a_genesis, key_of
from fastapi import Request
from signed import Message, signed

from ledger.crypto import SigningKey
from ledger.records import Parameters
from node.api import signed_requests
from node.api.levels import Levels
from node.api.readers import Reader
from node.api.sessions import Sessions
from node.api.signed_requests import Nonces, SignedRequests
from node.chain.chain import Chain
from node.ground.config import ApiSection
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.errors import NodeCode, NodeError

START = 1_800_000_000
ALICE = key_of("alice@studio")
OTHER_KEY = SigningKey(b"\x07" * 32)


class Clock:
    """A node's clock, set by a test."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now * 1_000


Maker = Callable[[Clock], SignedRequests]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def requests_of(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """What a node with such a clock makes of signed requests from its start on."""
    chain = a_chain(tmp_path_factory.mktemp("chain"))
    return lambda clock: SignedRequests(chain, "node.example", clock)


def a_chain(path: Path, **parameters: Any) -> Chain:
    genesis = a_genesis(parameters=Parameters(**parameters))
    return Chain(genesis, key_of("node1"), "node1", RaftLogStore(path / "log"), StateStore(path / "state"))


def received(message: Message) -> Request:
    """A request as the routes see it."""
    path, _, query = message.path.partition("?")
    headers = [(name.lower().encode(), value.encode()) for name, value in message.headers.items()]
    scope = {"type": "http", "method": message.method, "raw_path": path.encode(), "query_string": query.encode()}
    return Request(scope | {"path": path, "headers": headers})


def a_request(created: int, **changes: Any) -> Request:
    message = Message("GET", "http://node.example/v1/orgs")
    return received(signed(message, "alice@studio", ALICE, now=created, **changes))


@pytest.mark.parametrize(
    ("runs_for", "age", "taken"),
    [
        (1_000, 60, True),
        (1_000, 61, False),
        (1_000, 0, True),
        (1_000, -60, True),
        (1_000, -61, False),
        (10, 10, True),
        (10, 11, False),
    ],
)
def test_a_signature_is_good_for_a_minute_of_this_run(
    requests_of: Maker, clock: Clock, runs_for: int, age: int, taken: bool
) -> None:
    requests = requests_of(clock)
    clock.now += runs_for
    request = a_request(clock.now - age)

    if taken:
        assert requests.member(request).account == "alice@studio"
    else:
        with pytest.raises(NodeError, match="it was created at"):
            requests.member(request)


@pytest.mark.parametrize("age", [60, 30, 0, -30, -60])
@pytest.mark.parametrize("steps", [(0,), (1, 1), (59, 1, 1), (60, 59, 1, 1), (300,), (300, -300), (200, -120)])
def test_no_request_is_answered_twice_however_the_clock_goes(
    requests_of: Maker, clock: Clock, age: int, steps: tuple[int, ...]
) -> None:
    requests = requests_of(clock)
    clock.now += 1_000
    request = a_request(clock.now - age)
    requests.member(request)

    for step in steps:
        clock.now += step
        with pytest.raises(NodeError, match="REQUEST_SIGNATURE_INVALID"):
            requests.member(request)


def test_a_full_memory_refuses_and_forgets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed_requests, "NONCES_MAX", 5)
    monkeypatch.setattr(signed_requests, "NONCES_PER_ACCOUNT_MAX", 3)
    nonces = Nonces(START)
    for number in range(3):
        nonces.take("alice@studio", f"{number}", START + number)

    with pytest.raises(NodeError) as of_one:
        nonces.take("alice@studio", "3", START + 3)
    nonces.take("bob@agency", "0", START)
    nonces.take("bob@agency", "1", START)
    with pytest.raises(NodeError) as of_all:
        nonces.take("carol@club", "0", START)

    assert (of_one.value.code, of_one.value.retry_after) == (NodeCode.ACCOUNT_BUSY, 1)
    assert (of_all.value.code, of_all.value.retry_after) == (NodeCode.OVERLOADED, 1)
    with pytest.raises(NodeError, match="nonce was used before"):
        nonces.take("alice@studio", "0", START)
    assert nonces.forget(START + 1) == START + 1
    nonces.take("alice@studio", "3", START + 3)
    nonces.take("carol@club", "0", START + 1)


def test_what_does_not_hold_takes_no_room(requests_of: Maker, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed_requests, "NONCES_MAX", 1)
    requests = requests_of(clock)
    keyid = f"alice@studio/{ALICE.public}"
    for _ in range(3):
        forged = signed(Message("GET", "http://node.example/v1/orgs"), "", OTHER_KEY, keyid=keyid, now=START)
        with pytest.raises(NodeError, match="does not hold"):
            requests.member(received(forged))

    assert requests.member(a_request(START)).account == "alice@studio"


def test_where_reads_are_open_a_signature_still_says_who_reads(tmp_path: Path, clock: Clock) -> None:
    chain = a_chain(tmp_path, open_reads=True)
    reader = Reader(
        chain,
        Sessions(chain),
        SignedRequests(chain, "node.example", clock),
        Levels(cast(Any, SimpleNamespace(chain=chain, freshness=SimpleNamespace(behind=0)))),
    )

    assert asyncio.run(reader(received(Message("GET", "http://node.example/v1/orgs")))).account == ""
    assert asyncio.run(reader(a_request(START))).account == "alice@studio"
    with pytest.raises(NodeError, match="REQUEST_SIGNATURE_INVALID"):
        asyncio.run(reader(a_request(START, nonce=None)))


@pytest.mark.parametrize(
    ("settings", "authority"),
    [
        ({}, "127.0.0.1:8100"),
        ({"listen": "127.0.0.1:80"}, "127.0.0.1"),
        ({"listen": "10.0.0.1:443", "tls_certificate": "node.pem"}, "10.0.0.1"),
        ({"listen": "10.0.0.1:8443", "tls_certificate": "node.pem"}, "10.0.0.1:8443"),
        ({"listen": "[::1]:8100"}, "[::1]:8100"),
        ({"authority": "Node.Example"}, "node.example"),
        ({"authority": "node.example:8443"}, "node.example:8443"),
    ],
)
def test_a_nodes_authority_is_where_its_settings_say_clients_reach_it(settings: dict[str, str], authority: str) -> None:
    assert ApiSection(**settings).signed_authority == authority
