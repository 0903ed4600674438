"""A node that follows asks on: past those who are silent, lag or lie, until nobody keeps what comes next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from consortium import key_of, registering
from voting_chain import NEW, VotingChain
from written_chain import GENESIS, WrittenChain

from consensus.messages import Append
from ledger.encoding import encode
from node.chain import finals
from node.chain.chain import Chain
from node.chain.stretch import Stretch, encode_stretch
from node.ordering.driver import Driver
from node.ordering.mempool import Mempool
from node.peers.asking import NOT_REACHED
from node.snapshots import following
from node.snapshots.following import Follower
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.errors import NodeCode, NodeError
from simulator.consortium import key_of as simulated_key

EMPTY = (200, encode_stretch(Stretch((), b"", 1, "")))
PRUNED = (410, b"")
SILENT = (NOT_REACHED, b"")


class Giving:
    """Stands for nodes that are asked for stretches: a fixed answer each, or a chain that they give."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.addresses = dict.fromkeys(answers, "")
        self._answers = answers
        self.asked: list[str] = []

    async def ask_status(self, peer: str, path: str, bytes_max: int) -> tuple[int, bytes]:
        await asyncio.sleep(0)
        self.asked.append(peer)
        answer = self._answers[peer]
        if not isinstance(answer, Chain):
            return answer
        blocks, certificate = answer.finals.stretch(int(path.rpartition("/")[2].partition("?")[0]))
        packed = b"" if certificate is None else encode(certificate)
        return 200, encode_stretch(Stretch(blocks, packed, 1, "node1"))


@pytest.fixture
def written(tmp_path: Path) -> WrittenChain:
    written = WrittenChain(tmp_path / "giver")
    for number in range(5):
        written.block(written.ask(registering(number)))
    return written


def follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any]) -> tuple[Driver, Giving]:
    """A node after it has followed for a moment."""
    monkeypatch.setattr(following, "PAUSE_SECONDS", 0.001)
    raft_log = RaftLogStore(tmp_path / "log")
    chain = Chain(GENESIS, key_of("watcher"), "watcher", raft_log, StateStore(tmp_path / "state"))
    driver = Driver(chain, raft_log, Mempool(), lambda: chain.committed.time_ms, Random(1).getrandbits(32))
    giving = Giving(answers)

    async def story() -> None:
        async with asyncio.timeout(0.3):
            await Follower(driver, giving).run()  # type: ignore[arg-type]

    with pytest.raises(TimeoutError):
        asyncio.run(story())
    return driver, giving


@pytest.mark.parametrize("other", [EMPTY, PRUNED, SILENT, (200, b"\xff"), (200, EMPTY[1][:-1])])
def test_it_comes_to_the_one_that_gives(
    other: Any, written: WrittenChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver, giving = follow(tmp_path, monkeypatch, {"other": other, "giver": written.chain})

    assert driver.chain.committed == written.chain.committed
    assert len(giving.asked) < 400


@pytest.mark.parametrize("others", [{"one": PRUNED, "two": PRUNED}, {"one": PRUNED, "two": SILENT}])
def test_it_ends_when_nobody_that_answers_keeps_what_comes_next(
    others: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NodeError) as ended:
        follow(tmp_path, monkeypatch, others)

    assert ended.value.code is NodeCode.BLOCK_PRUNED


def test_it_waits_while_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver, _ = follow(tmp_path, monkeypatch, {"one": SILENT, "two": EMPTY, "three": PRUNED})

    assert driver.chain.committed.height == 0


def levelled(tmp_path: Path, giving: Any, now_ms: int) -> int | None:
    """Height at which a follower takes itself to have caught up; None if it does not."""
    raft_log = RaftLogStore(tmp_path / "log")
    chain = Chain(GENESIS, key_of("watcher"), "watcher", raft_log, StateStore(tmp_path / "state"))
    follower = Follower(Driver(chain, raft_log, Mempool(), lambda: now_ms, 1), giving)

    async def story() -> int | None:
        running = asyncio.create_task(follower.run())
        try:
            async with asyncio.timeout(1):
                await follower.level.wait()
            return chain.committed.height
        except TimeoutError:
            return None
        finally:
            running.cancel()

    return asyncio.run(story())


@pytest.mark.parametrize("age_ms", [0, 10**9])
def test_it_has_caught_up_where_its_newest_block_is_of_now_or_nobody_gives_another(
    age_ms: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finals, "STRETCH_BLOCKS", 2)
    monkeypatch.setattr(following, "PAUSE_SECONDS", 0.001)
    written = WrittenChain(tmp_path / "giver")
    for number in range(5):
        written.block(written.ask(registering(number)), after_ms=10_000)
    giving = Giving({"empty": EMPTY, "giver": written.chain})

    assert levelled(tmp_path, giving, written.chain.tip.time_ms + age_ms) == 5


def test_it_has_caught_up_while_there_is_always_another_block(tmp_path: Path) -> None:
    written = WrittenChain(tmp_path / "giver")

    class Busy(Giving):
        async def ask_status(self, *asked: Any) -> tuple[int, bytes]:
            for _ in range(9):
                written.block(after_ms=1)
            return await super().ask_status(*asked)

    assert levelled(tmp_path, Busy({"giver": written.chain}), written.chain.tip.time_ms) is not None


def test_it_asks_whoever_is_there_now(written: WrittenChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody at first, then some that have nothing, then one that gives too; those that go are asked no more."""
    monkeypatch.setattr(following, "PAUSE_SECONDS", 0.001)
    raft_log = RaftLogStore(tmp_path / "log")
    chain = Chain(GENESIS, key_of("watcher"), "watcher", raft_log, StateStore(tmp_path / "state"))
    giving = Giving({"pruned": PRUNED, "empty": EMPTY, "giver": written.chain})
    giving.addresses = {}

    async def until(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0)

    async def story() -> None:
        driver = Driver(chain, raft_log, Mempool(), lambda: chain.committed.time_ms, 1)
        running = asyncio.create_task(Follower(driver, giving).run())  # type: ignore[arg-type]
        for _ in range(100):
            await asyncio.sleep(0)
        assert not giving.asked
        giving.addresses = {"empty": "", "pruned": ""}
        await until(lambda: set(giving.asked) == {"empty", "pruned"})
        giving.addresses = {"empty": "", "pruned": "", "giver": ""}
        await until(lambda: chain.committed == written.chain.committed)
        giving.addresses = {"giver": "", "pruned": ""}
        await asyncio.sleep(0.01)
        giving.asked.clear()
        await until(lambda: len(giving.asked) > 10)
        assert set(giving.asked) == {"giver", "pruned"}
        giving.addresses = {"pruned": ""}
        with pytest.raises(NodeError, match="BLOCK_PRUNED"):
            await asyncio.wait_for(running, 10)

    asyncio.run(story())


def test_it_follows_until_it_votes_and_again_once_it_votes_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over three epochs: it begins to vote above block 3, and votes no more above block 5."""
    monkeypatch.setattr(following, "PAUSE_SECONDS", 0.001)
    written = VotingChain()
    written.block()
    written.final()
    written.change()
    written.final()
    raft_log, store = RaftLogStore(tmp_path / "log"), StateStore(tmp_path / "state")
    chain = Chain(written.genesis, simulated_key(NEW), NEW, raft_log, store)
    giving = Giving({"giver": written.chain})

    async def until(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0)

    async def story() -> None:
        driver = Driver(chain, raft_log, Mempool(), lambda: chain.committed.time_ms, 1)
        follower = Follower(driver, giving)  # type: ignore[arg-type]
        running = asyncio.create_task(follower.run())
        await until(lambda: driver.replica.votes_here)
        assert (chain.committed.height, [voter.node for voter in chain.voters.voters][-1]) == (3, NEW)
        await until(follower.level.is_set)
        written.block(term=2)
        written.final()
        giving.asked.clear()
        await asyncio.sleep(0.02)
        assert (giving.asked, chain.committed.height) == ([], 3)

        written.change(votes=False)
        written.final()
        frames = [written.log.entry(height) for height in (4, 5)]
        taken = Append(
            term=2, sender="node1", previous_index=3, previous_term=1, entries=tuple(frames), newest=5,
            certified=5, certificate=encode(written.certificate(5)),
        )  # fmt: skip
        await driver.receive(taken)
        assert not driver.replica.votes_here
        written.block(term=3)
        written.final()
        await until(lambda: chain.committed.height == 6)
        running.cancel()

    asyncio.run(story())


def test_it_follows_no_sooner_than_it_has_committed_what_it_knew_to_be_final(tmp_path: Path) -> None:
    """Else it would take blocks above its newest committed one that it holds already, not committed yet."""
    written = VotingChain()
    raft_log, store = RaftLogStore(tmp_path / "log"), StateStore(tmp_path / "state")
    chain = Chain(written.genesis, simulated_key(NEW), NEW, raft_log, store)
    driver = Driver(chain, raft_log, Mempool(), lambda: 0, 1)
    follower = Follower(driver, Giving({}))  # type: ignore[arg-type]
    assert follower._follows

    driver.replica.committed += 1

    assert not follower._follows


def test_a_voter_asks_nobody_and_nothing_waits_for_it_to_catch_up(tmp_path: Path) -> None:
    raft_log, store = RaftLogStore(tmp_path / "log"), StateStore(tmp_path / "state")
    driver = Driver(Chain(GENESIS, key_of("node1"), "node1", raft_log, store), raft_log, Mempool(), lambda: 10**15, 1)
    giving = Giving({"node2": EMPTY})
    follower = Follower(driver, giving)  # type: ignore[arg-type]

    async def story() -> None:
        running = asyncio.create_task(follower.run())
        async with asyncio.timeout(10):
            await follower.level.wait()
        running.cancel()

    asyncio.run(story())

    assert giving.asked == []


def test_a_stretch_goes_up_to_the_next_certificate_however_far_that_is(
    written: WrittenChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finals, "STRETCH_BLOCKS", 2)
    for _ in range(4):
        written.block(certified=False)
    written.block()

    blocks, certificate = written.chain.finals.stretch(5)

    assert certificate is not None
    assert (len(blocks), certificate.height) == (5, 10)
