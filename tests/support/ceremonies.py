"""Keys made and shared anew by several holders in one process, with chance that a name decides."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import count

from threshold import (
    Capsule,
    Ceremony,
    Dealing,
    DecryptionShare,
    Scalar,
    ThresholdKey,
    conclude,
    deal,
    decryption_share,
    secret_share,
)
from threshold.dealing import KNOWLEDGE, POSSESSION, deal_values
from threshold.group import G, Random
from threshold.proofs import prove

LABEL = b"chain, asset, policy scope, content root"


def chance(name: str) -> Random:
    """SHA-512 of the name and a counter of eight bytes, block after block: the same bytes in every run."""
    blocks = (hashlib.sha512(name.encode() + number.to_bytes(8, "big")).digest() for number in count())
    left = b""

    def random(size: int) -> bytes:
        nonlocal left
        while len(left) < size:
            left += next(blocks)
        given, left = left[:size], left[size:]
        return given

    return random


@dataclass(frozen=True)
class Shared:
    """A key with everything that its holders know, by index less one."""

    ceremony: Ceremony
    holder_secrets: tuple[Scalar, ...]
    dealings: tuple[Dealing, ...]
    key: ThresholdKey
    shares: tuple[Scalar, ...]

    def decrypt(self, capsule: Capsule, *holders: int, label: bytes = LABEL) -> list[DecryptionShare]:
        """The decryption shares of these holders."""
        return [
            decryption_share(self.key, one, self.shares[one - 1], label, capsule, chance(f"decrypt {one}"))
            for one in holders
        ]


def secrets_of(name: str, holders: int) -> tuple[Scalar, ...]:
    """Secrets of holder keys."""
    return tuple(Scalar.draw(chance(f"{name}, holder {index}")) for index in range(1, holders + 1))


def a_ceremony(name: str, threshold: int, secrets: Sequence[Scalar], former: ThresholdKey | None = None) -> Ceremony:
    return Ceremony(name.encode(), threshold, tuple(G * secret for secret in secrets), former)


def ended(ceremony: Ceremony, secrets: tuple[Scalar, ...], dealings: Sequence[Dealing]) -> Shared:
    """What a ceremony leaves after these dealings."""
    shares = tuple(secret_share(ceremony, dealings, index, own) for index, own in enumerate(secrets, 1))
    return Shared(ceremony, secrets, tuple(dealings), conclude(ceremony, dealings), shares)


@cache
def a_key(threshold: int, holders: int, name: str = "first") -> Shared:
    """A key that all its holders dealt."""
    secrets = secrets_of(name, holders)
    ceremony = a_ceremony(name, threshold, secrets)
    dealings = [deal(ceremony, index, chance(f"{name}, dealing {index}")) for index in range(1, holders + 1)]
    return ended(ceremony, secrets, dealings)


def shared_anew(former: Shared, dealers: Sequence[int], threshold: int, holders: int, name: str = "anew") -> Shared:
    """The same key with other holders, dealt by these of the former ones."""
    secrets = secrets_of(name, holders)
    ceremony = a_ceremony(name, threshold, secrets, former.key)
    dealings = [deal(ceremony, one, chance(f"{name}, dealing {one}"), former.shares[one - 1]) for one in dealers]
    return ended(ceremony, secrets, dealings)


def lying(ceremony: Ceremony, dealer: int, polynomial: Sequence[Scalar], *wronged: int) -> Dealing:
    """A dealing whose proofs hold, in which these holders are sealed another share than the one committed to."""
    honest = deal_values(ceremony, dealer, polynomial, chance(f"lying {dealer}"))
    epsilon = Scalar.draw(chance(f"lying {dealer}"))
    sealed = tuple(one + Scalar.of(1) if index in wronged else one for index, one in enumerate(honest.sealed, 1))
    return proven(ceremony, replace(honest, sealed=sealed), polynomial[0], epsilon)


def proven(ceremony: Ceremony, dealing: Dealing, secret: Scalar, epsilon: Scalar) -> Dealing:
    """A changed dealing with both proofs made anew, by whoever knows or claims to know these secrets."""
    statement = ceremony.digest, dealing.body
    random = chance("proven")
    return replace(
        dealing,
        possession=prove(POSSESSION, secret, [(G, dealing.commitments[0])], *statement, random=random),
        knowledge=prove(KNOWLEDGE, epsilon, [(G, dealing.ephemeral)], *statement, random=random),
    )
