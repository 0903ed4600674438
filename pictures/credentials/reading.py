"""What a file's Content Credentials say, out of bytes from anyone, and how far that holds.

The C2PA library checks signatures, digests and trust; here its report is turned into bounded values, and judged more
strictly where it lets things pass; 0.38.1 trusts each of these. An ingredient's failure is told although the manifest
above is trusted. Nothing holds if a certificate for time-stamps signed the claim, if a digest leaves out bytes other
than the manifest's own, if an update has a second ingredient, or if something was taken out without a word. Where our
own look finds no certificate, as in GIF, nothing is trusted.

Nothing is fetched: neither manifests that lie elsewhere nor the state of certificates. No file is opened and no thread
begun, so it works in a process that may do neither. What a picture's parent looked like is not in the file; that the
parent held then is the word of who signed.
"""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import c2pa

from pictures.containers.kinds import MEDIA_TYPES, container_of
from pictures.credentials.certificates import TRUSTED_PURPOSES
from pictures.credentials.embedding import without_manifest
from pictures.credentials.findings import CODES_MAX, Credentials, CredentialState, ManifestFound
from pictures.credentials.manifest import SOFT_BINDING
from pictures.credentials.report import STAMP_TRUSTED, UNTRUSTED, Report
from pictures.credentials.stores import may_sign_claims, signers_in, store_in
from pictures.credentials.telling import manifests_of
from pictures.errors import PictureError

EXPIRED = "signingCredential.expired"
UNREADABLE = "remarque.unreadable"
"""The library could make no sense of it."""
HIDDEN_BYTES = "remarque.hiddenBytes"
"""The digest leaves out bytes of the file that are not the manifest's."""
_REMOTE = "Remote:"
"""How the library's error begins for a manifest that lies elsewhere."""
_ADDRESS_MAX = 2_000
WRONG_PURPOSE = "signingCredential.invalid"
"""The signer's certificate is for something else, such as time-stamps."""
UPDATE_OF_MANY = "manifest.update.wrongParents"
"""A manifest that only updates another one has more ingredients than that."""
REDACTED_SILENTLY = "assertion.action.redactionMismatch"
"""Something was taken out of an ingredient's manifest, and no action says so."""
OUTSIDE_TERM = "remarque.outsideTerm"
"""Without a trusted time-stamp, and the signer's certificate is not in force at the time asked for."""


def read_credentials(data: bytes, anchors: str, at: datetime | None = None) -> Credentials:
    """What a file's credentials say, and whether they hold at a time (with its zone; None is now).

    `anchors`: PEM of the roots that are trusted, of signers and of time-stamp authorities alike; what a certificate
    below them may sign is for its key purposes to say. Nothing is raised, whatever the bytes are, but MemoryError.
    """
    container = container_of(data)
    if not container:
        return Credentials(CredentialState.ABSENT)
    try:
        with (
            _trusting(anchors) as context,
            c2pa.Reader(MEDIA_TYPES[container], io.BytesIO(data), context=context) as reader,
        ):
            return _credentials(container, data, Report(json.loads(reader.json()), json.loads(reader.crjson())), at)
    except c2pa.C2paError.ManifestNotFound:
        return Credentials(CredentialState.ABSENT)
    except MemoryError:
        raise
    except Exception as error:  # the library and its report answer hostile bytes with almost any exception
        if isinstance(error, c2pa.C2paError) and str(error).startswith(_REMOTE):
            return Credentials(CredentialState.REMOTE_ONLY, remote=str(error).rpartition(" ")[2][:_ADDRESS_MAX])
        return Credentials(CredentialState.INVALID, failures=(UNREADABLE, f"{type(error).__name__}: {error}"[:300]))


def _trusting(anchors: str) -> c2pa.Context:
    trust = {"user_anchors": anchors} if anchors else {}
    return c2pa.Context.from_dict(
        {
            "trust": {**trust, "trust_config": TRUSTED_PURPOSES},
            "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
            "soft_binding": {"soft_binding_algorithms": [SOFT_BINDING]},
        }
    )


def _credentials(container: str, data: bytes, report: Report, at: datetime | None) -> Credentials:
    signers = signers_in(store_in(container, data))
    manifests, cut_off = manifests_of(report)
    wrong = {label for label, certificate in signers.items() if not may_sign_claims(certificate)}
    failures = [code for code in _at_a_time(report, at) if code != UNTRUSTED]
    for code, so in (
        (WRONG_PURPOSE, report.active in wrong),
        (HIDDEN_BYTES, report.boxes_left_out or _hides_bytes(data, report)),
        (UPDATE_OF_MANY, report.update_of_many),
        (REDACTED_SILENTLY, report.redacted_silently),
    ):
        failures = [code, *failures] if so else failures
    if failures:
        state = CredentialState.INVALID
    else:
        known = report.trusted and report.active in signers and signers[report.active].serial_number == report.serial
        state = CredentialState.TRUSTED if known else CredentialState.VALID
    told = tuple(_judged(one, wrong) for one in manifests)
    return Credentials(state, told, tuple(dict.fromkeys(failures))[:CODES_MAX], cut_off=cut_off)


def _judged(manifest: ManifestFound, wrong: set[str]) -> ManifestFound:
    """With what is wrong with the signers of its ingredients."""
    ingredients = tuple(
        replace(one, state=CredentialState.INVALID, failures=(*one.failures, WRONG_PURPOSE))
        if one.manifest in wrong
        else one
        for one in manifest.ingredients
    )
    return replace(manifest, ingredients=ingredients)


def _at_a_time(report: Report, at: datetime | None) -> list[str]:
    """What does not hold at a time other than now, for which alone the library asks."""
    failures = list(report.failures)
    if at is None or STAMP_TRUSTED in report.successes:
        return failures
    term: Any = report.term
    begins, ends = (datetime.fromisoformat(one).astimezone(UTC) for one in term)
    if begins <= at <= ends:
        return [code for code in failures if code != EXPIRED]
    return [*failures, OUTSIDE_TERM]


def _hides_bytes(data: bytes, report: Report) -> bool:
    """Whether the digest of the manifest in force leaves out more than the manifests take in the file."""
    left_out = report.left_out
    if not left_out:
        return False
    try:
        own = len(data) - len(without_manifest(data))
    except PictureError:
        return True
    return left_out > own
