"""Files to be kept in depots, and what depots give back of them."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping

from node.depots.depot import Depot, StoredFile, leaf_in, shape_in
from remarque.dag import import_file, shape_of

SIZES = (1, 65_536, 1_048_576, 1_048_577, 20_000_000)


def a_file(size: int) -> tuple[StoredFile, bytes]:
    """A file of a size, and its bytes."""
    data = random.Random(size).randbytes(size)
    cid, blocks = import_file(data)
    by_id: Mapping[str, bytes] = dict(blocks)
    shape = shape_of(cid, by_id.__getitem__)

    async def pieces() -> AsyncIterator[bytes]:
        for leaf in shape.leaves:
            yield by_id[leaf.cid]

    return StoredFile(shape, {node: by_id[node] for node in shape.nodes}, pieces), data


async def read(depot: Depot, cid: str) -> bytes:
    """A whole file out of a depot, each piece held against its id."""
    shape, _ = await shape_in(depot, cid)
    return b"".join([await leaf_in(depot, shape, leaf) for leaf in shape.leaves])
