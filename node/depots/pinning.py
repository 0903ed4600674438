"""Files at a service that speaks IPFS's Pinning Service API (1.0): a public one, one of Filecoin's, a member's.

The service is told a file's id and where it is, and fetches it; that it has done so it only says. So what it keeps is
read again through a gateway that gives its blocks, each held against its id. Nothing is asked twice: this node's pins
have a name of their own, by which those of others who use the same service are left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import msgspec

from ledger.encoding import NOT_DECODED, encode
from node.depots.calling import DepotCaller
from node.depots.depot import CopyMissing, CopyPending, DepotFailed, StoredFile, tree_of
from remarque.api.pinning import AskPin, PinState
from remarque.cid import CidInvalid, parse_cid
from remarque.dag import BLOCK_BYTES_MAX, Leaf

NAME = "remarque"
TAKEN, GONE = (200, 202), (404, 410)
LISTED = 100
PAGES_MAX = 10_000
LOOKS = (0.1, 0.4, 1.0, 2.0, 4.0)
"""Seconds between two looks at what was asked for, before it is left to a later one."""


class _Kept(msgspec.Struct, frozen=True):
    """What a service says it keeps: of its words those that are read."""

    cid: str


class _Pin(msgspec.Struct, frozen=True):
    requestid: str
    status: PinState
    created: str
    pin: _Kept


class _Pins(msgspec.Struct, frozen=True):
    results: tuple[_Pin, ...]


class PinningDepot:
    """Satisfies `Depot`."""

    def __init__(self, name: str, url: str, gateway: str, authorization: str, origins: tuple[str, ...]) -> None:
        """`url`: of the service, before `/pins`; `gateway`: of the trustless gateway that gives what it keeps, before
        `/ipfs`; `origins`: multiaddrs of where this node gives its own content.
        """
        self.name = name
        self._pins = url.rstrip("/") + "/pins"
        self._blocks = gateway.rstrip("/") + "/ipfs/"
        self._origins = origins
        self._service = DepotCaller(name, authorization)
        self._gateway = DepotCaller(name)

    async def put(self, file: StoredFile) -> None:
        cid = file.shape.cid
        found = await self._of(cid)
        if not found or found[0].status == "failed":
            body = encode(AskPin(cid=cid, name=NAME, origins=self._origins))
            await self._service.bytes("POST", self._pins, {}, body=body, good=TAKEN)
            for one in found:
                await self._withdraw(one)
        for seconds in (0.0, *LOOKS):
            await asyncio.sleep(seconds)
            found = await self._of(cid)
            if found and found[0].status == "pinned":
                return
        raise CopyPending(f"{self.name} has taken on {cid}: {found[0].status if found else 'it does not say so'}")

    async def nodes(self, cid: str) -> Mapping[str, bytes]:
        await self._check_pinned(cid)
        return await tree_of(self.name, cid, self._block)

    async def size(self, cid: str) -> int:
        await self._check_pinned(cid)
        return len(await self._block(cid))

    async def leaf(self, cid: str, leaf: Leaf) -> bytes:
        return await self._block(leaf.cid)

    async def delete(self, cid: str) -> None:
        for one in await self._of(cid):
            await self._withdraw(one)

    async def listed(self) -> AsyncIterator[str]:
        before = dict[str, str]()
        for _ in range(PAGES_MAX):
            some = await self._asked({"status": "pinned", "limit": str(LISTED)} | before)
            for one in some:
                try:
                    parse_cid(one.pin.cid)
                except CidInvalid:
                    continue
                yield one.pin.cid
            if len(some) < LISTED:
                return
            before = {"before": some[-1].created}

    async def check(self) -> None:
        await self._asked({"status": "pinned", "limit": "1"})

    async def _check_pinned(self, cid: str) -> None:
        if not any(one.status == "pinned" for one in await self._of(cid)):
            raise CopyMissing(f"{self.name} does not say that it has {cid}")

    async def _of(self, cid: str) -> list[_Pin]:
        """This node's pins of a file, what is done before what is not."""
        states: tuple[PinState, ...] = ("pinned", "pinning", "queued", "failed")
        found = await self._asked({"cid": cid, "status": ",".join(states)})
        return sorted((one for one in found if one.pin.cid == cid), key=lambda one: states.index(one.status))

    async def _asked(self, wanted: Mapping[str, str]) -> tuple[_Pin, ...]:
        answer = await self._service.bytes("GET", self._pins, {"name": NAME, **wanted})
        try:
            return msgspec.json.decode(answer, type=_Pins).results
        except NOT_DECODED as error:
            raise DepotFailed(f"{self.name} does not answer as a pinning service does: {error}") from None

    async def _withdraw(self, pin: _Pin) -> None:
        if not pin.requestid.isascii() or not pin.requestid.replace("-", "").replace("_", "").isalnum():
            raise DepotFailed(f"{self.name} names a pin by what can be no part of an address: {pin.requestid[:40]!r}")
        await self._service.bytes("DELETE", f"{self._pins}/{pin.requestid}", {}, good=(*TAKEN, *GONE))

    async def _block(self, cid: str) -> bytes:
        return await self._gateway.bytes("GET", self._blocks + cid, {"format": "raw"}, most=BLOCK_BYTES_MAX, gone=GONE)
