"""Signed statements (RFC 9943): what an account says of something, signed as COSE, to be registered on the chain.

The chain holds a statement's digest as an entry of its log; the bytes lie beside it. A statement has one spelling: its
unsigned headers are empty until it is made *transparent* by the receipts of its registration, under header 394.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from ledger import cose
from ledger.cose import Claims, CoseRefused, Sign1, Verifying
from ledger.cose_receipt import MemberKeys, Proven, verify_member_inclusion
from ledger.crypto import SigningKey, sha256
from ledger.names import StatementText

STATEMENT_BYTES_MAX = 64 * 1024
TRANSPARENT_BYTES_MAX = 2 * STATEMENT_BYTES_MAX
RECEIPTS = 394
"""Label of the receipts, among the unsigned headers."""
RECEIPTS_MAX = 64


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A signed statement whose shape has been checked, its signature not yet."""

    data: bytes
    """Its exact bytes, without receipts."""
    sign1: Sign1
    issuer: str
    subject: str
    key_id: bytes
    payload: bytes

    @property
    def digest(self) -> str:
        """What it is registered by: SHA-256 of its bytes, 64 hex digits. As 32 bytes, its entry in the log."""
        return sha256(self.data).hex()

    def check(self, key: Verifying) -> None:
        """CoseRefused unless it is signed with a key."""
        if self.key_id != key.thumbprint:
            raise CoseRefused("it names another key")
        self.sign1.check(key, self.payload)


def sign_statement(key: SigningKey, issuer: str, subject: str, payload: bytes, content_type: str) -> bytes:
    """A statement of an account about a subject. CoseRefused if it could not be registered."""
    claims = Claims(issuer=issuer, subject=subject).encoded()
    signed = cose.sign1(key, {cose.CONTENT_TYPE: content_type, cose.CLAIMS: claims}, payload)
    return parse_statement(signed.encoded()).data


def parse_statement(data: bytes) -> Statement:
    """Statement from its bytes. CoseRefused if it is not one that can be registered."""
    sign1 = cose.parse_sign1(data, STATEMENT_BYTES_MAX)
    claims, key_id = sign1.claims(), sign1.headers.get(cose.KEY_ID)
    if sign1.unprotected:
        raise CoseRefused("its unsigned headers are not empty; what is not signed is not registered")
    if sign1.payload is None:
        raise CoseRefused("its payload is detached; attach it, for a signature without it cannot be checked")
    if not isinstance(key_id, bytes):
        raise CoseRefused("it does not name its key; put the key's thumbprint (RFC 9679) in header 4")
    issuer, subject = _text("issuer", claims.issuer), _text("subject", claims.subject)
    return Statement(data=data, sign1=sign1, issuer=issuer, subject=subject, key_id=key_id, payload=sign1.payload)


def _text(name: str, text: str | None) -> str:
    """An issuer or a subject, in the form in which the chain records it."""
    try:
        return msgspec.convert(text, StatementText)
    except msgspec.ValidationError:
        raise CoseRefused(f"its {name} is missing or not of 1 to 256 printable ASCII characters") from None


def with_receipts(data: bytes, receipts: Sequence[bytes]) -> bytes:
    """The transparent statement: a statement with the receipts of its registration."""
    return replace(parse_statement(data).sign1, unprotected={RECEIPTS: list(receipts)}).encoded()


def verify_transparent(
    data: bytes, members: MemberKeys, issuers: Mapping[bytes, Verifying]
) -> tuple[Statement, list[Proven]]:
    """A transparent statement and what its receipts prove, each from a different node; else CoseRefused.

    Given are the keys of the chain's nodes, and by thumbprint those that its issuer may sign with.
    """
    statement, receipts = split_transparent(data)
    key = issuers.get(statement.key_id)
    if key is None:
        raise CoseRefused(f"it is signed with a key that is not known here, {statement.key_id.hex()[:32]}…")
    statement.check(key)
    proven = [verify_member_inclusion(receipt, bytes.fromhex(statement.digest), members) for receipt in receipts]
    if len({one.key_id for one in proven}) < len(proven):
        raise CoseRefused("a node's receipt is there twice")
    if any(one.claims.subject != statement.subject for one in proven):
        raise CoseRefused("a receipt is about another subject than the statement")
    return statement, proven


def split_transparent(data: bytes) -> tuple[Statement, list[bytes]]:
    """A transparent statement's statement and receipts, none of them verified yet. CoseRefused if it is none."""
    sign1 = cose.parse_sign1(data, TRANSPARENT_BYTES_MAX)
    receipts = sign1.unprotected.get(RECEIPTS)
    if sign1.unprotected.keys() != {RECEIPTS} or not isinstance(receipts, list):
        raise CoseRefused("its unsigned headers are not a list of receipts and nothing else")
    if not 1 <= len(receipts) <= RECEIPTS_MAX or not all(isinstance(one, bytes) for one in receipts):
        raise CoseRefused(f"it does not bring 1 to {RECEIPTS_MAX} receipts")
    return parse_statement(replace(sign1, unprotected={}).encoded()), receipts
