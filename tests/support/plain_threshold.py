"""The messages of docs/threshold.md a second time: in plain integers, from the page and not from the package.

Every message is made from the same chance and must come out byte for byte the same. Nothing here is constant-time.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nacl.bindings import crypto_aead_chacha20poly1305_ietf_decrypt, crypto_scalarmult, crypto_scalarmult_base
from plain_edwards import G_BAR, G, L, Point, digest

Chance = Callable[[int], bytes]
Claims = Sequence[tuple[Point, Point]]


def scalar(number: int) -> bytes:
    return (number % L).to_bytes(32, "little")


def drawn(chance: Chance) -> int:
    return int.from_bytes(chance(64), "little") % L


def hashed(tag: str, *parts: bytes) -> int:
    return int.from_bytes(digest(tag, *parts), "little") % L


def prove(tag: str, x: int, claims: Claims, statement: Sequence[bytes], chance: Chance) -> bytes:
    images = [image.bytes() for _, image in claims]
    s = hashed(f"{tag} nonce", chance(32), scalar(x), *statement, *images)
    e = challenge(tag, claims, [base * s for base, _ in claims], statement)
    return scalar(e) + scalar(s + x * e)


def holds(tag: str, claims: Claims, statement: Sequence[bytes], proof: bytes) -> bool:
    e, f = int.from_bytes(proof[:32], "little"), int.from_bytes(proof[32:], "little")
    return e == challenge(tag, claims, [base * f + -(image * e) for base, image in claims], statement)


def challenge(tag: str, claims: Claims, w: Sequence[Point], statement: Sequence[bytes]) -> int:
    told = [one.bytes() for (_, image), nonce in zip(claims, w, strict=True) for one in (image, nonce)]
    return hashed(tag, *statement, *told)


def holder_key(secret: int, name: bytes, chance: Chance) -> bytes:
    public = G * secret
    return public.bytes() + prove("holder key", secret, [(G, public)], [name], chance)


@dataclass
class Ceremony:
    """Holder keys as bytes, and the former key's message, or nothing."""

    context: bytes
    threshold: int
    holders: list[bytes]
    former: bytes = b""

    @property
    def digest(self) -> bytes:
        return digest("ceremony", self.context, bytes([self.threshold]), *self.holders, self.former)

    def mask(self, dealer: int, index: int, ephemeral: bytes, shared: Point) -> int:
        own = self.holders[index - 1]
        return hashed("mask", self.digest, bytes([dealer, index]), ephemeral, own, shared.bytes())


def deal(ceremony: Ceremony, dealer: int, chance: Chance, secret: int | None = None) -> bytes:
    t, n = ceremony.threshold, len(ceremony.holders)
    a = [drawn(chance) if secret is None else secret, *(drawn(chance) for _ in range(t - 1))]
    epsilon = drawn(chance)
    ephemeral = (G * epsilon).bytes()
    values = [sum(c * index**power for power, c in enumerate(a)) for index in range(1, n + 1)]
    sealed = [
        value + ceremony.mask(dealer, index, ephemeral, Point.read(ceremony.holders[index - 1]) * epsilon)
        for index, value in enumerate(values, 1)
    ]
    body = bytes([dealer, t, n]) + b"".join((G * c).bytes() for c in a) + ephemeral + b"".join(map(scalar, sealed))
    statement = [ceremony.digest, body]
    possession = prove("dealing possession", a[0], [(G, G * a[0])], statement, chance)
    return body + possession + prove("dealing knowledge", epsilon, [(G, G * epsilon)], statement, chance)


@dataclass
class Dealing:
    """A dealing's parts, read from its bytes."""

    whole: bytes
    dealer: int
    commitments: list[Point]
    ephemeral: Point
    sealed: list[int]

    @classmethod
    def read(cls, whole: bytes) -> Dealing:
        dealer, t, n = whole[:3]
        words = [whole[at : at + 32] for at in range(3, len(whole), 32)]
        sealed = [int.from_bytes(one, "little") for one in words[t + 1 : t + 1 + n]]
        return cls(whole, dealer, [Point.read(one) for one in words[:t]], Point.read(words[t]), sealed)

    def holds(self, ceremony: Ceremony) -> bool:
        statement = [ceremony.digest, self.whole[:-128]]
        return holds("dealing possession", [(G, self.commitments[0])], statement, self.whole[-128:-64]) and holds(
            "dealing knowledge", [(G, self.ephemeral)], statement, self.whole[-64:]
        )

    def share(self, ceremony: Ceremony, index: int, shared: Point) -> int:
        return (self.sealed[index - 1] - ceremony.mask(self.dealer, index, self.ephemeral.bytes(), shared)) % L


def committed(commitments: Sequence[Point], index: int) -> Point:
    total = commitments[0]
    for power, one in enumerate(commitments[1:], 1):
        total += one * pow(index, power, L)
    return total


def complain(ceremony: Ceremony, dealing: bytes, index: int, secret: int, chance: Chance) -> bytes:
    ephemeral = Dealing.read(dealing).ephemeral
    claims = [(G, G * secret), (ephemeral, ephemeral * secret)]
    statement = [ceremony.digest, dealing, bytes([index])]
    head = bytes([dealing[0], index]) + (ephemeral * secret).bytes()
    return head + prove("complaint", secret, claims, statement, chance)


def lagrange(indices: Sequence[int]) -> list[int]:
    weights = []
    for own in indices:
        weight = 1
        for other in indices:
            if other != own:
                weight = weight * other * pow(other - own, -1, L) % L
        weights.append(weight)
    return weights


def weights_of(ceremony: Ceremony, dealings: Sequence[Dealing]) -> list[int]:
    return lagrange([one.dealer for one in dealings]) if ceremony.former else [1] * len(dealings)


def conclude(ceremony: Ceremony, dealings: Sequence[bytes]) -> bytes:
    read = [Dealing.read(one) for one in dealings]
    weights = weights_of(ceremony, read)
    totals = []
    for k in range(ceremony.threshold):
        first, *others = (one.commitments[k] * weight for one, weight in zip(read, weights, strict=True))
        for other in others:
            first += other
        totals.append(first)
    n = len(ceremony.holders)
    epoch = int.from_bytes(ceremony.former[:4], "big") + 1
    head = epoch.to_bytes(4, "big") + bytes([ceremony.threshold, n])
    return head + totals[0].bytes() + b"".join(committed(totals, index).bytes() for index in range(1, n + 1))


def secret_share(ceremony: Ceremony, dealings: Sequence[bytes], index: int, secret: int) -> int:
    read = [Dealing.read(one) for one in dealings]
    dealt = [one.share(ceremony, index, one.ephemeral * secret) for one in read]
    return sum(share * weight for share, weight in zip(dealt, weights_of(ceremony, read), strict=True)) % L


def encapsulate(public: bytes, label: bytes, chance: Chance) -> tuple[bytes, bytes]:
    r = drawn(chance)
    claims = [(G, G * r), (G_BAR, G_BAR * r)]
    u = (G * r).bytes()
    capsule = u + (G_BAR * r).bytes() + prove("capsule", r, claims, [public, label], chance)
    return capsule, digest("key", public, label, u, (Point.read(public) * r).bytes())[:32]


def capsule_holds(public: bytes, label: bytes, capsule: bytes) -> bool:
    claims = [(G, Point.read(capsule[:32])), (G_BAR, Point.read(capsule[32:64]))]
    return holds("capsule", claims, [public, label], capsule[64:])


def decrypt(key: bytes, index: int, secret: int, label: bytes, capsule: bytes, chance: Chance) -> bytes:
    u = Point.read(capsule[:32])
    head = key[:4] + bytes([index])
    claims = [(G, G * secret), (u, u * secret)]
    proof = prove("decryption share", secret, claims, [key[6:38], head, label, capsule], chance)
    return head + (u * secret).bytes() + proof


def share_holds(key: bytes, label: bytes, capsule: bytes, share: bytes) -> bool:
    index = share[4]
    verification = Point.read(key[6 + 32 * index : 38 + 32 * index])
    claims = [(G, verification), (Point.read(capsule[:32]), Point.read(share[5:37]))]
    return holds("decryption share", claims, [key[6:38], key[:4] + bytes([index]), label, capsule], share[37:])


def combine(key: bytes, label: bytes, capsule: bytes, shares: Sequence[bytes]) -> bytes:
    weights = lagrange([share[4] for share in shares])
    first, *others = (Point.read(share[5:37]) * weight for share, weight in zip(shares, weights, strict=True))
    for other in others:
        first += other
    return digest("key", key[6:38], label, capsule[:32], first.bytes())[:32]


def info(decision: bytes, height: int, label: bytes, epoch: int, index: int) -> bytes:
    return digest("seal", decision, label, struct.pack(">QIB", height, epoch, index))


def open_x25519(sealed: bytes, secret: bytes, told: bytes) -> bytes:
    """RFC 9180 in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305; sections 4.1, 5.1 and 5.2."""
    suite_kem, suite = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x03"
    enc, ciphertext = sealed[1:33], sealed[33:]
    prk = extract(suite_kem, b"", b"eae_prk", crypto_scalarmult(secret, enc))
    shared = expand(suite_kem, prk, b"shared_secret", enc + crypto_scalarmult_base(secret), 32)
    context = b"\x00" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", told)
    main = extract(suite, shared, b"secret", b"")
    key, nonce = expand(suite, main, b"key", context, 32), expand(suite, main, b"base_nonce", context, 12)
    opened: bytes = crypto_aead_chacha20poly1305_ietf_decrypt(ciphertext, b"", nonce, key)
    return opened


def extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + material, hashlib.sha256)


def expand(suite: bytes, prk: bytes, label: bytes, told: bytes, size: int) -> bytes:
    whole = struct.pack(">H", size) + b"HPKE-v1" + suite + label + told
    return hmac.digest(prk, whole + b"\x01", hashlib.sha256)[:size]
