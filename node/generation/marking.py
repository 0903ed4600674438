"""Which marks this node's generator puts into its pictures, by the node's settings and by what keys it has."""

from __future__ import annotations

from collections.abc import Callable

from generator.protocol import Marks
from ledger import records
from node.chain.chain import Chain
from node.decoding.lanes import LookedFor
from node.ground.config import MarksSection


class Marking:
    """The policy of a node."""

    def __init__(self, section: MarksSection, watermark_key: bytes, signs: Callable[[], bool], chain: Chain) -> None:
        """`watermark_key`: empty if the node has none. `signs`: whether it can sign claims now; it reads files."""
        self._section = section
        self._key = watermark_key if "watermark" in section.layers else b""
        self._signs = signs
        self._chain = chain

    def looked_for(self) -> LookedFor:
        """What a picture that a worker brings is looked through for."""
        return LookedFor("", self._key)

    @property
    def watermarks(self) -> bool:
        """Whether pictures get a watermark."""
        return bool(self._key)

    def marks(self, digest: str) -> Marks:
        """What a worker is told for pictures of a model. A manifest is named only where one can be signed."""
        model = self._chain.ledger().find(records.model_key(digest), records.Model)
        return Marks(
            watermark_key=self._key,
            label="label" in self._section.layers,
            provider=self._section.provider or self._title(),
            system=model.name if model else "",
            version=model.version if model else "",
            manifest="manifest" in self._section.layers and self._signs(),
        )

    def _title(self) -> str:
        """Of the org whose node this is."""
        ledger = self._chain.ledger()
        org = ledger.find(records.org_key(ledger.org_of_node(self._chain.node)), records.Org)
        return org.title if org else ""
