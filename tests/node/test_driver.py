"""A driver against peers that lie: what no honest peer sends is dropped, and never stops the node."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec
import pytest
from consortium import State, a_genesis, key_of, registering

from consensus.inputs import Tick
from consensus.messages import Append, AppendReply, Result, VoteReply
from consensus.raft_log import RaftEntry
from consensus.replica_state import Role
from ledger import actions
from ledger.execution import context
from ledger.transaction import SignedTransaction
from node.chain.chain import Chain
from node.ordering.driver import Driver
from node.ordering.mempool import Mempool
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore

GENESIS = a_genesis()


def a_driver(path: Path) -> Driver:
    log = RaftLogStore(path / "log")
    chain = Chain(GENESIS, key_of("node1"), "node1", log, StateStore(path / "state"))
    driver = Driver(chain, log, Mempool(), lambda: time.time_ns() // 1_000_000, 1)
    driver.on_broken = lambda error: pytest.fail(f"it broke: {error!r}")
    return driver


async def led(driver: Driver) -> Driver:
    """The driver, leading by the votes of all."""
    while driver.replica.role is Role.FOLLOWER:
        driver.step(Tick())
    await driver.receive(VoteReply(term=driver.replica.term + 1, sender="node2", granted=True, probe=True))
    await driver.receive(VoteReply(term=driver.replica.term, sender="node2", granted=True, probe=False))
    assert driver.leading
    return driver


def an_append(**changes: object) -> Append:
    parts: dict[str, object] = {
        "term": 1, "sender": "node2", "previous_index": 0, "previous_term": 0, "entries": (),
    }  # fmt: skip
    return Append(**(parts | changes))  # type: ignore[arg-type]


LIES = [
    an_append(previous_index=-1),
    an_append(entries=(RaftEntry(2, 1, b"x"),)),
    an_append(entries=(RaftEntry(1, 9, b"x"),)),
    an_append(entries=(RaftEntry(1, 1, b"not a block"),)),
    an_append(entries=(RaftEntry(1, 1, msgspec.msgpack.encode((b"\xff", b"", ()))),)),
    an_append(term=-5),
    an_append(certified=7, certificate=b"{"),
]


@pytest.mark.parametrize("lie", LIES)
def test_a_follower_drops_what_no_honest_leader_sends(tmp_path: Path, lie: Append) -> None:
    driver = a_driver(tmp_path)

    asyncio.run(driver.receive(lie))

    assert driver.chain.tip.height == 0


def test_a_leader_drops_what_no_honest_follower_sends(tmp_path: Path) -> None:
    async def story() -> None:
        driver = await led(a_driver(tmp_path))
        term = driver.replica.term
        for reply in (
            AppendReply(term=term, sender="node2", result=Result.REFUSED, index=10**9),
            AppendReply(term=term, sender="node2", result=Result.REJECTED, index=1, hint_index=-1),
            AppendReply(term=term, sender="node2", result=Result.ACCEPTED, index=1, endorsements=((1, b"\x00" * 64),)),
            AppendReply(term=term, sender="node2", result=Result.ACCEPTED, index=1, endorsements=((99, b"x"),)),
        ):
            await driver.receive(reply)
        await driver.receive(an_append(term=term))
        assert driver.leading
        assert driver.chain.committed.height == 0

    asyncio.run(story())


def test_a_transaction_that_expires_while_a_block_is_cut_strands_no_other(tmp_path: Path) -> None:
    async def story() -> None:
        driver = await led(a_driver(tmp_path))
        now = time.time_ns() // 1_000_000
        state = State(GENESIS)
        moments = iter([now, now, now + 60_000, now + 60_000, now + 60_000])
        driver.proposer.clock = lambda: next(moments, now + 60_000)
        late = state.transaction("alice@studio", registering("late"), valid_until_ms=now + 10)
        fine = [
            state.transaction("alice@studio", registering(number), valid_until_ms=now + 300_000) for number in range(20)
        ]
        driver.submit([late, *fine])
        await asyncio.sleep(0.05)

        carried = [signed.id for layer in driver.chain.layers for signed in layer.block.transactions]
        assert {signed.id for signed in fine} <= set(carried)

    asyncio.run(story())


def test_a_poisonous_transaction_is_kept_out_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> None:
        raise ZeroDivisionError("a bug of ours")

    monkeypatch.setitem(context.HANDLERS, actions.AddKey, explode)

    async def story() -> tuple[list[str], SignedTransaction]:
        driver = await led(a_driver(tmp_path))
        state, until = State(GENESIS), time.time_ns() // 1_000_000 + 300_000
        poison = state.transaction("alice@studio", actions.AddKey(key="ab" * 32), valid_until_ms=until)
        fine = state.transaction("alice@studio", registering("fine"), valid_until_ms=until)
        driver.submit([poison, fine])
        await asyncio.sleep(0.05)
        assert poison.id not in driver.mempool
        return [signed.id for layer in driver.chain.layers for signed in layer.block.transactions], fine

    carried, fine = asyncio.run(story())

    assert carried == [fine.id]
