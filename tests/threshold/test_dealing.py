"""Making a key together, and every way in which a dealer may try to have it otherwise."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from ceremonies import LABEL, a_ceremony, a_key, chance, ended, proven, secrets_of
from hypothesis import given, settings
from hypothesis import strategies as st

from threshold import (
    Ceremony,
    Dealing,
    DecryptionShare,
    HolderKey,
    Scalar,
    ThresholdCode,
    ThresholdError,
    ThresholdKey,
    check_dealing,
    check_holder_key,
    combine,
    conclude,
    deal,
    encapsulate,
    holder_key,
    open_share,
    secret_share,
)
from threshold.dealing import deal_values, unmask
from threshold.group import IDENTITY, ZERO, G
from threshold.sharing import draw_polynomial, lagrange, value_at, weighted


def refused(ceremony: Ceremony, dealing: Dealing) -> None:
    with pytest.raises(ThresholdError) as error:
        check_dealing(ceremony, dealing)
    assert error.value.code is ThresholdCode.DEALING_INVALID


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_whoever_deals_makes_a_key_that_any_so_many_open(data: st.DataObject) -> None:
    holders = data.draw(st.integers(1, 5))
    threshold = data.draw(st.integers(1, holders))
    shared = a_key(threshold, holders, f"{threshold} of {holders}")
    opening = data.draw(st.permutations(range(1, holders + 1)))[:threshold]
    capsule, content_key = encapsulate(shared.key.public, LABEL, chance("capsule"))

    for dealing in shared.dealings:
        check_dealing(shared.ceremony, Dealing.from_bytes(dealing.to_bytes()))
    assert ThresholdKey.from_bytes(shared.key.to_bytes()) == shared.key
    assert tuple(G * share for share in shared.shares) == shared.key.verification
    assert combine(shared.key, LABEL, capsule, shared.decrypt(capsule, *opening)) == content_key


def test_no_holder_has_the_secret_and_so_many_shares_are_it() -> None:
    shared = a_key(3, 5)

    for some in combinations(range(5), 3):
        weights = lagrange([one + 1 for one in some])
        assert G * weighted([shared.shares[one] for one in some], weights) == shared.key.public
    assert shared.key.public not in shared.key.verification


def test_a_key_is_made_without_dealers_that_are_left_out() -> None:
    shared = a_key(3, 5)
    left = shared.dealings[1:4]
    without = ended(shared.ceremony, shared.holder_secrets, left)
    capsule, content_key = encapsulate(without.key.public, LABEL, chance("capsule"))

    assert without.key.public != shared.key.public
    assert combine(without.key, LABEL, capsule, without.decrypt(capsule, 1, 3, 5)) == content_key


@pytest.mark.parametrize("dealers", [[], [1], [1, 2], [1, 2, 2], [1, 1, 2, 3]])
def test_fewer_dealings_than_could_collude_and_one_dealt_twice_make_no_key(dealers: list[int]) -> None:
    shared = a_key(3, 5)
    dealings = [shared.dealings[one - 1] for one in dealers]

    with pytest.raises(ThresholdError) as error:
        conclude(shared.ceremony, dealings)
    assert error.value.code is ThresholdCode.DEALINGS_TOO_FEW
    with pytest.raises(ThresholdError) as error:
        secret_share(shared.ceremony, dealings, 1, shared.holder_secrets[0])
    assert error.value.code is ThresholdCode.DEALINGS_TOO_FEW


@pytest.mark.parametrize("length", [1, 2, 4, 5])
def test_a_dealer_does_not_raise_or_lower_the_threshold(length: int) -> None:
    """With one commitment more, each share fits, and t shares open nothing ever after (Trail of Bits, 2024)."""
    shared = a_key(3, 5)
    dealing = deal_values(shared.ceremony, 1, draw_polynomial(Scalar.of(5), length, chance("raised")), chance("dealt"))

    assert open_share(shared.ceremony, dealing, 2, shared.holder_secrets[1])
    refused(shared.ceremony, dealing)


@pytest.mark.parametrize("count", [0, 4, 6])
def test_a_dealing_has_a_share_for_every_holder(count: int) -> None:
    shared = a_key(3, 5)
    epsilon, polynomial = Scalar.draw(chance("dealt")), draw_polynomial(Scalar.of(5), 3, chance("polynomial"))
    dealing = deal_values(shared.ceremony, 1, polynomial, chance("dealt"))
    sealed = (*dealing.sealed, Scalar.of(1))[:count]

    refused(shared.ceremony, proven(shared.ceremony, replace(dealing, sealed=sealed), polynomial[0], epsilon))


@pytest.mark.parametrize("dealer", [0, 6, 255])
def test_a_dealer_has_an_index(dealer: int) -> None:
    shared = a_key(3, 5)
    refused(shared.ceremony, deal(shared.ceremony, dealer, chance("outsider")))


def test_a_rogue_commitment_that_cancels_the_others_has_no_proof() -> None:
    """The sum would be a key whose secret the last dealer knows alone."""
    shared = a_key(3, 5)
    own, epsilon = Scalar.draw(chance("own")), Scalar.draw(chance("rogue"))
    others = [dealing.commitments[0] for dealing in shared.dealings[:4]]
    rogue = G * own - weighted(others, [Scalar.of(1)] * 4)
    dealing = deal_values(shared.ceremony, 5, draw_polynomial(own, 3, chance("polynomial")), chance("rogue"))
    changed = replace(dealing, commitments=(rogue, *dealing.commitments[1:]))

    assert conclude(shared.ceremony, [*shared.dealings[:4], changed]).public == G * own
    refused(shared.ceremony, proven(shared.ceremony, changed, own, epsilon))


def test_the_last_dealer_does_not_take_an_ephemeral_of_another() -> None:
    """A complaint about it would reveal the point that opens what the other dealer sealed to the same holder."""
    shared = a_key(3, 5)
    first, own = shared.dealings[0], Scalar.of(5)
    dealing = replace(deal_values(shared.ceremony, 5, [own] * 3, chance("thief")), ephemeral=first.ephemeral)

    revealed = dealing.ephemeral * shared.holder_secrets[1]
    assert G * unmask(shared.ceremony, first, 2, revealed) == value_at(first.commitments, 2)
    refused(shared.ceremony, proven(shared.ceremony, dealing, own, Scalar.of(7)))
    refused(shared.ceremony, replace(proven(shared.ceremony, dealing, own, own), knowledge=first.knowledge))


def test_a_dealing_is_of_one_dealer_and_one_ceremony() -> None:
    shared = a_key(3, 5)
    other = replace(shared.ceremony, context=b"another chain")
    raised = replace(shared.ceremony, threshold=4)
    anew = replace(shared.ceremony, former=shared.key)
    older = replace(anew, former=replace(shared.key, epoch=7))

    check_dealing(anew, deal(anew, 1, chance("anew"), shared.shares[0]))
    refused(older, deal(anew, 1, chance("anew"), shared.shares[0]))
    refused(shared.ceremony, replace(shared.dealings[0], dealer=2))
    for ceremony in (other, raised, anew):
        refused(ceremony, shared.dealings[0])


def test_a_wrong_share_is_refused_by_its_holder() -> None:
    shared = a_key(3, 5)

    with pytest.raises(ThresholdError) as error:
        open_share(shared.ceremony, shared.dealings[0], 2, shared.holder_secrets[2])
    assert error.value.code is ThresholdCode.SECRET_SHARE_WRONG


def test_the_holder_that_deals_last_can_make_its_own_share_nought_and_nothing_else() -> None:
    """It sees what it is dealt before it deals. The key is as good, and so are the others' shares."""
    shared = a_key(2, 4)
    before = shared.dealings[:3]
    given_so_far = secret_share(shared.ceremony, before, 4, shared.holder_secrets[3])
    slope = Scalar.draw(chance("slope"))
    constant = ZERO - given_so_far - slope * Scalar.of(4)
    last = deal_values(shared.ceremony, 4, (constant, slope), chance("last"))
    check_dealing(shared.ceremony, last)

    made = ended(shared.ceremony, shared.holder_secrets, [*before, last])
    capsule, content_key = encapsulate(made.key.public, LABEL, chance("capsule"))
    assert made.shares[3] == ZERO
    assert made.key.verification[3] == IDENTITY
    assert ThresholdKey.from_bytes(made.key.to_bytes()) == made.key
    assert combine(made.key, LABEL, capsule, made.decrypt(capsule, 1, 3)) == content_key
    with pytest.raises(ThresholdError):
        DecryptionShare.from_bytes(made.decrypt(capsule, 4)[0].to_bytes())


def test_a_ceremony_without_a_threshold_or_with_one_key_twice_is_none() -> None:
    secrets = secrets_of("ceremony", 3)
    same = (secrets[0], *secrets[:2])
    for threshold, holders in ((0, secrets), (4, secrets), (1, ()), (2, same), (2, secrets_of("many", 256))):
        with pytest.raises(ThresholdError) as error:
            a_ceremony("ceremony", threshold, holders)
        assert error.value.code is ThresholdCode.CEREMONY_INVALID


def test_a_holder_key_is_its_nodes_own() -> None:
    secret = Scalar.draw(chance("holder"))
    key = holder_key(secret, b"node1", chance("proof"))
    copied = HolderKey(key.public, holder_key(Scalar.of(5), b"node2", chance("proof")).possession)

    check_holder_key(HolderKey.from_bytes(key.to_bytes()), b"node1")
    for other, name in ((key, b"node2"), (copied, b"node2"), (copied, b"node1")):
        with pytest.raises(ThresholdError) as error:
            check_holder_key(other, name)
        assert error.value.code is ThresholdCode.HOLDER_KEY_INVALID
