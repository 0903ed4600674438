"""Proof that one secret is the logarithm of elements to as many bases: all zero-knowledge proofs of this package.

With one base it is Schnorr's proof of knowledge, with two that of Chaum and Pedersen that two logarithms are equal.
Both are made non-interactive by a hash over what is claimed and what it is claimed for (Fiat and Shamir), and written
as TDH2 writes them: the challenge `e` and the response `f = s + x e`. A base that is no constant must be part of the
statement, or a proof could be made for a base that is chosen afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from threshold.group import Element, Random, Scalar

Claims = Sequence[tuple[Element, Element]]
"""Each a base and what it gives, multiplied by the one secret."""


@dataclass(frozen=True, slots=True)
class LogarithmProof:
    """64 bytes: `e`, then `f`."""

    e: Scalar
    f: Scalar

    def to_bytes(self) -> bytes:
        return self.e.encoded + self.f.encoded

    @classmethod
    def read(cls, e: bytes, f: bytes) -> LogarithmProof:
        """A proof from its two words. MESSAGE_MALFORMED if one is no scalar."""
        return cls(Scalar.read(e), Scalar.read(f))

    def holds(self, tag: str, claims: Claims, *statement: bytes) -> bool:
        """Whether whoever made the proof knew the one logarithm, and made it for this statement."""
        w = [base * self.f - image * self.e for base, image in claims]
        return _challenge(tag, claims, w, statement) == self.e


def prove(tag: str, x: Scalar, claims: Claims, *statement: bytes, random: Random) -> LogarithmProof:
    """Prove that `x` is the logarithm in every claim, for a statement.

    The nonce `s` is a hash of chance, the secret and the statement (as in RFC 9591, 4.1), so that a source of chance
    that repeats itself reveals nothing.
    """
    images = [image.encoded for _, image in claims]
    s = Scalar.hash(f"{tag} nonce", random(32), x.encoded, *statement, *images)
    e = _challenge(tag, claims, [base * s for base, _ in claims], statement)
    return LogarithmProof(e, s + x * e)


def _challenge(tag: str, claims: Claims, w: Sequence[Element], statement: tuple[bytes, ...]) -> Scalar:
    told = [one.encoded for (_, image), nonce in zip(claims, w, strict=True) for one in (image, nonce)]
    return Scalar.hash(tag, *statement, *told)
