"""Who certifies which block, where voters change: walked by whoever has the genesis, and cut to what a proof needs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from changing import A, B, C, Changing, D, an_epoch, grown, pending, recovered_twice
from msgspec.structs import replace
from receipts import GENESIS, voters

from ledger.block import Certificate, Endorsement, Header, Voter, Voters
from ledger.encoding import encode
from ledger.epochs import (
    EPOCHS_MAX,
    PROOF_BYTES_MAX,
    Epoch,
    EpochRefused,
    Epochs,
    epochs_below,
    epochs_of_start,
    epochs_upto,
    walk,
)
from ledger.finality import NotFinal, check_final, voters_above
from ledger.names import INTEGER_MAX
from ledger.receipt import verify_receipt
from ledger.recovery import RecoveryRefused, check_recoveries, voters_at

TWO, LAST = ("node2", "node5"), ("node5", "node6")
FIRST, SECOND = an_epoch(2, voters(*A), voters(*B)), an_epoch(5, voters(*B), voters(*C))


def test_each_change_is_certified_by_the_voters_of_before() -> None:
    assert walk(voters(*A), 0, (), 9, GENESIS.chain) == voters(*A)
    assert walk(voters(*A), 0, (FIRST,), 3, GENESIS.chain) == voters(*B)
    assert walk(voters(*A), 1, (FIRST, SECOND), 6, GENESIS.chain) == voters(*C)
    assert walk(voters(*B), 4, (SECOND,), 6, GENESIS.chain) == voters(*C)


@pytest.mark.parametrize(
    ("above", "epochs", "height", "fault"),
    [
        (0, (SECOND,), 9, "does not hold"),
        (0, (FIRST, SECOND), 5, "not in order"),
        (2, (FIRST,), 9, "not in order"),
        (0, (FIRST, FIRST), 9, "not in order"),
        (0, (an_epoch(2, voters(*A), voters(*B), chain="other-00000000"),), 9, "another chain"),
        (0, (an_epoch(2, voters(*A), voters(*A)),), 9, "no voters change"),
        (0, (replace(FIRST, voters=voters(*C)),), 9, "names other voters"),
        (0, (an_epoch(2, voters(*A), voters(*B), by=voters("node1")),), 9, "majority"),
        (0, (an_epoch(2, voters(*A), Voters(voters=voters(*B).voters[::-1])),), 9, "out of order"),
    ],
)
def test_a_change_that_does_not_hold_ends_the_walk(above: int, epochs: Epochs, height: int, fault: str) -> None:
    with pytest.raises(EpochRefused, match=fault):
        walk(voters(*A), above, epochs, height, GENESIS.chain)


def heights(epochs: Epochs) -> list[int]:
    return [epoch.header.height for epoch in epochs]


@pytest.mark.parametrize(
    ("height", "needed"),
    [(1, []), (2, []), (3, []), (4, [2]), (5, [2]), (6, [2, 5]), (7, [2, 5]), (8, [2, 5, 7])],
)
def test_an_anchor_needs_the_changes_below_but_not_the_one_whose_epoch_it_continues(
    height: int, needed: list[int]
) -> None:
    chain = grown()

    assert heights(epochs_below(chain.epochs, chain.headers[height])) == needed


@pytest.mark.parametrize(
    ("height", "needed"),
    [(1, []), (3, [2]), (5, [2, 4]), (6, []), (7, []), (8, [7]), (9, []), (10, []), (11, [10])],
)
def test_no_change_is_needed_that_a_recovery_below_comes_after(height: int, needed: list[int]) -> None:
    chain = recovered_twice()

    assert heights(epochs_below(chain.epochs, chain.headers[height], chain.recoveries)) == needed


def test_no_change_is_needed_from_the_very_block_that_a_recovery_goes_on_from() -> None:
    chain = Changing()
    chain.change(*B)
    chain.recover("node1")
    chain.add()

    assert heights(chain.recoveries[0].epochs) == [1]
    assert epochs_below(chain.epochs, chain.header, chain.recoveries) == ()
    verify_receipt(chain.receipt(2), GENESIS, check_recoveries(tuple(chain.recoveries), GENESIS))


def test_who_begins_at_a_header_needs_its_own_change_too() -> None:
    chain, again = grown(), recovered_twice()
    started = {height: heights(epochs_of_start(chain.epochs, chain.headers[height])) for height in (1, 2, 3, 5, 8)}
    recovered = {
        height: heights(epochs_of_start(again.epochs, again.headers[height], again.recoveries)) for height in (5, 6, 8)
    }
    upto = {height: heights(epochs_upto(again.epochs, height, again.recoveries)) for height in (4, 5, 7, 8)}

    assert started == {1: [], 2: [2], 3: [2], 5: [2, 5], 8: [2, 5, 7]}
    assert recovered == {5: [2, 4], 6: [], 8: [7]}
    assert upto == {4: [2, 4], 5: [], 7: [7], 8: []}


@pytest.mark.parametrize(
    ("make", "above"),
    [
        (grown, [A, B, B, B, C, C, D, D]),
        (recovered_twice, [A, B, B, C, ("node2",), ("node2",), TWO, ("node5",), ("node5",), LAST, LAST]),
        (pending, [A, ("node1",), ("node1",), ("node1", "node4"), ("node1", "node4")]),
    ],
)
def test_every_header_is_final_and_tells_who_begins_there_the_next_voters(
    make: Callable[[], Changing], above: list[tuple[str, ...]]
) -> None:
    chain = make()
    accepted = check_recoveries(tuple(chain.recoveries), GENESIS)
    for header, next_voters in zip(chain.headers[1:], above, strict=True):
        start = epochs_of_start(chain.epochs, header, accepted)

        found = voters_above(header, chain.certificate(header.height), start, GENESIS, accepted)
        assert found == voters(*next_voters)


def test_who_begins_at_a_header_is_told_its_own_change_and_no_other() -> None:
    chain = grown()
    header, proof, (change, *_) = chain.headers[2], chain.certificate(2), chain.epochs
    other = an_epoch(2, voters(*A), voters(*B), time_ms=1)

    assert voters_above(header, proof, (change,), GENESIS) == voters(*B)
    for epochs, fault in (((), "do not say who certifies block 3"), ((other,), "another block 2")):
        with pytest.raises(NotFinal, match=fault):
            voters_above(header, proof, epochs, GENESIS)
    forged = an_epoch(2, voters(*A), voters(*B), by=voters("node1"))
    with pytest.raises(NotFinal, match="majority"):
        voters_above(header, proof, (forged,), GENESIS)


def test_a_change_that_nobody_certified_does_not_count_and_a_recovery_decides() -> None:
    chain = pending()
    accepted = check_recoveries(tuple(chain.recoveries), GENESIS)

    assert accepted[0].epochs == ()
    assert voters_at(2, GENESIS, accepted) == voters(*A)
    assert voters_at(3, GENESIS, accepted) == voters("node1")
    assert voters_above(chain.headers[2], chain.certificate(2), (), GENESIS, accepted) == voters("node1")


def test_a_recovery_is_by_voters_who_came_later_and_epochs_go_on_behind_it() -> None:
    chain = recovered_twice()
    first, second = check_recoveries(tuple(chain.recoveries), GENESIS)

    assert (heights(first.epochs), first.recovery.lost) == ([2, 4], ("node3", "node4"))
    assert (heights(second.epochs), second.recovery.lost) == ([7], ("node2",))
    for lie in ((), first.epochs[:1], first.epochs[1:], first.epochs[::-1]):
        with pytest.raises(RecoveryRefused):
            check_recoveries((replace(first, epochs=lie),), GENESIS)


def test_what_a_recovery_lost_behind_changes_of_voters_is_told() -> None:
    chain = grown()
    lost, proof = chain.headers[8], chain.certificate(8)
    shorter = Changing()
    shorter.add()
    shorter.change(*B)
    shorter.open()
    shorter.add()
    recovery = shorter.recover("node2", "node3")
    accepted = check_recoveries((recovery,), GENESIS)

    check_final(lost, proof, tuple(chain.epochs), GENESIS)
    with pytest.raises(NotFinal, match=r"block 8 was final, and recovery 1 kept 4: it was lost"):
        check_final(lost, proof, tuple(chain.epochs), GENESIS, accepted)
    with pytest.raises(NotFinal, match="not in order"):
        check_final(lost, chain.certificate(6), tuple(chain.epochs), GENESIS, accepted)


def test_what_a_second_recovery_lost_is_told_by_the_first() -> None:
    accepted = check_recoveries(tuple(recovered_twice().recoveries), GENESIS)
    chain = recovered_once()
    lost, proof = chain.headers[9], chain.certificate(9)
    epochs = epochs_below(chain.epochs, lost, accepted[:1])

    check_final(lost, proof, epochs, GENESIS, accepted[:1])
    with pytest.raises(NotFinal, match=r"block 9 was final, and recovery 2 kept 8: it was lost"):
        check_final(lost, proof, epochs, GENESIS, accepted)


def recovered_once() -> Changing:
    """The chain that is recovered twice, without its second recovery, gone on by one block."""
    chain = recovered_twice()
    chain.voters = chain.voters_of[8]
    for beside in (chain.headers, chain.voters_of, chain.made):
        del beside[9:]
    del chain.recoveries[1], chain.epochs[3]
    chain.header, chain.state.height = chain.headers[8], 8
    chain.add()
    return chain


def longest(voters_count: int = 7) -> Epoch:
    """An epoch of so many voters that could not be longer."""
    digest, name, width = "f" * 64, "n" * 32, INTEGER_MAX
    header = Header(
        version=1, chain="c" * 63, height=width, term=width, previous=digest, time_ms=width, proposer=name,
        log_size=width, log_root=digest, state_root=digest, voters_digest=digest, next_voters_digest=digest,
    )  # fmt: skip
    signed = tuple(Endorsement(node=name, signature="f" * 128) for _ in range(voters_count))
    proof = Certificate(height=width, header=digest, endorsements=signed)
    new = Voters(voters=tuple(Voter(node=name, key=digest) for _ in range(voters_count)))
    return Epoch(header=header, certificate=proof, voters=new)


def test_as_many_changes_as_there_may_be_fit_into_a_proof_with_4_mib_beside_them() -> None:
    assert EPOCHS_MAX * (len(encode(longest())) + 1) + 4 * 1024 * 1024 < PROOF_BYTES_MAX


def test_a_receipt_behind_as_many_changes_as_there_may_be_holds() -> None:
    """Two sets of voters take turns."""
    chain, sets = Changing(), (voters(*A), voters(*B))
    chain.state.height = EPOCHS_MAX
    for beside, nothing in ((chain.headers, chain.header), (chain.voters_of, sets[0]), (chain.made, None)):
        beside += [nothing] * EPOCHS_MAX
    chain.add()
    epochs = tuple(an_epoch(height, sets[1 - height % 2], sets[height % 2]) for height in range(1, EPOCHS_MAX + 1))

    found = verify_receipt(chain.receipt(EPOCHS_MAX + 1, epochs=epochs), GENESIS)

    assert found.epochs == epochs
