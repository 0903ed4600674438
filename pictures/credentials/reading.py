"""What a file's Content Credentials say, out of bytes from anyone, and how far that holds.

The C2PA library checks signatures, digests and trust; here its report is turned into bounded values, and judged more
strictly where it lets things pass: an ingredient's failure is told although the manifest above is trusted, and where
bytes other than the manifest's own are left out of its digest, nothing holds.

Nothing is fetched: neither manifests that lie elsewhere nor the state of certificates. No file is opened and no thread
begun, so it works in a process that may do neither. What a picture's parent looked like is not in the file; that the
parent held then is the word of who signed.
"""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import c2pa

from pictures.containers.kinds import MEDIA_TYPES, container_of
from pictures.credentials.certificates import TRUSTED_PURPOSES
from pictures.credentials.embedding import without_manifest
from pictures.credentials.findings import Credentials, CredentialState
from pictures.credentials.manifest import SOFT_BINDING
from pictures.credentials.report import STAMP_TRUSTED, UNTRUSTED, Report, manifests_of
from pictures.errors import PictureError

EXPIRED = "signingCredential.expired"
UNREADABLE = "remarque.unreadable"
"""The library could make no sense of it."""
HIDDEN_BYTES = "remarque.hiddenBytes"
"""The digest leaves out bytes of the file that are not the manifest's."""
OUTSIDE_TERM = "remarque.outsideTerm"
"""Without a trusted time-stamp, and the signer's certificate is not in force at the time asked for."""


def read_credentials(data: bytes, anchors: str, at: datetime | None = None) -> Credentials:
    """What a file's credentials say, and whether they hold at a time (with its zone; None is now).

    `anchors`: PEM of the roots that are trusted, of signers and of time-stamp authorities alike; what a certificate
    below them may sign is for its key purposes to say. Nothing is raised, whatever the bytes are, but MemoryError.
    """
    media_type = MEDIA_TYPES.get(container_of(data))
    if media_type is None:
        return Credentials(CredentialState.ABSENT)
    try:
        with _trusting(anchors) as context, c2pa.Reader(media_type, io.BytesIO(data), context=context) as reader:
            return _credentials(data, Report(json.loads(reader.json()), json.loads(reader.crjson())), at)
    except c2pa.C2paError.ManifestNotFound:
        return Credentials(CredentialState.ABSENT)
    except c2pa.C2paError.RemoteManifest as error:
        return Credentials(CredentialState.REMOTE_ONLY, remote=str(error)[:2_000])
    except MemoryError:
        raise
    except Exception as error:  # the library and its report answer hostile bytes with almost any exception
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


def _credentials(data: bytes, report: Report, at: datetime | None) -> Credentials:
    manifests, cut_off = manifests_of(report)
    failures = [code for code in _at_a_time(report, at) if code != UNTRUSTED]
    failures += [HIDDEN_BYTES] if _hides_bytes(data, report) else []
    if failures:
        state = CredentialState.INVALID
    else:
        state = CredentialState.TRUSTED if report.trusted else CredentialState.VALID
    return Credentials(state, manifests, tuple(dict.fromkeys(failures))[:64], cut_off=cut_off)


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
