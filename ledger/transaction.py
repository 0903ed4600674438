"""A transaction: a signed request to change the ledger, and how its bytes become one or are refused.

Its body is canonical JSON; what is signed is `remarque/transaction/v1` and the body, and its id is the SHA-256 of the
same. There are no sequence numbers, so a client submits in parallel; a nonce tells two wishes apart, and the time
until which it is valid bounds how long an id must be remembered.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger import crypto
from ledger.actions import AnyAction
from ledger.encoding import Value, decode, decode_trusted, encode
from ledger.errors import Code, LedgerError
from ledger.names import AccountName, ChainName, Hex16, Hex32, Hex64, Memo, TimeMs

TRANSACTION_BYTES_MAX = 64 * 1024
SIGNERS_MAX = 8
ACTIONS_MAX = 16
SIGNATURE_DIGITS = 128


class Signer(Value, frozen=True, kw_only=True):
    """Who signs, and with which of the account's keys."""

    account: AccountName
    key: Hex32


class Transaction(Value, frozen=True, kw_only=True):
    """The body: what is signed."""

    chain: ChainName
    signers: Annotated[tuple[Signer, ...], Meta(min_length=1, max_length=SIGNERS_MAX)]
    valid_until_ms: TimeMs
    """The last block time at which it may be carried out."""
    nonce: Hex16
    """Chosen by chance by the client."""
    actions: Annotated[tuple[AnyAction, ...], Meta(min_length=1, max_length=ACTIONS_MAX)]
    """All are carried out, in order, or none."""
    memo: Memo | UnsetType = UNSET


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A transaction as it is sent: the body and one signature per signer, in order."""

    signatures: Annotated[tuple[Hex64, ...], Meta(max_length=64)]
    transaction: msgspec.Raw


class SignedTransaction:
    """A decoded transaction with its exact bytes, its id and its signatures. Immutable by convention, and cheap."""

    __slots__ = ("body", "id", "signatures", "transaction")

    def __init__(self, body: bytes, signatures: tuple[str, ...], transaction: Transaction) -> None:
        self.body = body
        self.signatures = signatures
        self.transaction = transaction
        self.id = crypto.digest(crypto.TRANSACTION, body)
        """64 hex digits."""

    @property
    def signatures_digest(self) -> bytes:
        """32 bytes over all signatures in order."""
        return crypto.sha256(crypto.SIGNATURES + "".join(self.signatures).encode())

    def envelope(self) -> bytes:
        """Canonical JSON of body and signatures: what a client sends."""
        return encode(Envelope(signatures=self.signatures, transaction=msgspec.Raw(self.body)))


def sign(transaction: Transaction, keys: list[crypto.SigningKey]) -> SignedTransaction:
    """Sign a transaction with the keys its signers name, in their order."""
    body = encode(transaction)
    return SignedTransaction(body, tuple(key.sign(crypto.TRANSACTION, body) for key in keys), transaction)


def parse_envelope(data: bytes) -> SignedTransaction:
    """Transaction from what a client sent. Says nothing yet about signatures: see `check_signatures`."""
    if len(data) > TRANSACTION_BYTES_MAX:
        raise LedgerError(
            Code.TOO_LARGE, f"{len(data)} bytes, at most {TRANSACTION_BYTES_MAX}; put content on IPFS, not on the chain"
        )
    envelope = decode(data, Envelope)
    return parse_signed(bytes(envelope.transaction), envelope.signatures)


def parse_signed(body: bytes, signatures: tuple[str, ...]) -> SignedTransaction:
    """Transaction from its body's bytes, refusing any but the canonical spelling."""
    return SignedTransaction(body, signatures, decode(body, Transaction))


def restore_signed(body: bytes, signatures: tuple[str, ...]) -> SignedTransaction:
    """Transaction from bytes of a block this node has executed before."""
    return SignedTransaction(body, signatures, decode_trusted(body, Transaction))


def check_shape(signed: SignedTransaction, chain: str) -> None:
    """Refuse what needs no state to refuse: another chain, or a number of signatures that is not the signers'."""
    transaction = signed.transaction
    if transaction.chain != chain:
        raise LedgerError(Code.WRONG_CHAIN, f"it names {transaction.chain}, this is {chain}; sign it for this chain")
    signers, signatures = len(transaction.signers), len(signed.signatures)
    if signatures < signers:
        raise LedgerError(Code.SIGNATURE_MISSING, f"{signers} signers, {signatures} signatures; one each, in order")
    if signatures > signers:
        raise LedgerError(Code.SIGNATURE_EXTRA, f"{signers} signers, {signatures} signatures; remove the others")
    # All signatures are hashed joined: if lengths could vary, other signatures could have the same digest.
    if any(len(signature) != SIGNATURE_DIGITS for signature in signed.signatures):
        raise LedgerError(Code.SIGNATURE_INVALID, f"a signature has {SIGNATURE_DIGITS} hex digits; sign it anew")


def check_signatures(signed: SignedTransaction) -> None:
    """Refuse a signature that does not hold. About 50 µs a signature; done once per node."""
    if len(signed.signatures) != len(signed.transaction.signers):
        raise LedgerError(Code.SIGNATURE_MISSING, "there is not one signature per signer, in order; sign it anew")
    for signer, signature in zip(signed.transaction.signers, signed.signatures, strict=True):
        if not crypto.verify(signer.key, crypto.TRANSACTION, signed.body, signature):
            raise LedgerError(
                Code.SIGNATURE_INVALID,
                f"{signer.account}'s signature does not verify under key {signer.key[:16]}…; "
                "sign the tag remarque/transaction/v1 followed by the canonical body",
            )
