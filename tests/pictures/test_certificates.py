"""A consortium's certificates follow the profile of the C2PA conformance programme."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from credentialed import the_studio
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pictures.credentials.certificates import (
    CLAIM_POLICY,
    CLAIM_SIGNING,
    STAMP_POLICY,
    Issuer,
    Subject,
    Term,
    claim_certificate,
    issuing_certificate,
    new_authority_key,
    new_leaf_key,
    root_certificate,
    stamp_certificate,
)

BEGINS = datetime(2026, 11, 1, tzinfo=UTC)
SOMEBODY = Subject("DE", "studio", "node1.studio")


def loaded(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def extension(certificate: x509.Certificate, kind: Any) -> Any:
    return certificate.extensions.get_extension_for_class(kind)


def test_root_and_issuing_authority_are_on_p384_and_give_out_certificates_only() -> None:
    root, issuing = loaded(the_studio().root), loaded(the_studio().issuing)

    for certificate, below in ((root, 1), (issuing, 0)):
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert key.curve.name == "secp384r1"
        constraints = extension(certificate, x509.BasicConstraints)
        assert constraints.critical
        assert (constraints.value.ca, constraints.value.path_length) == (True, below)
        usage = extension(certificate, x509.KeyUsage).value
        assert (usage.key_cert_sign, usage.crl_sign, usage.digital_signature) == (True, True, False)
    assert issuing.not_valid_after_utc - issuing.not_valid_before_utc <= timedelta(days=1827)
    issuing.verify_directly_issued_by(root)


def test_a_leaf_signs_claims_for_a_year_at_most_and_names_country_organisation_and_name() -> None:
    leaf = loaded(the_studio().leaf)

    leaf.verify_directly_issued_by(loaded(the_studio().issuing))
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=366)
    kinds = (NameOID.COUNTRY_NAME, NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
    assert [leaf.subject.get_attributes_for_oid(kind)[0].value for kind in kinds] == ["DE", "studio", "node1.studio"]
    purposes = extension(leaf, x509.ExtendedKeyUsage).value
    assert set(purposes) == {CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION}
    usage = extension(leaf, x509.KeyUsage)
    assert usage.critical
    assert (usage.value.digital_signature, usage.value.content_commitment, usage.value.key_cert_sign) == (
        True,
        True,
        False,
    )
    assert extension(leaf, x509.BasicConstraints).value.ca is False
    assert extension(leaf, x509.CertificatePolicies).value[0].policy_identifier.dotted_string == CLAIM_POLICY


def test_a_stamping_leaf_may_stamp_and_nothing_else() -> None:
    leaf = loaded(the_studio().stamp_leaf)
    purposes = extension(leaf, x509.ExtendedKeyUsage)

    assert purposes.critical
    assert list(purposes.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
    assert extension(leaf, x509.CertificatePolicies).value[0].policy_identifier.dotted_string == STAMP_POLICY


def test_numbers_times_and_policies_are_those_that_are_given() -> None:
    key, root_key = new_leaf_key(), new_authority_key()
    root = root_certificate(Subject("DE", "Consortium", "Root"), root_key, Term(BEGINS, 365, serial=11))
    leaf = claim_certificate(SOMEBODY, key.public_key(), Issuer(root, root_key), Term(BEGINS, 10, serial=12), "1.2.3")

    assert [loaded(one).serial_number for one in (root, leaf)] == [11, 12]
    assert loaded(leaf).not_valid_before_utc == BEGINS
    assert loaded(leaf).not_valid_after_utc == BEGINS + timedelta(days=10)
    assert extension(loaded(leaf), x509.CertificatePolicies).value[0].policy_identifier.dotted_string == "1.2.3"


@pytest.mark.parametrize("days", [0, 367])
def test_a_leaf_for_more_than_a_year_is_refused(days: int) -> None:
    with pytest.raises(ValueError, match="366 days"):
        claim_certificate(SOMEBODY, new_leaf_key().public_key(), the_studio().issuer, Term(BEGINS, days))


def test_an_authority_for_more_than_five_years_is_refused() -> None:
    with pytest.raises(ValueError, match="1827 days"):
        issuing_certificate(SOMEBODY, new_authority_key().public_key(), the_studio().issuer, Term(BEGINS, 1828))
    with pytest.raises(ValueError, match="1827 days"):
        stamp_certificate(SOMEBODY, new_leaf_key().public_key(), the_studio().issuer, Term(BEGINS, 1828))


def test_a_key_on_another_curve_is_refused() -> None:
    with pytest.raises(ValueError, match="secp384r1"):
        root_certificate(SOMEBODY, new_leaf_key(), Term(BEGINS, 10))
    with pytest.raises(ValueError, match="secp256r1"):
        claim_certificate(SOMEBODY, new_authority_key().public_key(), the_studio().issuer, Term(BEGINS, 10))
