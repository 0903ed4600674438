"""Files in a folder, or in an object store: S3 and what speaks like it, Google's, Azure's; `obstore` does the speaking.

A file lies under `files/`, as it is, so that any tool of the store reads it; the blocks of its tree lie under `nodes/`,
as a CAR. Both names end in the content id.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from obstore import exceptions
from obstore.store import ObjectStore

from node.depots.depot import CopyMissing, DepotFailed, StoredFile
from remarque.cars import CarInvalid, blocks_in, car_block, car_header
from remarque.cid import DAG_PB, CidInvalid, parse_cid
from remarque.dag import Leaf

FILES, NODES = "files", "nodes"
ONE_REQUEST_BYTES_MAX = 8 * 1024 * 1024
"""A larger file is sent in parts of so many bytes."""
PARTS_AT_ONCE = 2
SECONDS_MAX = 60.0
"""For one request."""
BYTES_PER_SECOND_MIN = 256 * 1024
"""A file may take so much longer."""
NODES_BYTES_MAX = 4 * 1024 * 1024
REASON_CHARACTERS_MAX = 300


class ObjectDepot:
    """Satisfies `Depot`."""

    def __init__(self, name: str, store: ObjectStore) -> None:
        self.name = name
        self._store = store

    async def put(self, file: StoredFile) -> None:
        """Keep a file. What the store has then is of the right size, or it is DepotFailed."""
        cid, size = file.shape.cid, file.shape.size
        async with self._asked(cid, SECONDS_MAX + size / BYTES_PER_SECOND_MIN):
            if file.nodes:
                packed = car_header(cid) + b"".join(car_block(*node) for node in file.nodes.items())
                await self._store.put_async(f"{NODES}/{cid}", packed, use_multipart=False)
            if size <= ONE_REQUEST_BYTES_MAX:
                data = b"".join([piece async for piece in file.pieces()])
                await self._store.put_async(f"{FILES}/{cid}", data, use_multipart=False)
            else:
                await self._store.put_async(
                    f"{FILES}/{cid}",
                    file.pieces(),
                    chunk_size=ONE_REQUEST_BYTES_MAX,
                    max_concurrency=PARTS_AT_ONCE,
                )
        found = await self.size(cid)
        if found != size:
            raise DepotFailed(f"{self.name} says that {cid} has {found} bytes, and {size} were sent")

    async def nodes(self, cid: str) -> Mapping[str, bytes]:
        if parse_cid(cid)[0] != DAG_PB:
            return {}
        async with self._asked(cid):
            packed = await self._store.get_range_async(f"{NODES}/{cid}", start=0, length=NODES_BYTES_MAX)
        try:
            (root, _), *blocks = blocks_in((bytes(packed),))
        except CarInvalid as error:
            raise CopyMissing(f"the tree of {cid} in {self.name}: {error}") from None
        return dict(blocks) if root == cid else {}

    async def size(self, cid: str) -> int:
        async with self._asked(cid):
            return (await self._store.head_async(f"{FILES}/{cid}"))["size"]

    async def leaf(self, cid: str, leaf: Leaf) -> bytes:
        if not leaf.size:
            return b""
        async with self._asked(cid):
            return bytes(await self._store.get_range_async(f"{FILES}/{cid}", start=leaf.start, length=leaf.size))

    async def delete(self, cid: str) -> None:
        for kind in (FILES, NODES):
            try:
                async with self._asked(cid):
                    await self._store.delete_async(f"{kind}/{cid}")
            except CopyMissing:
                pass

    async def listed(self) -> AsyncIterator[str]:
        listing = aiter(self._store.list(FILES))
        while True:
            async with self._asked("its list"):
                some = await anext(listing, None)
            if some is None:
                return
            for one in some:
                name = one["path"].rpartition("/")[2]
                try:
                    parse_cid(name)
                except CidInvalid:
                    continue
                yield name

    async def check(self) -> None:
        try:
            async with self._asked("a file that is not there"):
                await self._store.head_async(f"{FILES}/none")
        except CopyMissing:
            pass

    @asynccontextmanager
    async def _asked(self, what: str, seconds: float = SECONDS_MAX) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except (exceptions.NotFoundError, FileNotFoundError):
            raise CopyMissing(f"{self.name} does not have {what}") from None
        except TimeoutError:
            raise DepotFailed(f"{self.name} did not answer within {seconds:.0f} s") from None
        except (exceptions.BaseError, OSError, ValueError) as error:
            reason = " ".join(str(error).split())[:REASON_CHARACTERS_MAX]
            raise DepotFailed(f"{self.name}: {reason}") from None
