"""The state tree's pages, kept up beside commits.

Their hashes are written while the chain is idle, or when many have changed. What is not written when a node is killed
is computed when it starts again; see `node/storage/pages.py`. After a start they are loaded while the chain is idle, so
that the blocks that come need not wait for the disk.
"""

from __future__ import annotations

import asyncio

from ledger.state_tree import PageDamaged, unloaded
from node.chain.chain import Chain
from node.chain.reading import Reading
from remarque.errors import NodeCode, NodeError

LOOK_SECONDS = 10.0
MANY = 32_768
"""Changed pages that are written even while blocks go on: the more at a time, the fewer a transaction costs."""
TOGETHER = 256
"""Pages written in one piece of work, of about 1 ms."""
IDLE_SECONDS = 1.0
"""A chain that has had no new block for so long is idle."""
LOADED_TOGETHER = 16
"""Pages loaded in one piece of work, of 1 to 2 ms."""


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


async def load_pages(chain: Chain, reading: Reading) -> None:
    """Load every page once. Blocks that go on load those that they need by themselves.

    NodeError (DATA_CORRUPT) if one is not what was written: better found now than by a block.
    """
    height, prefixes = -1, tuple(unloaded(chain.tip_tree))
    for start in range(0, len(prefixes), LOADED_TOGETHER):
        while height != chain.tip.height:
            height = chain.tip.height
            await asyncio.sleep(IDLE_SECONDS)
        try:
            await reading.piece(chain.load_pages, prefixes[start : start + LOADED_TOGETHER])
        except PageDamaged as damaged:
            raise NodeError(NodeCode.DATA_CORRUPT, f"{damaged}; join as a new node") from None
