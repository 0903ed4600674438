"""Why a header is final, for somebody who has the genesis alone: its certificate, and how its voters came about."""

from __future__ import annotations

from ledger.block import Certificate, Header, Voters, certificate_fault
from ledger.epochs import EpochRefused, Epochs, epochs_below, epochs_upto
from ledger.genesis import Genesis
from ledger.known import known_fault
from ledger.recovery import Recoveries, voters_at


class NotFinal(Exception):
    """What was shown does not make the header final. Trust nothing that rests on it; the text says what failed."""


def check_final(
    header: Header,
    certificate: Certificate,
    epochs: Epochs,
    genesis: Genesis,
    recoveries: Recoveries = (),
    known: Header | None = None,
) -> None:
    """NotFinal unless the certificate makes the header final on the chain of this genesis.

    `recoveries` are those that whoever checks has accepted (`ledger.recovery.check_recoveries`); `known` is a header
    that they know to be of the chain (`ledger.known`).
    """
    fault = _fault(header, certificate, epochs, genesis, recoveries)
    if fault is not None:
        _denounce(header, certificate, epochs, genesis, recoveries)
        raise NotFinal(fault)
    other = None if known is None else known_fault(known, header, epochs, genesis, recoveries)
    if other is not None:
        raise NotFinal(other)


def voters_above(
    header: Header,
    certificate: Certificate,
    epochs: Epochs,
    genesis: Genesis,
    recoveries: Recoveries = (),
    known: Header | None = None,
) -> Voters:
    """Who certifies the block above a header, for whoever begins there; NotFinal unless the header is final.

    `epochs` go up to the header, its own included if it names other voters (`ledger.epochs.epochs_of_start`).
    """
    check_final(header, certificate, epochs_below(epochs, header, recoveries), genesis, recoveries, known)
    try:
        voters = voters_at(header.height + 1, genesis, recoveries, epochs_upto(epochs, header.height, recoveries))
    except EpochRefused as refused:
        raise NotFinal(str(refused)) from None
    recovered = any(recovery.height == header.height for recovery in recoveries)
    if not recovered and voters.digest != header.next_voters_digest:
        raise NotFinal(f"its changes of voters do not say who certifies block {header.height + 1}")
    if any(epoch.header.height == header.height and epoch.header.hash != header.hash for epoch in epochs):
        raise NotFinal(f"voters change at another block {header.height}")
    return voters


def _fault(
    header: Header, certificate: Certificate, epochs: Epochs, genesis: Genesis, recoveries: Recoveries
) -> str | None:
    """Why a header is not final for who has accepted these recoveries, or None if it is."""
    if header.chain != genesis.chain:
        return "it is of another chain than this genesis"
    try:
        fault = certificate_fault(certificate, header, voters_at(header.height, genesis, recoveries, epochs))
    except EpochRefused as refused:
        return str(refused)
    return None if fault is None else f"its certificate does not hold: {fault}"


def _denounce(
    header: Header, certificate: Certificate, epochs: Epochs, genesis: Genesis, recoveries: Recoveries
) -> None:
    """NotFinal, in other words than usual, if the header was final until a recovery dropped it."""
    for number, recovery in enumerate(recoveries):
        kept = recovery.height
        if kept < header.height and _fault(header, certificate, epochs, genesis, recoveries[:number]) is None:
            raise NotFinal(f"block {header.height} was final, and recovery {recovery.number} kept {kept}: it was lost")
