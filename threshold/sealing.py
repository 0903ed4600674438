"""A decryption share on its way to the one reader for whom it was decided: HPKE (RFC 9180), base mode.

What was decided is HPKE's `info`, so a share that is sealed for one decision opens for no other, and by no other reader
key. What is sealed is not signed: that it is its holder's the share itself proves. The reader key says the suite:
X25519, or X25519 with ML-KEM-768, which keeps what is recorded on its way now from quantum computers later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from threshold.encapsulation import Capsule, DecryptionShare, check_share
from threshold.errors import ThresholdCode, ThresholdError, require
from threshold.group import Random, digest
from threshold.key import ThresholdKey

MLKEM_SEED_BYTES = 64


class SealSuite(Enum):
    """How a share is sealed, with HKDF-SHA256 and ChaCha20-Poly1305. The number is the first byte of what is sealed."""

    X25519 = 1
    MLKEM768_X25519 = 2

    @property
    def scheme(self) -> hpke.Suite:
        """The suite as `cryptography` has it."""
        kem = hpke.KEM.X25519 if self is SealSuite.X25519 else hpke.KEM.MLKEM768_X25519
        return hpke.Suite(kem, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a release is for: the decision that the chain holds."""

    decision: bytes
    """The id of the transaction that was granted."""
    height: int
    """Of the block whose state it was decided on."""
    label: bytes
    """That of the capsule."""

    def info(self, epoch: int, holder: int) -> bytes:
        """64 bytes that stand for all of it, for one holder's share in one epoch."""
        whole = self.height.to_bytes(8, "big") + epoch.to_bytes(4, "big") + bytes([holder])
        return digest("seal", self.decision, self.label, whole)


@dataclass(frozen=True, slots=True)
class ReaderSecret:
    """The secret of a reader key, made for one request."""

    suite: SealSuite
    secret: bytes = field(repr=False)
    """X25519's 32 bytes; for the hybrid ML-KEM's seed of 64 bytes before them."""

    @classmethod
    def draw(cls, suite: SealSuite, random: Random) -> ReaderSecret:
        """A new one."""
        return cls(suite, random(32 if suite is SealSuite.X25519 else MLKEM_SEED_BYTES + 32))

    @property
    def public(self) -> bytes:
        """The reader key: X25519's 32 bytes; for the hybrid ML-KEM-768's 1,184 bytes before them."""
        x25519 = self._x25519.public_key().public_bytes_raw()
        return x25519 if self.suite is SealSuite.X25519 else self._mlkem.public_key().public_bytes_raw() + x25519

    @property
    def private_key(self) -> X25519PrivateKey | hpke.MLKEM768X25519PrivateKey:
        """The key as `cryptography` takes it."""
        plain = self.suite is SealSuite.X25519
        return self._x25519 if plain else hpke.MLKEM768X25519PrivateKey(self._mlkem, self._x25519)

    @property
    def _x25519(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self.secret[-32:])

    @property
    def _mlkem(self) -> MLKEM768PrivateKey:
        return MLKEM768PrivateKey.from_seed_bytes(self.secret[:MLKEM_SEED_BYTES])


def seal_share(share: DecryptionShare, reader: bytes, grounds: Grounds) -> bytes:
    """A share that the reader key's secret alone opens: the suite's number, the encapsulation, the ciphertext.

    READER_KEY_INVALID if the reader key is none; one of small order is refused.
    """
    try:
        suite, public = _reader_key(reader)
        sealed = suite.scheme.encrypt(share.to_bytes(), public, grounds.info(share.epoch, share.holder))
    except ValueError as error:
        text = f"a reader key has 32 or 1,216 bytes and is of no small order ({error}); make a new one"
        raise ThresholdError(ThresholdCode.READER_KEY_INVALID, text) from None
    return bytes([suite.value]) + sealed


def open_sealed(
    sealed: bytes, reader: ReaderSecret, grounds: Grounds, key: ThresholdKey, capsule: Capsule, holder: int
) -> DecryptionShare:
    """The share that a holder released for a decision, checked as `check_share` does. Else as `unsealed`."""
    share = unsealed(sealed, reader, grounds, key.epoch, holder)
    check_share(key, grounds.label, capsule, share)
    return share


def unsealed(sealed: bytes, reader: ReaderSecret, grounds: Grounds, epoch: int, holder: int) -> DecryptionShare:
    """What a holder released, not checked: for whoever wants to show that it is false.

    SEAL_INVALID if it was not sealed to this reader for this decision and by this holder, or was changed.
    """
    text = f"what holder {holder} sent does not open for this reader and decision; ask it again, or another"
    require(sealed[:1] == bytes([reader.suite.value]), ThresholdCode.SEAL_INVALID, text)
    try:
        plain = reader.suite.scheme.decrypt(sealed[1:], reader.private_key, grounds.info(epoch, holder))
    except (InvalidTag, ValueError):
        raise ThresholdError(ThresholdCode.SEAL_INVALID, text) from None
    share = DecryptionShare.from_bytes(plain)
    require(share.holder == holder, ThresholdCode.SEAL_INVALID, text)
    return share


def _reader_key(encoded: bytes) -> tuple[SealSuite, X25519PublicKey | hpke.MLKEM768X25519PublicKey]:
    """ValueError if the bytes are no reader key."""
    x25519 = X25519PublicKey.from_public_bytes(encoded[-32:])
    if len(encoded) == 32:
        return SealSuite.X25519, x25519
    mlkem = MLKEM768PublicKey.from_public_bytes(encoded[:-32])
    return SealSuite.MLKEM768_X25519, hpke.MLKEM768X25519PublicKey(mlkem, x25519)
