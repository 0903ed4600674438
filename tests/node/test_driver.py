"""A driver against peers that lie: what no honest peer sends is dropped, and never stops the node."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from consortium import State, a_genesis, key_of, registering

import contracts_vm
from consensus.inputs import ProposeEntry, Receive, Tick
from consensus.messages import AnyMessage, Append, AppendReply, Result, VoteReply, VoteRequest
from consensus.raft_log import RaftEntry
from consensus.replica_state import TERM_STEP_MAX, Role
from ledger import actions
from ledger.block import Certificate, Endorsement, decode_block, encode_block, endorse
from ledger.encoding import encode
from ledger.errors import LedgerError
from ledger.execution import context
from ledger.policy_source import Checked, checked
from ledger.transaction import SignedTransaction, Signer, sign
from node.chain.chain import Chain
from node.ordering import inspection, proposer
from node.ordering.driver import AT_ONCE_SECONDS, TICK_SECONDS, Driver
from node.ordering.mempool import Mempool
from node.ordering.submitter import Submitter
from node.peers.frames import decode_frame, encode_frame
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore

GENESIS = a_genesis()


def a_driver(path: Path, node: str = "node1", monotonic: Callable[[], float] = time.monotonic) -> Driver:
    log = RaftLogStore(path / "log")
    chain = Chain(GENESIS, key_of(node), node, log, StateStore(path / "state"))
    driver = Driver(chain, log, Mempool(), lambda: time.time_ns() // 1_000_000, 1, monotonic)
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


async def sent(driver: Driver, message: AnyMessage) -> None:
    """What a peer's stream does with a message: frames that are none never reach the driver."""
    with suppress(msgspec.DecodeError):
        frame = decode_frame(encode_frame(message))
        assert isinstance(frame, VoteRequest | VoteReply | Append | AppendReply)
        await driver.receive(frame)


HIGHEST = 2**53 - 1
OUT_OF_REACH = [HIGHEST + 1, 2**64 - 1, HIGHEST, TERM_STEP_MAX + 2]
"""Terms that no header holds, and terms that no honest node comes to without the others."""

LIES = [
    an_append(previous_index=-1),
    an_append(entries=(RaftEntry(2, 1, b"x"),)),
    an_append(entries=(RaftEntry(1, 9, b"x"),)),
    an_append(entries=(RaftEntry(1, 1, b"not a block"),)),
    an_append(entries=(RaftEntry(1, 1, msgspec.msgpack.encode((b"\xff", b"", ()))),)),
    an_append(term=-5),
    an_append(certified=7, certificate=b"{"),
    an_append(certified=HIGHEST),
    an_append(certified=HIGHEST + 1),
    an_append(previous_index=2**64 - 1),
    an_append(entries=(RaftEntry(2**64 - 1, 1, b"x"),)),
]


@pytest.mark.parametrize("lie", LIES)
def test_a_follower_drops_what_no_honest_leader_sends(tmp_path: Path, lie: Append) -> None:
    driver = a_driver(tmp_path)

    asyncio.run(sent(driver, lie))

    assert driver.chain.tip.height == 0
    assert driver.replica.committed == 0


@pytest.mark.parametrize("term", OUT_OF_REACH)
@pytest.mark.parametrize("leads", [True, False])
def test_no_member_raises_the_term_out_of_reach(tmp_path: Path, *, leads: bool, term: int) -> None:
    lies = (
        an_append(term=term, sender="node3"),
        AppendReply(term=term, sender="node3", result=Result.REJECTED, index=1),
        VoteRequest(term=term, sender="node3", last_index=9, last_term=term, probe=False),
        VoteRequest(term=term, sender="node3", last_index=9, last_term=term, probe=True),
        VoteReply(term=term, sender="node3", granted=False, probe=True),
        VoteReply(term=term, sender="node3", granted=True, probe=False),
    )

    async def story() -> int:
        driver = a_driver(tmp_path)
        if leads:
            await led(driver)
        for lie in lies:
            await sent(driver, lie)
        assert driver.leading is leads
        return driver.replica.term

    reached = asyncio.run(story())

    assert reached == (1 if leads else 0)


def test_a_node_follows_a_term_that_it_missed_while_it_was_away(tmp_path: Path) -> None:
    driver = a_driver(tmp_path)

    asyncio.run(sent(driver, an_append(term=TERM_STEP_MAX)))

    assert (driver.replica.term, driver.replica.leader) == (TERM_STEP_MAX, "node2")


def test_what_a_member_sends_ahead_is_kept_up_to_so_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> tuple[int, list[int], Driver]:
        frame = encode_block((await led(a_driver(tmp_path / "leader"))).chain.layers[0].block)
        monkeypatch.setattr(inspection, "RECEIVED_BYTES_MAX", 3 * len(frame))
        driver = a_driver(tmp_path / "follower")
        entries = tuple(RaftEntry(index, 1, frame) for index in range(1, 9))
        assert await driver.inspector.admits(an_append(entries=entries))
        large = RaftEntry(9, 1, frame)
        monkeypatch.setattr(inspection, "RECEIVED_BYTES_MAX", 1)
        assert await driver.inspector.admits(an_append(previous_index=8, previous_term=1, entries=(large,)))
        return len(frame), sorted(driver.inspector._received), driver

    size, kept, driver = asyncio.run(story())

    assert kept == [6, 7, 8]
    assert driver.inspector._received.currsize == 3 * size
    assert driver.inspector.block_of(RaftEntry(1, 1, encode_block(driver.inspector._received[6][1]))).header.term == 1


def test_a_voter_that_catches_up_gives_way_to_all_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many blocks come at once: neither running them nor committing them holds up the turns of the loop."""
    now, work = [0.0], [0.0]

    def slow(done: Callable[..., None], seconds: float) -> Callable[..., None]:
        def slowly(*arguments: Any) -> None:
            now[0] += seconds
            work[0] += seconds
            done(*arguments)

        return slowly

    async def story() -> tuple[float, Driver]:
        leader = await led(a_driver(tmp_path / "leader"))
        while leader.chain.tip.height < 40:
            leader.step(ProposeEntry(leader.chain.build((), leader.replica.term, 0)))
        follower = a_driver(tmp_path / "follower", "node2", lambda: now[0])
        monkeypatch.setattr(follower.chain, "accept", slow(follower.chain.accept, 0.004))
        monkeypatch.setattr(follower.chain, "commit", slow(follower.chain.commit, 0.002))
        header = leader.chain.tip
        certificate = Certificate(
            height=header.height,
            header=header.hash,
            endorsements=tuple(
                Endorsement(node=node, signature=endorse(key_of(node), header.hash)) for node in ("node1", "node2")
            ),
        )
        given = Append(
            term=1, sender="node1", previous_index=0, previous_term=0,
            entries=leader.replica.log.slice(1, 1 << 30, 64), certified=40, certificate=encode(certificate),
        )  # fmt: skip
        taking, longest = asyncio.ensure_future(follower.receive(given)), 0.0
        while not taking.done() or follower.chain.committed.height < 40:
            work[0] = 0.0
            await asyncio.sleep(0)
            longest = max(longest, work[0])
        return longest, follower

    longest, follower = asyncio.run(story())

    assert longest <= 2 * AT_ONCE_SECONDS
    assert follower.chain.state.certificate(40) is not None
    assert [height for height in range(1, 40) if follower.chain.state.certificate(height)] == []
    assert follower.certifying.newest is not None


def test_a_driver_that_is_closed_commits_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stores are closed next; what is final is on the disk of the log, and run again."""
    now = [0.0]

    async def story() -> int:
        driver = await led(a_driver(tmp_path, monotonic=lambda: now[0]))
        while driver.chain.tip.height < 9:
            driver.step(ProposeEntry(driver.chain.build((), driver.replica.term, 0)))
        commit = driver.chain.commit

        def slowly(height: int, certificate: Certificate) -> None:
            now[0] += AT_ONCE_SECONDS
            commit(height, certificate)

        monkeypatch.setattr(driver.chain, "commit", slowly)
        endorsements = tuple(
            (height, bytes.fromhex(endorse(key_of("node2"), driver.chain.hash_at(height)))) for height in range(1, 10)
        )
        await driver.receive(
            AppendReply(term=1, sender="node2", result=Result.ACCEPTED, index=9, endorsements=endorsements)
        )
        driver.close()
        for _ in range(20):
            await asyncio.sleep(0)
        return driver.chain.committed.height

    assert asyncio.run(story()) == 1


def test_answers_to_another_leader_or_to_an_earlier_self_are_no_lies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A node sends a block before its own disk has it: after a crash in between, those that answer hold more."""

    async def story() -> None:
        driver = a_driver(tmp_path)
        await driver.receive(an_append())
        for sender in ("node2", "node3"):
            await driver.receive(
                AppendReply(
                    term=1, sender=sender, result=Result.ACCEPTED, index=9, endorsements=((9, b"of what it lacks"),)
                )
            )

    asyncio.run(story())

    said = capsys.readouterr().out
    assert "peer_lies" not in said
    assert "endorsement_refused" not in said


def test_a_pause_is_made_up_for_within_bounds_and_no_part_of_a_tick_is_lost(tmp_path: Path) -> None:
    now = [0.0]
    driver = a_driver(tmp_path, monotonic=lambda: now[0])
    for _ in range(10):
        now[0] += 0.6 * TICK_SECONDS
        driver.look_at_the_clock()
    lived = driver.replica.ticks

    driver.replica.reset_timeout()
    driver.replica.timeout = 10_000
    now[0] += 1_000 * TICK_SECONDS
    driver.look_at_the_clock()

    assert lived >= 5
    assert driver.replica.ticks == driver.replica.config.election_ticks


def test_whoever_speaks_is_heard(tmp_path: Path) -> None:
    driver = a_driver(tmp_path)

    asyncio.run(driver.receive(an_append()))

    assert set(driver.reach._heard) == {"node2"}


def test_who_led_before_is_answered_and_not_called_a_liar(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What an ex-leader had proposed was decided otherwise while it was away, and answers to it come late."""
    told: list[AnyMessage] = []

    async def story() -> None:
        driver = await led(a_driver(tmp_path))
        driver._network = cast(Any, SimpleNamespace(send=lambda to, message: told.append(message)))
        await driver.receive(VoteReply(term=driver.replica.term, sender="node2", granted=True, probe=False))
        told.clear()
        await sent(driver, an_append(term=0, entries=(RaftEntry(1, 0, b"not a block"),)))
        await sent(driver, AppendReply(term=0, sender="node2", result=Result.ACCEPTED, index=10**9))
        assert driver.leading

    asyncio.run(story())

    assert [(type(one).__name__, one.term) for one in told] == [("AppendReply", 1)]
    assert "peer_lies" not in capsys.readouterr().out


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
            await sent(driver, reply)
        await sent(driver, an_append(term=term))
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


def test_a_block_holds_so_much_fuel_and_the_rest_is_in_the_next_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A registration uses a hundred."""
    monkeypatch.setattr(proposer, "SHARED", proposer.SHARED._replace(fuel=250))

    async def story() -> None:
        driver = await led(a_driver(tmp_path))
        state, until = State(GENESIS), time.time_ns() // 1_000_000 + 300_000
        many = [state.transaction("alice@studio", registering(number), valid_until_ms=until) for number in range(10)]
        one = state.transaction("bob@agency", registering("one"), valid_until_ms=until)
        driver.submit([*many, one])
        blocks = [await a_block(driver) for _ in range(4)]

        assert [len(block) for block in blocks] == [3, 3, 3, 2]
        assert one.id in blocks[0]
        assert [signed for block in blocks for signed in block if signed != one.id] == [one.id for one in many]

    async def a_block(driver: Driver) -> list[str]:
        assert driver.proposer.next_block(driver.replica.term) is not None
        return [signed.id for signed in driver.chain.layers[-1].block.transactions]

    monkeypatch.setattr(Driver, "_pump", lambda _: None)
    asyncio.run(story())


def test_a_policy_that_is_published_was_checked_off_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = contracts_vm.default_policy_source().replace("asset_default version 1", "another version 1")

    def watched(given: str) -> Checked:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return checked(given)

    async def story() -> None:
        driver = await led(a_driver(tmp_path))
        state, until = State(GENESIS), time.time_ns() // 1_000_000 + 300_000
        publishing = state.transaction("alice@studio", actions.PublishPolicy(source=source), valid_until_ms=until)
        checked.cache_clear()
        await driver.inspector.verify([publishing])
        assert checked.cache_info().currsize == 1
        driver.submit([publishing])
        await asyncio.sleep(0.05)
        assert driver.chain.layers[-1].result.outcomes[0].code == "OK"
        assert checked.cache_info().misses == 1

    monkeypatch.setattr(inspection, "checked", watched)
    asyncio.run(story())


def test_only_policies_that_are_sure_to_be_paid_for_are_checked_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not those of who may not publish, and one of a transaction."""
    seen: list[str] = []
    monkeypatch.setattr(inspection, "checked", seen.append)

    async def story() -> None:
        driver = await led(a_driver(tmp_path))
        state, until = State(GENESIS), time.time_ns() // 1_000_000 + 300_000
        first, second = (actions.PublishPolicy(source=source) for source in ("first", "second"))
        await driver.inspector.verify(
            [
                state.transaction("bob@agency", first, valid_until_ms=until),
                state.transaction("alice@studio", registering(1), first, valid_until_ms=until),
                state.transaction("alice@studio", second, first, first, valid_until_ms=until),
            ]
        )

    asyncio.run(story())

    assert seen == ["second"]


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


def test_what_a_member_forwards_goes_through_the_same_door_as_what_clients_bring(tmp_path: Path) -> None:
    state = State(GENESIS)
    stranger = msgspec.structs.replace(
        state.transaction("bob@agency", registering(1)).transaction,
        signers=(Signer(account="nobody@agency", key=key_of("bob@agency").public),),
    )
    foreign_key = msgspec.structs.replace(
        state.transaction("bob@agency", registering(2)).transaction,
        signers=(Signer(account="alice@studio", key=key_of("bob@agency").public),),
    )
    brought = [sign(one, [key_of("bob@agency")]) for one in (stranger, foreign_key)]
    fine = state.transaction("bob@agency", registering(3))

    async def story() -> tuple[list[tuple[str, str, str]], list[str]]:
        driver = await led(a_driver(tmp_path))
        submitter = Submitter(driver, str(tmp_path), 0)
        refused = await driver.receive_forwarded("node3", [*brought, fine])
        own = []
        for signed in brought:
            try:
                await submitter.take([signed])
            except LedgerError as error:
                own.append(error.code.name)
        assert fine.id in driver.mempool
        assert not any(signed.id in driver.mempool for signed in brought)
        return refused, own

    refused, own = asyncio.run(story())

    assert [code for _, code, _ in refused] == own == ["ACCOUNT_UNKNOWN", "KEY_UNKNOWN"]


def a_registration() -> SignedTransaction:
    """By alice, good for five minutes."""
    until = time.time_ns() // 1_000_000 + 300_000
    return State(GENESIS).transaction("alice@studio", registering(1), valid_until_ms=until)


def certificate_of(chain: Chain) -> Certificate:
    """Of a chain's newest block, by a majority."""
    header = chain.tip
    endorsements = tuple(
        Endorsement(node=node, signature=endorse(key_of(node), header.hash)) for node in ("node1", "node2")
    )
    return Certificate(height=header.height, header=header.hash, endorsements=endorsements)


def test_the_rest_of_an_append_is_dropped_once_other_blocks_are_final(tmp_path: Path) -> None:
    """A leader that lies says two things at a time, and what it says last is certified first."""
    one, other = (a_driver(tmp_path / name).chain for name in ("one", "other"))
    said = tuple(RaftEntry(height, 1, one.build((), 1, height)) for height in range(1, 30))
    other.accept(decode_block(said[0].data), None)
    final, proof = RaftEntry(2, 2, other.build((), 2, 9)), encode(certificate_of(other))
    long = an_append(term=2, entries=said)
    short = an_append(term=2, previous_index=1, previous_term=1, entries=(final,), certified=2, certificate=proof)

    async def story() -> Driver:
        driver = a_driver(tmp_path / "follower", monotonic=count(0.0, 1.0).__next__)
        taking = asyncio.ensure_future(driver.receive(long))
        while driver.chain.tip.height == 0:
            await asyncio.sleep(0)
        driver.step(Receive(short))  # whose signatures have been checked by now
        await taking
        return driver

    driver = asyncio.run(story())

    assert (driver.chain.committed.height, driver.chain.tip.hash) == (2, other.tip.hash)


def test_what_was_in_a_block_that_is_replaced_waits_again(tmp_path: Path) -> None:
    other = a_driver(tmp_path / "other").chain
    replacing = other.build((), 2, time.time_ns() // 1_000_000)

    async def story() -> None:
        driver = await led(a_driver(tmp_path / "leader"))
        driver.submit([a_registration()])
        await asyncio.sleep(0.05)
        assert (driver.chain.tip.height, driver.mempool.unproposed) == (2, 0)
        await driver.receive(an_append(term=2, entries=(RaftEntry(1, 2, replacing),)))
        assert (driver.chain.tip.height, driver.mempool.unproposed) == (1, 1)

    asyncio.run(story())


def test_what_is_final_is_in_no_second_block(tmp_path: Path) -> None:
    """It was committed by way of another node, and was forwarded here once more."""

    async def story() -> None:
        driver = await led(a_driver(tmp_path))
        signed = a_registration()
        driver.submit([signed])
        await asyncio.sleep(0.05)
        driver.chain.commit(2, certificate_of(driver.chain))
        assert signed.id not in driver.mempool
        driver.mempool.add(signed)
        assert driver.proposer.next_block(driver.replica.term) is None

    asyncio.run(story())


def test_what_has_expired_by_this_nodes_clock_alone_waits(tmp_path: Path) -> None:
    """The clock may be wrong: an empty block asks the others what time it is."""

    async def story() -> None:
        driver = await led(a_driver(tmp_path))
        now = time.time_ns() // 1_000_000
        signed = State(GENESIS).transaction("alice@studio", registering(1), valid_until_ms=now + 300_000)
        driver.proposer.clock = lambda: now + 600_000
        driver.mempool.add(signed)
        assert driver.proposer.next_block(driver.replica.term) is not None
        assert driver.chain.layers[-1].block.transactions == ()
        assert signed.id in driver.mempool

    asyncio.run(story())
