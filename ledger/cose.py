"""COSE as it is used here: COSE_Sign1 (RFC 9052), CWT claims in its header (RFC 9597), keys by thumbprint (RFC 9679).

Nothing of it is parsed while a block runs: nodes check and make it beside the chain, and strangers check it with
whatever library they have. Signatures of ours are Ed25519 by `ledger/crypto.py`; a verifier may know other keys.
"""

from __future__ import annotations

from typing import Any, Protocol

import cbor2
import msgspec

from ledger import cbor, crypto
from ledger.cbor import CborRefused
from ledger.errors import Refused

SIGN1_TAG = 18
ALGORITHM, CRITICAL, CONTENT_TYPE, KEY_ID, CLAIMS = 1, 2, 3, 4, 15
"""Labels of header parameters."""
ISSUER, SUBJECT, ISSUED_AT, LOG_SIZE = 1, 2, 6, "log_size"
"""Claims within `CLAIMS`; the last is this project's own."""
EDDSA, ES256 = -8, -7
KEY_TYPE, KEY_IDENTIFIER, KEY_ALGORITHM, CURVE, X = 1, 2, 3, -1, -2
"""Labels of a COSE_Key."""
OKP, ED25519 = 1, 6


class CoseRefused(Refused):
    """The bytes do not prove what they say. Trust nothing in them; the text says what failed."""


class Verifying(Protocol):
    """A public key that COSE signatures are checked with."""

    algorithm: int
    """The one algorithm it is for."""
    thumbprint: bytes

    def verifies(self, structure: bytes, signature: bytes) -> bool:
        """Whether a signature over a Sig_structure holds."""


class Ed25519Key:
    """A key of the chain. Satisfies `Verifying`."""

    algorithm = EDDSA

    def __init__(self, public: str) -> None:
        self.public = public
        self.thumbprint = thumbprint({KEY_TYPE: OKP, CURVE: ED25519, X: bytes.fromhex(public)})

    def verifies(self, structure: bytes, signature: bytes) -> bool:
        return len(signature) == 64 and crypto.verify_cose(self.public, structure, signature)

    def cose_key(self) -> dict[int, Any]:
        """The key as a COSE_Key that is known by its thumbprint."""
        x = bytes.fromhex(self.public)
        return {KEY_TYPE: OKP, KEY_IDENTIFIER: self.thumbprint, KEY_ALGORITHM: EDDSA, CURVE: ED25519, X: x}


def thumbprint(required: dict[int, Any]) -> bytes:
    """SHA-256 over a COSE_Key's required parameters (RFC 9679, 3)."""
    return crypto.sha256(cbor.encode(required))


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """Who says it, about what, and when."""

    issuer: str | None = None
    subject: str | None = None
    issued_at: int | None = None
    """Seconds since 1970."""
    log_size: int | None = None
    """Leaves of the log whose root is signed: a proof's own size is not signed, and a path may fit several."""

    def encoded(self) -> dict[int | str, Any]:
        """The claims as they stand in a header."""
        all_claims: dict[int | str, Any] = {
            ISSUER: self.issuer, SUBJECT: self.subject, ISSUED_AT: self.issued_at, LOG_SIZE: self.log_size,
        }  # fmt: skip
        return {label: value for label, value in all_claims.items() if value is not None}


class Sign1(msgspec.Struct, frozen=True, kw_only=True):
    """A COSE_Sign1, taken apart."""

    protected: bytes
    """The signed headers' exact bytes."""
    headers: dict[Any, Any]
    """The signed headers."""
    unprotected: dict[Any, Any]
    payload: bytes | None
    """None if detached."""
    signature: bytes

    def structure(self, payload: bytes) -> bytes:
        """What is signed: the Sig_structure over the signed headers and a payload."""
        return cbor.encode(["Signature1", self.protected, b"", payload])

    def claims(self) -> Claims:
        """The claims of the signed headers, as far as there are any."""
        found = self.headers.get(CLAIMS, {})
        if not isinstance(found, dict):
            raise CoseRefused("the claims are no map")
        try:
            labels = {"issuer": ISSUER, "subject": SUBJECT, "issued_at": ISSUED_AT, "log_size": LOG_SIZE}
            return msgspec.convert({name: found.get(label) for name, label in labels.items()}, Claims)
        except msgspec.ValidationError as error:
            raise CoseRefused(f"the claims: {error}") from None

    def check(self, key: Verifying, payload: bytes) -> None:
        """CoseRefused unless the signature over a payload holds under a key, by the key's algorithm."""
        if self.headers.get(ALGORITHM) != key.algorithm:
            raise CoseRefused(f"its algorithm is {self.headers.get(ALGORITHM)!r}, the key's is {key.algorithm}")
        if not key.verifies(self.structure(payload), self.signature):
            raise CoseRefused("its signature does not verify under the key")

    def encoded(self) -> bytes:
        """Its bytes."""
        parts = [self.protected, self.unprotected, self.payload, self.signature]
        return cbor.encode(cbor2.CBORTag(SIGN1_TAG, parts))


def sign1(key: crypto.SigningKey, headers: dict[int, Any], payload: bytes) -> Sign1:
    """A COSE_Sign1 by one of the chain's keys, known by its thumbprint."""
    named = {ALGORITHM: EDDSA, KEY_ID: Ed25519Key(key.public).thumbprint, **headers}
    protected = cbor.encode(named)
    unsigned = Sign1(protected=protected, headers=named, unprotected={}, payload=payload, signature=b"")
    return msgspec.structs.replace(unsigned, signature=key.sign_cose(unsigned.structure(payload)))


def parse_sign1(data: bytes, bytes_max: int) -> Sign1:
    """COSE_Sign1 from its bytes. CoseRefused if they are none, or not in the one spelling taken here."""
    if len(data) > bytes_max:
        raise CoseRefused(f"{len(data)} bytes, at most {bytes_max} are taken")
    try:
        found = cbor.decode(data)
        if not isinstance(found, cbor2.CBORTag) or found.tag != SIGN1_TAG:
            raise CoseRefused("it is no tagged COSE_Sign1")
        protected, unprotected, payload, signature = _parts(found.value)
        headers = cbor.decode(protected)
    except CborRefused as error:
        raise CoseRefused(str(error)) from None
    if not isinstance(headers, dict) or not headers:
        raise CoseRefused("the signed headers are no map, or an empty one")
    if CRITICAL in headers or CRITICAL in unprotected:
        raise CoseRefused("it marks headers as critical; none are known here by that")
    if headers.keys() & unprotected.keys():
        raise CoseRefused("a header stands both in the signed and in the unsigned ones")
    return Sign1(protected=protected, headers=headers, unprotected=unprotected, payload=payload, signature=signature)


def _parts(value: Any) -> tuple[bytes, dict[Any, Any], bytes | None, bytes]:
    if isinstance(value, list) and len(value) == 4:
        protected, unprotected, payload, signature = value
        kinds = isinstance(protected, bytes), isinstance(unprotected, dict), isinstance(signature, bytes)
        if all(kinds) and (payload is None or isinstance(payload, bytes)):
            return protected, unprotected, payload, signature
    raise CoseRefused("a COSE_Sign1 holds signed headers, a map, a payload or null, and a signature")
