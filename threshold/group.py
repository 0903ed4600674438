"""The group of prime order L in edwards25519, and the integers modulo L: all arithmetic of this package.

libsodium computes, by PyNaCl, in time that does not depend on secrets. An element that is read is canonical, on the
curve, of order L and not the identity: points of small and of mixed order are refused, so that nothing about a secret
can be learnt from what it is multiplied with. The identity may only come out of a sum. Formulas are written as in the
papers, with `G * x` for the paper's g^x.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_core_ed25519_is_valid_point,
    crypto_core_ed25519_scalar_add,
    crypto_core_ed25519_scalar_mul,
    crypto_core_ed25519_scalar_reduce,
    crypto_core_ed25519_scalar_sub,
    crypto_core_ed25519_sub,
    crypto_scalarmult_ed25519_base_noclamp,
    crypto_scalarmult_ed25519_noclamp,
    sodium_memcmp,
)

from threshold.errors import ThresholdCode, require

Random = Callable[[int], bytes]
"""Gives so many bytes that nobody can guess, such as `nacl.utils.random`."""

ORDER = 2**252 + 27742317777372353535851937790883648493
"""L, the prime order of the group (RFC 8032, 5.1)."""

WORD_BYTES = 32
"""Of a scalar and of an element."""


def digest(tag: str, *parts: bytes) -> bytes:
    """SHA-512 of a tag and parts, each behind its length in eight bytes: no two lists of parts give one input."""
    state = hashlib.sha512()
    for part in (f"remarque/threshold/{tag}/v1".encode(), *parts):
        state.update(len(part).to_bytes(8, "big") + part)
    return state.digest()


def words(encoded: bytes, head_bytes: int, count: int) -> list[bytes]:
    """The words of a message behind its head. MESSAGE_MALFORMED unless it has exactly so many."""
    expected = head_bytes + count * WORD_BYTES
    require(len(encoded) == expected, ThresholdCode.MESSAGE_MALFORMED, f"{len(encoded)} bytes where {expected} belong")
    return [encoded[at : at + WORD_BYTES] for at in range(head_bytes, expected, WORD_BYTES)]


@dataclass(frozen=True, slots=True)
class Scalar:
    """An integer modulo L, which may be a secret: it is not shown, and only public ones may be compared."""

    encoded: bytes = field(repr=False)
    """32 bytes, little endian, below L."""

    @classmethod
    def read(cls, encoded: bytes) -> Scalar:
        """A scalar from bytes of strangers. MESSAGE_MALFORMED unless it is canonical."""
        canonical = len(encoded) == WORD_BYTES and int.from_bytes(encoded, "little") < ORDER
        require(canonical, ThresholdCode.MESSAGE_MALFORMED, "a scalar has 32 bytes, little endian, and is below L")
        return cls(encoded)

    @classmethod
    def of(cls, number: int) -> Scalar:
        """A public integer modulo L."""
        return cls((number % ORDER).to_bytes(WORD_BYTES, "little"))

    @classmethod
    def draw(cls, random: Random) -> Scalar:
        """A secret scalar, uniform but for 2^-259."""
        return cls(crypto_core_ed25519_scalar_reduce(random(64)))

    @classmethod
    def hash(cls, tag: str, *parts: bytes) -> Scalar:
        """The digest of a tag and parts as a scalar: the random oracles of the papers."""
        return cls(crypto_core_ed25519_scalar_reduce(digest(tag, *parts)))

    def __add__(self, other: Scalar) -> Scalar:
        return Scalar(crypto_core_ed25519_scalar_add(self.encoded, other.encoded))

    def __sub__(self, other: Scalar) -> Scalar:
        return Scalar(crypto_core_ed25519_scalar_sub(self.encoded, other.encoded))

    def __mul__(self, other: Scalar) -> Scalar:
        return Scalar(crypto_core_ed25519_scalar_mul(self.encoded, other.encoded))


@dataclass(frozen=True, slots=True)
class Element:
    """An element of the group."""

    encoded: bytes
    """32 bytes, compressed as in RFC 8032, 5.1.2."""

    @classmethod
    def read(cls, encoded: bytes) -> Element:
        """An element from bytes of strangers. MESSAGE_MALFORMED unless it is canonical and of order L."""
        valid = len(encoded) == WORD_BYTES and crypto_core_ed25519_is_valid_point(encoded)
        require(valid, ThresholdCode.MESSAGE_MALFORMED, "an element is a canonical point of prime order in 32 bytes")
        return cls(encoded)

    def __add__(self, other: Element) -> Element:
        return Element(crypto_core_ed25519_add(self.encoded, other.encoded))

    def __sub__(self, other: Element) -> Element:
        return Element(crypto_core_ed25519_sub(self.encoded, other.encoded))

    def __mul__(self, scalar: Scalar) -> Element:
        """This element so many times. libsodium refuses zero and the identity; here their product is the identity."""
        if sodium_memcmp(scalar.encoded, ZERO.encoded) or self == IDENTITY:
            return IDENTITY
        if self == G:
            return Element(crypto_scalarmult_ed25519_base_noclamp(scalar.encoded))
        return Element(crypto_scalarmult_ed25519_noclamp(scalar.encoded, self.encoded))


ZERO = Scalar(bytes(WORD_BYTES))
IDENTITY = Element(b"\x01" + bytes(31))

G = Element(bytes.fromhex("5866666666666666666666666666666666666666666666666666666666666666"))
"""The generator of RFC 8032."""

G_BAR = Element(bytes.fromhex("7f5ccbf6ff707a6f610130d2823f37f0cb495d5814e096912578b7f9f366a55d"))
"""The second generator of TDH2, of which nobody knows the logarithm to `G`.

The first 32 bytes of `digest("second generator", bytes([counter]))` that are a point, times the cofactor 8, with the
counter from 0; a test derives it again.
"""
