"""Capsules and what opens them, and what whoever wants to open another's tries."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations

import pytest
from ceremonies import LABEL, a_key, chance
from hypothesis import given, settings
from hypothesis import strategies as st

from threshold import (
    Capsule,
    DecryptionShare,
    Element,
    ThresholdCode,
    ThresholdError,
    check_capsule,
    check_share,
    combine,
    decryption_share,
    encapsulate,
)
from threshold.encapsulation import SHARE
from threshold.group import G_BAR, G, Scalar
from threshold.proofs import prove

SHARED = a_key(3, 5)
KEY = SHARED.key
CAPSULE, CONTENT_KEY = encapsulate(KEY.public, LABEL, chance("capsule"))
SHARES = SHARED.decrypt(CAPSULE, 1, 2, 3, 4, 5)


@settings(max_examples=10, deadline=None)
@given(st.binary(max_size=300), st.sets(st.integers(1, 5), min_size=3))
def test_as_many_as_the_threshold_and_more_open(label: bytes, holders: set[int]) -> None:
    capsule, content_key = encapsulate(KEY.public, label, chance("any"))
    shares = SHARED.decrypt(capsule, *holders, label=label)

    for share in shares:
        check_share(KEY, label, capsule, DecryptionShare.from_bytes(share.to_bytes()))
    assert combine(KEY, label, Capsule.from_bytes(capsule.to_bytes()), shares) == content_key


def test_the_order_of_shares_does_not_matter() -> None:
    for some in permutations(SHARES[1:4]):
        assert combine(KEY, LABEL, CAPSULE, some) == CONTENT_KEY


def test_every_capsule_holds_another_key() -> None:
    assert encapsulate(KEY.public, LABEL, chance("another"))[1] != CONTENT_KEY


def test_one_colluding_holder_less_than_the_threshold_learns_nothing() -> None:
    """Neither may they combine, nor does what they have give the key, whatever they take it for."""
    for few in combinations(SHARES, 2):
        with pytest.raises(ThresholdError) as error:
            combine(KEY, LABEL, CAPSULE, few)
        assert error.value.code is ThresholdCode.DECRYPTION_SHARES_TOO_FEW
        assert combine(replace(KEY, threshold=2), LABEL, CAPSULE, few) != CONTENT_KEY


def test_a_share_given_twice_counts_once() -> None:
    for some in ([SHARES[0]] * 3, [*SHARES[:2], SHARES[0]], [*SHARES[:3], SHARES[0]]):
        with pytest.raises(ThresholdError) as error:
            combine(KEY, LABEL, CAPSULE, some)
        assert error.value.code is ThresholdCode.DECRYPTION_SHARES_TOO_FEW


def test_a_capsule_copied_under_another_label_is_opened_by_no_holder() -> None:
    """Somebody registers a picture of their own and puts another's capsule into its record."""
    own = b"chain, own asset, own scope, own root"

    no_capsule(own, CAPSULE)
    given = [unchecked(one, CAPSULE) for one in (1, 2, 3)]
    assert combine(KEY, own, CAPSULE, given) != CONTENT_KEY


def test_a_capsule_made_out_of_another_is_opened_by_no_holder() -> None:
    """Doubled and shifted, u would have the holders compute what opens the first one."""
    own, r = b"own label", Scalar.of(7)
    doubled = Capsule(CAPSULE.u + CAPSULE.u, CAPSULE.u_bar + CAPSULE.u_bar, CAPSULE.proof)
    shifted = Capsule(CAPSULE.u + G * r, CAPSULE.u_bar + G_BAR * r, CAPSULE.proof)
    for capsule in (doubled, shifted):
        no_capsule(own, capsule)
        no_capsule(LABEL, capsule)
        claims = (G, capsule.u), (G_BAR, capsule.u_bar)
        proof = prove("capsule", r, claims, KEY.public.encoded, own, random=chance("forged"))
        no_capsule(own, replace(capsule, proof=proof))


def test_a_capsule_whose_two_points_have_two_logarithms_is_none() -> None:
    r = Scalar.of(7)
    for u, u_bar in ((G * r, G_BAR * Scalar.of(8)), (G * r, G * r)):
        claims = (G, u), (G_BAR, u_bar)
        proof = prove("capsule", r, claims, KEY.public.encoded, LABEL, random=chance("unequal"))
        no_capsule(LABEL, Capsule(u, u_bar, proof))


def test_a_capsule_for_another_key_is_none() -> None:
    other = a_key(2, 3, "other")
    with pytest.raises(ThresholdError) as error:
        check_capsule(other.key.public, LABEL, CAPSULE)
    assert error.value.code is ThresholdCode.CAPSULE_INVALID


def no_capsule(label: bytes, capsule: Capsule) -> None:
    with pytest.raises(ThresholdError) as error:
        decryption_share(KEY, 1, SHARED.shares[0], label, capsule, chance("share"))
    assert error.value.code is ThresholdCode.CAPSULE_INVALID


def unchecked(holder: int, capsule: Capsule) -> DecryptionShare:
    """What a holder that checks nothing would give."""
    return replace(SHARES[holder - 1], u_i=capsule.u * SHARED.shares[holder - 1])


def test_a_bad_share_names_its_holder() -> None:
    wrong = capsule_share(2, CAPSULE.u * Scalar.of(5), Scalar.of(5))

    with pytest.raises(ThresholdError) as error:
        check_share(KEY, LABEL, CAPSULE, wrong)
    assert error.value.code is ThresholdCode.DECRYPTION_SHARE_INVALID
    assert "holder 2" in error.value.detail
    assert combine(KEY, LABEL, CAPSULE, [wrong, *SHARES[2:4]]) != CONTENT_KEY


def capsule_share(holder: int, u_i: Element, secret: Scalar) -> DecryptionShare:
    """A share with a proof by whatever secret."""
    claims = (G, KEY.verification[holder - 1]), (CAPSULE.u, u_i)
    statement = KEY.public.encoded, b"\x00\x00\x00\x01" + bytes([holder]), LABEL, CAPSULE.to_bytes()
    return DecryptionShare(1, holder, u_i, prove(SHARE, secret, claims, *statement, random=chance("bad")))


def test_a_share_is_of_one_holder_one_capsule_one_label_and_one_epoch() -> None:
    other, _ = encapsulate(KEY.public, LABEL, chance("other"))
    share = SHARES[0]
    check_share(KEY, LABEL, CAPSULE, capsule_share(1, share.u_i, SHARED.shares[0]))

    for key, label, capsule, one in (
        (KEY, LABEL, CAPSULE, replace(share, holder=2)),
        (KEY, LABEL, CAPSULE, replace(share, u_i=SHARES[1].u_i)),
        (KEY, LABEL, CAPSULE, replace(share, proof=SHARES[1].proof)),
        (KEY, LABEL, other, share),
        (KEY, b"other", CAPSULE, share),
        (replace(KEY, verification=KEY.verification[::-1]), LABEL, CAPSULE, share),
        *((KEY, LABEL, CAPSULE, replace(share, holder=one)) for one in (0, 6, 255)),
    ):
        with pytest.raises(ThresholdError) as error:
            check_share(key, label, capsule, one)
        assert error.value.code is ThresholdCode.DECRYPTION_SHARE_INVALID


def test_the_last_holder_gives_no_share_as_one_before_the_first() -> None:
    with pytest.raises(ThresholdError) as error:
        check_share(KEY, LABEL, CAPSULE, SHARED.decrypt(CAPSULE, 0)[0])
    assert error.value.code is ThresholdCode.DECRYPTION_SHARE_INVALID


@pytest.mark.parametrize("epoch", [0, 2, 2**32 - 1])
def test_a_share_of_another_epoch_is_stale(epoch: int) -> None:
    for key, share in ((replace(KEY, epoch=epoch), SHARES[0]), (KEY, replace(SHARES[0], epoch=epoch))):
        with pytest.raises(ThresholdError) as error:
            check_share(key, LABEL, CAPSULE, share)
        assert error.value.code is ThresholdCode.KEY_EPOCH_STALE
