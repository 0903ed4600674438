"""Page hashes of the state tree, written beside commits: when nothing else goes on, or when many have changed.

What is not written when a node is killed is computed when it starts again; see `node/storage/pages.py`.
"""

from __future__ import annotations

import asyncio

from node.chain import Chain
from node.reading import Reading

LOOK_SECONDS = 10.0
MANY = 32_768
"""Changed pages that are written even while blocks go on: the more at a time, the fewer a transaction costs."""
TOGETHER = 256
"""Pages written in one piece of work, of about 1 ms."""


async def write_pages(chain: Chain, reading: Reading) -> None:
    """Write changed pages, for ever."""
    height = chain.committed.height
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        changed = chain.state.pages.changed
        if changed >= MANY or (changed and height == chain.committed.height):
            for _ in range(0, changed, TOGETHER):
                await reading.piece(chain.write_pages, TOGETHER)
        height = chain.committed.height
