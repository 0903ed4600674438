"""Complaints: a dealer that lied is convicted by everybody, and nobody else is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ceremonies import a_key, chance, lying

from threshold import Complaint, Scalar, ThresholdCode, ThresholdError, check_dealing, complain, judge, open_share
from threshold.complaint import TAG
from threshold.dealing import unmask
from threshold.group import G
from threshold.proofs import prove
from threshold.sharing import draw_polynomial, value_at

SHARED = a_key(3, 5)
CEREMONY, SECRETS, HONEST = SHARED.ceremony, SHARED.holder_secrets, SHARED.dealings[0]
LIE = lying(CEREMONY, 2, draw_polynomial(Scalar.of(7), 3, chance("a lie")), 4)


def test_a_dealer_that_sealed_a_wrong_share_is_convicted() -> None:
    check_dealing(CEREMONY, LIE)
    with pytest.raises(ThresholdError) as error:
        open_share(CEREMONY, LIE, 4, SECRETS[3])
    complaint = complain(CEREMONY, LIE, 4, SECRETS[3], chance("complaint"))

    assert error.value.code is ThresholdCode.SECRET_SHARE_WRONG
    assert "dealer 2 sealed to holder 4" in error.value.detail
    assert judge(CEREMONY, LIE, Complaint.from_bytes(complaint.to_bytes()))


@pytest.mark.parametrize("holder", [1, 2, 3, 5])
def test_a_complaint_of_a_holder_that_was_dealt_right_convicts_nobody(holder: int) -> None:
    for dealing in (LIE, HONEST):
        complaint = complain(CEREMONY, dealing, holder, SECRETS[holder - 1], chance("complaint"))
        assert not judge(CEREMONY, dealing, complaint)


def test_a_false_point_convicts_nobody() -> None:
    """The shared point decides what is opened, so one that is not proven could convict any dealer."""
    false = Scalar.of(9)
    claims = (G, CEREMONY.holders[3]), (HONEST.ephemeral, HONEST.ephemeral * false)
    for secret in (false, SECRETS[3]):
        proof = prove(TAG, secret, claims, CEREMONY.digest, HONEST.to_bytes(), b"\x04", random=chance("false"))
        refused(replace(complain(CEREMONY, HONEST, 4, false, chance("c")), proof=proof))


def test_nobody_complains_for_another_holder() -> None:
    refused(complain(CEREMONY, HONEST, 4, SECRETS[2], chance("complaint")))
    refused(replace(complain(CEREMONY, HONEST, 3, SECRETS[2], chance("complaint")), holder=4))


@pytest.mark.parametrize("holder", [0, 6, 255])
def test_whoever_complains_is_a_holder(holder: int) -> None:
    refused(replace(complain(CEREMONY, HONEST, 3, SECRETS[2], chance("complaint")), holder=holder))


def test_the_last_holder_does_not_complain_as_one_before_the_first() -> None:
    """Its share would be opened with another mask, and an honest dealer convicted."""
    refused(complain(CEREMONY, HONEST, 0, SECRETS[4], chance("complaint")))


def test_a_complaint_is_about_one_dealing_of_one_ceremony() -> None:
    complaint = complain(CEREMONY, LIE, 4, SECRETS[3], chance("complaint"))
    other = replace(CEREMONY, context=b"another chain")
    truth = lying(CEREMONY, 2, draw_polynomial(Scalar.of(7), 3, chance("a lie")))

    refused(complaint)
    refused(replace(complaint, dealer=1))
    assert truth.ephemeral == LIE.ephemeral
    with pytest.raises(ThresholdError):
        judge(CEREMONY, truth, complaint)
    with pytest.raises(ThresholdError) as error:
        judge(other, LIE, complaint)
    assert error.value.code is ThresholdCode.COMPLAINT_INVALID


def test_a_complaint_reveals_the_one_share_and_none_of_another_dealing() -> None:
    complaint = complain(CEREMONY, HONEST, 4, SECRETS[3], chance("complaint"))

    assert G * unmask(CEREMONY, HONEST, 4, complaint.shared) == value_at(HONEST.commitments, 4)
    assert G * unmask(CEREMONY, HONEST, 3, complaint.shared) != value_at(HONEST.commitments, 3)
    for other in SHARED.dealings[1:]:
        assert G * unmask(CEREMONY, other, 4, complaint.shared) != value_at(other.commitments, 4)


def refused(complaint: Complaint) -> None:
    with pytest.raises(ThresholdError) as error:
        judge(CEREMONY, HONEST, complaint)
    assert error.value.code is ThresholdCode.COMPLAINT_INVALID
