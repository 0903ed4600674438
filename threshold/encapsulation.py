"""A key for one label, which so many holders open together: TDH2 of Shoup and Gennaro, as a key encapsulation.

Names and formulas are those of the paper (Securing Threshold Cryptosystems against Chosen Ciphertext Attack, 2002,
section 4), with Y for its h and V_i for its h_i. The label says what the key is for. It is part of the proof in the
capsule, so a capsule that is copied under another label is refused before any holder touches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from threshold.errors import ThresholdCode, require
from threshold.group import G_BAR, Element, G, Random, Scalar, digest, words
from threshold.key import ThresholdKey
from threshold.proofs import Claims, LogarithmProof, prove
from threshold.sharing import lagrange, weighted

KEY_BYTES = 32
HEAD_BYTES = 5
CAPSULE, SHARE = "capsule", "decryption share"


@dataclass(frozen=True, slots=True)
class Capsule:
    """What a record holds of the key: with a secret r, u = G * r and ū = Ḡ * r."""

    u: Element
    u_bar: Element
    proof: LogarithmProof
    """e and f: that u and ū have one logarithm, and that whoever made them knew it, for this key and label."""

    def to_bytes(self) -> bytes:
        """128 bytes: u, ū, e, f."""
        return self.u.encoded + self.u_bar.encoded + self.proof.to_bytes()

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Capsule:
        """MESSAGE_MALFORMED unless the bytes are those of a capsule."""
        u, u_bar, e, f = words(encoded, 0, 4)
        return cls(Element.read(u), Element.read(u_bar), LogarithmProof.read(e, f))


@dataclass(frozen=True, slots=True)
class DecryptionShare:
    """One holder's part in opening one capsule."""

    epoch: int
    """That of the key whose secret share made it."""
    holder: int
    u_i: Element
    """u * x_i, for the holder's secret share x_i."""
    proof: LogarithmProof
    """e_i and f_i: that its logarithm to u is that of the holder's verification key to `G`."""

    def to_bytes(self) -> bytes:
        """101 bytes: epoch (4 bytes, big endian), holder (1 byte), u_i, e_i, f_i."""
        return self.epoch.to_bytes(4, "big") + bytes([self.holder]) + self.u_i.encoded + self.proof.to_bytes()

    @classmethod
    def from_bytes(cls, encoded: bytes) -> DecryptionShare:
        """MESSAGE_MALFORMED unless the bytes are those of a decryption share."""
        u_i, e_i, f_i = words(encoded, HEAD_BYTES, 3)
        return cls(int.from_bytes(encoded[:4], "big"), encoded[4], Element.read(u_i), LogarithmProof.read(e_i, f_i))


def encapsulate(public: Element, label: bytes, random: Random) -> tuple[Capsule, bytes]:
    """A new key of 32 bytes, and the capsule from which t holders of the shared key `public` open it for this label."""
    r = Scalar.draw(random)
    u, u_bar = G * r, G_BAR * r
    proof = prove(CAPSULE, r, ((G, u), (G_BAR, u_bar)), public.encoded, label, random=random)
    return Capsule(u, u_bar, proof), _derive(public, label, u, public * r)


def check_capsule(public: Element, label: bytes, capsule: Capsule) -> None:
    """CAPSULE_INVALID unless whoever made the capsule knew what it holds, and made it for this key and label."""
    claims = (G, capsule.u), (G_BAR, capsule.u_bar)
    made = capsule.proof.holds(CAPSULE, claims, public.encoded, label)
    require(made, ThresholdCode.CAPSULE_INVALID, "the proof does not hold for this key and label")


def decryption_share(
    key: ThresholdKey, holder: int, secret: Scalar, label: bytes, capsule: Capsule, random: Random
) -> DecryptionShare:
    """A holder's share for a capsule, by its secret share. CAPSULE_INVALID, before the secret is used."""
    check_capsule(key.public, label, capsule)
    u_i = capsule.u * secret
    claims = _claims(key, holder, capsule, u_i)
    proof = prove(SHARE, secret, claims, *_statement(key, holder, label, capsule), random=random)
    return DecryptionShare(key.epoch, holder, u_i, proof)


def check_share(key: ThresholdKey, label: bytes, capsule: Capsule, share: DecryptionShare) -> None:
    """Whether a share, of a checked capsule, is its holder's. A holder that signed one which is not is convicted.

    KEY_EPOCH_STALE, if it is of another epoch than the key; else DECRYPTION_SHARE_INVALID.
    """
    text = f"the share is of epoch {share.epoch} and the key of epoch {key.epoch}; ask holders of that epoch"
    require(share.epoch == key.epoch, ThresholdCode.KEY_EPOCH_STALE, text)
    known = 1 <= share.holder <= len(key.verification)
    holds = known and share.proof.holds(
        SHARE, _claims(key, share.holder, capsule, share.u_i), *_statement(key, share.holder, label, capsule)
    )
    text = f"the share is not that of holder {share.holder} for this capsule and label; ask another holder"
    require(holds, ThresholdCode.DECRYPTION_SHARE_INVALID, text)


def combine(key: ThresholdKey, label: bytes, capsule: Capsule, shares: Sequence[DecryptionShare]) -> bytes:
    """The encapsulated key, by t or more shares that `check_share` found good, in any order.

    DECRYPTION_SHARES_TOO_FEW, also where one holder gave two. Of a share that was not checked another key comes.
    """
    holders = [share.holder for share in shares]
    enough = len(holders) == len(set(holders)) >= key.threshold
    text = f"{key.threshold} shares of different holders open, these are of {holders}; ask more holders"
    require(enough, ThresholdCode.DECRYPTION_SHARES_TOO_FEW, text)
    return _derive(key.public, label, capsule.u, weighted([share.u_i for share in shares], lagrange(holders)))


def _derive(public: Element, label: bytes, u: Element, shared: Element) -> bytes:
    return digest("key", public.encoded, label, u.encoded, shared.encoded)[:KEY_BYTES]


def _claims(key: ThresholdKey, holder: int, capsule: Capsule, u_i: Element) -> Claims:
    return (G, key.verification[holder - 1]), (capsule.u, u_i)


def _statement(key: ThresholdKey, holder: int, label: bytes, capsule: Capsule) -> tuple[bytes, ...]:
    return key.public.encoded, key.epoch.to_bytes(4, "big") + bytes([holder]), label, capsule.to_bytes()
