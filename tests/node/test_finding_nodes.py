"""Nodes find each other by the chain: whoever is added, moved or removed is called, elsewhere or no more, at once."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner
from consortium import key_of
from governed import ADMINISTRATORS, DAY_MS, a_governed_state
from msgspec import UNSET
from msgspec.structs import replace
from written_chain import GENESIS, WrittenChain

from ledger import actions
from ledger.encoding import decode, encode
from ledger.execution.governance import proposal_id
from ledger.governance import SuspendOrg
from ledger.node_certificate import make_certificate
from ledger.records import NodeRecord
from node.api.peer_port.giving import Stretches, chain_routes
from node.chain.chain import Chain
from node.chain.level import LEVEL_BYTES_MAX, Level, level_in
from node.chain.reading import Reading
from node.cli.main import cli
from node.ground import metrics
from node.ground.config import load_config
from node.ground.doors import KNOWN_CONNECTIONS_MAX, BoundedListener, Door
from node.ordering.driver import Driver
from node.ordering.mempool import Mempool
from node.peers import lookups
from node.peers.address_book import AddressBook
from node.peers.admission import Admission
from node.peers.asking import NOT_REACHED, Asking
from node.peers.frames import PROTOCOL_HIGHEST, PROTOCOL_LOWEST, Hello
from node.peers.introduced import load_introduced, unknown_to
from node.peers.members import Members
from node.peers.network import Peers, serve
from node.snapshots import joining
from node.snapshots.snapshots import Snapshots
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.errors import NodeCode, NodeError
from remarque.keys.files import save_key

ROOT = "root@club"
SECONDS_MAX = 10.0
AWAY = "10.255.255.1:7100"


def adding(name: str, address: str | None = None) -> actions.AddNode:
    certificate = make_certificate(key_of(name)).hex()
    where = UNSET if address is None else address
    return actions.AddNode(node=name, key=key_of(name).public, certificate=certificate, address=where)


def moving(name: str, address: str) -> actions.SetNodeAddress:
    return actions.SetNodeAddress(node=name, address=address)


@pytest.fixture
def written(tmp_path: Path) -> Iterator[WrittenChain]:
    chain = WrittenChain(tmp_path / "node1")
    yield chain
    chain.close()


def a_book(written: WrittenChain, **settings: str) -> AddressBook:
    return AddressBook(Admission(written.chain, key_of("node1")), written.chain, settings)


def test_the_settings_come_before_the_records_and_a_node_never_calls_itself(written: WrittenChain) -> None:
    book = a_book(written, node1="of settings:1", node2="of settings:2", nobody="of settings:3")
    assert book.addresses == {"node2": "of settings:2"}

    for name, root in (("node1", "root@studio"), ("node2", "root@agency"), ("node3", ROOT)):
        written.block(written.ask(moving(name, f"{name}.example:7100"), signer=root))

    assert book.addresses == {"node2": "of settings:2", "node3": "node3.example:7100"}
    assert a_book(written, node2="of settings:2").addresses == book.addresses, "after a start it is the same"


def test_a_node_is_in_the_book_while_the_chain_says_where_it_is(written: WrittenChain) -> None:
    book, counts = a_book(written, named="of settings:1"), []

    def block(*asks: Any) -> dict[str, str]:
        written.block(*(written.ask(ask, signer=ROOT) for ask in asks))
        counts.append(book.changes.count)
        return dict(book.addresses)

    assert block(adding("silent")) == {}
    assert block(adding("watcher", "10.0.0.4:7100")) == {"watcher": "10.0.0.4:7100"}
    assert block(moving("watcher", "10.0.0.5:7100"), moving("silent", "10.0.0.6:7100")) == {
        "watcher": "10.0.0.5:7100",
        "silent": "10.0.0.6:7100",
    }
    assert block(actions.RemoveNode(node="silent"))["watcher"] == "10.0.0.5:7100"
    assert block(adding("named")) == {"watcher": "10.0.0.5:7100", "named": "of settings:1"}
    assert block(moving("named", "10.0.0.7:7100")) == {"watcher": "10.0.0.5:7100", "named": "of settings:1"}
    assert block(adding("brief", "10.0.0.8:7100"), actions.RemoveNode(node="brief"))["named"] == "of settings:1"
    assert sorted(book.addresses) == ["named", "watcher"]
    assert counts == [0, 1, 3, 4, 5, 5, 5], "whoever waits is told of what changes, and of nothing else"


class Here:
    """Node1 of a written chain, with its streams in one event loop."""

    def __init__(self, written: WrittenChain, **settings: str) -> None:
        self.written = written
        self.driver = Driver(written.chain, written.log, Mempool(), lambda: written.chain.committed.time_ms, 1)
        self.peers = Peers(Admission(written.chain, key_of("node1")), key_of("node1"), settings, self.driver)

    def ask(self, ask: Any) -> None:
        self.written.block(self.written.ask(ask, signer=ROOT))


@asynccontextmanager
async def another(path: Path, name: str) -> AsyncIterator[tuple[str, Peers]]:
    """Address and streams of another node that listens, and calls nobody."""
    raft_log, state = RaftLogStore(path / "log"), StateStore(path / "state")
    chain = Chain(GENESIS, key_of(name), name, raft_log, state)
    driver = Driver(chain, raft_log, Mempool(), lambda: 0, 1)
    peers = Peers(Admission(chain, key_of(name)), key_of(name), {}, driver)
    application = web.Application()
    application.router.add_get("/v1/stream", peers.stream)
    listener = BoundedListener.at("127.0.0.1", 0, Door("peers", 9, 9))
    runner = await serve(application, peers.server_context(), listener)
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}", peers
    finally:
        peers._shut_out("node1")
        await runner.cleanup()
        raft_log.close()
        state.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while not condition():
            await asyncio.sleep(0.001)


@asynccontextmanager
async def calling(here: Here) -> AsyncIterator[None]:
    running = asyncio.create_task(here.peers.run())
    yield
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def peers_told() -> float:
    return next(iter(metrics.PEERS.collect())).samples[0].value


def test_a_node_is_called_where_it_is_added_moves_and_is_removed(written: WrittenChain, tmp_path: Path) -> None:
    here = Here(written)
    peers = here.peers

    async def story() -> None:
        async with calling(here), another(tmp_path / "one", "watcher") as (one, at_one):
            here.ask(adding("watcher", one))
            await until(lambda: at_one._callers.get("node1"))
            await until(lambda: peers.connected == {"watcher"})
            assert peers_told() == 1
            assert peers.asking.addresses == {"watcher": one}
            assert await peers.asking.ask_status("watcher", "/v1/none", 9) == (404, b"")
            peers._greet("watcher", Hello("watcher", GENESIS.chain, PROTOCOL_LOWEST, PROTOCOL_HIGHEST, 0), None)

            async with another(tmp_path / "two", "watcher") as (two, at_two):
                here.ask(moving("watcher", two))
                await until(lambda: at_two._callers.get("node1"))
                await until(lambda: peers.connected == {"watcher"} and not at_one._callers["node1"])
                assert (peers_told(), peers.asking.addresses) == (1, {"watcher": two})
                assert peers._speaks == {"watcher": PROTOCOL_HIGHEST}

                here.ask(actions.RemoveNode(node="watcher"))
                await until(lambda: not at_two._callers["node1"])
                assert (peers.connected, peers._calls, peers._speaks) == (set(), {}, {})
                await until(lambda: peers_told() == 0)
                assert peers.asking.addresses == {}
                assert await peers.asking.ask_status("watcher", "/v1/none", 9) == (NOT_REACHED, b"")

    asyncio.run(story())


def test_a_node_that_the_settings_name_is_called_and_asked_while_it_is_one(
    written: WrittenChain, tmp_path: Path
) -> None:
    async def story() -> None:
        async with another(tmp_path / "one", "watcher") as (one, at_one):
            here = Here(written, watcher=one)
            async with calling(here):
                here.ask(adding("watcher"))
                await until(lambda: here.peers.connected == {"watcher"})
                here.ask(actions.RemoveNode(node="watcher"))
                await until(lambda: not at_one._callers["node1"] and peers_told() == 0)
                assert (here.peers.asking.addresses, here.peers.asking._contexts) == ({}, {})

    asyncio.run(story())


def test_a_node_that_comes_back_elsewhere_is_reached_there(written: WrittenChain, tmp_path: Path) -> None:
    """One of the genesis, which says where it is after it went."""
    here = Here(written)

    async def story() -> None:
        async with calling(here):
            async with another(tmp_path / "one", "node3") as (one, _):
                here.ask(moving("node3", one))
                await until(lambda: here.peers.connected == {"node3"})
            await until(lambda: not here.peers.connected)
            assert here.peers.asking.addresses == {}
            async with another(tmp_path / "two", "node3") as (two, _):
                here.ask(moving("node3", two))
                await until(lambda: here.peers.connected == {"node3"})
                assert here.peers.asking.addresses == {"node3": two}

    asyncio.run(story())


def test_an_address_of_somebody_else_costs_attempts_and_nothing_else(written: WrittenChain, tmp_path: Path) -> None:
    """The certificate decides who is spoken to: neither frames nor questions reach another host."""
    here = Here(written)
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(9))
        writer.close()

    async def story() -> None:
        stranger = await asyncio.start_server(listen, "127.0.0.1", 0)
        async with calling(here), another(tmp_path / "two", "node2") as (two, at_two):
            here.ask(adding("liar", two))
            here.ask(adding("other", f"localhost:{stranger.sockets[0].getsockname()[1]}"))
            here.ask(adding("lost", "no-such-host.invalid:7100"))
            await until(lambda: len(heard) > 2)
            calls = here.peers._calls
            await until(lambda: all(calls[name]._unreached_told for name in ("liar", "other", "lost")))
            assert (here.peers.connected, here.peers.asking.addresses, at_two._callers) == (set(), {}, {})
            members = Members(written.chain, here.peers)
            async with asyncio.timeout(1):
                assert await members.ask("/v1/none", 9) == {}
        stranger.close()

    asyncio.run(story())
    assert all(one[:1] == b"\x16" for one in heard if one), "no more than the beginning of a TLS handshake"


def test_what_the_settings_name_is_asked_before_a_stream_is_open(written: WrittenChain) -> None:
    here = Here(written, node2=AWAY, nobody=AWAY)
    assert here.peers.asking.addresses == {"node2": AWAY}

    async def story() -> None:
        async with calling(here):
            here.ask(adding("nobody"))
            await until(lambda: "nobody" in here.peers.asking.addresses)

    asyncio.run(story())


def test_an_odd_address_in_the_settings_does_not_end_the_node(written: WrittenChain) -> None:
    here = Here(written, node2="no..host:7100", node3="[:::]:1")

    async def story() -> None:
        async with calling(here):
            await until(lambda: all(call._unreached_told for call in here.peers._calls.values()) and here.peers._calls)
            assert await here.peers.asking.ask_status("node2", "/v1/level", 9) == (NOT_REACHED, b"")
            assert await here.peers.asking.ask_status("node3", "/v1/level", 9) == (NOT_REACHED, b"")

    asyncio.run(story())


def test_a_tls_context_is_made_when_it_is_needed_and_forgotten_with_its_node() -> None:
    certificates = {"node2": make_certificate(key_of("node2"))}
    asking = Asking(key_of("node1"), make_certificate(key_of("node1")), {"node2": "a:1", "x": "b:1"}, certificates)

    assert (asking.addresses, asking._contexts) == ({"node2": "a:1"}, {})
    assert asking.context("node2") is asking.context("node2")
    asking.forget("node2")
    assert (asking.addresses, asking._contexts) == ({}, {})


# The door


def test_a_door_knows_who_the_others_are_now(written: WrittenChain) -> None:
    door = Door("peers", 0, 2)
    book = a_book(written, node2="127.0.0.9:7100")

    async def story() -> None:
        keeping = asyncio.create_task(lookups.keep_known(door, book))
        await until(lambda: door._known == {"127.0.0.9"})
        assert door.enter("127.0.0.9")
        written.block(written.ask(adding("watcher", "127.0.0.7:7100"), signer=ROOT))
        await until(lambda: door._known == {"127.0.0.9", "127.0.0.7"})
        written.block(written.ask(actions.RemoveNode(node="watcher"), signer=ROOT))
        await until(lambda: door._known == {"127.0.0.9"})
        assert not door.enter("127.0.0.7")
        keeping.cancel()

    asyncio.run(story())


def test_a_name_that_gets_another_address_is_looked_up_again(
    written: WrittenChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([{"10.0.0.1"}, {"10.0.0.2"}])
    monkeypatch.setattr(lookups, "LOOK_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(lookups, "addresses_of", lambda host: frozenset(next(answers, {"10.0.0.3"})))
    door = Door("peers", 0, 2)

    async def story() -> None:
        keeping = asyncio.create_task(lookups.keep_known(door, a_book(written, node2="node2.example:7100")))
        await until(lambda: door._known == {"10.0.0.3"})
        keeping.cancel()

    asyncio.run(story())


def test_a_host_with_a_thousand_addresses_makes_few_known(
    written: WrittenChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "addresses_of", lambda host: frozenset(f"10.0.0.{last}" for last in range(256)))
    door = Door("peers", 0, 2)

    async def story() -> None:
        keeping = asyncio.create_task(lookups.keep_known(door, a_book(written, node2="node2.example:7100")))
        await until(lambda: door._known)
        keeping.cancel()

    asyncio.run(story())
    assert len(door._known) == lookups.HOST_ADDRESSES_MAX


def test_a_known_address_does_not_open_the_door_to_a_crowd() -> None:
    door = Door("peers", 1, 1_000, frozenset({"10.9.9.9"}))
    door.enter("10.0.0.1")

    assert sum(door.enter("10.9.9.9") for _ in range(100)) == KNOWN_CONNECTIONS_MAX


def test_hosts_that_nobody_answers_for_keep_no_other_work_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(lookups, "addresses_of", lambda host: gate.wait(SECONDS_MAX) and frozenset())

    async def story() -> None:
        waiting = [asyncio.create_task(lookups._addresses("slow.example")) for _ in range(lookups.LOOKUPS_MAX)]
        await asyncio.sleep(0)
        assert await lookups._addresses("one more") == frozenset()
        async with asyncio.timeout(1):
            assert await asyncio.to_thread(lambda: "done") == "done"
        assert not any(one.done() for one in waiting)
        gate.set()
        await asyncio.gather(*waiting)

    asyncio.run(story())


def test_a_lookup_that_fails_or_is_given_up_leaves_its_place_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*asked: Any, **named: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "there is no such host")

    async def story() -> None:
        faults = list[Any]()
        asyncio.get_running_loop().set_exception_handler(lambda loop, fault: faults.append(fault))
        resolver = lookups._Resolver()
        with monkeypatch.context() as patched:
            patched.setattr(socket, "getaddrinfo", nobody)
            for _ in range(lookups.LOOKUPS_MAX + 1):
                with pytest.raises(socket.gaierror):
                    await resolver.resolve("no-such-host.invalid", 1)
            for _ in range(lookups.LOOKUPS_MAX + 1):
                given_up = asyncio.create_task(resolver.resolve("no-such-host.invalid", 1))
                await asyncio.sleep(0)
                given_up.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await given_up
                await until(lambda: lookups._free._value == lookups.LOOKUPS_MAX)
        found = await resolver.resolve("localhost", 7100)
        assert {one["host"] for one in found} <= {"127.0.0.1", "::1"}
        assert {one["port"] for one in found} == {7100}
        assert not faults

    asyncio.run(story())


# Whom a node asks before it starts


def known_before_the_start(data: Path, *members: NodeRecord, **settings: str) -> dict[str, str]:
    return joining._asking(key_of("node1"), "node1", settings, joining._nodes(data, GENESIS, members)).addresses


def introduced(name: str, address: str = "") -> NodeRecord:
    """A node's record, as a node that knows it prints it."""
    key = key_of(name)
    where = address or UNSET
    certificate = make_certificate(key).hex()
    return NodeRecord(name=name, org="studio", key=key.public, certificate=certificate, role="voter", address=where)


def test_a_node_without_a_chain_asks_only_whom_its_settings_name(tmp_path: Path) -> None:
    named = {"node1": "here:1", "node2": "there:1", "watcher": "elsewhere:1"}

    assert known_before_the_start(tmp_path, **named) == {"node2": "there:1"}


def test_a_node_that_has_the_chain_asks_where_the_records_say_too(written: WrittenChain, tmp_path: Path) -> None:
    for ask in (adding("watcher", "watcher.example:7100"), moving("node3", "node3.example:7100"), adding("named")):
        written.block(written.ask(ask, signer=ROOT))
    written.block(written.ask(moving("node1", "node1.example:7100"), signer="root@studio"))
    written.close()

    found = known_before_the_start(tmp_path / "node1", node3="of settings:1", named="of settings:2")

    assert found == {"watcher": "watcher.example:7100", "node3": "of settings:1", "named": "of settings:2"}


def test_a_node_without_a_chain_asks_those_introduced_and_no_founder(tmp_path: Path) -> None:
    later = introduced("later", "later.example:7100"), introduced("named")

    assert known_before_the_start(tmp_path, *later, node2="there:1", named="of settings:2") == {
        "later": "later.example:7100",
        "named": "of settings:2",
    }


def test_the_chain_comes_before_who_was_introduced(written: WrittenChain, tmp_path: Path) -> None:
    written.block(written.ask(adding("watcher", "watcher.example:7100"), signer=ROOT))
    written.block(written.ask(adding("gone", "gone.example:7100"), signer=ROOT))
    written.block(written.ask(actions.RemoveNode(node="gone"), signer=ROOT))
    given = [introduced(name, f"{name}.elsewhere:1") for name in ("watcher", "gone", "later")]
    still = unknown_to(written.chain.state, given)
    written.close()

    found = known_before_the_start(tmp_path / "node1", *given)

    assert found == {"watcher": "watcher.example:7100", "later": "later.elsewhere:1"}
    assert [one.name for one in still] == ["later"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text[:-5], "truncated"),
        (lambda text: text.replace('"later"', '"Later"'), "matching regex"),
        (lambda text: text.replace("later.example:7100", "later example"), "is no host:port"),
        (lambda text: text.replace(key_of("later").public, key_of("node2").public), "the certificate of later is not"),
    ],
)
def test_a_file_of_members_that_no_node_prints_is_refused(
    change: Callable[[str], str], reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "members.json"
    text = encode([introduced("later", "later.example:7100")]).decode()
    file.write_text(text)
    assert [one.name for one in load_introduced(file)] == ["later"]
    file.write_text(change(text))

    with pytest.raises(NodeError, match=f"CONFIG_INVALID: .*{reason}.*remarque --json node list"):
        load_introduced(file)


# How far a node is


@asynccontextmanager
async def giving(here: Here, path: Path) -> AsyncIterator[str]:
    reading = Reading(here.written.chain)
    snapshots = Snapshots(here.written.chain, reading, path / "snapshots", 0, 0)
    application = web.Application()
    application.add_routes(chain_routes(here.peers, Stretches(here.driver, reading), snapshots))
    listener = BoundedListener.at("127.0.0.1", 0, Door("peers", 9, 9))
    runner = await serve(application, here.peers.server_context(), listener)
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    await runner.cleanup()


def test_a_member_is_told_how_far_a_node_is_and_a_suspended_one_is_not(tmp_path: Path) -> None:
    written = WrittenChain(tmp_path / "node1", a_governed_state().genesis)
    written.block(written.ask(adding("watcher"), signer=ROOT))
    written.block(certified=False)
    here = Here(written)

    async def told(name: str, address: str) -> tuple[int, bytes]:
        certificates = here.peers._admission.certificates | {"stranger": make_certificate(key_of("stranger"))}
        asking = Asking(key_of(name), certificates[name], {"node1": address}, certificates)
        found = await asking.ask_status("node1", "/v1/level", LEVEL_BYTES_MAX)
        await asking.close()
        return found

    async def story() -> None:
        async with giving(here, tmp_path) as address:
            status, body = await told("watcher", address)
            assert status == 200
            digest = written.chain.voters.digest
            said = Level(height=1, last=2, term=here.driver.replica.term, votes=True, voters=digest)
            assert decode(body, Level) == said
            assert (await told("node2", address))[1] == encode(replace(said, asker_votes=True))
            assert (await told("stranger", address))[0] == NOT_REACHED

            until_ms = written.chain.tip.time_ms + DAY_MS
            asked = written.ask(
                actions.Propose(changes=(SuspendOrg(org="club"),), until_ms=until_ms), signer=ADMINISTRATORS["studio"]
            )
            vote = actions.CastVote(proposal=proposal_id(asked.id, 0), approve=True)
            written.block(asked, written.ask(vote, signer=ADMINISTRATORS["agency"]))
            assert (await told("watcher", address))[0] == 403
            assert (await told("node2", address))[0] == 200

    asyncio.run(story())
    written.close()


@pytest.mark.parametrize("data", [b"", b"{}", b'{"height":1}', b'{"height":-1,"last":0,"term":0,"votes":true}'])
def test_what_is_no_level_says_nothing(data: bytes) -> None:
    assert level_in(data) is None


# Commands and settings


def prepared(tmp_path: Path, name: str, peer: str) -> str:
    """What `node prepare` says is to be done next."""
    (tmp_path / "genesis.json").write_bytes(encode(GENESIS))
    save_key(tmp_path / "node.key", key_of(name))
    words = ["node", "prepare", str(tmp_path / "home"), "--genesis", str(tmp_path / "genesis.json"), "--name", name]
    done = CliRunner().invoke(cli, [*words, "--key", str(tmp_path / "node.key"), "--peer", peer])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(
    ("peer", "named"),
    [
        ("10.0.0.4:7100", True),
        ("watcher.example:7100", True),
        ("0.0.0.0:7100", False),
        ("[::]:7100", False),
        ("Watcher.example:7100", False),
        ("127.0.0.1:0", False),
    ],
)
def test_who_prepares_a_node_is_told_how_it_is_let_in_with_its_address(peer: str, named: bool, tmp_path: Path) -> None:
    first, last = prepared(tmp_path, "watcher", peer).splitlines()

    certificate = make_certificate(key_of("watcher")).hex()
    command = f"remarque node add watcher --public {key_of('watcher').public} --certificate {certificate}"
    assert first == f"let it in with: {command}" + (f" --address {peer}" if named else "")
    assert last.startswith("run it with: ")


def test_a_node_of_the_genesis_is_only_run(tmp_path: Path) -> None:
    assert prepared(tmp_path, "node1", "10.0.0.1:7100").startswith("run it with: ")


@pytest.mark.parametrize(
    "words",
    [
        ["node", "set-address", "node3", "https://node3"],
        ["node", "add", "n", "--public", "ab", "--certificate", "ab", "--address", "node3"],
    ],
)
def test_what_is_no_address_is_not_sent(words: list[str], tmp_path: Path) -> None:
    save_key(tmp_path / "a.key", key_of(ROOT))
    done = CliRunner().invoke(cli, ["--account", ROOT, "--key", str(tmp_path / "a.key"), *words])

    assert done.exit_code == 2
    assert "is no host:port: the host is a DNS name in lower case" in done.output


def test_settings_with_what_is_no_address_are_refused_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text('[node]\nname = "node1"\n[peers.addresses]\nnode2 = "10.0.0.2"\n')

    with pytest.raises(NodeError, match=r"peers\.addresses\.node2: '10\.0\.0\.2' is not host:port") as refused:
        load_config(file)
    assert refused.value.code is NodeCode.CONFIG_INVALID
