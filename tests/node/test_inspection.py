"""What a peer may say, by what this node knows: looked at before consensus takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from consortium import key_of, registering
from msgspec.structs import replace
from written_chain import WrittenChain

from consensus.messages import Append, AppendReply, Result
from consensus.raft_log import RaftEntry
from consensus.replica_state import Role
from ledger.block import encode_block, endorse
from ledger.encoding import encode
from ledger.errors import InvalidBlock, LedgerError
from ledger.transaction import SignedTransaction
from node.ordering.driver import Driver
from node.ordering.mempool import Mempool

FINAL = 2


@pytest.fixture
def written(tmp_path: Path) -> Iterator[WrittenChain]:
    """Two final blocks of term 1, and a third above."""
    with closing(WrittenChain(tmp_path)) as chain:
        for number in range(FINAL):
            chain.block(chain.ask(registering(number)))
        chain.block(chain.ask(registering(9)), certified=False)
        yield chain


def a_driver(written: WrittenChain) -> Driver:
    return Driver(written.chain, written.log, Mempool(), lambda: written.chain.committed.time_ms, 1)


def said(previous: int, *entries: tuple[int, int], term: int = 2) -> Append:
    """An append above a place of term 1, of entries by index and term."""
    return Append(
        term=term, sender="node2", previous_index=previous, previous_term=1,
        entries=tuple(RaftEntry(index, of, b"") for index, of in entries),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("append", "plausible"),
    [
        (said(3), True),
        (said(2, (3, 1), (4, 2)), True),
        (said(2, (3, 2)), True),
        (said(2, (3, 2), (4, 1)), False),
        (said(2, (3, 3)), False),
        (said(2, (4, 2)), False),
        (said(1, (2, 2)), False),
        (replace(said(2), previous_term=2), False),
        (replace(said(2, (3, 1)), certified=4), False),
    ],
)
def test_appends_are_in_order_and_leave_what_is_final(append: Append, plausible: bool, written: WrittenChain) -> None:
    assert a_driver(written).inspector.plausible(append) is plausible


def leading(driver: Driver) -> int:
    """The term that a driver leads from now on."""
    driver.replica.role = Role.LEADER
    return driver.replica.term


def test_a_term_has_one_leader(written: WrittenChain) -> None:
    driver = a_driver(written)
    term = leading(driver)

    assert not driver.inspector.plausible(said(3, term=term))
    assert driver.inspector.plausible(said(3, term=term + 1))


def test_an_endorsement_is_of_who_sends_it(written: WrittenChain) -> None:
    driver = a_driver(written)
    term, header = leading(driver), driver.chain.hash_at(3)

    def admitted(signer: str) -> bool:
        endorsements = ((3, bytes.fromhex(endorse(key_of(signer), header))),)
        reply = AppendReply(term=term, sender="node2", result=Result.ACCEPTED, index=3, endorsements=endorsements)
        return asyncio.run(driver.inspector.admits(reply))

    assert admitted("node2")
    assert not admitted("node3")


def test_a_certificate_is_of_the_height_that_is_said(written: WrittenChain) -> None:
    driver = a_driver(written)
    certificate = driver.certifying.newest
    assert certificate is not None
    append = replace(said(3), certified=FINAL, certificate=encode(certificate))

    assert asyncio.run(driver.inspector.admits(append))
    assert not asyncio.run(driver.inspector.admits(replace(append, certified=3)))
    assert driver.certifying.check(FINAL, encode(certificate))
    assert not driver.certifying.check(3, encode(certificate))
    assert not driver.certifying.check(FINAL, encode(replace(certificate, endorsements=certificate.endorsements[:1])))


def test_a_block_is_of_the_term_of_its_entry(written: WrittenChain) -> None:
    driver = a_driver(written)
    data = encode_block(driver.chain.layers[-1].block)

    assert driver.inspector.block_of(RaftEntry(3, 1, data)).header.term == 1
    with pytest.raises(InvalidBlock, match="another term"):
        driver.inspector.block_of(RaftEntry(3, 2, data))


def test_what_was_verified_once_is_not_verified_with_other_signatures(written: WrittenChain) -> None:
    driver, signed = a_driver(written), written.ask(registering(7))
    forged = SignedTransaction(signed.body, ("00" * 64,), signed.transaction)

    asyncio.run(driver.inspector.verify([signed, signed]))
    with pytest.raises(LedgerError):
        asyncio.run(driver.inspector.verify([forged]))


def test_only_blocks_of_the_own_term_are_endorsed(written: WrittenChain) -> None:
    driver = a_driver(written)

    assert [height for height, _ in driver.certifying.endorsements(1, 3, 1)] == [1, 2, 3]
    assert driver.certifying.endorsements(1, 3, 2) == ()


def test_a_block_is_the_one_that_was_sent_last_for_its_place(written: WrittenChain) -> None:
    driver = a_driver(written)
    (_, first), _ = written.chain.finals.stretch(0)
    last = encode_block(driver.chain.layers[-1].block)

    assert asyncio.run(driver.inspector.admits(replace(said(2), entries=(RaftEntry(3, 1, first),))))

    assert driver.inspector.block_of(RaftEntry(3, 1, last)).header.height == 3


def test_an_append_is_looked_at_again_once_its_signatures_are_checked(written: WrittenChain) -> None:
    """Meanwhile this node has been elected in the term of the append."""
    driver = a_driver(written)
    data = encode_block(driver.chain.layers[-1].block)
    append = replace(said(2, term=1), entries=(RaftEntry(3, 1, data),))

    async def story() -> bool:
        admitting = asyncio.ensure_future(driver.inspector.admits(append))
        await asyncio.sleep(0)
        assert driver.replica.term == leading(driver) == 1
        return await admitting

    assert asyncio.run(driver.inspector.admits(append))
    assert not asyncio.run(story())
