"""A driver whose voters change: what it proposes, takes, drops and keeps around the last block of an epoch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from levels_said import level_at
from voting_chain import NEW, Kind, VotingChain

from consensus.inputs import Tick
from consensus.messages import AnyMessage, Append, AppendReply, Result, VoteReply, VoteRequest
from consensus.raft_log import RaftEntry
from consensus.replica_state import Role
from ledger.actions import AddNode
from ledger.block import Block, Certificate, encode_block, endorse
from ledger.encoding import encode
from ledger.node_certificate import make_certificate
from ledger.transaction import SignedTransaction
from node.chain.level import Level
from node.ordering import proposer
from node.ordering.driver import Driver
from node.ordering.mempool import Mempool
from node.ordering.proposer import Cut, Proposer
from simulator.consortium import key_of, payment
from simulator.disk import Crashed


class Stopping(Kind):
    """Stops the node before it writes its state, once it is told to."""

    on = False

    def before(self, volume: str, size: int, *, sync: bool) -> None:
        if self.on and volume == "state":
            raise Crashed


class Port:
    """Stands for the way to the other nodes: what was said, and how far each is."""

    def __init__(self) -> None:
        self.said: list[tuple[str, AnyMessage]] = []
        self.heights: dict[str, int] = {}

    def send(self, to: str, message: AnyMessage) -> None:
        self.said.append((to, message))

    def forward(self, to: str, transactions: list[SignedTransaction]) -> None:
        """Nobody forwards here."""

    async def level(self, node: str) -> Level | None:
        height = self.heights.get(node)
        return None if height is None else level_at(height, "node1", "node2", "node3")

    def answers(self) -> list[AppendReply]:
        return [message for _, message in self.said if isinstance(message, AppendReply)]


def a_driver(written: VotingChain) -> tuple[Driver, Port]:
    """A driver over the chain's stores, as it is at a start."""
    chain = written.chain
    driver = Driver(chain, written.log, Mempool(), lambda: chain.tip.time_ms + 1_000, 1)
    driver.on_broken = lambda error: pytest.fail(f"it broke: {error!r}")
    port = Port()
    driver.connect(port)
    return driver, port


async def led(driver: Driver, *votes: str) -> None:
    """Let it lead, by others' votes."""
    while driver.replica.role is Role.FOLLOWER:
        driver.step(Tick())
    for probe in (True, False):
        term = driver.replica.term + probe
        for voter in votes:
            await driver.receive(VoteReply(term=term, sender=voter, granted=True, probe=probe))
    assert driver.leading


async def until(driver: Driver, condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            driver.look_at_the_clock()
            await asyncio.sleep(0)


def paid(written: VotingChain, number: int, payer: str = "payer0@studio") -> SignedTransaction:
    until_ms = written.chain.tip.time_ms + 100_000
    return payment(written.genesis, number, payer, "payer3@studio", 1, until_ms)


def entries(*blocks: Block) -> tuple[RaftEntry, ...]:
    return tuple(RaftEntry(block.header.height, block.header.term, encode_block(block)) for block in blocks)


def an_append(below: Block, *blocks: Block, certificate: Certificate | None = None, **parts: int) -> Append:
    return Append(
        term=parts.get("term", blocks[-1].header.term if blocks else below.header.term),
        sender="node1",
        previous_index=below.header.height,
        previous_term=below.header.term,
        entries=entries(*blocks),
        certified=certificate.height if certificate else 0,
        certificate=encode(certificate) if certificate else b"",
    )


def test_a_leader_opens_the_new_epoch_at_once_and_waits_for_the_new_voter() -> None:
    written = VotingChain(voters=1)
    driver, port = a_driver(written)
    port.heights[NEW] = 1

    async def story() -> None:
        await led(driver)
        driver.submit([written.voting(NEW, votes=True)])
        await until(driver, lambda: driver.replica.config.voters == ("node1", NEW))
        change = driver.chain.committed
        opening = driver.chain.tip
        assert (opening.height, opening.voters_digest) == (change.height + 1, change.next_voters_digest)
        assert driver.chain.layers[-1].block.transactions == ()
        assert [message.entries for to, message in port.said if isinstance(message, Append) and to == NEW][-1]

        driver.submit([paid(written, 1)])
        await asyncio.sleep(0.01)
        assert driver.chain.committed == change
        signature = bytes.fromhex(endorse(key_of(NEW), driver.chain.hash_at(opening.height)))
        await driver.receive(
            AppendReply(
                term=driver.replica.term,
                sender=NEW,
                result=Result.ACCEPTED,
                index=opening.height,
                endorsements=((opening.height, signature),),
            )
        )
        assert driver.chain.committed.height >= opening.height
        driver.close()

    asyncio.run(story())


def test_while_a_change_is_pending_a_leader_proposes_nothing_above_it() -> None:
    written = VotingChain(voters=2)
    driver, port = a_driver(written)
    port.heights[NEW] = 1

    async def answered() -> None:
        """Node2 holds all of it, and endorses what is not final."""
        last = driver.replica.log.last_index
        signed = tuple(
            (height, bytes.fromhex(endorse(key_of("node2"), driver.chain.hash_at(height))))
            for height in range(driver.replica.committed + 1, last + 1)
        )
        reply = AppendReply(
            term=driver.replica.term, sender="node2", result=Result.ACCEPTED, index=last, endorsements=signed
        )
        await driver.receive(reply)

    async def story() -> None:
        await led(driver, "node2")
        await answered()
        driver.submit([written.voting(NEW, votes=True)])
        await until(driver, lambda: driver.chain.sets.pending(driver.chain.tip))
        change = driver.chain.tip
        driver.submit([paid(written, number) for number in range(5)])
        await asyncio.sleep(0.02)
        assert driver.chain.tip == change

        await answered()
        assert driver.chain.committed == change
        await until(driver, lambda: driver.chain.tip.height == change.height + 2)
        assert len(driver.chain.layers[-1].block.transactions) == 5
        driver.close()

    asyncio.run(story())


def test_a_follower_takes_a_block_of_new_voters_once_it_knows_the_change_to_be_final() -> None:
    written, follower = VotingChain(), VotingChain(name="node2", bare=True)
    first, change = written.chain.finals.at(1).block, written.change()
    certificate = written.final()
    opening = written.block(term=2)
    driver, port = a_driver(follower)
    genesis = Block(driver.chain.header(0), "", ())

    async def story() -> None:
        await driver.receive(an_append(genesis, first, change))
        assert driver.chain.sets.pending(driver.chain.tip)

        await driver.receive(an_append(change, opening, certificate=certificate))
        assert (port.answers()[-1].result, port.answers()[-1].index) == (Result.POSTPONED, 3)
        assert driver.replica.config.voters == ("node1", "node2", "node3", NEW)
        assert driver.replica.committed == driver.chain.committed.height == 2

        await driver.receive(an_append(change, opening))
        assert (port.answers()[-1].result, port.answers()[-1].index) == (Result.ACCEPTED, 3)
        assert driver.chain.tip == opening.header

    asyncio.run(story())


def test_a_change_is_on_the_disk_before_the_node_counts_by_it() -> None:
    """Killed right then, it knows at its next start who votes."""
    fate = Stopping()
    written, follower = VotingChain(), VotingChain(name="node2", bare=True, fate=fate)
    first, change = written.chain.finals.at(1).block, written.change()
    driver, _ = a_driver(follower)
    driver.on_broken = lambda error: None
    genesis = Block(driver.chain.header(0), "", ())

    async def story() -> None:
        await driver.receive(an_append(genesis, first, change))
        fate.on = True
        with pytest.raises(Crashed):
            await driver.receive(an_append(change, certificate=written.certificate()))

    asyncio.run(story())
    fate.on = False
    follower.cut_power()

    assert follower.voters() == ["node1", "node2", "node3", NEW]
    assert follower.chain.committed.height == 2


def test_a_voter_endorses_its_own_removal_and_then_nothing_more() -> None:
    written, leaving = VotingChain(voters=2), VotingChain(voters=2, name="node2", bare=True)
    first, change = written.chain.finals.at(1).block, written.change("node2", votes=False)
    driver, port = a_driver(leaving)
    genesis = Block(driver.chain.header(0), "", ())

    async def story() -> None:
        await driver.receive(an_append(genesis, first, change))
        assert [index for index, _ in port.answers()[-1].endorsements] == [1, 2]
        await driver.receive(an_append(change, certificate=written.certificate()))
        assert (driver.replica.config.voters, driver.replica.votes_here) == (("node1",), False)
        assert driver.chain.committed == change.header

        port.said.clear()
        written.final()
        await driver.receive(an_append(change, written.block(term=2)))
        await driver.receive(VoteRequest(term=3, sender="node1", last_index=9, last_term=2, probe=False))
        for _ in range(200):
            driver.step(Tick())
        assert (port.said, driver.chain.tip) == ([], change.header)

    asyncio.run(story())


def test_a_node_that_starts_and_votes_no_more_holds_nothing_that_may_not_be_final() -> None:
    """A power cut took the state of final blocks: others give them again, and perhaps others than it holds."""
    written, leaving = VotingChain(), VotingChain(name="node2", bare=True)
    change = written.change("node2", votes=False)
    leaving.take(written.chain.finals.at(1).block, change)
    leaving.chain.settle(leaving.certificate())
    written.final()
    leaving.take(written.block(term=2), written.block(term=2))
    leaving.cut_power()
    assert (leaving.chain.committed.height, leaving.chain.tip.height) == (2, 4)

    driver, _ = a_driver(leaving)

    assert not driver.replica.votes_here
    assert driver.chain.tip.height == leaving.log.last_index() == driver.replica.log.last_index == 2


def proposing(written: VotingChain, *, may: bool) -> tuple[Proposer, Mempool, list[tuple[str, list[str]]]]:
    """A proposer that is told that voters may change or not, and what it asked."""
    mempool, asked = Mempool(), list[tuple[str, list[str]]]()
    chain = written.chain

    def may_change(signed: SignedTransaction, after: object) -> bool:
        asked.append((signed.id, [voter.node for voter in after.voters]))  # type: ignore[attr-defined]
        return may

    return Proposer(chain, mempool, lambda: chain.tip.time_ms + 1_000, may_change), mempool, asked


def test_a_change_that_may_not_be_made_now_is_left_out_alone() -> None:
    written = VotingChain()
    made, mempool, asked = proposing(written, may=False)
    change = written.voting(NEW, votes=True)
    others = [paid(written, number, f"payer{number}@studio") for number in range(3)]
    for signed in (*others[:1], change, *others[1:]):
        mempool.add(signed)

    assert made.next_block(1) is None

    assert asked == [(change.id, ["node1", "node2", "node3", NEW])]
    assert written.chain.tip.height == 1
    assert made.next_block(1) is not None
    carried = [signed.id for signed in written.chain.layers[-1].block.transactions]
    assert sorted(carried) == sorted(signed.id for signed in others)
    assert change.id in mempool
    assert mempool.unproposed == 0


def test_what_there_was_no_room_for_beside_a_change_is_not_forgotten_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposer, "SHARED", Cut(transactions=32, bytes=1 << 20, fuel=1, uncommitted=2))
    monkeypatch.setattr(proposer, "ALONE", Cut(transactions=32, bytes=1 << 20, fuel=1, uncommitted=2))
    written = VotingChain()
    made, mempool, _ = proposing(written, may=False)
    mempool.add(written.voting(NEW, votes=True))
    waiting = paid(written, 1, "payer1@studio")
    mempool.add(waiting)

    assert made.next_block(1) is None

    assert mempool.unproposed == 1
    assert made.next_block(1) is not None
    assert [signed.id for signed in written.chain.layers[-1].block.transactions] == [waiting.id]


def test_a_change_that_may_be_made_goes_into_a_block_with_the_others() -> None:
    written = VotingChain()
    made, mempool, asked = proposing(written, may=True)
    for signed in (written.voting(NEW, votes=True), paid(written, 1)):
        mempool.add(signed)

    assert made.next_block(1) is not None

    assert len(asked) == 1
    assert len(written.chain.layers[-1].block.transactions) == 2
    assert written.chain.sets.pending(written.chain.tip)


def test_nobody_is_asked_about_a_block_that_changes_no_voters() -> None:
    written = VotingChain()
    made, mempool, asked = proposing(written, may=False)
    key = key_of("node8")
    mempool.add(written.ask(AddNode(node="node8", key=key.public, certificate=make_certificate(key).hex())))

    assert made.next_block(1) is not None
    assert asked == []
