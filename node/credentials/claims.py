"""What the manifest of a recorded picture says: what its record says, in the words of C2PA."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import UnsetType

from ledger import records
from node.chain.chain import Chain
from node.decoding.signing import ClaimAsked, ProgramNamed
from node.ground.config import MarksSection
from node.ground.version import version
from pictures.source_types import SourceType

RECEIPT_TYPE = "application/scitt-receipt+cose"
GENERATED = "generated"
_WRITTEN = frozenset(one.value for one in SourceType)

ReceiptOf = Callable[[str], Awaitable[bytes]]
"""This node's COSE receipt of a transaction. It says that something is in the log and nothing of what, so that whoever
holds the file learns no more of its record than the rules open to them."""


class PictureClaims:
    """Makes claims of records."""

    def __init__(self, chain: Chain, section: MarksSection, receipt_of: ReceiptOf) -> None:
        self._chain = chain
        self._mining = section.mining
        self._receipt_of = receipt_of

    async def of(self, record: records.Asset, *, has_parent: bool) -> ClaimAsked:
        """A generated picture is a model's, be it made of another; of one that is not generated nothing is claimed but
        what its registrant declares, and where it has a parent not even that: the parent's own credentials say it.
        """
        return ClaimAsked(
            label=str(record.manifest),
            signer=ProgramNamed("Remarque", version()),
            at_ms=record.created_ms,
            title=record.title if isinstance(record.title, str) else record.id[:16],
            image_code=str(record.image_code),
            source="" if has_parent and record.evidence != GENERATED else _source_of(record),
            made_with=None if isinstance(record.model, UnsetType) else self._named(record.model),
            inputs=tuple(self._named(one.model) for one in record.adapters_used),
            watermarked=isinstance(record.mark, str),
            receipt=await self._receipt_of(record.transaction),
            receipt_type=RECEIPT_TYPE,
            mining=self._mining,
        )

    def _named(self, digest: str) -> ProgramNamed:
        model = self._chain.ledger().find(records.model_key(digest), records.Model)
        return ProgramNamed(model.name, model.version) if model else ProgramNamed(digest, "1")


def _source_of(record: records.Asset) -> str:
    """IPTC's word; empty if nothing is said, or a word that is not written here."""
    if record.evidence == GENERATED:
        return SourceType.TRAINED.value
    return record.source_type if isinstance(record.source_type, str) and record.source_type in _WRITTEN else ""
