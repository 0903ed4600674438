"""Sharing a key anew: the key stays, the shares and who holds them do not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ceremonies import LABEL, Shared, a_ceremony, a_key, chance, ended, secrets_of, shared_anew

from threshold import (
    Capsule,
    Scalar,
    ThresholdCode,
    ThresholdError,
    check_dealing,
    check_share,
    combine,
    conclude,
    deal,
    encapsulate,
)

FIRST = a_key(3, 5)
CAPSULE, CONTENT_KEY = encapsulate(FIRST.key.public, LABEL, chance("capsule"))


def opened(shared: Shared, *holders: int, capsule: Capsule = CAPSULE) -> bytes:
    shares = shared.decrypt(capsule, *holders)
    for share in shares:
        check_share(shared.key, LABEL, capsule, share)
    return combine(shared.key, LABEL, capsule, shares)


def test_three_of_five_become_five_of_seven_and_then_two_of_three_and_open_what_was_kept_before() -> None:
    more = shared_anew(FIRST, (1, 3, 4), 5, 7, "more")
    fewer = shared_anew(more, (7, 1, 2, 6, 4), 2, 3, "fewer")

    for shared in (more, fewer):
        for dealing in shared.dealings:
            check_dealing(shared.ceremony, dealing)
    assert [one.key.epoch for one in (FIRST, more, fewer)] == [1, 2, 3]
    assert FIRST.key.public == more.key.public == fewer.key.public
    assert opened(more, 2, 3, 4, 5, 6) == opened(fewer, 3, 1) == opened(FIRST, 1, 2, 5) == CONTENT_KEY


def test_the_same_holders_take_new_shares_and_old_ones_do_not_fit_the_new() -> None:
    ceremony = a_ceremony("refresh", 3, FIRST.holder_secrets, FIRST.key)
    dealings = [deal(ceremony, one, chance(f"refresh {one}"), FIRST.shares[one - 1]) for one in range(1, 6)]
    fresh = ended(ceremony, FIRST.holder_secrets, dealings)
    mixed = [*FIRST.decrypt(CAPSULE, 1, 2), *fresh.decrypt(CAPSULE, 3)]

    assert opened(fresh, 1, 2, 3) == CONTENT_KEY
    assert combine(fresh.key, LABEL, CAPSULE, mixed) != CONTENT_KEY
    with pytest.raises(ThresholdError) as error:
        check_share(fresh.key, LABEL, CAPSULE, mixed[0])
    assert error.value.code is ThresholdCode.KEY_EPOCH_STALE
    with pytest.raises(ThresholdError) as error:
        check_share(fresh.key, LABEL, CAPSULE, replace(mixed[0], epoch=2))
    assert error.value.code is ThresholdCode.DECRYPTION_SHARE_INVALID


def test_a_lost_holder_costs_no_picture_and_its_successor_gets_a_share() -> None:
    lost, successor = 2, secrets_of("successor", 1)[0]
    secrets = tuple(successor if one == lost else own for one, own in enumerate(FIRST.holder_secrets, 1))
    ceremony = a_ceremony("replaced", 3, secrets, FIRST.key)
    dealings = [deal(ceremony, one, chance(f"replaced {one}"), FIRST.shares[one - 1]) for one in (1, 3, 4, 5)]
    replaced = ended(ceremony, secrets, dealings)

    assert opened(FIRST, 1, 3, 4) == opened(replaced, lost, 4, 5) == CONTENT_KEY


def test_a_dealer_deals_its_own_share_and_nothing_else() -> None:
    ceremony = a_ceremony("other", 2, secrets_of("other", 3), FIRST.key)
    for secret in (None, Scalar.of(7), FIRST.shares[1]):
        with pytest.raises(ThresholdError) as error:
            check_dealing(ceremony, deal(ceremony, 1, chance("dealing"), secret))
        assert error.value.code is ThresholdCode.DEALING_INVALID


def test_whoever_is_new_does_not_deal() -> None:
    ceremony = a_ceremony("grown", 5, secrets_of("grown", 7), FIRST.key)
    with pytest.raises(ThresholdError) as error:
        check_dealing(ceremony, deal(ceremony, 6, chance("dealing"), FIRST.shares[0]))
    assert error.value.code is ThresholdCode.DEALING_INVALID


def test_fewer_dealers_than_open_do_not_share_it_anew() -> None:
    ceremony = a_ceremony("few", 2, secrets_of("few", 3), FIRST.key)
    dealings = [deal(ceremony, one, chance("dealing"), FIRST.shares[one - 1]) for one in (1, 5)]
    with pytest.raises(ThresholdError) as error:
        conclude(ceremony, dealings)
    assert error.value.code is ThresholdCode.DEALINGS_TOO_FEW


def test_shares_of_two_sets_of_dealers_do_not_fit_each_other() -> None:
    """So everybody has to take the same dealings: those that stand on the chain."""
    one, other = shared_anew(FIRST, (1, 2, 3), 2, 3), shared_anew(FIRST, (1, 2, 4), 2, 3)
    mixed = [*one.decrypt(CAPSULE, 1), *other.decrypt(CAPSULE, 2)]

    assert opened(one, 1, 2) == opened(other, 1, 2) == CONTENT_KEY
    assert combine(one.key, LABEL, CAPSULE, mixed) != CONTENT_KEY
