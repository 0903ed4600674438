"""This node's time-stamp authority, after RFC 3161: for its own manifests, and for whoever may ask."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime

from node.credentials.key_files import STAMP, CredentialFolder
from pictures.credentials.timestamps import StampKeys, answer
from remarque.errors import NodeCode, NodeError

_SERIAL_BITS = 63


class StampAuthority:
    """Stamps digests with the time of this node's clock."""

    def __init__(self, folder: CredentialFolder, *, for_all: bool) -> None:
        self._folder = folder
        self.for_all = for_all
        """Whether strangers may ask."""

    async def stamped(self, request: bytes) -> bytes:
        """The response to a request, both DER. TIMESTAMPS_ABSENT if there is no key to stamp with now."""
        found = await asyncio.to_thread(self._stamped, request)
        if found is None:
            detail = "it has no key for time-stamps that is in force; ask another node"
            raise NodeError(NodeCode.TIMESTAMPS_ABSENT, detail)
        return found

    def _stamped(self, request: bytes) -> bytes | None:
        leaf = self._folder.usable(STAMP)
        if leaf is None:
            return None
        return answer(request, StampKeys(leaf.key, leaf.chain), datetime.now(UTC), secrets.randbits(_SERIAL_BITS))
