"""Waiting transactions: bounded in number, bytes and per account, and never lost on the way to a block."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
from consortium import State, a_genesis, registering

from ledger.errors import LedgerError
from ledger.transaction import SignedTransaction
from node.ordering import mempool
from node.ordering.mempool import Mempool
from remarque.errors import NodeCode, NodeError

STATE = State(a_genesis())


def some(count: int, signer: str = "alice@studio") -> list[SignedTransaction]:
    return [STATE.transaction(signer, registering(number)) for number in range(count)]


def one_of(signer: str, number: int) -> SignedTransaction:
    return STATE.transaction(signer, registering(f"{signer} {number}"))


def filled(transactions: list[SignedTransaction], monotonic: Callable[[], float] = time.monotonic) -> Mempool:
    waiting = Mempool(monotonic)
    for signed in transactions:
        waiting.add(signed)
    return waiting


@pytest.mark.parametrize(
    ("limit", "most", "code"),
    [
        ("TRANSACTIONS_MAX", 3, NodeCode.MEMPOOL_FULL),
        ("BYTES_MAX", 2_000, NodeCode.MEMPOOL_FULL),
        ("ACCOUNT_TRANSACTIONS_MAX", 3, NodeCode.ACCOUNT_BUSY),
        ("ACCOUNT_BYTES_MAX", 2_000, NodeCode.ACCOUNT_BUSY),
    ],
)
def test_what_there_is_no_room_for_is_refused_with_a_time_to_come_back(
    monkeypatch: pytest.MonkeyPatch, limit: str, most: int, code: NodeCode
) -> None:
    monkeypatch.setattr(mempool, limit, most)
    first, *more = some(4)
    waiting = filled([first])

    with pytest.raises(NodeError) as refused:
        waiting.check_room(more)

    assert refused.value.code is code
    assert refused.value.retry_after == 1


def test_one_account_that_fills_its_share_leaves_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mempool, "ACCOUNT_TRANSACTIONS_MAX", 3)
    waiting = filled(some(3))

    waiting.check_room(some(3, "bob@agency"))


def test_room_comes_back_when_transactions_are_committed() -> None:
    transactions = some(3)
    waiting = filled(transactions)
    for position, signed in enumerate(transactions):
        waiting.committed(signed.id, (1, position))

    assert (len(waiting), waiting.unproposed, waiting.own) == (0, 0, [])
    assert (waiting._all.size, waiting._accounts) == (0, {})


@pytest.mark.parametrize(("limit", "most"), [("MEMBER_TRANSACTIONS_MAX", 3), ("MEMBER_BYTES_MAX", 2_000)])
def test_what_a_member_forwards_is_counted_against_that_member(
    monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(mempool, limit, most)
    waiting, forwarded = Mempool(), some(3)
    for signed in forwarded:
        waiting.add(signed, "node3")

    with pytest.raises(NodeError, match="node3 forwarded"):
        waiting.check_room(some(1, "bob@agency"), "node3")
    waiting.check_room(some(1, "bob@agency"), "node2")
    waiting.check_room(some(1, "bob@agency"))
    for signed in forwarded:
        waiting.committed(signed.id, (1, 1))
    waiting.check_room(some(1, "bob@agency"), "node3")
    assert (waiting.own, waiting._members) == ([], {})


def test_accounts_take_turns_however_many_transactions_one_of_them_has() -> None:
    many, one = some(40), some(1, "bob@agency")
    waiting = filled([*many, *one])

    assert waiting.cut(10, 10**6) == (many[0], *one, *many[1:9])


def test_who_comes_later_goes_first_and_has_saved_up_nothing() -> None:
    many, others = some(120), some(60, "bob@agency")
    waiting = filled(many)
    for _ in range(3):
        for signed in waiting.cut(20, 10**6):
            waiting.charge(signed, 100)
    for signed in others:
        waiting.add(signed)

    taken = waiting.cut(60, 10**6)

    assert taken[0] == others[0]
    assert 30 < sum(signed in others for signed in taken) < 50


def test_large_transactions_of_one_account_leave_room_in_each_block() -> None:
    many, others = some(20), [*some(2, "bob@agency"), *some(1, "carol@club")]
    size = len(many[0].body)
    waiting = filled([*many, *others])

    assert waiting.cut(99, 6 * size + 50) == (many[0], others[0], others[2], many[1], others[1], many[2])
    assert waiting.cut(3, 10**6) == tuple(many[3:6])


def test_blocks_are_short_while_several_accounts_send() -> None:
    now = [100.0]
    waiting = filled(some(1), lambda: now[0])
    now[0] += mempool.SHARED_SECONDS + 1
    for signed in some(5):
        waiting.add(signed)
    assert not waiting.shared

    waiting.add(one_of("bob@agency", 1))
    assert waiting.shared
    now[0] += mempool.SHARED_SECONDS - 0.1
    assert waiting.shared
    now[0] += 0.2
    assert not waiting.shared


def test_who_used_much_waits_until_the_others_have_used_as_much() -> None:
    many, others = some(9), some(9, "bob@agency")
    waiting = filled([*many, *others])
    first, second = waiting.cut(2, 10**6)
    assert (first, second) == (many[0], others[0])

    waiting.charge(first, 4 * mempool.weight(first) - 50)
    waiting.charge(second, 0)

    assert waiting.cut(7, 10**6) == (*others[1:5], many[1], others[5], many[2])


@pytest.mark.parametrize("others", [1, 2, 8])
def test_who_sends_one_after_the_other_has_no_more_than_their_share(others: int) -> None:
    """Each of the others sends one transaction that costs much, and the next once the last is final."""
    names = ["bob@agency", "carol@club", "root@club", "gen@studio", "root@studio", "notary@studio"]
    names += ["alice2@studio", "bob2@agency"]
    done = 0
    waiting = filled(some(3_000))
    for number in range(100 * (others + 1)):
        for name in names[:others]:
            if name not in waiting._accounts:
                waiting.add(one_of(name, number))
        ran, spent = 0, 0
        cut = waiting.cut(64, 10**6)
        while ran < len(cut) and spent < 20_000:
            spent += 100 if cut[ran].transaction.signers[0].account == "alice@studio" else 25_000
            ran += 1
        waiting.put_back(list(cut[ran:]))
        for signed in cut[:ran]:
            mine = signed.transaction.signers[0].account == "alice@studio"
            done += mine
            waiting.charge(signed, 100 if mine else 25_000)
            waiting.committed(signed.id, (1, 0))

    assert done > 2_000


def test_what_accounts_have_used_is_not_remembered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mempool, "USED_KEPT", 3)
    waiting = filled([])
    for number, name in enumerate(["bob@agency", "carol@club", "root@club", "gen@studio", "root@studio"] * 4):
        waiting.add(one_of(name, number))
        (signed,) = waiting.cut(9, 10**6)
        waiting.charge(signed, 100)
        waiting.committed(signed.id, (1, 0))
        assert len(waiting._used) <= 6


def test_what_a_block_did_not_take_costs_nothing() -> None:
    many, one = some(9), some(1, "bob@agency")
    waiting = filled(many)
    for _ in range(20):
        ran, *others = waiting.cut(5, 10**6)
        waiting.put_back(others)
        waiting.charge(ran, 100)
        waiting.put_back([ran])
    waiting.add(one[0])

    assert waiting.cut(9, 10**6) == (*one, *many[:8])


def test_a_cut_respects_number_and_bytes_and_takes_at_least_one() -> None:
    transactions = some(5)
    size = len(transactions[0].body)

    assert len(filled(transactions).cut(2, 10**6)) == 2
    assert len(filled(transactions).cut(9, 3 * size + 10)) == 3
    assert len(filled(transactions).cut(9, 1)) == 1


def test_a_truncated_block_gives_its_transactions_back_before_all_others() -> None:
    first, second, third = some(3)
    waiting = filled([first, second, third])
    waiting.cut(2, 10**6)
    waiting.committed(first.id, (1, 0))

    waiting.put_back([first, second])

    assert waiting.cut(9, 10**6) == (second, third)


def test_an_expired_transaction_wakes_who_waits_for_it() -> None:
    async def story() -> None:
        signed = some(1)[0]
        waiting = filled([signed])
        future = waiting.wait(signed.id)
        waiting.drop_expired(signed.transaction.valid_until_ms)
        assert not future.done()
        waiting.drop_expired(signed.transaction.valid_until_ms + 1)
        with pytest.raises(LedgerError, match="EXPIRED"):
            await future

    asyncio.run(story())
