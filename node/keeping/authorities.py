"""Making the keys and certificates by which a consortium's pictures are signed, as files that people hand on.

A root stands above all members. It signs an authority for each org, below which that org has its leaves: one that signs
claims and one that signs time-stamps. The root is needed again only for a new org, so its key is kept off every
machine that serves; an authority's key is needed once a year, when a leaf is renewed.

    root.pem, root.key                            whoever found it; every member has the certificate as an anchor
    authority/issuing.pem, authority/issuing.key  the org
    claim.pem, claim.key, stamp.pem, stamp.key    the org's nodes
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from node.credentials.key_files import CLAIM, STAMP, read_key, written_key
from node.storage.directory import PUBLIC, write_durably
from pictures.credentials.certificates import (
    CLAIM_DAYS_MAX,
    ISSUING_DAYS_MAX,
    ROOT_DAYS_MAX,
    STAMP_DAYS_MAX,
    Issuer,
    Subject,
    Term,
    chain_of,
    claim_certificate,
    issuing_certificate,
    new_authority_key,
    new_leaf_key,
    root_certificate,
    stamp_certificate,
)
from remarque.errors import NodeCode, NodeError
from remarque.keys.files import write_new

ROOT, AUTHORITY = "root", "authority/issuing"
BEFORE_NOW = timedelta(hours=1)
"""A certificate begins so long before it is made, for clocks that are behind."""


class CertificateShown(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate of a folder, for people."""

    file: str
    subject: str
    issuer: str
    ends: str
    """In UTC, as RFC 3339 has it."""
    days_left: int
    """Negative once it has ended."""


def found_authority(folder: Path, name: str, country: str) -> None:
    """Make a consortium's root. KEY_FILE_EXISTS if the folder has one, CONFIG_INVALID for what is no country."""
    if len(country) != 2 or not country.isascii() or not country.isalpha():
        raise NodeError(NodeCode.CONFIG_INVALID, f"{country!r} is no country; give two letters, as ISO 3166 has them")
    key = new_authority_key()
    subject = Subject(country.upper(), name, f"{name} root")
    write_new(_file(folder, ROOT, "key"), written_key(key))
    _write(folder, ROOT, root_certificate(subject, key, _term(ROOT_DAYS_MAX)))


def issue_credentials(root: Path, org: str, folder: Path) -> None:
    """Make an org's authority and leaves below a root. KEY_FILE_EXISTS if the folder has such keys already."""
    above = _issuer(root, ROOT)
    key, subject = new_authority_key(), Subject(_said(above, NameOID.COUNTRY_NAME), org, f"{org} issuing")
    write_new(_file(folder, AUTHORITY, "key"), written_key(key))
    term = _term(min(ISSUING_DAYS_MAX, _days_left(above)))
    _write(folder, AUTHORITY, issuing_certificate(subject, key.public_key(), above, term))
    _issue_leaves(folder, write_new)


def renew_credentials(folder: Path) -> None:
    """Put new leaves with new keys in the place of an org's old ones, by its authority; running nodes take them up."""
    _issue_leaves(folder, write_durably)


def shown(folder: Path, now: datetime) -> list[CertificateShown]:
    """Every certificate in a folder. CONFIG_INVALID if it has none, or one that is not readable."""
    files = [folder / f"{name}.pem" for name in (ROOT, AUTHORITY, CLAIM, STAMP)]
    found = [_shown(file, now) for file in files if file.exists()]
    if not found:
        raise NodeError(NodeCode.CONFIG_INVALID, f"{folder} holds no certificate; make some by `remarque credentials`")
    return found


def _issue_leaves(folder: Path, write: Callable[[Path, bytes], None]) -> None:
    """No leaf is in force for longer than its authority."""
    above = _issuer(folder, AUTHORITY)
    left, org = _days_left(above), _said(above, NameOID.ORGANIZATION_NAME)
    for name, what, days, certify in (
        (CLAIM, "claims", CLAIM_DAYS_MAX, claim_certificate),
        (STAMP, "time-stamps", STAMP_DAYS_MAX, stamp_certificate),
    ):
        key, subject = new_leaf_key(), Subject(_said(above, NameOID.COUNTRY_NAME), org, f"{org} {what}")
        leaf = certify(subject, key.public_key(), above, _term(min(days, left)))
        write(_file(folder, name, "key"), written_key(key))
        _write(folder, name, leaf + above.certificate)


def _term(days: int) -> Term:
    return Term(datetime.now(UTC).replace(microsecond=0) - BEFORE_NOW, days)


def _issuer(folder: Path, name: str) -> Issuer:
    file = folder / f"{name}.pem"
    try:
        certificate = file.read_text(encoding="ascii")
        chain_of([certificate])
    except (OSError, ValueError) as error:
        raise NodeError(NodeCode.CONFIG_INVALID, f"{file}: {error}; give a folder that holds this authority") from None
    return Issuer(certificate, read_key(_file(folder, name, "key"), ec.SECP384R1()))


def _days_left(issuer: Issuer) -> int:
    """For how long an authority is in force; CONFIG_INVALID if that is not a day."""
    ends = chain_of([issuer.certificate])[0].not_valid_after_utc
    left = (ends - datetime.now(UTC)).days
    if left < 1:
        detail = f"the authority ended on {ends:%Y-%m-%d}; have a new one issued, or found a new root"
        raise NodeError(NodeCode.CONFIG_INVALID, detail)
    return left


def _said(issuer: Issuer, what: x509.ObjectIdentifier) -> str:
    """A part of an authority's name."""
    return str(chain_of([issuer.certificate])[0].subject.get_attributes_for_oid(what)[0].value)


def _file(folder: Path, name: str, suffix: str) -> Path:
    return folder / f"{name}.{suffix}"


def _write(folder: Path, name: str, certificates: str) -> None:
    write_durably(_file(folder, name, "pem"), certificates.encode(), PUBLIC)


def _shown(file: Path, now: datetime) -> CertificateShown:
    try:
        first: x509.Certificate = chain_of([file.read_text(encoding="ascii")])[0]
    except (OSError, ValueError, IndexError) as error:
        raise NodeError(NodeCode.CONFIG_INVALID, f"{file}: {error}; it must hold certificates in PEM") from None
    ends = first.not_valid_after_utc
    return CertificateShown(
        file=str(file),
        subject=first.subject.rfc4514_string(),
        issuer=first.issuer.rfc4514_string(),
        ends=f"{ends:%Y-%m-%dT%H:%M:%SZ}",
        days_left=(ends - now).days,
    )
