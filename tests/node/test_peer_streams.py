"""Streams between nodes, over TLS: who may call, what a caller may say, and whose word for a lost log counts."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from consortium import State, a_genesis, key_of, registering
from msgspec.structs import replace
from structlog.testing import capture_logs
from voting_chain import NEW, VotingChain
from written_chain import WrittenChain

from consensus.messages import Append, AskIndex, HandOver, TellIndex
from ledger.actions import Propose, RemoveNode
from ledger.block import Certificate, Endorsement, endorse
from ledger.encoding import encode
from ledger.governance import ShutOutNode
from node.chain.chain import Chain
from node.ground.doors import BoundedListener, Door
from node.ordering.driver import Driver
from node.ordering.mempool import Mempool
from node.peers.admission import Admission
from node.peers.asking import Asking
from node.peers.calling import OutgoingStream
from node.peers.frames import PROTOCOL_HIGHEST, PROTOCOL_LOWEST, AnyFrame, ForwardRefused, Hello, encode_frame
from node.peers.network import EVIDENCE, Peers, serve
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.errors import NodeCode
from simulator.consortium import key_of as simulated_key

GENESIS = a_genesis()
HELLO = Hello("node2", GENESIS.chain, PROTOCOL_LOWEST, PROTOCOL_HIGHEST, 3)
BLOCKS = 3
SECONDS_MAX = 10.0


def peers_of(node: str, path: Path) -> Peers:
    raft_log = RaftLogStore(path / "log")
    chain = Chain(GENESIS, key_of(node), node, raft_log, StateStore(path / "state"))
    driver = Driver(chain, raft_log, Mempool(), lambda: chain.committed.time_ms, 1)
    return Peers(Admission(chain, key_of(node)), key_of(node), {}, driver)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Three final blocks, which node1 and node2 have endorsed, and node3 has not."""
    with closing(WrittenChain(tmp_path / "written")) as chain:
        for number in range(BLOCKS):
            chain.block(chain.ask(registering(number)))
    return tmp_path / "written"


@asynccontextmanager
async def served(peers: Peers) -> AsyncIterator[str]:
    """Address of a node's peer port."""
    application = web.Application()
    application.router.add_get("/v1/stream", peers.stream)
    listener = BoundedListener.at("127.0.0.1", 0, Door("peers", 9, 9))
    runner = await serve(application, peers.server_context(), listener)
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    await runner.cleanup()


@asynccontextmanager
async def called(address: str, caller: str, *frames: AnyFrame) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A stream to node1 on which a member has said something."""
    certificates = {node.name: bytes.fromhex(node.certificate) for node in GENESIS.nodes}
    context = Asking(key_of(caller), certificates[caller], {"node1": address}, certificates).context("node1")
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"https://{address}/v1/stream", ssl=context) as ws,
    ):
        for frame in frames:
            await ws.send_bytes(encode_frame(frame))
        yield ws


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while not condition():
            await asyncio.sleep(0.001)


def refusal_of(path: Path, caller: str, hello: AnyFrame) -> str:
    """What node1 answers to the first frame of a stream; empty if it takes the next one."""

    async def story() -> str:
        peers = peers_of("node1", path)
        append = Append(term=1, sender=caller, previous_index=0, previous_term=0, entries=())
        async with served(peers) as address, called(address, caller, hello, append) as ws:
            answer = asyncio.ensure_future(ws.receive())
            await until(lambda: answer.done() or peers._driver.replica.leader == caller)
            if not answer.done():
                return ""
            assert answer.result().type is WSMsgType.TEXT
            return str(answer.result().data)

    return asyncio.run(story())


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        (HELLO, ""),
        (replace(HELLO, node="node3"), "REQUEST_MALFORMED"),
        (ForwardRefused("ab" * 32, "DUPLICATE", ""), "REQUEST_MALFORMED"),
        (replace(HELLO, chain="another"), "GENESIS_MISMATCH"),
        (replace(HELLO, lowest=PROTOCOL_HIGHEST + 1, highest=PROTOCOL_HIGHEST + 2), "DATA_FORMAT_UNKNOWN"),
        (replace(HELLO, lowest=0, highest=PROTOCOL_LOWEST - 1), "DATA_FORMAT_UNKNOWN"),
    ],
)
def test_a_caller_says_who_it_is_on_which_chain_and_in_which_version(
    hello: AnyFrame, code: str, tmp_path: Path
) -> None:
    refusal = refusal_of(tmp_path, "node2", hello)

    assert refusal.startswith(code)
    assert bool(refusal) is bool(code)


@pytest.mark.parametrize(
    ("caller", "last_index", "lost"),
    [("node2", BLOCKS, False), ("node2", BLOCKS + 1, False), ("node2", BLOCKS - 1, True), ("node3", 0, False)],
)
def test_a_caller_holds_at_least_what_it_has_endorsed(caller: str, last_index: int, lost: bool, written: Path) -> None:
    refusal = refusal_of(written, caller, replace(HELLO, node=caller, last_index=last_index))

    assert refusal.startswith("LOG_LOST") is lost
    assert (EVIDENCE in refusal) is lost


def test_a_member_speaks_for_itself_alone(tmp_path: Path) -> None:
    lie = Append(term=5, sender="node3", previous_index=0, previous_term=0, entries=())
    said = Append(term=2, sender="node2", previous_index=0, previous_term=0, entries=())

    async def story() -> tuple[int, str]:
        peers = peers_of("node1", tmp_path)
        replica = peers._driver.replica
        async with served(peers) as address, called(address, "node2", HELLO, lie, said):
            await until(lambda: replica.leader)
            return replica.term, replica.leader

    assert asyncio.run(story()) == (2, "node2")


def test_only_the_leader_says_that_a_transaction_is_refused(tmp_path: Path) -> None:
    asked = State(GENESIS).transaction("alice@studio", registering(1))
    refused = ForwardRefused(asked.id, "POLICY_DENIED", "of the leader")
    lie = replace(refused, detail="of another")
    leads = Append(term=1, sender="node2", previous_index=0, previous_term=0, entries=())

    async def story() -> str:
        peers = peers_of("node1", tmp_path)
        driver = peers._driver
        driver.mempool.add(asked)
        waiting = driver.mempool.wait(asked.id)
        async with served(peers) as address, called(address, "node2", HELLO, leads) as leader:
            await until(lambda: driver.replica.leader)
            other = replace(HELLO, node="node3")
            speaks = Append(term=0, sender="node3", previous_index=0, previous_term=0, entries=())
            async with called(address, "node3", other, lie, speaks):
                await until(lambda: "node3" in driver.reach._heard)
            await leader.send_bytes(encode_frame(refused))
            await until(waiting.done)
        return str(waiting.exception())

    assert "of the leader" in asyncio.run(story())


def a_refusal(header: str, height: int, *signatures: Endorsement) -> str:
    certificate = Certificate(height=height, header=header, endorsements=signatures)
    return f"{NodeCode.LOG_LOST.name}: it was wiped{EVIDENCE}{encode(certificate).decode()}"


@pytest.mark.parametrize(
    ("signer", "height", "believed"), [("node1", BLOCKS + 1, True), ("node1", BLOCKS, False), ("node2", 9, False)]
)
def test_a_node_believes_that_it_lost_blocks_by_its_own_signature_alone(
    signer: str, height: int, believed: bool, written: Path
) -> None:
    """And only of a block that it does not hold."""
    header = "ab" * 32
    peers, told = peers_of("node1", written), list[str]()
    peers.on_log_lost = told.append

    peers._check_log_lost(
        a_refusal(header, height, Endorsement(node="node1", signature=endorse(key_of(signer), header)))
    )

    assert bool(told) is believed


@pytest.mark.parametrize(("highest", "told"), [(1, 0), (PROTOCOL_HIGHEST, 3)])
def test_what_a_node_of_an_older_version_does_not_know_is_not_said_to_it(
    tmp_path: Path, highest: int, told: int
) -> None:
    peers = peers_of("node1", tmp_path)
    call = peers._calls["node2"] = OutgoingStream("node2", "", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    call.connected = True
    peers._greet("node2", replace(HELLO, highest=highest), None)
    for message in (
        HandOver(term=1, sender="node1", to="node2"),
        AskIndex(term=1, sender="node1", number=1),
        TellIndex(term=1, sender="node1", number=1, index=1),
    ):
        peers.send("node2", message)

    assert call._queue.qsize() == told


def test_a_node_that_is_removed_stops_and_shuts_out_others_that_are() -> None:
    """Of the others only the streams are closed; a suspended org's node is shut out, and goes on itself."""
    written, stopped = VotingChain(), list[str]()
    driver = Driver(written.chain, written.log, Mempool(), lambda: 0, 1)
    key = simulated_key(written.name)
    peers = Peers(Admission(written.chain, key), key, {}, driver)
    peers.on_removed = lambda: stopped.append(written.name)

    with capture_logs() as told:
        written.block(RemoveNode(node=NEW))
        written.final()
        peers._shut_out(written.name)
        assert stopped == []
        change = ShutOutNode(node=written.name)
        written.block(Propose(changes=(change,), until_ms=written.chain.tip.time_ms + 100_000))
        written.final()

    shut_out = [one["node"] for one in told if one["event"] == "peer_shut_out"]
    assert (stopped, shut_out) == ([written.name], [NEW, written.name])
