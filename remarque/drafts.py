"""A transaction on its way from signer to signer: what is asked, who has to sign, who has signed.

A file of canonical JSON that anybody may read before signing it. Signatures stand under the names of those who gave
them, so their order does not matter; what is missing, superfluous or somebody else's is named before anything is sent.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from ledger import crypto
from ledger.crypto import SigningKey
from ledger.encoding import Value, decode, encode
from ledger.errors import Code, LedgerError
from ledger.names import AccountName, Hex32, Hex64
from ledger.transaction import SIGNERS_MAX, TRANSACTION_BYTES_MAX, SignedTransaction, Transaction
from remarque.errors import NodeCode, NodeError

DRAFT_VERSION = 1


class DraftSignature(Value, frozen=True, kw_only=True):
    """One signer's signature under the body."""

    account: AccountName
    key: Hex32
    signature: Hex64


class Draft(Value, frozen=True, kw_only=True):
    """A transaction's body with the signatures it has so far."""

    draft: Annotated[int, Meta(ge=DRAFT_VERSION, le=DRAFT_VERSION)]
    """Version of this format."""
    transaction: msgspec.Raw
    """The exact bytes that are signed."""
    signatures: Annotated[tuple[DraftSignature, ...], Meta(max_length=SIGNERS_MAX)] = ()

    @property
    def body(self) -> bytes:
        return bytes(self.transaction)

    @property
    def wanted(self) -> Transaction:
        """What is signed, decoded."""
        return decode(self.body, Transaction)


def draft_of(transaction: Transaction) -> Draft:
    """A draft that nobody has signed yet."""
    body = encode(transaction)
    try:
        decode(body, Transaction)  # structs check types when decoded, not when made
    except LedgerError as error:
        raise NodeError(NodeCode.DRAFT_INVALID, error.detail) from None
    return Draft(draft=DRAFT_VERSION, transaction=msgspec.Raw(body))


def parse_draft(data: bytes) -> Draft:
    """Draft from its file. DRAFT_INVALID if it is none."""
    if len(data) > 2 * TRANSACTION_BYTES_MAX:
        raise NodeError(NodeCode.DRAFT_INVALID, f"it has {len(data)} bytes; no draft is that large")
    try:
        draft = decode(data.strip(), Draft)
        decode(draft.body, Transaction)
    except LedgerError as error:
        raise NodeError(NodeCode.DRAFT_INVALID, f"{error}; `remarque transaction draft` makes one") from None
    return draft


def encode_draft(draft: Draft) -> bytes:
    """A draft's file."""
    return encode(draft) + b"\n"


def sign_draft(draft: Draft, key: SigningKey) -> Draft:
    """The draft with a signature of the signer whose key this is. SIGNATURE_EXTRA if it is nobody's who has to sign."""
    own = [one.account for one in draft.wanted.signers if one.key == key.public]
    if not own:
        wanted = ", ".join(f"{one.account} ({one.key[:16]}…)" for one in draft.wanted.signers)
        raise LedgerError(Code.SIGNATURE_EXTRA, f"key {key.public[:16]}… is not asked to sign this; asked are {wanted}")
    signature = key.sign(crypto.TRANSACTION, draft.body)
    given = tuple(DraftSignature(account=account, key=key.public, signature=signature) for account in own)
    return replace(draft, signatures=(*(one for one in draft.signatures if one.key != key.public), *given))


def missing(draft: Draft) -> list[str]:
    """Accounts that have not signed yet, in the order in which they stand."""
    given = {(one.account, one.key) for one in draft.signatures}
    return [one.account for one in draft.wanted.signers if (one.account, one.key) not in given]


def complete(draft: Draft, chain: str) -> SignedTransaction:
    """The signed transaction. Refuses, by name, what is missing, superfluous, of another signer or of another chain."""
    transaction = draft.wanted
    if transaction.chain != chain:
        raise LedgerError(Code.WRONG_CHAIN, f"it is for {transaction.chain}, this is {chain}; draft it for this chain")
    if lacking := missing(draft):
        raise LedgerError(Code.SIGNATURE_MISSING, f"{', '.join(lacking)} has not signed; have the file signed first")
    asked = [(one.account, one.key) for one in transaction.signers]
    given = {}
    for one in draft.signatures:
        if (one.account, one.key) not in asked or (one.account, one.key) in given:
            raise LedgerError(
                Code.SIGNATURE_EXTRA, f"a signature of {one.account} ({one.key[:16]}…) is not asked for; remove it"
            )
        _check_signature(draft.body, one, transaction)
        given[one.account, one.key] = one.signature
    return SignedTransaction(draft.body, tuple(given[one] for one in asked), transaction)


def _check_signature(body: bytes, given: DraftSignature, transaction: Transaction) -> None:
    if crypto.verify(given.key, crypto.TRANSACTION, body, given.signature):
        return
    for other in transaction.signers:
        if crypto.verify(other.key, crypto.TRANSACTION, body, given.signature):
            fault = f"what stands under {given.account} is the signature of {other.account}; put it under its own name"
            raise LedgerError(Code.SIGNATURE_INVALID, fault)
    raise LedgerError(
        Code.SIGNATURE_INVALID, f"{given.account}'s signature does not hold for this transaction; have it signed again"
    )
