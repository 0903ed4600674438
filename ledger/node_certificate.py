"""A node's certificate: X.509 of one template around its key, so that every node judges it alike, without a parser.

Its DER never varies but in the key and the signature. Subject and issuer are the whole key, so that no two nodes have
one subject and none is taken for another's issuer; the self-signature shows that whoever brings it has the key. It is
valid to the year 9999, so no expiry can stop the chain.
"""

from __future__ import annotations

from ledger import crypto
from ledger.crypto import CERTIFICATE_HEAD, SigningKey

_TO_BE_SIGNED = CERTIFICATE_HEAD + bytes.fromhex("a003020102 020101 300506032b6570")
"""Version 3, serial number 1, signed with Ed25519."""
_NAME = bytes.fromhex("304b 3149 3047 06035504030c40")
"""A name that is a common name of 64 characters, which follow."""
_VALIDITY = b"\x30\x20\x17\x0d260101000000Z\x18\x0f99991231000000Z"
_PUBLIC = bytes.fromhex("302a 300506032b6570 032100")
"""An Ed25519 public key, whose 32 bytes follow."""
_CERTIFICATE = bytes.fromhex("30820144")
_SIGNATURE = bytes.fromhex("300506032b6570 034100")
"""An Ed25519 signature, whose 64 bytes follow."""
_SIGNATURE_BYTES = 64


def make_certificate(key: SigningKey) -> bytes:
    """The certificate of a node with a key, DER. The same key always gives the same bytes."""
    body = _to_be_signed(key.public)
    return _CERTIFICATE + body + _SIGNATURE + key.sign_certificate(body)


def is_certificate_of(certificate: bytes, public: str) -> bool:
    """Whether bytes are a node's certificate, signed with the key whose public half is given as 64 hex digits."""
    body = _to_be_signed(public)
    signature = certificate[-_SIGNATURE_BYTES:]
    return certificate == _CERTIFICATE + body + _SIGNATURE + signature and crypto.verify_certificate(
        public, body, signature
    )


def _to_be_signed(public: str) -> bytes:
    name = _NAME + public.encode()
    return _TO_BE_SIGNED + name + _VALIDITY + name + _PUBLIC + bytes.fromhex(public)
