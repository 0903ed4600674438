"""An audit that starts behind changes of voters, and evidence from epochs below that start."""

from __future__ import annotations

from typing import Any

import pytest
from changing import A, B, C, an_epoch
from consortium import registering
from msgspec.structs import replace
from receipts import GENESIS, voters
from tampering import Keeper

from ledger.archive import ArchivedStart, opening_line, parse_line, state_line
from ledger.audit import AuditFailed, Auditor, Finding
from ledger.audit_evidence import EvidenceBelowStart
from ledger.block import Header
from ledger.epochs import Epoch, Epochs, epochs_below, epochs_of_start
from ledger.merkle_log import MerkleLog
from ledger.receipt import Receipt, encode_receipt, parse_receipt, verify_receipt
from ledger.recovery import Recoveries, check_recoveries, parse_recovery
from ledger.succession import block_leaves

START = 4


class Kept:
    """A chain whose voters change at blocks 1 and 3 (and 4), told from block 4 on: what a pruned node keeps."""

    def __init__(
        self, *, last: bool = False, advance_ms: int = 1_000, leave: tuple[str, ...] = (), early: tuple[str, ...] = ()
    ) -> None:
        self.keeper = keeper = Keeper()
        self.epochs: list[Epoch] = []
        self.recoveries: Recoveries = ()
        self.values: dict[str, bytes] = {}
        self._add(B)
        if early:
            self._recover(*early)
        self._add(advance_ms=advance_ms)
        self._add(C)
        self._add(B if last else None)
        self.values = dict(keeper.state.values)
        if leave:
            self._recover(*leave)
        self._add()
        self._add()

    def _add(self, nodes: tuple[str, ...] | None = None, **changes: Any) -> None:
        new = {"next_voters_digest": voters(*nodes).digest} if nodes else {}
        signed = self.keeper.state.transaction("carol@club", registering(len(self.keeper.blocks)))
        self.keeper.block(signed, **changes, **new)
        if nodes:
            block, _, proof = self.keeper.blocks[-1]
            self.epochs.append(Epoch(header=block.header, certificate=proof, voters=voters(*nodes)))
            self.keeper.nodes = nodes

    def _recover(self, *left: str) -> None:
        signed = replace(parse_recovery(self.keeper.recover(*left)), epochs=tuple(self.epochs))
        self.recoveries = check_recoveries((signed,), GENESIS)

    def header(self, height: int) -> Header:
        return self.keeper.blocks[height - 1][0].header

    def receipt(self, height: int) -> Receipt:
        """Receipt of a block, anchored there."""
        made = parse_receipt(self.keeper.receipt(height))
        made = replace(made, epochs=epochs_below(self.epochs, self.header(height), self.recoveries))
        return verify_receipt(encode_receipt(made), GENESIS, self.recoveries)

    def lines(self, epochs: Epochs | None = None) -> list[bytes]:
        """The archive from block 4 on."""
        log, below = MerkleLog(), self.header(1).previous
        for block, outcomes, _ in self.keeper.blocks[:START]:
            for leaf in block_leaves(below, block.header.height, block.transactions, outcomes):
                log.append(leaf)
            below = block.hash
        start = ArchivedStart(
            header=self.header(START),
            certificate=self.keeper.blocks[START - 1][2],
            epochs=epochs_of_start(self.epochs, self.header(START), self.recoveries) if epochs is None else epochs,
            peaks=tuple(peak.hex() for peak in log.peaks(log.size)),
        )
        values = [state_line(key, value) for key, value in sorted(self.values.items())]
        return [opening_line(GENESIS, start=start), *values, *self.keeper.lines()[START + 1 :]]


def audit(
    lines: list[bytes], *evidence: Receipt, known: Header | None = None, recoveries: Recoveries = ()
) -> Finding | None:
    auditor = Auditor(GENESIS, evidence, recoveries, known=known)
    try:
        for line in lines:
            auditor.take(parse_line(line))
        auditor.finish()
    except AuditFailed as failed:
        return failed.finding
    return None


@pytest.mark.parametrize("last", [False, True])
def test_an_audit_starts_behind_changes_of_voters_or_at_the_last_block_of_an_epoch(last: bool) -> None:
    kept = Kept(last=last)

    assert audit(kept.lines()) is None
    for epochs in ((), tuple(kept.epochs[:-1]), tuple(kept.epochs[1:])):
        found = audit(kept.lines(epochs))
        assert found is not None
        assert (found.fault, found.height) == ("CERTIFICATE_INVALID", START)


def test_an_audit_starts_at_the_block_that_a_recovery_goes_on_from() -> None:
    kept = Kept(leave=("node2",))

    assert audit(kept.lines(), recoveries=kept.recoveries) is None
    assert audit(kept.lines(), kept.receipt(5), kept.receipt(4), recoveries=kept.recoveries) is None


def test_an_audit_starts_behind_a_change_that_came_after_a_recovery() -> None:
    kept = Kept(early=("node2",))

    assert audit(kept.lines(), kept.receipt(5), kept.receipt(4), recoveries=kept.recoveries) is None


@pytest.mark.parametrize("last", [False, True])
def test_evidence_of_another_epoch_is_compared_by_its_anchor_and_its_voters(last: bool) -> None:
    kept = Kept(last=last)

    for height in (4, 5, 6):
        assert audit(kept.lines(), kept.receipt(height)) is None
    for height in (1, 2, 3):
        with pytest.raises(EvidenceBelowStart):
            audit(kept.lines(), kept.receipt(height))


def test_evidence_of_other_changes_of_voters_below_the_start_is_a_fork() -> None:
    """Of a branch by the voters of genesis, and of one whose epoch ended at another block of the same height."""
    kept, branch = Kept(), Keeper()
    branch.block()
    branch.block(branch.state.transaction("carol@club", registering("other")))
    of_old_voters = verify_receipt(branch.receipt(2), GENESIS)
    ended = replace(kept.receipt(5), epochs=(an_epoch(1, voters(*A), voters(*B)), kept.epochs[1]))
    elsewhere = verify_receipt(encode_receipt(ended), GENESIS)

    for receipt, said in ((of_old_voters, "known to have other voters"), (elsewhere, "another block 1 is known")):
        found = audit(kept.lines(), receipt)
        assert found is not None
        assert (found.fault, found.height) == ("FORKED", START)
        assert said in found.detail


def test_an_audit_is_held_against_a_known_header() -> None:
    kept, other = Kept(), Kept(advance_ms=2_000)
    plain = Keeper()
    plain.block()
    plain.block()
    for height in range(1, 7):
        assert audit(kept.lines(), known=kept.header(height)) is None
    for known, fault, height in (
        (other.header(4), "FORKED", 4),
        (other.header(6), "FORKED", 6),
        (plain.header, "FORKED", 4),
        (replace(kept.header(6), height=7), "TRUNCATED", 6),
    ):
        found = audit(kept.lines(), known=known)
        assert found is not None
        assert (found.fault, found.height) == (fault, height)
