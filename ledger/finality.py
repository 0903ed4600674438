"""Why a header is final, for somebody who has the genesis alone: its certificate, and how its voters came about."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ledger.block import Certificate, Header, Voters, certificate_fault
from ledger.encoding import Value
from ledger.genesis import Genesis
from ledger.recovery import Recoveries, voters_at

EPOCHS_MAX = 4_096


class Epoch(Value, frozen=True, kw_only=True):
    """A change of the voters, certified by those before it."""

    header: Header
    """Names the new voters in `next_voters_digest`."""
    certificate: Certificate
    voters: Voters


Epochs = Annotated[tuple[Epoch, ...], Meta(max_length=EPOCHS_MAX)]
"""Every change of voters from genesis on, oldest first."""


class NotFinal(Exception):
    """What was shown does not make the header final. Trust nothing that rests on it; the text says what failed."""


def check_final(
    header: Header, certificate: Certificate, epochs: Epochs, genesis: Genesis, recoveries: Recoveries = ()
) -> None:
    """NotFinal unless the certificate makes the header final on the chain of this genesis.

    `recoveries` are those that whoever checks has accepted (`ledger.recovery.check_recoveries`).
    """
    _require(header.chain == genesis.chain, "it is of another chain than this genesis")
    fault = certificate_fault(certificate, header, _voters_at(header, epochs, genesis, recoveries))
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


def _voters_at(anchor: Header, epochs: Epochs, genesis: Genesis, recoveries: Recoveries) -> Voters:
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
