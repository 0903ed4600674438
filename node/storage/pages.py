"""The state tree on disk: an index of hashed keys that every commit keeps up, and page hashes written now and then.

    k<key hash>         value hash of every state key: the tree's entries, in the tree's order
    p<prefix>           hash and size of each page, but for those changed since they were written
    d<height>           prefixes of the pages that a block changed, until page hashes are written again

A node starts with the page hashes alone and loads a page when a key of it is needed; the pages of the few blocks since
are computed. So a start takes the same time whatever the state's size, and a commit writes 73 bytes a key for it.
"""

from __future__ import annotations

import struct
from itertools import groupby
from typing import Any

import plyvel

from ledger.state_tree import EMPTY, PAGE_BYTES, Change, Node, Page, apply_hashed, open_tree, page_of

PAGES_EVERY = 8_192
"""Changed pages after which hashes are written: bounds what a start computes to half a second."""


class PageIndex:
    """The stored tree of one state store. Its changes go into the store's own batches."""

    def __init__(self, db: plyvel.DB) -> None:
        self._db = db
        self._changed: set[bytes] = set()
        """Prefixes of the pages whose stored hash is old."""
        for value in db.iterator(prefix=b"d", include_key=False):
            self._changed.update(value[at : at + PAGE_BYTES] for at in range(0, len(value), PAGE_BYTES))

    def tree(self) -> Node:
        """The tree of the committed state."""
        pages = {key[1:]: Page(key[1:], value[:-1], value[-1]) for key, value in self._db.iterator(prefix=b"p")}
        for prefix in self._changed:
            pages[prefix] = page_of(apply_hashed(EMPTY, self._entries(prefix)), prefix)
        return open_tree([pages[prefix] for prefix in sorted(pages)], self._load)

    def rebuild(self) -> Node:
        """Write the hash of every page anew, from the index of hashed keys; the tree."""
        pages = []
        with self._db.write_batch() as batch:
            for prefix, entries in groupby(self._db.iterator(prefix=b"k"), lambda entry: entry[0][1 : 1 + PAGE_BYTES]):
                changes: list[Change] = [(key[1:], value) for key, value in entries]
                page = page_of(apply_hashed(EMPTY, changes), prefix)
                batch.put(b"p" + prefix, page.hash + bytes([page.entries]))
                pages.append(page)
        return open_tree(pages, self._load)

    def take(self, batch: Any, height: int, changes: list[Change], tree: Node) -> None:
        """Add to a batch what a block changed; `tree` is the tree after it."""
        for key, value in changes:
            if value is None:
                batch.delete(b"k" + key)
            else:
                batch.put(b"k" + key, value)
        prefixes = sorted({key[:PAGE_BYTES] for key, _ in changes})
        self._changed.update(prefixes)
        if len(self._changed) < PAGES_EVERY:
            batch.put(b"d" + struct.pack(">Q", height), b"".join(prefixes))
            return
        for key in self._db.iterator(prefix=b"d", include_value=False):
            batch.delete(key)
        for prefix in sorted(self._changed):
            page = page_of(tree, prefix)
            if page.entries:
                batch.put(b"p" + prefix, page.hash + bytes([page.entries]))
            else:
                batch.delete(b"p" + prefix)
        self._changed.clear()

    def _entries(self, prefix: bytes) -> list[Change]:
        return [(key[1:], value) for key, value in self._db.iterator(prefix=b"k" + prefix)]

    def _load(self, prefix: bytes) -> bytes:
        return b"".join([key[1:] + value for key, value in self._db.iterator(prefix=b"k" + prefix)])
