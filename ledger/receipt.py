"""Receipts: what a stranger needs to check one transaction, its outcome and its time, with the genesis file alone.

A receipt holds the transaction with its signatures, its outcome, the header of its block, and the *anchor*: the first
certified header at or above that block, with its certificate. Two paths in the anchor's log tie them together: one
from the transaction's leaf (which names its height), one from the hash of its block's header. Where the voters have
changed since genesis, the receipt brings the headers of the changes, each certified by the voters before it.
Verification needs no node, no network and no clock. The format for others is docs/receipt_format.md.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger import merkle_log
from ledger.block import Certificate, Header, Outcome
from ledger.encoding import Value, decode, encode
from ledger.epochs import PROOF_BYTES_MAX, Epochs
from ledger.errors import LedgerError, Refused
from ledger.finality import NotFinal, check_final
from ledger.genesis import Genesis
from ledger.names import Count, Hex32, Hex64
from ledger.recovery import Recoveries
from ledger.transaction import SignedTransaction, check_shape, check_signatures, parse_signed

RECEIPT_VERSION = 1


class ReceiptRefused(Refused):
    """The receipt does not prove what it says. Trust nothing in it; its text says what failed."""


class LogPath(Value, frozen=True, kw_only=True):
    """Where a leaf stands in the anchor's log, and the hashes from it to the root."""

    index: Count
    hashes: Annotated[tuple[Hex32, ...], Meta(max_length=64)]


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A transaction, what it did, and why that is final."""

    version: int
    transaction: msgspec.Raw
    signatures: tuple[Hex64, ...]
    outcome: Outcome
    header: Header
    """Of the block that holds the transaction."""
    path: LogPath
    """Of the transaction's leaf."""
    anchor: Header | UnsetType = UNSET
    """The first certified header at or above; absent if it is `header` itself."""
    header_path: LogPath | UnsetType = UNSET
    """Of the header's leaf, present exactly when `anchor` is."""
    certificate: Certificate
    epochs: Epochs = ()

    @property
    def signed(self) -> SignedTransaction:
        return parse_signed(bytes(self.transaction), self.signatures)


def build_receipt(
    signed: SignedTransaction,
    outcome: Outcome,
    leaf_index: int,
    header: Header,
    anchor: Header,
    certificate: Certificate,
    log: merkle_log.MerkleLog,
    epochs: Epochs = (),
) -> Receipt:
    """Receipt of a committed transaction, from the log that its node holds."""

    def path(index: int) -> LogPath:
        hashes = log.inclusion_path(index, anchor.log_size)
        return LogPath(index=index, hashes=tuple(value.hex() for value in hashes))

    same = anchor.height == header.height
    return Receipt(
        version=RECEIPT_VERSION,
        transaction=msgspec.Raw(signed.body),
        signatures=signed.signatures,
        outcome=outcome,
        header=header,
        path=path(leaf_index),
        anchor=UNSET if same else anchor,
        header_path=UNSET if same else path(header.log_size),
        certificate=certificate,
        epochs=epochs,
    )


def parse_receipt(data: bytes) -> Receipt:
    """Receipt from its file. ReceiptRefused if it is not one."""
    if len(data) > PROOF_BYTES_MAX:
        raise ReceiptRefused(f"{len(data)} bytes, a receipt has at most {PROOF_BYTES_MAX}")
    try:
        return decode(data, Receipt)
    except LedgerError as error:
        raise ReceiptRefused(f"this is not a receipt: {error}") from None


def verify_receipt(data: bytes, genesis: Genesis, recoveries: Recoveries = (), known: Header | None = None) -> Receipt:
    """The receipt, if it proves its transaction and outcome final on the chain of this genesis; else ReceiptRefused.

    `recoveries` are those of the chain that whoever checks has accepted, `known` a header that they know to be of it.
    """
    receipt = parse_receipt(data)
    anchor = receipt.header if receipt.anchor is UNSET else receipt.anchor
    _require(receipt.version == RECEIPT_VERSION, f"version {receipt.version} is not known here")
    _require(receipt.header.chain == genesis.chain, "it is of another chain than this genesis")
    try:
        check_final(anchor, receipt.certificate, receipt.epochs, genesis, recoveries, known)
        signed = receipt.signed
        check_shape(signed, genesis.chain)
        check_signatures(signed)
    except NotFinal as fault:
        raise ReceiptRefused(str(fault)) from None
    except LedgerError as error:
        raise ReceiptRefused(f"its transaction does not hold: {error}") from None
    entry = merkle_log.transaction_entry(
        receipt.header.height, signed.id, signed.signatures_digest, receipt.outcome.digest
    )
    _require_path(entry, receipt.path, anchor, "the transaction")
    _require(receipt.path.index < receipt.header.log_size, "the transaction's leaf lies after its block")
    _require(
        known is None or known.height != receipt.header.height or known.hash == receipt.header.hash,
        f"another block {receipt.header.height} is known",
    )
    if receipt.anchor is UNSET:
        _require(receipt.header_path is UNSET, "a header path without an anchor proves nothing")
        return receipt
    _require(anchor.height > receipt.header.height, "the anchor must lie above the block")
    if receipt.header_path is UNSET:
        raise ReceiptRefused("the anchor is another header, so the block's own must be proven too")
    _require(receipt.header_path.index == receipt.header.log_size, "the header's leaf follows its block's leaves")
    _require_path(merkle_log.previous_entry(receipt.header.hash), receipt.header_path, anchor, "the block's header")
    return receipt


def _require(condition: bool, fault: str) -> None:
    if not condition:
        raise ReceiptRefused(fault)


def _require_path(entry: bytes, path: LogPath, anchor: Header, what: str) -> None:
    hashes = [bytes.fromhex(value) for value in path.hashes]
    root = merkle_log.root_from_path(merkle_log.leaf_hash(entry), path.index, anchor.log_size, hashes)
    _require(root == bytes.fromhex(anchor.log_root), f"{what} is not in the anchor's log")


def encode_receipt(receipt: Receipt) -> bytes:
    """The receipt's one file: canonical JSON."""
    return encode(receipt)
