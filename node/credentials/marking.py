"""Marking pictures that were not made here, for members who then record them.

A marked file holds the picture and nothing that the file before said. So that no foreign manifest is lost, that file
is kept until the record is final: its manifest then becomes an ingredient of the new one. A picture with a watermark of
the consortium gets no second one, which would hide the record that the first one leads to.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import NamedTuple

from ledger.names import org_of
from node.credentials.key_files import CLAIM, CredentialFolder
from node.credentials.manifest_store import PREFIX, ManifestName
from node.credentials.parents import Parents
from node.decoding.asking import FileBytes
from node.decoding.lanes import Lane
from node.decoding.signing import MarkAsked, PictureMarked
from node.ground.config import MarksSection
from remarque.errors import NodeCode, NodeError


class Marked(NamedTuple):
    """A picture with marks in it."""

    picture: PictureMarked
    manifest: str
    """The label of the manifest to come; empty if there will be none."""
    watermarks: bool
    """Whether it was to have a watermark."""


class Marker:
    """Marks what members bring."""

    def __init__(
        self,
        section: MarksSection,
        watermark_key: bytes,
        folder: CredentialFolder,
        parents: Parents,
        own_org: Callable[[], str],
    ) -> None:
        """`watermark_key`: empty if the node has none. `own_org`: whose node this is."""
        self._own_org = own_org
        self._layers = section.layers
        self._key = watermark_key if "watermark" in section.layers else b""
        self._folder = folder
        self._parents = parents

    async def marked(self, data: FileBytes, source: str, account: str, lane: Lane) -> Marked:
        """A picture with this node's marks. `source`: IPTC's word for where it comes from; empty for nothing said.

        NOT_LABELLED, UPLOADS_FULL; NOT_SIGNED if it has Content Credentials, and there is no key by which they could go
        on; and what any picture may be refused with.
        """
        signs = "manifest" in self._layers and await asyncio.to_thread(self._folder.usable, CLAIM) is not None
        if signs and org_of(account) != self._own_org():
            fact = f"this node signs what accounts of {self._own_org()} record, with its certificate"
            raise NodeError(NodeCode.NOT_SIGNED, f"{fact}; ask a node of {org_of(account)}")
        label = PREFIX + str(uuid.uuid4())
        said = source if "label" in self._layers else ""
        asked = MarkAsked(watermark_key=self._key, source=said, label=label, unique_id=signs)
        found = await lane.marked(data, asked)
        if found.credentialed and not signs:
            fact = "the file has Content Credentials, and without a key for claims they would be lost"
            raise NodeError(NodeCode.NOT_SIGNED, f"{fact}; ask a node that has one, or register the file as it is")
        if signs:
            parent = data[:] if found.credentialed or not source else b""
            name = ManifestName(label, found.pixel_digest)
            await asyncio.to_thread(self._parents.put, name, parent)
        return Marked(found, label if signs else "", bool(self._key))
