"""Consistency: why a later log holds all of an earlier one, unchanged and in its place (RFC 9162, 2.1.4).

A proof brings two final headers of one chain and the path between their logs. Whoever holds an old receipt or
checkpoint checks with it that nothing below was rewritten since. It is checked with the genesis alone, like a receipt.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.block import Certificate, Header
from ledger.encoding import Value, decode
from ledger.epochs import PROOF_BYTES_MAX, Epochs, epochs_below
from ledger.errors import LedgerError, Refused
from ledger.finality import NotFinal, check_final
from ledger.genesis import Genesis
from ledger.merkle_log import HASH, MerkleLog, node_hash
from ledger.names import Hex32
from ledger.recovery import Recoveries

CONSISTENCY_VERSION = 1


class ConsistencyRefused(Refused):
    """The proof does not show that one log holds the other. Trust nothing in it; its text says what failed."""


class CertifiedHeader(Value, frozen=True, kw_only=True):
    """A header and what makes it final."""

    header: Header
    certificate: Certificate


class ConsistencyProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Two final headers, and why the log of the second begins with that of the first."""

    version: int
    first: CertifiedHeader
    second: CertifiedHeader
    path: Annotated[tuple[Hex32, ...], Meta(max_length=64)]
    epochs: Epochs = ()
    """Every change of voters below the second header, and above the last recovery below it."""


def build_consistency(
    first: CertifiedHeader, second: CertifiedHeader, log: MerkleLog, epochs: Epochs = ()
) -> ConsistencyProof:
    """Proof between two headers of the log that their node holds."""
    path = log.consistency_path(first.header.log_size, second.header.log_size)
    return ConsistencyProof(
        version=CONSISTENCY_VERSION,
        first=first,
        second=second,
        path=tuple(value.hex() for value in path),
        epochs=epochs,
    )


def verify_consistency(
    data: bytes, genesis: Genesis, recoveries: Recoveries = (), known: Header | None = None
) -> ConsistencyProof:
    """The proof, if it shows that the second log begins with the first; else ConsistencyRefused.

    `recoveries` are those of the chain that whoever checks has accepted, `known` a header that they know to be of it.
    """
    _require(len(data) <= PROOF_BYTES_MAX, f"{len(data)} bytes, a proof has at most {PROOF_BYTES_MAX}")
    try:
        proof = decode(data, ConsistencyProof)
    except LedgerError as error:
        raise ConsistencyRefused(f"this is no proof of consistency: {error}") from None
    _require(proof.version == CONSISTENCY_VERSION, f"version {proof.version} is not known here")
    first, second = proof.first.header, proof.second.header
    before = (epoch for recovery in recoveries if recovery.height < second.height for epoch in recovery.epochs)
    below = epochs_below((*before, *proof.epochs), first, recoveries)
    try:
        check_final(second, proof.second.certificate, proof.epochs, genesis, recoveries, known)
        check_final(first, proof.first.certificate, below, genesis, recoveries, known)
    except NotFinal as fault:
        raise ConsistencyRefused(str(fault)) from None
    _require(
        first.height < second.height or first.hash == second.hash, "the first header does not lie below the second"
    )
    path = [bytes.fromhex(value) for value in proof.path]
    root = root_from_consistency(bytes.fromhex(first.log_root), first.log_size, second.log_size, path)
    _require(root == bytes.fromhex(second.log_root), "the second log does not begin with the first")
    return proof


def root_from_consistency(first: bytes, first_size: int, second_size: int, path: list[bytes]) -> bytes | None:
    """Root of the second log that a path from the first leads to (RFC 9162, 2.1.4.2).

    None if the path does not start from `first`, or has a wrong length.
    """
    if not 0 < first_size <= second_size or any(len(value) != HASH for value in path):
        return None
    if first_size == second_size:
        return None if path else first
    nodes = [first, *path] if first_size & (first_size - 1) == 0 else path
    if not nodes:
        return None
    position, last = first_size - 1, second_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    before = after = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            return None
        if position & 1 or position == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while position & 1 == 0 and position:
                position, last = position >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        position, last = position >> 1, last >> 1
    return after if before == first and last == 0 else None


def _require(condition: bool, fault: str) -> None:
    if not condition:
        raise ConsistencyRefused(fault)
