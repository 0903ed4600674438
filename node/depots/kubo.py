"""Files at an IPFS daemon, by the RPC of Kubo: handed over as CARs, so that the daemon cannot choose their ids.

A file is kept there by a recursive pin. A daemon may fail in the middle of an answer that began well, so nothing is
taken for done because it was not refused: a pin is asked for again, and bytes are held against their ids.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from ledger.encoding import NOT_DECODED
from node.depots.depot import CopyMissing, DepotFailed, StoredFile
from remarque.cars import MEDIA_TYPE, car_block, car_header
from remarque.cid import DAG_PB, RAW, CidInvalid, check_block, cid_of, parse_cid
from remarque.dag import BLOCK_BYTES_MAX, CHUNK, children_of

SECONDS_MAX = 60.0
"""For one call."""
BYTES_PER_SECOND_MIN = 256 * 1024
"""A file may take so much longer."""
ANSWER_BYTES_MAX = 1024 * 1024
NODES_MAX = 64
BASE32 = {"cid-base": "base32"}
REASON_CHARACTERS_MAX = 300


class KuboDepot:
    """Satisfies `Depot`."""

    def __init__(self, name: str, url: str, authorization: str = "") -> None:
        """`url`: of the RPC, such as `http://127.0.0.1:5001`; `authorization`: of that header; empty: none is sent."""
        self.name = name
        self._url = url.rstrip("/") + "/api/v0/"
        self._headers = {"Authorization": authorization} if authorization else {}

    async def put(self, file: StoredFile) -> None:
        cid = file.shape.cid
        seconds = SECONDS_MAX + file.shape.size / BYTES_PER_SECOND_MIN
        with aiohttp.MultipartWriter("form-data") as form:
            part = form.append(_car(file), {"Content-Type": MEDIA_TYPE})
            part.set_content_disposition("form-data", name="file", filename="content.car")
            await self._bytes("dag/import", {"pin-roots": "true"}, ANSWER_BYTES_MAX, seconds, form)
        if not await self._pinned(cid):
            raise DepotFailed(f"{self.name} took {cid} and has no pin of it")

    async def nodes(self, cid: str) -> Mapping[str, bytes]:
        if not await self._pinned(cid):
            raise CopyMissing(f"{self.name} has no pin of {cid}")
        found, wanted = dict[str, bytes](), [cid]
        while wanted:
            one = wanted.pop()
            if parse_cid(one)[0] != DAG_PB or one in found:
                continue
            if len(found) == NODES_MAX:
                raise CopyMissing(f"{cid} in {self.name} has more than {NODES_MAX} nodes")
            block = await self._bytes("block/get", {"arg": one}, BLOCK_BYTES_MAX)
            try:
                check_block(one, block)
                wanted += [child.cid for child in children_of(one, block)]
            except CidInvalid as error:
                raise CopyMissing(f"node {one} in {self.name}: {error}") from None
            found[one] = block
        return found

    async def size(self, cid: str) -> int:
        if not await self._pinned(cid):
            raise CopyMissing(f"{self.name} has no pin of {cid}")
        found = await self._bytes("block/stat", {"arg": cid}, ANSWER_BYTES_MAX)
        try:
            return int(msgspec.json.decode(found, type=dict[str, Any])["Size"])
        except (*NOT_DECODED, KeyError, TypeError, ValueError):
            raise DepotFailed(f"{self.name} does not say the size of {cid}") from None

    async def part(self, cid: str, start: int, size: int) -> bytes:
        if not size:
            return b""
        wanted = {"arg": cid, "offset": str(start), "length": str(size)}
        return await self._bytes("cat", wanted, max(size, CHUNK))

    async def delete(self, cid: str) -> None:
        if await self._pinned(cid):
            await self._bytes("pin/rm", {"arg": cid}, ANSWER_BYTES_MAX)

    async def listed(self) -> AsyncIterator[str]:
        wanted = {"type": "recursive", "stream": "true"}
        async with self._asked("pin/ls", wanted) as response:
            async for line in response.content:
                for cid in _pins(line):
                    yield cid

    async def check(self) -> None:
        await self._bytes("version", {}, ANSWER_BYTES_MAX)

    async def _pinned(self, cid: str) -> bool:
        try:
            found = await self._bytes("pin/ls", {"arg": cid, "type": "recursive"}, ANSWER_BYTES_MAX)
        except DepotFailed as error:
            if "not pinned" in str(error):
                return False
            raise
        return any(cid in _pins(line) for line in found.splitlines())

    async def _bytes(
        self, call: str, wanted: Mapping[str, str], most: int, seconds: float = SECONDS_MAX, body: Any = None
    ) -> bytes:
        """The bytes of an answer; DepotFailed if they are too many, or do not come whole."""
        async with self._asked(call, wanted, seconds, body) as response:
            parts, size = [], 0
            async for part in response.content.iter_any():
                parts.append(part)
                size += len(part)
                if size > most:
                    raise DepotFailed(f"{self.name} answers {call} with more than {most} bytes")
            return b"".join(parts)

    @asynccontextmanager
    async def _asked(
        self, call: str, wanted: Mapping[str, str], seconds: float = SECONDS_MAX, body: Any = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer to a call. The daemon is told not to look for anything in the network."""
        params = {**wanted, **BASE32, "offline": "true"}
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=5.0)
        try:
            async with (
                aiohttp.ClientSession(headers=self._headers, timeout=timeout) as http,
                http.post(self._url + call, params=params, data=body, allow_redirects=False) as response,
            ):
                if response.status != 200:
                    raise DepotFailed(f"{self.name} answers {call} with {response.status}: {await _reason(response)}")
                yield response
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: a line without end
            raise DepotFailed(f"{self.name} does not answer {call}: {error!r}"[:REASON_CHARACTERS_MAX]) from None


async def _car(file: StoredFile) -> AsyncIterator[bytes]:
    """A file as a CAR, leaf after leaf."""
    yield car_header(file.shape.cid)
    for node in file.nodes.items():
        yield car_block(*node)
    async for piece in file.pieces():
        yield car_block(cid_of(RAW, piece), piece)


async def _reason(response: aiohttp.ClientResponse) -> str:
    """Why a daemon refuses, in a line."""
    said = await response.content.read(ANSWER_BYTES_MAX)
    return " ".join(said.decode(errors="replace").split())[:REASON_CHARACTERS_MAX]


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
