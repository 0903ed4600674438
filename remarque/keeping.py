"""Where an org's nodes keep content: for its administrators."""

from __future__ import annotations

from ledger.encoding import encode
from remarque.api.copies import AskCopies, AskPin, CopiesState, FileCopies
from remarque.requesting import segment, value_of
from remarque.submitting import SubmitMethods


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

    async def pin(self, cid: str, reason: str) -> CopiesState:
        """Have the node keep a file whatever becomes of its record. ROLE_MISSING."""
        return value_of(await self.request("POST", "/v1/pins", encode(AskPin(cid=cid, reason=reason))), CopiesState)

    async def unpin(self, cid: str) -> CopiesState:
        """Have the node keep a file only as long as a record names it. ROLE_MISSING."""
        return value_of(await self.request("DELETE", f"/v1/pins/{segment(cid)}"), CopiesState)
