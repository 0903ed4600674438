"""What a key that nobody holds alone costs: to open with it, to make it, and to share it anew.

    python -m bench.threshold

The reference is one multiplication in the group by libsodium, which everything consists of, in the same run: the ratio
says how many of them something takes. Process time, the best of five rounds.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable

from nacl.bindings import crypto_scalarmult_ed25519_noclamp
from nacl.utils import random

from threshold import (
    Capsule,
    Ceremony,
    Dealing,
    DecryptionShare,
    Grounds,
    ReaderSecret,
    Scalar,
    SealSuite,
    ThresholdKey,
    check_capsule,
    check_dealing,
    check_share,
    combine,
    conclude,
    deal,
    decryption_share,
    encapsulate,
    open_sealed,
    seal_share,
    secret_share,
    threshold_of,
)
from threshold.group import G

ROUNDS = 5
LABEL = b"a chain, an asset, a policy scope, a content root and an epoch, by their digests or names" * 2


def microseconds(number: int, work: Callable[[], object]) -> float:
    """Process time of a call, the best of five rounds."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(number):
            work()
        rounds.append(1e6 * (time.process_time() - started) / number)
    return min(rounds)


def main() -> None:
    conditions = {"cpus": os.cpu_count(), "python": platform.python_version(), "label_bytes": len(LABEL)}
    print(json.dumps({"conditions": conditions}))
    scalar, element = Scalar.draw(random).encoded, (G * Scalar.draw(random)).encoded
    reference = microseconds(500, lambda: crypto_scalarmult_ed25519_noclamp(scalar, element))
    print(json.dumps({"one multiplication, us": round(reference, 1)}))

    def tell(what: str, number: int, work: Callable[[], object]) -> None:
        took = microseconds(number, work)
        print(json.dumps({what: round(took / 1000, 3), "ratio": round(took / reference, 1)}), flush=True)

    for holders in (3, 5, 7):
        opening(holders, tell)
    making(7, tell)


Tell = Callable[[str, int, Callable[[], object]], None]


def opening(holders: int, tell: Tell) -> None:
    """What each party does for one picture and one reader, from bytes as they arrive."""
    secrets, ceremony = a_ceremony(holders)
    dealings = [deal(ceremony, index, random) for index in range(1, holders + 1)]
    key = conclude(ceremony, dealings)
    shares = [secret_share(ceremony, dealings, index, own) for index, own in enumerate(secrets, 1)]
    capsule, _ = encapsulate(key.public, LABEL, random)
    given = [decryption_share(key, index, own, LABEL, capsule, random) for index, own in enumerate(shares, 1)]
    of = f"{key.threshold} of {holders}"
    tell(f"{of}: encapsulate, ms", 50, lambda: encapsulate(key.public, LABEL, random))
    tell(f"{of}: check a capsule, ms", 50, lambda: check_capsule(key.public, LABEL, capsule))
    tell(f"{of}: check it, share, prove, ms", 50, lambda: decryption_share(key, 1, shares[0], LABEL, capsule, random))
    tell(f"{of}: verify a share, ms", 50, lambda: check_share(key, LABEL, capsule, given[0]))
    tell(f"{of}: combine, ms", 50, lambda: combine(key, LABEL, capsule, given[: key.threshold]))
    messages = capsule.to_bytes(), given[0].to_bytes()
    tell(f"{of}: read a capsule, ms", 50, lambda: Capsule.from_bytes(messages[0]))
    tell(f"{of}: read a share, ms", 50, lambda: DecryptionShare.from_bytes(messages[1]))
    for suite in SealSuite:
        sealing(f"{of}, {suite.name}", suite, key, capsule, given[0], tell)


def sealing(of: str, suite: SealSuite, key: ThresholdKey, capsule: Capsule, share: DecryptionShare, tell: Tell) -> None:
    reader, grounds = ReaderSecret.draw(suite, random), Grounds(bytes(32), 1, LABEL)
    public = reader.public
    sealed = seal_share(share, public, grounds)
    tell(f"{of}: seal a share, ms", 50, lambda: seal_share(share, public, grounds))
    tell(f"{of}: open and verify it, ms", 50, lambda: open_sealed(sealed, reader, grounds, key, capsule, share.holder))


def making(holders: int, tell: Tell) -> None:
    """What one node does while a key is made by so many, and what it does to share the key anew."""
    secrets, ceremony = a_ceremony(holders)
    dealings = [deal(ceremony, index, random) for index in range(1, holders + 1)]
    messages = [dealing.to_bytes() for dealing in dealings]
    key = conclude(ceremony, dealings)
    of = f"{ceremony.threshold} of {holders}"
    tell(f"{of}: deal, ms", 5, lambda: deal(ceremony, 1, random))
    tell(f"{of}: read and check a dealing, ms", 5, lambda: check_dealing(ceremony, Dealing.from_bytes(messages[0])))
    tell(f"{of}: conclude, ms", 5, lambda: conclude(ceremony, dealings))
    tell(f"{of}: open all that is dealt, ms", 5, lambda: secret_share(ceremony, dealings, 1, secrets[0]))

    def whole() -> None:
        """Everything at one node: its dealing, all checks, and both ends."""
        deal(ceremony, 1, random)
        for message in messages:
            check_dealing(ceremony, Dealing.from_bytes(message))
        conclude(ceremony, dealings)
        secret_share(ceremony, dealings, 1, secrets[0])

    tell(f"{of}: the whole making at one node, ms", 2, whole)
    own = secret_share(ceremony, dealings, 1, secrets[0])
    anew = Ceremony(b"anew", ceremony.threshold, ceremony.holders, key)
    tell(f"{of}: deal to share anew, ms", 5, lambda: deal(anew, 1, random, own))


def a_ceremony(holders: int) -> tuple[list[Scalar], Ceremony]:
    """Holder secrets and the ceremony of a new key."""
    secrets = [Scalar.draw(random) for _ in range(holders)]
    return secrets, Ceremony(b"bench", threshold_of(holders), tuple(G * secret for secret in secrets))


if __name__ == "__main__":
    main()
