"""A header that is known to be of the chain: every proof from above it is held against the voters that it names."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from changing import Changing, branch, grown, pending, recovered_twice
from consortium import a_genesis
from msgspec.structs import replace
from receipts import GENESIS

from ledger.consistency import ConsistencyRefused, verify_consistency
from ledger.encoding import encode
from ledger.epochs import epochs_below
from ledger.errors import LedgerError
from ledger.finality import NotFinal, check_final
from ledger.known import known_fault, parse_known
from ledger.recovery import check_recoveries
from ledger.snapshot import SnapshotRefused, parse_manifest
from ledger.state_answer import StateAnswerRefused, verify_state_answer

CHAIN, BRANCH = grown(), branch()


@pytest.mark.parametrize(("first", "second"), [(low, high) for high in range(1, 12) for low in range(1, high + 1)])
def test_a_proof_of_consistency_leads_over_epochs_and_recoveries(first: int, second: int) -> None:
    chain = recovered_twice()
    accepted = check_recoveries(tuple(chain.recoveries), GENESIS)
    data = chain.consistency(first, second)

    for known in (None, *chain.headers):
        assert verify_consistency(data, GENESIS, accepted, known).second.header == chain.headers[second]


def test_a_proof_of_consistency_is_held_against_a_known_header_at_both_ends() -> None:
    data = BRANCH.consistency(3, 8)

    verify_consistency(data, GENESIS)
    verify_consistency(data, GENESIS, known=CHAIN.headers[1])
    with pytest.raises(ConsistencyRefused, match="block 4 is known to have other voters"):
        verify_consistency(data, GENESIS, known=CHAIN.headers[4])
    plain = Changing()
    plain.add(8)
    with pytest.raises(ConsistencyRefused, match="another block 3 is known"):
        verify_consistency(data, GENESIS, known=plain.headers[3])


def test_an_answer_on_state_is_held_against_a_known_header() -> None:
    verify_state_answer(CHAIN.state_answer(), GENESIS, known=CHAIN.headers[6])
    verify_state_answer(BRANCH.state_answer(), GENESIS)
    with pytest.raises(StateAnswerRefused, match="block 6 is known to have other voters"):
        verify_state_answer(BRANCH.state_answer(), GENESIS, known=CHAIN.headers[6])


def test_a_snapshot_is_held_against_a_known_header() -> None:
    parse_manifest(CHAIN.snapshot()[0], GENESIS, known=CHAIN.headers[6])
    parse_manifest(BRANCH.snapshot()[0], GENESIS)
    with pytest.raises(SnapshotRefused, match="block 6 is known to have other voters"):
        parse_manifest(BRANCH.snapshot()[0], GENESIS, known=CHAIN.headers[6])


def test_a_known_header_of_another_chain_is_told() -> None:
    other = replace(CHAIN.headers[6], chain=a_genesis(name="other").chain)

    with pytest.raises(NotFinal, match="the known header is of another chain"):
        check_final(CHAIN.headers[1], CHAIN.certificate(1), (), GENESIS, (), other)


@pytest.mark.parametrize("make", [grown, recovered_twice, pending])
def test_no_header_of_a_chain_denounces_another_of_it(make: Callable[[], Changing]) -> None:
    chain = make()
    accepted = check_recoveries(tuple(chain.recoveries), GENESIS)
    for known in chain.headers:
        for height in range(1, len(chain.headers)):
            shown = chain.headers[height]
            below = epochs_below(chain.epochs, shown, accepted)
            assert known_fault(known, shown, below, GENESIS, accepted) is None, (known.height, height)


def test_a_checkpoint_that_is_none_is_refused() -> None:
    assert parse_known(CHAIN.checkpoint(6)) == CHAIN.headers[6]
    for data in (b"", b"{}", b"[" * 5_000, b"\xff", encode({"header": CHAIN.headers[6], "certificate": 1})):
        with pytest.raises(LedgerError, match="no checkpoint"):
            parse_known(data)
