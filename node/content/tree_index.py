"""Which blocks stand below which nodes of trees: to find the file that a block is part of.

It is no truth: the nodes say the same, and what is lacking is read from them again at each start.
"""

from __future__ import annotations

from pathlib import Path

from node.content.blockstore import Blockstore
from node.storage.erasable import Erasable
from remarque.cid import CidInvalid, cid_bytes, cid_text
from remarque.dag import children_of

TREES = "trees.sqlite"
"""The file in a data directory."""
ABOVE_MAX = 16
"""Nodes above one block that are looked at."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS links (child BLOB NOT NULL, node BLOB NOT NULL, PRIMARY KEY (child, node)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS nodes (node BLOB PRIMARY KEY) WITHOUT ROWID;
"""


class TreeIndex:
    """Any thread may use it."""

    def __init__(self, path: Path) -> None:
        self._database = Erasable(path, _SCHEMA)

    def note(self, node: str, block: bytes) -> None:
        """Take in a node; what is no node of a file is passed over."""
        try:
            below = {cid_bytes(child.cid) for child in children_of(node, block)}
        except CidInvalid:
            below = set()
        packed = cid_bytes(node)
        with self._database.writing() as database:
            database.execute("INSERT OR IGNORE INTO nodes VALUES (?)", (packed,))
            database.executemany("INSERT OR IGNORE INTO links VALUES (?, ?)", [(child, packed) for child in below])

    def above(self, cid: str) -> list[str]:
        """The nodes that link to a block: ABOVE_MAX of them at most."""
        rows = self._database.rows("SELECT node FROM links WHERE child = ? LIMIT ?", cid_bytes(cid), ABOVE_MAX)
        return [cid_text(node) for (node,) in rows]

    def complete(self, blockstore: Blockstore) -> None:
        """Take in the nodes that are in a blockstore and not here, and forget those that are gone."""
        known = {cid_text(node) for (node,) in self._database.rows("SELECT node FROM nodes")}
        there = set(blockstore.nodes())
        for node in there - known:
            if (block := blockstore.block(node)) is not None:
                self.note(node, block)
        gone = [(cid_bytes(node),) for node in known - there]
        with self._database.writing() as database:
            database.executemany("DELETE FROM links WHERE node = ?", gone)
            database.executemany("DELETE FROM nodes WHERE node = ?", gone)

    def close(self) -> None:
        self._database.close()
