"""From what is seen to the manifests of recorded pictures, by the soft binding of C2PA that manifests here have.

A binding is ISCC's sequence of units (IEP-0020); what is looked up is its image code. Whoever brings the picture itself
is told what the recorded pictures confirm, as everywhere. A stranger is told of what the rules open to strangers.
"""

from __future__ import annotations

import base64

from ledger import records
from ledger.errors import LedgerError
from node.chain.chain import Chain
from node.verification.ranking import Found
from node.verification.verifier import Verifier
from pictures.windows import CODE_BYTES
from remarque.api.bindings import ManifestMatch
from remarque.errors import NodeCode, NodeError

UNIT_BYTES = 2 + CODE_BYTES
IMAGE_UNIT = bytes.fromhex("2107")
"""Before an image code of 256 bits."""
RESULTS_MAX = 25
_BITS = 8 * CODE_BYTES


class Bindings:
    """Looks bindings up."""

    def __init__(self, chain: Chain, verifier: Verifier) -> None:
        self._chain = chain
        self._verifier = verifier

    async def by_value(self, value: str, most: int, *, member: bool) -> tuple[ManifestMatch, ...]:
        """Manifests of pictures whose image codes are near that of a binding, in base64; none if it has no such code.

        INDEX_LOADING.
        """
        code, ledger = _image_code(value), self._chain.ledger()
        near = await self._verifier.lookup.near_code(code) if code else []
        found = [(ledger.asset(one.asset), _score(one.distance or 0)) for one in near]
        return self._told(found, most, member=member)

    async def by_content(self, data: bytes, who: str, most: int, *, member: bool) -> tuple[ManifestMatch, ...]:
        """Manifests of recorded pictures that are confirmed to be this one, or a part of it. As `Verifier.verify`."""
        return self._scored(await self._verifier.confirmed(data, who, member=member), most, member=member)

    async def by_reference(self, url: str, who: str, most: int, *, member: bool) -> tuple[ManifestMatch, ...]:
        """The same of the picture at an https address. URL_REFUSED, URL_FAILED."""
        return self._scored(await self._verifier.confirmed_at(url, who, member=member), most, member=member)

    def named(self, label: str, *, member: bool) -> list[records.Asset]:
        """The records that name a manifest and may be told of, the oldest first. INDEX_LOADING, NOT_FOUND."""
        self._verifier.lookup.check()
        ledger, found = self._chain.ledger(), list[records.Asset]()
        for asset in self._verifier.lookup.named(label):
            try:
                record = ledger.asset(asset)
            except LedgerError:
                continue
            if self._is_told(record, member=member):
                found.append(record)
        if not found:
            raise NodeError(NodeCode.NOT_FOUND, f"no record that you may be told of names {label[:60]}")
        return found

    def _scored(self, found: list[Found], most: int, *, member: bool) -> tuple[ManifestMatch, ...]:
        return self._told([(one.record, _score_of(one)) for one in found], most, member=member)

    def _told(self, found: list[tuple[records.Asset, int]], most: int, *, member: bool) -> tuple[ManifestMatch, ...]:
        told: dict[str, int] = {}
        for record, score in found:
            if len(told) < most and isinstance(record.manifest, str) and self._is_told(record, member=member):
                told.setdefault(record.manifest, score)
        return tuple(ManifestMatch(manifest_id=label, similarity_score=score) for label, score in told.items())

    def _is_told(self, record: records.Asset, *, member: bool) -> bool:
        return member or self._verifier.open_to_strangers(record)


def _image_code(value: str) -> bytes:
    """The image code in a binding: one unit of several, each with its header. Nothing if there is none."""
    try:
        units = base64.urlsafe_b64decode(value.replace("+", "-").replace("/", "_").rstrip("=") + "==")
    except ValueError:
        return b""
    for start in range(0, len(units) - UNIT_BYTES + 1, UNIT_BYTES):
        if units[start : start + 2] == IMAGE_UNIT:
            return units[start + 2 : start + UNIT_BYTES]
    return b""


def _score(distance: int) -> int:
    return round(100 * (_BITS - distance) / _BITS)


def _score_of(found: Found) -> int:
    """Of pixels that are the same, all; else of how alike the pictures are where they lie over each other."""
    if found.comparison is None:
        return 100
    return max(0, min(99, round(100 * found.comparison.agreement.correlation)))
