"""edwards25519 in plain integers, from RFC 8032 alone: a second opinion on everything that libsodium computes.

It takes any time and leaks everything, so it serves tests only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


class NoPoint(ValueError):
    """The bytes are not the canonical form of a point of the curve."""


@dataclass(frozen=True, eq=False)
class Point:
    """X/Z and Y/Z with T = XY/Z, of the curve -x² + y² = 1 + D x² y² (RFC 8032, 5.1.4)."""

    x: int
    y: int
    z: int
    t: int

    def __add__(self, other: Point) -> Point:
        a = (self.y - self.x) * (other.y - other.x)
        b = (self.y + self.x) * (other.y + other.x)
        c = 2 * self.t * other.t * D
        d = 2 * self.z * other.z
        e, f, g, h = (b - a) % P, (d - c) % P, (d + c) % P, (b + a) % P
        return Point(e * f % P, g * h % P, f * g % P, e * h % P)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Point) and self.bytes() == other.bytes()

    def __hash__(self) -> int:
        return hash(self.bytes())

    def __neg__(self) -> Point:
        return Point(-self.x % P, self.y, self.z, -self.t % P)

    def __mul__(self, times: int) -> Point:
        total, double = ZERO, self
        while times:
            if times & 1:
                total += double
            double, times = double + double, times >> 1
        return total

    def bytes(self) -> bytes:
        """RFC 8032, 5.1.2."""
        inverse = pow(self.z, -1, P)
        x, y = self.x * inverse % P, self.y * inverse % P
        return (y | (x & 1) << 255).to_bytes(32, "little")

    @classmethod
    def read(cls, encoded: bytes) -> Point:
        """RFC 8032, 5.1.3. NoPoint if the bytes are not canonical or give no point."""
        number = int.from_bytes(encoded, "little")
        y, sign = number & (1 << 255) - 1, number >> 255
        square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
        x = pow(square, (P + 3) // 8, P)
        if x * x % P != square:
            x = x * pow(2, (P - 1) // 4, P) % P
        if len(encoded) != 32 or y >= P or x * x % P != square or (x == 0 and sign):
            raise NoPoint(encoded.hex())
        x = x if x & 1 == sign else -x % P
        return cls(x, y, 1, x * y % P)


ZERO = Point(0, 1, 1, 0)
G = Point.read((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def torsion() -> list[Point]:
    """The eight points whose order divides the cofactor."""
    for counter in range(256):
        try:
            point = Point.read(hashlib.sha256(bytes([counter])).digest()) * L
        except NoPoint:
            continue
        if point * 4 != ZERO:
            return [point * times for times in range(8)]
    raise AssertionError("no point of order 8 was met")


def digest(tag: str, *parts: bytes) -> bytes:
    """SHA-512 of what docs/threshold.md calls a hash: the tag and each part behind its length in eight bytes."""
    whole = [b"remarque/threshold/" + tag.encode() + b"/v1", *parts]
    return hashlib.sha512(b"".join(len(part).to_bytes(8, "big") + part for part in whole)).digest()


def second_generator() -> Point:
    """The first digest that is a point, times the cofactor."""
    for counter in range(256):
        try:
            return Point.read(digest("second generator", bytes([counter]))[:32]) * 8
        except NoPoint:
            continue
    raise AssertionError("no digest was a point")


G_BAR = second_generator()
