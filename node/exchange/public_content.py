"""What content is for everybody: that of records which the rules open to strangers, and are not confidential."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from ledger import records
from node.chain.chain import Chain
from node.content.blockstore import Blockstore
from node.content.tree_index import TreeIndex
from node.ground.logs import Seldom

RECORDS_MAX = 16
"""Records of one file that are looked at."""
LEVELS_MAX = 4
"""Levels of a tree that are gone up: three hold a gibibyte in chunks of 256 KiB."""
ABOVE_MAX = 64
"""Nodes of one level that are looked at."""

_lacking = Seldom("trees_not_kept")


class PublicContent:
    """Says of blocks whether strangers may have them."""

    def __init__(
        self, chain: Chain, blockstore: Blockstore, trees: TreeIndex, is_open: Callable[[records.Asset], bool]
    ) -> None:
        """`is_open`: whether the rules let a stranger be told of a record."""
        self._chain = chain
        self._blockstore = blockstore
        self._trees = trees
        self._is_open = is_open
        blockstore.on_node = self._stored

    async def run(self) -> None:
        """Take in what was stored before."""
        try:
            await self._blockstore.aside(self._trees.complete, self._blockstore)
        except OSError as error:
            _lacking.warning(reason=str(error))

    def _stored(self, cid: str, block: bytes) -> None:
        """Take in a node. One that the disk does not take is taken in at the next start."""
        try:
            self._trees.note(cid, block)
        except OSError as error:
            _lacking.warning(reason=str(error))

    async def has(self, cid: str) -> bool:
        """Whether a block is a public file, or part of one."""
        level = [cid]
        for _ in range(LEVELS_MAX):
            if any(map(self._is_public, level)):
                return True
            above = [await self._blockstore.aside(self._trees.above, one) for one in level]
            level = [node for nodes in above for node in nodes][:ABOVE_MAX]
        return False

    def _is_public(self, cid: str) -> bool:
        """Whether a public record names a file."""
        ledger = self._chain.ledger()
        found = islice(self._chain.state.holdings.of_file(cid), RECORDS_MAX)
        return any(not record.confidential and self._is_open(record) for record in map(ledger.asset, found))
