"""Every message of the package, against vectors in tests/vectors/threshold.json and against a second implementation.

The vectors are the protocol: another implementation in any language must reproduce them. If one changes, no key that is
shared today opens anything tomorrow; `python tests/threshold/test_threshold_vectors.py` writes them anew.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import plain_threshold as plain
from ceremonies import LABEL, Shared, a_key, chance, lying, shared_anew

from threshold import (
    Capsule,
    Complaint,
    Dealing,
    DecryptionShare,
    Grounds,
    HolderKey,
    ReaderSecret,
    Scalar,
    SealSuite,
    ThresholdKey,
    check_capsule,
    check_dealing,
    check_holder_key,
    check_share,
    combine,
    complain,
    encapsulate,
    holder_key,
    judge,
    open_sealed,
    seal_share,
)
from threshold.sharing import draw_polynomial

VECTORS = Path(__file__).parent.parent / "vectors" / "threshold.json"
DEALERS = (2, 4, 5)
GROUNDS = Grounds(decision=bytes(range(32)), height=41, label=LABEL)


def sharing(shared: Shared) -> dict[str, Any]:
    """A ceremony with what went in and what came out."""
    return {
        "context": shared.ceremony.context.decode(),
        "threshold": shared.ceremony.threshold,
        "holder_secrets": [one.encoded.hex() for one in shared.holder_secrets],
        "dealings": [one.to_bytes().hex() for one in shared.dealings],
        "key": shared.key.to_bytes().hex(),
        "secret_shares": [one.encoded.hex() for one in shared.shares],
    }


@cache
def made() -> tuple[Shared, Shared]:
    first = a_key(3, 5)
    return first, shared_anew(first, DEALERS, 2, 3)


def a_complaint() -> tuple[Dealing, Complaint]:
    first, _ = made()
    polynomial = draw_polynomial(Scalar.of(7), 3, chance("a lie"))
    lie = lying(first.ceremony, 1, polynomial, 4)
    return lie, complain(first.ceremony, lie, 4, first.holder_secrets[3], chance("complaint"))


def vectors() -> dict[str, Any]:
    """All vectors but those of sealing, computed by this implementation."""
    first, anew = made()
    capsule, content_key = encapsulate(first.key.public, LABEL, chance("capsule"))
    lie, complaint = a_complaint()
    return {
        "holder_key": {
            "secret": first.holder_secrets[0].encoded.hex(),
            "name": "node1",
            "message": holder_key(first.holder_secrets[0], b"node1", chance("holder key")).to_bytes().hex(),
        },
        "first": sharing(first),
        "anew": {"dealers": list(DEALERS), **sharing(anew)},
        "lie": {"dealing": lie.to_bytes().hex(), "complaint": complaint.to_bytes().hex()},
        "label": LABEL.decode(),
        "capsule": capsule.to_bytes().hex(),
        "content_key": content_key.hex(),
        "decryption_shares": [one.to_bytes().hex() for one in first.decrypt(capsule, 1, 2, 3, 4, 5)],
        "decryption_shares_anew": [one.to_bytes().hex() for one in anew.decrypt(capsule, 1, 2, 3)],
    }


def sealed_vectors() -> dict[str, Any]:
    """The first decryption share, sealed by each suite; HPKE draws its own chance."""
    first, _ = made()
    (share,) = first.decrypt(encapsulate(first.key.public, LABEL, chance("capsule"))[0], 1)
    told = {"decision": GROUNDS.decision.hex(), "height": GROUNDS.height}
    for suite in SealSuite:
        reader = ReaderSecret.draw(suite, chance(suite.name))
        told[suite.name] = {
            "secret": reader.secret.hex(),
            "reader_key": reader.public.hex(),
            "sealed": seal_share(share, reader.public, GROUNDS).hex(),
        }
    return told


def recorded() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(VECTORS.read_text())
    return read


def test_this_implementation_makes_the_vectors() -> None:
    told = recorded()
    del told["sealed"]

    assert vectors() == told


def test_this_implementation_takes_the_vectors_for_good() -> None:
    told, (first, anew) = recorded(), made()
    capsule = Capsule.from_bytes(bytes.fromhex(told["capsule"]))

    check_holder_key(HolderKey.from_bytes(bytes.fromhex(told["holder_key"]["message"])), b"node1")
    for shared, name in ((first, "first"), (anew, "anew")):
        for one in told[name]["dealings"]:
            check_dealing(shared.ceremony, Dealing.from_bytes(bytes.fromhex(one)))
        assert ThresholdKey.from_bytes(bytes.fromhex(told[name]["key"])) == shared.key
    lie = Dealing.from_bytes(bytes.fromhex(told["lie"]["dealing"]))
    check_dealing(first.ceremony, lie)
    assert judge(first.ceremony, lie, Complaint.from_bytes(bytes.fromhex(told["lie"]["complaint"])))
    check_capsule(first.key.public, LABEL, capsule)
    for shared, name in ((first, "decryption_shares"), (anew, "decryption_shares_anew")):
        shares = [DecryptionShare.from_bytes(bytes.fromhex(one)) for one in told[name]]
        for share in shares:
            check_share(shared.key, LABEL, capsule, share)
        assert combine(shared.key, LABEL, capsule, shares).hex() == told["content_key"]
    for suite in SealSuite:
        reader = ReaderSecret(suite, bytes.fromhex(told["sealed"][suite.name]["secret"]))
        assert reader.public.hex() == told["sealed"][suite.name]["reader_key"]
        sealed = bytes.fromhex(told["sealed"][suite.name]["sealed"])
        share = open_sealed(sealed, reader, GROUNDS, first.key, capsule, 1)
        assert share.to_bytes().hex() == told["decryption_shares"][0]


def plain_ceremony(told: dict[str, Any], former: str = "") -> plain.Ceremony:
    secrets = [int.from_bytes(bytes.fromhex(one), "little") for one in told["holder_secrets"]]
    holders = [(plain.G * one).bytes() for one in secrets]
    return plain.Ceremony(told["context"].encode(), told["threshold"], holders, bytes.fromhex(former))


def test_plain_integers_make_the_same_ceremonies() -> None:
    told = recorded()
    first, anew = plain_ceremony(told["first"]), plain_ceremony(told["anew"], told["first"]["key"])
    shares = [int.from_bytes(bytes.fromhex(one), "little") for one in told["first"]["secret_shares"]]

    dealings = [plain.deal(first, dealer, chance(f"first, dealing {dealer}")) for dealer in range(1, 6)]
    dealings_anew = [plain.deal(anew, one, chance(f"anew, dealing {one}"), shares[one - 1]) for one in DEALERS]

    for ceremony, made_here, name in ((first, dealings, "first"), (anew, dealings_anew, "anew")):
        assert [one.hex() for one in made_here] == told[name]["dealings"]
        assert all(plain.Dealing.read(one).holds(ceremony) for one in made_here)
        assert plain.conclude(ceremony, made_here).hex() == told[name]["key"]
        for index, secret in enumerate(told[name]["holder_secrets"], 1):
            own = plain.secret_share(ceremony, made_here, index, int.from_bytes(bytes.fromhex(secret), "little"))
            assert plain.scalar(own).hex() == told[name]["secret_shares"][index - 1]


def test_plain_integers_make_the_same_complaint_and_see_the_lie() -> None:
    told = recorded()
    ceremony, lie = plain_ceremony(told["first"]), bytes.fromhex(told["lie"]["dealing"])
    secret = int.from_bytes(bytes.fromhex(told["first"]["holder_secrets"][3]), "little")
    dealing = plain.Dealing.read(lie)

    assert plain.complain(ceremony, lie, 4, secret, chance("complaint")).hex() == told["lie"]["complaint"]
    assert dealing.holds(ceremony)
    share = dealing.share(ceremony, 4, dealing.ephemeral * secret)
    assert plain.G * share != plain.committed(dealing.commitments, 4)


def test_plain_integers_make_the_same_capsule_and_shares_and_open_it() -> None:
    told, label = recorded(), LABEL
    key = bytes.fromhex(told["first"]["key"])
    shares = [int.from_bytes(bytes.fromhex(one), "little") for one in told["first"]["secret_shares"]]

    capsule, content_key = plain.encapsulate(key[6:38], label, chance("capsule"))
    decrypted = [
        plain.decrypt(key, index, secret, label, capsule, chance(f"decrypt {index}"))
        for index, secret in enumerate(shares, 1)
    ]

    assert capsule.hex() == told["capsule"]
    assert content_key.hex() == told["content_key"]
    assert plain.capsule_holds(key[6:38], label, capsule)
    assert [one.hex() for one in decrypted] == told["decryption_shares"]
    assert all(plain.share_holds(key, label, capsule, one) for one in decrypted)
    assert plain.combine(key, label, capsule, decrypted[1:4]) == content_key


def test_plain_integers_make_the_same_holder_key() -> None:
    told = recorded()["holder_key"]
    secret = int.from_bytes(bytes.fromhex(told["secret"]), "little")

    assert plain.holder_key(secret, told["name"].encode(), chance("holder key")).hex() == told["message"]


def test_another_hpke_opens_what_is_sealed() -> None:
    told = recorded()
    sealed = told["sealed"]
    info = plain.info(bytes.fromhex(sealed["decision"]), sealed["height"], LABEL, 1, 1)
    x25519 = sealed["X25519"]

    share = plain.open_x25519(bytes.fromhex(x25519["sealed"]), bytes.fromhex(x25519["secret"]), info)

    assert share.hex() == told["decryption_shares"][0]


if __name__ == "__main__":
    VECTORS.write_text(json.dumps({**vectors(), "sealed": sealed_vectors()}, indent=1) + "\n")
