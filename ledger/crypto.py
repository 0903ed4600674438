"""Hashes and signatures: SHA-256 and Ed25519 by PyNaCl, in this one place.

Two Ed25519 libraries disagree on edge cases, and nodes that disagree fork; so ledger signatures are made and checked
here only. What is signed is a domain tag, naming the kind, followed by the value's canonical bytes: a signature for
one purpose never serves another. Tags end in a version and contain no `{`, so no tag is a prefix of another message.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256 as _sha256

from nacl.bindings import (
    crypto_core_ed25519_is_valid_point,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.bindings import crypto_sign as _crypto_sign
from nacl.exceptions import BadSignatureError

from ledger.errors import Code, LedgerError, ensure

TRANSACTION = b"remarque/transaction/v1"
SIGNATURES = b"remarque/signatures/v1"
OUTCOME = b"remarque/outcome/v1"
HEADER = b"remarque/header/v1"
PROPOSAL = b"remarque/proposal/v1"
ENDORSEMENT = b"remarque/endorsement/v1"
GENERATION_REQUEST = b"remarque/generation-request/v1"
ATTESTATION = b"remarque/attestation/v1"
COMMITMENT = b"remarque/commitment/v1"
SESSION = b"remarque/session/v1"
GENESIS = b"remarque/genesis/v1"
VOTERS = b"remarque/voters/v1"
RECOVERY = b"remarque/recovery/v1"
ASSET_COMMITMENT = b"remarque/asset-commitment/v1"
ASSET_TOKEN = b"remarque/token/v1"
DECISION = b"remarque/decision/v1"
LEAF = b"remarque/leaf/v1"
PREVIOUS = b"remarque/previous/v1"
GOVERNANCE_PROPOSAL = b"remarque/governance-proposal/v1"
RELEASED_SHARE = b"remarque/released-share/v1"
LICENCE = b"remarque/licence/v1"
VIEWER_KEY = b"remarque/viewer-key/v1"

TAGS: tuple[bytes, ...] = (
    TRANSACTION, SIGNATURES, OUTCOME, HEADER, PROPOSAL, ENDORSEMENT, GENERATION_REQUEST, ATTESTATION, COMMITMENT,
    SESSION, GENESIS, VOTERS, RECOVERY, ASSET_TOKEN, ASSET_COMMITMENT, DECISION, LEAF, PREVIOUS, GOVERNANCE_PROPOSAL,
    RELEASED_SHARE, LICENCE, VIEWER_KEY,
)  # fmt: skip
"""Every domain tag; a test checks that none is a prefix of another."""

CERTIFICATE_HEAD = b"\x30\x81\xf7"
"""What the signed part of a node's certificate begins with: a DER sequence of 247 bytes."""
COSE_SIGN1 = b"\x84\x6aSignature1"
"""What the Sig_structure of a COSE_Sign1 begins with: an array of four, the first of which names the context."""


def sha256(data: bytes) -> bytes:
    """SHA-256, 32 bytes."""
    return _sha256(data).digest()


def digest(tag: bytes, payload: bytes) -> str:
    """Lower-case hex SHA-256 of a tagged payload."""
    return _sha256(tag + payload).hexdigest()


class SigningKey:
    """An Ed25519 private key: 32 bytes of seed that never leave this object but by `seed`."""

    __slots__ = ("_secret", "public", "seed")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != 32:
            raise LedgerError(Code.KEY_WEAK, f"an Ed25519 seed has 32 bytes, this one {len(seed)}; use 64 hex digits")
        public, self._secret = crypto_sign_seed_keypair(seed)
        self.seed = seed
        self.public = public.hex()
        """Public key, 64 hex digits."""

    def sign(self, tag: bytes, payload: bytes) -> str:
        """Signature over a tagged payload, 128 hex digits."""
        return _crypto_sign(tag + payload, self._secret)[:64].hex()

    def sign_request(self, base: bytes) -> bytes:
        """Signature over the signature base of an HTTP request (RFC 9421, 2.5), 64 bytes.

        Signed without a tag of ours, as that standard wants it. A base always begins with `"` and no tag does, so
        neither is ever the beginning of the other. The same holds of what the next three sign.
        """
        ensure(base.startswith(b'"'), "a signature base begins with a quotation mark")
        return _crypto_sign(base, self._secret)[:64]

    def sign_cose(self, structure: bytes) -> bytes:
        """Signature over a COSE Sig_structure (RFC 9052, 4.4), 64 bytes; its own first bytes are its tag."""
        ensure(structure.startswith(COSE_SIGN1), "a Sig_structure of COSE_Sign1 begins with its context")
        return _crypto_sign(structure, self._secret)[:64]

    def sign_note(self, text: bytes) -> bytes:
        """Signature over the text of a C2SP signed note, 64 bytes.

        Its first line is a chain's name, which has no `/`; a tag of ours has one before any line ends.
        """
        ensure(is_note(text), "a note's text begins with a line that names a chain")
        return _crypto_sign(text, self._secret)[:64]

    def sign_certificate(self, body: bytes) -> bytes:
        """Signature over the signed part of a node's certificate (RFC 8410), 64 bytes; its first bytes are its tag."""
        ensure(body.startswith(CERTIFICATE_HEAD), "a node's certificate is a DER sequence of one length")
        return _crypto_sign(body, self._secret)[:64]

    def __repr__(self) -> str:
        return f"SigningKey(public={self.public})"


def verify(public: str, tag: bytes, payload: bytes, signature: str) -> bool:
    """Whether a signature holds. All three strings are hex; anything of another form does not verify."""
    try:
        crypto_sign_open(bytes.fromhex(signature) + tag + payload, bytes.fromhex(public))
    except (BadSignatureError, ValueError, TypeError):
        return False
    return len(signature) == 128


def verify_request(public: str, base: bytes, signature: bytes) -> bool:
    """Whether a signature over an HTTP request's signature base holds; see `SigningKey.sign_request`."""
    return base.startswith(b'"') and verify(public, b"", base, signature.hex())


def verify_cose(public: str, structure: bytes, signature: bytes) -> bool:
    """Whether a signature over a COSE Sig_structure holds; see `SigningKey.sign_cose`."""
    return structure.startswith(COSE_SIGN1) and verify(public, b"", structure, signature.hex())


def verify_note(public: str, text: bytes, signature: bytes) -> bool:
    """Whether a signature over a note's text holds; see `SigningKey.sign_note`."""
    return is_note(text) and verify(public, b"", text, signature.hex())


def verify_certificate(public: str, body: bytes, signature: bytes) -> bool:
    """Whether a signature over the signed part of a certificate holds; see `SigningKey.sign_certificate`."""
    return body.startswith(CERTIFICATE_HEAD) and verify(public, b"", body, signature.hex())


def is_note(text: bytes) -> bool:
    """Whether a text begins with a line that may be a chain's name, and so is nothing else that is signed."""
    return re.match(rb"[a-z0-9][a-z0-9-]{0,62}\n", text) is not None


@lru_cache(maxsize=4096)
def is_strong_key(public: str) -> bool:
    """Whether a public key is a canonical point of the main subgroup: neither small nor mixed order.

    Checked once, at enrolment; for other keys acceptance of a signature may depend on the message.
    """
    try:
        return bool(crypto_core_ed25519_is_valid_point(bytes.fromhex(public)))
    except (ValueError, TypeError):
        return False
