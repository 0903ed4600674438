"""Transactions on their way to the leader: handed over until they are final, and looked at by whoever takes them."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import pytest
from consortium import State, a_genesis, key_of, registering
from written_chain import WrittenChain

from consensus.messages import AnyMessage, Append
from ledger.transaction import SignedTransaction
from node.chain.chain import Chain
from node.chain.level import Level
from node.ordering.driver import Driver
from node.ordering.forwarding import AGAIN_SECONDS
from node.ordering.mempool import Mempool
from node.snapshots.installing import fill
from node.snapshots.snapshots import take, write
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore

GENESIS = a_genesis()
STATE = State(GENESIS)


def a_driver(path: Path) -> Driver:
    raft_log = RaftLogStore(path / "log")
    chain = Chain(GENESIS, key_of("node1"), "node1", raft_log, StateStore(path / "state"))
    return Driver(chain, raft_log, Mempool(), lambda: chain.committed.time_ms, 1)


def forged(signed: SignedTransaction) -> SignedTransaction:
    return SignedTransaction(signed.body, ("00" * 64,), signed.transaction)


def taken(driver: Driver, *transactions: SignedTransaction) -> list[str]:
    """Codes with which those that another node forwards are refused."""
    return [code for _, code, _ in asyncio.run(driver.receive_forwarded("node3", list(transactions)))]


def test_what_is_final_is_not_said_to_have_expired(tmp_path: Path) -> None:
    """Who forwards it once more has not heard of the block yet, and its client would sign it again."""
    with closing(WrittenChain(tmp_path)) as written:
        asked = written.ask(registering(1))
        written.block(asked)
        written.block(after_ms=400_000)
    driver = a_driver(tmp_path)
    assert asked.transaction.valid_until_ms < driver.chain.committed.time_ms

    assert taken(driver, asked, written.ask(registering(2))) == ["EXPIRED"]


def test_what_was_forwarded_twice_is_kept_once_and_refused_to_nobody(tmp_path: Path) -> None:
    with closing(WrittenChain(tmp_path)) as written:
        asked = written.ask(registering(1))
        written.block(asked)
    driver, waiting = a_driver(tmp_path), STATE.transaction("alice@studio", registering(2))

    assert taken(driver, asked, waiting, waiting) == []
    assert len(driver.mempool) == 1


def test_what_nobody_signed_is_refused_however_well_it_is_known(tmp_path: Path) -> None:
    driver, signed = a_driver(tmp_path), STATE.transaction("alice@studio", registering(1))
    other = STATE.transaction("alice@studio", registering(2))

    assert taken(driver, forged(other), signed, forged(signed)) == ["SIGNATURE_INVALID", "SIGNATURE_INVALID"]
    assert (signed.id in driver.mempool, other.id in driver.mempool) == (True, False)


def test_what_a_member_forwards_is_not_of_this_nodes_clients(tmp_path: Path) -> None:
    driver = a_driver(tmp_path)

    taken(driver, STATE.transaction("alice@studio", registering(1)))

    assert driver.mempool.own == []


def test_what_is_final_is_refused_to_nobody_where_only_the_state_knows_it(tmp_path: Path) -> None:
    """A node that joined from a snapshot does not know in which block it is."""
    with closing(WrittenChain(tmp_path / "giver")) as written:
        asked = written.ask(registering(1))
        written.block(asked)
        snapshot = take(written.chain)
        assert snapshot is not None
        manifest = write(snapshot, tmp_path / "snapshot")
    fill(tmp_path / "state", tmp_path / "snapshot", manifest)
    with closing(RaftLogStore(tmp_path / "log")) as log:
        log.begin(1, 1)
    driver = a_driver(tmp_path)
    assert driver.chain.state.locate(asked.id) is None

    assert taken(driver, asked) == []
    assert asked.id not in driver.mempool


class Line:
    """Satisfies `node.ordering.driver.Network`."""

    def __init__(self) -> None:
        self.handed: list[tuple[str, list[str]]] = []

    def send(self, to: str, message: AnyMessage) -> None:
        pass

    def forward(self, to: str, transactions: list[SignedTransaction]) -> None:
        self.handed.append((to, [signed.id for signed in transactions]))

    async def level(self, node: str) -> Level | None:
        return None


@pytest.mark.parametrize("lead", [True, False])
def test_what_waits_is_handed_to_whoever_leads_and_again_after_a_while(lead: bool, tmp_path: Path) -> None:
    async def story() -> list[tuple[str, list[str]]]:
        driver, line = a_driver(tmp_path), Line()
        driver.connect(line)
        follows = Append(term=1, sender="node2", previous_index=0, previous_term=0, entries=())
        if lead:
            await driver.receive(follows)
        driver.submit([one])
        await driver.receive(follows)
        for now in (10 * AGAIN_SECONDS, 10.5 * AGAIN_SECONDS, 11 * AGAIN_SECONDS):
            driver.forwarding.again(now)
        return line.handed

    one = STATE.transaction("alice@studio", registering(1))

    assert asyncio.run(story()) == [("node2", [one.id])] * 2
