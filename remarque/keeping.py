"""Where an org's nodes keep content: for its administrators."""

from __future__ import annotations

from urllib.parse import urlencode

from ledger.encoding import encode
from ledger.records import ArchiveRecord
from remarque.api.copies import ArchivesPage, AskCopies, CopiesState, FileCopies, StoredDirectory
from remarque.api.pinning import AskPin, PinResults, PinStatus
from remarque.cid import CidInvalid, check_block
from remarque.errors import NodeCode, RemarqueError
from remarque.requesting import segment, value_of
from remarque.submitting import SubmitMethods

OCTETS = "application/octet-stream"
PINS, PAGE = "/pinning/pins", 1_000


class KeepingMethods(SubmitMethods):
    """What an administrator reads of the copies of content, and has done."""

    async def copies(self) -> CopiesState:
        """The depots in which the node that is asked keeps copies, how they are, and what is pinned. ROLE_MISSING."""
        return await self._read("/v1/copies", CopiesState)

    async def keep_copies(self, *, repair: bool = False, scrub: bool = False) -> CopiesState:
        """Have the node try all copies that are wanted now, or read all again, behind its answer. ROLE_MISSING."""
        return await self._ask("/v1/copies", AskCopies(repair=repair, scrub=scrub), CopiesState)

    async def where(self, cid: str) -> FileCopies:
        """Where a file is: at the node that is asked, in its depots, at other members. ROLE_MISSING."""
        return await self._read(f"/v1/copies/{segment(cid)}", FileCopies)

    async def archives(self) -> list[ArchiveRecord]:
        """Content archives, by the word of the orgs that keep them."""
        return await self._listed("/v1/archives", ArchivesPage, lambda page: page.archives)

    async def put_directory(self, directory: bytes) -> StoredDirectory:
        """Bring the directory of a content archive, which nodes keep once it is recorded. ROLE_MISSING."""
        return value_of(await self.request("POST", "/v1/archives", directory, media_type=OCTETS), StoredDirectory)

    async def content_block(self, cid: str) -> bytes:
        """A block of content, held against its id. CONTENT_MISSING."""
        block = await self.request("GET", f"/ipfs/{segment(cid)}?format=raw")
        try:
            check_block(cid, block)
        except CidInvalid as error:
            raise RemarqueError(NodeCode.CONTENT_MISMATCH.name, str(error)) from None
        return block

    async def pin(self, cid: str, reason: str) -> PinStatus:
        """Have the node keep a file whatever becomes of its record. ROLE_MISSING."""
        body = encode(AskPin(cid=cid, name=reason))
        return value_of(await self.request("POST", PINS, body), PinStatus)

    async def pins(self, *, cid: str = "", before: str = "") -> PinResults:
        """The newest pins, of a file or of all, which were asked for before a time (RFC 3339). ROLE_MISSING."""
        asked = {"cid": cid, "before": before, "status": "queued,pinning,pinned,failed", "limit": PAGE}
        query = urlencode({name: value for name, value in asked.items() if value})
        return await self._read(f"{PINS}?{query}", PinResults)

    async def unpin(self, cid: str) -> int:
        """Have the node keep a file only as long as a record names it; how many pins that were. ROLE_MISSING."""
        found = await self.pins(cid=cid)
        for pin in found.results:
            await self.request("DELETE", f"{PINS}/{segment(pin.requestid)}")
        return len(found.results)
