"""Only those who are left, all of them, and not while they are a majority, say from where a chain goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from consortium import a_genesis, a_node, key_of
from msgspec.structs import replace
from receipts import certificate
from tampering import recovered

from ledger import crypto
from ledger.block import Endorsement, Header, Voter, Voters
from ledger.consistency import CertifiedHeader, build_consistency
from ledger.encoding import encode
from ledger.epochs import PROOF_BYTES_MAX
from ledger.finality import NotFinal, check_final
from ledger.genesis import genesis_header
from ledger.recovery import (
    Recovery,
    RecoveryRefused,
    SignedRecovery,
    check_recoveries,
    parse_recovery,
    voters_at,
)
from node.cli.main import cli

GENESIS = a_genesis()
ONE = Voters(voters=(Voter(node="node1", key=key_of("node1").public),))


def a_recovery(**changes: Any) -> Recovery:
    parts: dict[str, Any] = {
        "version": 1,
        "chain": GENESIS.chain,
        "number": 1,
        "height": 7,
        "term": 2,
        "header": "ab" * 32,
        "voters": ONE,
        "lost": ("node2", "node3"),
        "reason": "fire",
        "time_ms": 1,
    }
    return Recovery(**(parts | changes))


def signed(recovery: Recovery, *nodes: str, by: str = "") -> SignedRecovery:
    return SignedRecovery(
        recovery=recovery,
        signatures=tuple(
            Endorsement(node=node, signature=key_of(by or node).sign(crypto.RECOVERY, recovery.signed_bytes))
            for node in nodes
        ),
    )


def test_those_who_are_left_go_on_and_vote_from_the_next_block() -> None:
    recoveries = check_recoveries((signed(a_recovery(), "node1"),), GENESIS)

    assert voters_at(7, GENESIS, recoveries) == GENESIS.voters
    assert voters_at(8, GENESIS, recoveries) == ONE


STRANGER = Voters(voters=(Voter(node="node9", key=key_of("node9").public),))
OTHER_KEY = Voters(voters=(Voter(node="node1", key=key_of("node9").public),))
TWO = Voters(voters=GENESIS.voters.voters[:2])

REFUSED: dict[str, SignedRecovery] = {
    "nobody signed": signed(a_recovery()),
    "another signed": signed(a_recovery(), "node2"),
    "more signed than are left": signed(a_recovery(), "node1", "node2"),
    "signed twice": signed(a_recovery(), "node1", "node1"),
    "under another key": signed(a_recovery(), "node1", by="node2"),
    "of another chain": signed(a_recovery(chain="other-12345678"), "node1"),
    "of another version": signed(a_recovery(version=2), "node1"),
    "not the first": signed(a_recovery(number=2), "node1"),
    "a stranger votes": signed(a_recovery(voters=STRANGER), "node9"),
    "a voter has another key": signed(a_recovery(voters=OTHER_KEY), "node1", by="node9"),
    "a majority is left": signed(a_recovery(voters=TWO, lost=("node3",)), "node1", "node2"),
    "others are named as lost": signed(a_recovery(lost=("node2",)), "node1"),
}


def test_a_second_loss_before_a_new_block_is_recovered_from_the_same_block() -> None:
    names = [f"node{number}" for number in range(1, 6)]
    five = a_genesis(nodes=tuple(map(a_node, names)))
    two = Voters(voters=five.voters.voters[:2])
    first = a_recovery(chain=five.chain, voters=two, lost=tuple(names[2:]))
    second = a_recovery(chain=five.chain, number=2, lost=("node2",))
    elsewhere = replace(second, header="cd" * 32)

    recoveries = check_recoveries((signed(first, "node1", "node2"), signed(second, "node1")), five)
    assert voters_at(8, five, recoveries) == ONE
    with pytest.raises(RecoveryRefused, match="behind"):
        check_recoveries((signed(first, "node1", "node2"), signed(elsewhere, "node1")), five)


@pytest.mark.parametrize("fault", REFUSED)
def test_a_recovery_that_does_not_hold_is_refused(fault: str) -> None:
    with pytest.raises(RecoveryRefused):
        check_recoveries((REFUSED[fault],), GENESIS)


def test_what_was_signed_cannot_be_changed() -> None:
    good = signed(a_recovery(), "node1")
    for changes in ({"height": 8}, {"header": "cd" * 32}, {"reason": "flood"}, {"time_ms": 2}, {"term": 3}):
        with pytest.raises(RecoveryRefused, match="signature"):
            check_recoveries((replace(good, recovery=a_recovery(**changes)),), GENESIS)


def test_what_is_no_recovery_is_refused() -> None:
    whole = encode(signed(a_recovery(), "node1"))
    assert parse_recovery(whole) == signed(a_recovery(), "node1")
    for data in (b"", b"{}", whole[:-1], whole + b" ", b"\xff", b"[" * 9, b" " * (PROOF_BYTES_MAX + 1)):
        with pytest.raises(RecoveryRefused):
            parse_recovery(data)


def a_header(height: int, voters: Voters) -> Header:
    return replace(genesis_header(GENESIS), height=height, voters_digest=voters.digest)


def test_a_proof_may_lead_over_a_recovery_for_who_accepts_it(tmp_path: Path) -> None:
    keeper, recovery = recovered()
    first, second = (CertifiedHeader(header=block.header, certificate=proof) for block, _, proof in keeper.blocks[1:3])
    (tmp_path / "proof.json").write_bytes(encode(build_consistency(first, second, keeper.log)))
    (tmp_path / "genesis.json").write_bytes(encode(GENESIS))
    (tmp_path / "recovery.json").write_bytes(recovery)
    words = ["log", "verify", str(tmp_path / "proof.json"), "--genesis", str(tmp_path / "genesis.json")]

    refused = CliRunner().invoke(cli, words)
    taken = CliRunner().invoke(cli, [*words, "--recovery", str(tmp_path / "recovery.json")])

    assert (refused.exit_code, taken.exit_code) == (1, 0), taken.output
    assert "begins with that at block 2" in taken.output


def test_what_was_final_before_stays_so_and_what_was_lost_is_told() -> None:
    recoveries = check_recoveries((signed(a_recovery(), "node1"),), GENESIS)
    before, lost, after = a_header(7, GENESIS.voters), a_header(8, GENESIS.voters), a_header(8, ONE)

    check_final(before, certificate(before, "node1", "node2"), (), GENESIS, recoveries)
    check_final(after, certificate(after, "node1"), (), GENESIS, recoveries)
    check_final(lost, certificate(lost, "node2", "node3"), (), GENESIS)
    with pytest.raises(NotFinal, match="was lost"):
        check_final(lost, certificate(lost, "node2", "node3"), (), GENESIS, recoveries)
    with pytest.raises(NotFinal):
        check_final(after, certificate(after, "node1"), (), GENESIS)
    with pytest.raises(NotFinal):
        check_final(before, certificate(before, "node1"), (), GENESIS, recoveries)
