"""The certificates by which a consortium signs Content Credentials, and those of its time-stamps.

They follow the certificate profiles of the C2PA conformance programme (0.2, July 2026), so that moving to an authority
of its trust list changes certificates and nothing else: a root and an issuing authority on P-384, the latter for at
most 1,827 days and with nothing below it but leaves; leaves on P-256, for at most 366 days those that sign claims.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ROOT_DAYS_MAX = 20 * 366
ISSUING_DAYS_MAX = 1827
CLAIM_DAYS_MAX = 366
STAMP_DAYS_MAX = 1827

CLAIM_SIGNING = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
"""C2PA's key purpose: this key signs claims."""
CLAIM_POLICY = f"2.25.{uuid.UUID('6b6b2a6e-5c0a-4f0e-9a39-5d5f0d5c7a11').int}"
"""Under which claim certificates are given out, where a consortium names none of its own: a UUID as a name, X.667."""
TRUSTED_PURPOSES = "1.3.6.1.4.1.62558.2.1\n1.3.6.1.5.5.7.3.4\n1.3.6.1.5.5.7.3.36\n"
"""Key purposes of those who may sign claims, a line each: C2PA's own, e-mail protection, document signing."""
STAMP_POLICY = "1.3.6.1.4.1.32473.1.1"
"""The same for time-stamps, in the arc for examples (RFC 5612): some readers refuse a UUID there."""


@dataclass(frozen=True)
class Subject:
    """Whom a certificate names; C2PA wants all three."""

    country: str
    """Two letters, ISO 3166."""
    organization: str
    name: str
    """Of the authority, or of the machine that signs."""


@dataclass(frozen=True)
class Term:
    """A certificate's number and time."""

    begins: datetime
    """With its time zone."""
    days: int
    serial: int = 0
    """0 for one that is drawn."""


@dataclass(frozen=True)
class Issuer:
    """What signs certificates."""

    certificate: str
    """PEM."""
    key: ec.EllipticCurvePrivateKey


def new_authority_key() -> ec.EllipticCurvePrivateKey:
    """A key for a root or an issuing authority."""
    return ec.generate_private_key(ec.SECP384R1())


def new_leaf_key() -> ec.EllipticCurvePrivateKey:
    """A key that signs claims or time-stamps."""
    return ec.generate_private_key(ec.SECP256R1())


def root_certificate(subject: Subject, key: ec.EllipticCurvePrivateKey, term: Term) -> str:
    """A consortium's root, PEM. ValueError for a term over 20 years or another curve than P-384."""
    builder = _authority(subject, key.public_key(), _within(term, ROOT_DAYS_MAX), path_length=1)
    return _signed(builder.issuer_name(_name(subject)), key.public_key(), key)


def issuing_certificate(subject: Subject, key: ec.EllipticCurvePublicKey, root: Issuer, term: Term) -> str:
    """An authority that gives out leaves, PEM. ValueError for a term over 1,827 days or another curve than P-384."""
    return _issued(_authority(subject, key, _within(term, ISSUING_DAYS_MAX), path_length=0), root)


def claim_certificate(
    subject: Subject, key: ec.EllipticCurvePublicKey, issuer: Issuer, term: Term, policy: str = CLAIM_POLICY
) -> str:
    """A leaf that signs claims, PEM. ValueError for a term over 366 days or another curve than P-256."""
    purposes = [CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]
    builder = _leaf(subject, key, _within(term, CLAIM_DAYS_MAX), policy)
    return _issued(builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False), issuer)


def stamp_certificate(
    subject: Subject, key: ec.EllipticCurvePublicKey, issuer: Issuer, term: Term, policy: str = STAMP_POLICY
) -> str:
    """A leaf that signs time-stamps only, PEM. ValueError for a term over 1,827 days or another curve than P-256."""
    purposes = [ExtendedKeyUsageOID.TIME_STAMPING]
    builder = _leaf(subject, key, _within(term, STAMP_DAYS_MAX), policy)
    return _issued(builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=True), issuer)


def chain_of(certificates: Sequence[str]) -> list[x509.Certificate]:
    """Certificates of PEM texts, leaf first. ValueError where one is none."""
    return [one for text in certificates for one in x509.load_pem_x509_certificates(text.encode())]


def _authority(
    subject: Subject, key: ec.EllipticCurvePublicKey, term: Term, path_length: int
) -> x509.CertificateBuilder:
    _on_curve(key, ec.SECP384R1())
    builder = _named(subject, key, term)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    return builder.add_extension(_usage(authority=True), critical=True)


def _leaf(subject: Subject, key: ec.EllipticCurvePublicKey, term: Term, policy: str) -> x509.CertificateBuilder:
    _on_curve(key, ec.SECP256R1())
    builder = _named(subject, key, term)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(authority=False), critical=True)
    policies = [x509.PolicyInformation(x509.ObjectIdentifier(policy), None)]
    return builder.add_extension(x509.CertificatePolicies(policies), critical=False)


def _named(subject: Subject, key: ec.EllipticCurvePublicKey, term: Term) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(_name(subject)).public_key(key)
    builder = builder.serial_number(term.serial or x509.random_serial_number())
    builder = builder.not_valid_before(term.begins).not_valid_after(term.begins + timedelta(days=term.days))
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _issued(builder: x509.CertificateBuilder, issuer: Issuer) -> str:
    above = x509.load_pem_x509_certificate(issuer.certificate.encode())
    return _signed(builder.issuer_name(above.subject), issuer.key.public_key(), issuer.key)


def _signed(builder: x509.CertificateBuilder, above: ec.EllipticCurvePublicKey, key: ec.EllipticCurvePrivateKey) -> str:
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(above)
    signed = builder.add_extension(identifier, critical=False).sign(key, hashes.SHA384())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def _name(subject: Subject) -> x509.Name:
    parts = ((NameOID.COUNTRY_NAME, subject.country), (NameOID.ORGANIZATION_NAME, subject.organization))
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in (*parts, (NameOID.COMMON_NAME, subject.name))])


def _usage(*, authority: bool) -> x509.KeyUsage:
    """Of an authority: certificates and revocation lists. Of a leaf: signatures that cannot be denied."""
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=not authority,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _within(term: Term, days_max: int) -> Term:
    if not 0 < term.days <= days_max:
        raise ValueError(f"such a certificate is for at most {days_max} days, not {term.days}; give a shorter term")
    return term


def _on_curve(key: ec.EllipticCurvePublicKey, curve: ec.EllipticCurve) -> None:
    if key.curve.name != curve.name:
        raise ValueError(f"such a certificate is for a key on {curve.name}, not {key.curve.name}; draw a new one")
