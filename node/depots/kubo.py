"""Files at an IPFS daemon, by the RPC of Kubo: handed over as CARs, so that the daemon cannot choose their ids.

A file is kept there by a recursive pin. A daemon may fail in the middle of an answer that began well, so nothing is
taken for done because it was not refused: a pin is asked for again, and bytes are held against their ids.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import msgspec

from ledger.encoding import NOT_DECODED
from node.depots.calling import SECONDS_MAX, DepotCaller
from node.depots.depot import CopyMissing, DepotFailed, StoredFile, tree_of
from remarque.cars import MEDIA_TYPE, car_block, car_header
from remarque.cid import RAW, CidInvalid, cid_of, parse_cid
from remarque.dag import BLOCK_BYTES_MAX, Leaf

BYTES_PER_SECOND_MIN = 256 * 1024
"""A file may take so much longer."""
ALWAYS = {"cid-base": "base32", "offline": "true"}
"""Of every call: how it spells ids, and that it looks for nothing in the network."""


class KuboDepot:
    """Satisfies `Depot`."""

    def __init__(self, name: str, url: str, authorization: str = "") -> None:
        """`url`: of the RPC, such as `http://127.0.0.1:5001`; `authorization`: of that header; empty: none is sent."""
        self.name = name
        self._url = url.rstrip("/") + "/api/v0/"
        self._caller = DepotCaller(name, authorization)

    async def put(self, file: StoredFile) -> None:
        cid = file.shape.cid
        seconds = SECONDS_MAX + file.shape.size / BYTES_PER_SECOND_MIN
        with aiohttp.MultipartWriter("form-data") as form:
            part = form.append(_car(file), {"Content-Type": MEDIA_TYPE})
            part.set_content_disposition("form-data", name="file", filename="content.car")
            await self._bytes("dag/import", {"pin-roots": "true"}, seconds=seconds, body=form)
        if not await self._pinned(cid):
            raise DepotFailed(f"{self.name} took {cid} and has no pin of it")

    async def nodes(self, cid: str) -> Mapping[str, bytes]:
        if not await self._pinned(cid):
            raise CopyMissing(f"{self.name} has no pin of {cid}")
        return await tree_of(self.name, cid, self._block)

    async def size(self, cid: str) -> int:
        if not await self._pinned(cid):
            raise CopyMissing(f"{self.name} has no pin of {cid}")
        found = await self._bytes("block/stat", {"arg": cid})
        try:
            return int(msgspec.json.decode(found, type=dict[str, Any])["Size"])
        except (*NOT_DECODED, KeyError, TypeError, ValueError):
            raise DepotFailed(f"{self.name} does not say the size of {cid}") from None

    async def leaf(self, cid: str, leaf: Leaf) -> bytes:
        return await self._block(leaf.cid)

    async def delete(self, cid: str) -> None:
        if await self._pinned(cid):
            await self._bytes("pin/rm", {"arg": cid})

    async def listed(self) -> AsyncIterator[str]:
        wanted = {"type": "recursive", "stream": "true"}
        async with self._caller.asked("POST", self._url + "pin/ls", wanted | ALWAYS) as response:
            async for line in response.content:
                for cid in _pins(line):
                    yield cid

    async def check(self) -> None:
        await self._bytes("version", {})

    async def _pinned(self, cid: str) -> bool:
        try:
            found = await self._bytes("pin/ls", {"arg": cid, "type": "recursive"})
        except DepotFailed as error:
            if "not pinned" in str(error):
                return False
            raise
        return any(cid in _pins(line) for line in found.splitlines())

    async def _block(self, cid: str) -> bytes:
        return await self._bytes("block/get", {"arg": cid}, most=BLOCK_BYTES_MAX)

    async def _bytes(self, call: str, wanted: Mapping[str, str], **how: Any) -> bytes:
        return await self._caller.bytes("POST", self._url + call, {**wanted, **ALWAYS}, **how)


async def _car(file: StoredFile) -> AsyncIterator[bytes]:
    """A file as a CAR, leaf after leaf."""
    yield car_header(file.shape.cid)
    for node in file.nodes.items():
        yield car_block(*node)
    async for piece in file.pieces():
        yield car_block(cid_of(RAW, piece), piece)


def _pins(line: bytes) -> list[str]:
    """Content ids of the pins in a line of an answer; those of other kinds are left out."""
    try:
        found = msgspec.json.decode(line, type=dict[str, Any])
    except NOT_DECODED:
        return []
    names = [*(found.get("Keys") or {}), *([found["Cid"]] if isinstance(found.get("Cid"), str) else [])]
    kept = []
    for name in names:
        try:
            parse_cid(name)
        except CidInvalid:
            continue
        kept.append(name)
    return kept
