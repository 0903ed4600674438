"""Why a header is final, for somebody who has the genesis alone: its certificate, and how its voters came about."""

from __future__ import annotations

from ledger.block import Certificate, Header, Voters, certificate_fault
from ledger.epochs import Epochs
from ledger.genesis import Genesis
from ledger.recovery import Recoveries, voters_at


class NotFinal(Exception):
    """What was shown does not make the header final. Trust nothing that rests on it; the text says what failed."""


def check_final(
    header: Header, certificate: Certificate, epochs: Epochs, genesis: Genesis, recoveries: Recoveries = ()
) -> None:
    """NotFinal unless the certificate makes the header final on the chain of this genesis.

    `recoveries` are those that whoever checks has accepted (`ledger.recovery.check_recoveries`).
    """
    _require(header.chain == genesis.chain, "it is of another chain than this genesis")
    fault = certificate_fault(certificate, header, voters_of(header, epochs, genesis, recoveries))
    if fault is not None:
        _denounce(header, certificate, genesis, recoveries)
    _require(fault is None, f"its certificate does not hold: {fault}")


def _denounce(header: Header, certificate: Certificate, genesis: Genesis, recoveries: Recoveries) -> None:
    """NotFinal, in other words than usual, if the header was final until a recovery dropped it."""
    for number, recovery in enumerate(recoveries):
        former = voters_at(header.height, genesis, recoveries[:number])
        if recovery.height < header.height and certificate_fault(certificate, header, former) is None:
            kept = recovery.height
            raise NotFinal(f"block {header.height} was final, and recovery {recovery.number} kept {kept}: it was lost")


def voters_of(anchor: Header, epochs: Epochs, genesis: Genesis, recoveries: Recoveries) -> Voters:
    """The voters who certify a header: from those of the genesis, each change certified by the ones before.

    A recovery takes the place of all changes before it.
    """
    voters = voters_at(anchor.height, genesis, recoveries)
    height = max((recovery.height for recovery in recoveries if recovery.height < anchor.height), default=0)
    for epoch in epochs:
        header = epoch.header
        _require(header.chain == genesis.chain, "a change of voters is of another chain")
        _require(height < header.height < anchor.height, "the changes of voters are not in order")
        fault = certificate_fault(epoch.certificate, header, voters)
        _require(fault is None, f"the change of voters at {header.height} does not hold: {fault}")
        _require(header.next_voters_digest == epoch.voters.digest, "a change of voters names other voters")
        names = [voter.node for voter in epoch.voters.voters]
        _require(names == sorted(set(names)), "a set of voters names a node twice, or out of order")
        voters, height = epoch.voters, header.height
    return voters


def _require(condition: bool, fault: str) -> None:
    if not condition:
        raise NotFinal(fault)
