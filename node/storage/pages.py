"""The state tree on disk: an index of hashed keys that every commit keeps up, and page hashes written now and then.

    k<key hash>         value hash of every state key: the tree's entries, in the tree's order
    p<prefix>           hash and size of each page, but for those changed since they were written
    d<height>           prefixes of the pages that a block changed, until they are written after it

A node starts with the page hashes alone and loads a page when a key of it is needed; those changed since are computed,
about 60 µs each in a state of millions. Pages are written beside commits, some at a time, and when a node stops; a
commit itself writes 73 bytes a key. So a start takes about the same time whatever the state's size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from itertools import groupby, islice
from typing import Any

import plyvel

from ledger.state_tree import ENTRY, HASH, PAGE_BYTES, HashedChange, TreeNode, TreePage, open_tree, page_from, page_of


class PageIndex:
    """The stored tree of one state store. Its changes go into the store's own batches."""

    def __init__(self, db: plyvel.DB) -> None:
        self._db = db
        self._changed: dict[bytes, int] = {}
        """Height of the last change, by prefix, of the pages whose stored hash is old."""
        for key, value in db.iterator(prefix=b"d"):
            self._note(value, int(struct.unpack(">Q", key[1:])[0]))

    @property
    def changed(self) -> int:
        """How many pages have changed since they were written."""
        return len(self._changed)

    def tree(self) -> TreeNode:
        """The tree of the committed state."""
        pages = {key[1:]: TreePage(key[1:], value[:-1], value[-1]) for key, value in self._db.iterator(prefix=b"p")}
        for prefix in self._changed:
            pages[prefix] = page_from(prefix, self._load(prefix))
        return open_tree([pages[prefix] for prefix in sorted(pages)], self._load)

    def fill(self, hashes: Iterable[HashedChange]) -> TreeNode:
        """Put the hashed entries of a whole state into an empty store, in order, with their pages; the tree."""
        parts = [bytearray() for _ in range(256)]
        for key, value in hashes:
            parts[key[0]] += key + (value or b"")
        pages = []
        for part in parts:
            entries = sorted([bytes(part[at : at + ENTRY]) for at in range(0, len(part), ENTRY)])
            with self._db.write_batch() as batch:
                for prefix, within in groupby(entries, lambda entry: entry[:PAGE_BYTES]):
                    joined = b"".join(within)
                    for at in range(0, len(joined), ENTRY):
                        batch.put(b"k" + joined[at : at + HASH], joined[at + HASH : at + ENTRY])
                    pages.append(page_from(prefix, joined))
                    self._put(batch, pages[-1])
            part.clear()
        return open_tree(pages, self._load)

    def take(self, batch: Any, height: int, changes: list[HashedChange]) -> None:
        """Add to a batch what a block changed."""
        for key, value in changes:
            if value is None:
                batch.delete(b"k" + key)
            else:
                batch.put(b"k" + key, value)
        prefixes = b"".join(sorted({key[:PAGE_BYTES] for key, _ in changes}))
        batch.put(b"d" + struct.pack(">Q", height), prefixes)
        self._note(prefixes, height)

    def write(self, tree: TreeNode, most: int) -> None:
        """Write some pages of the committed tree, those first that have waited longest."""
        prefixes = list(islice(self._changed, most))
        with self._db.write_batch() as batch:
            for prefix in prefixes:
                page = page_of(tree, prefix)
                if page.entries:
                    self._put(batch, page)
                else:
                    batch.delete(b"p" + prefix)
                del self._changed[prefix]
            oldest = next(iter(self._changed.values()), None)
            stop = b"e" if oldest is None else b"d" + struct.pack(">Q", oldest)
            for key in self._db.iterator(start=b"d", stop=stop, include_value=False):
                batch.delete(key)

    def _note(self, prefixes: bytes, height: int) -> None:
        for at in range(0, len(prefixes), PAGE_BYTES):
            prefix = prefixes[at : at + PAGE_BYTES]
            self._changed.pop(prefix, None)
            self._changed[prefix] = height

    def _put(self, batch: Any, page: TreePage) -> None:
        batch.put(b"p" + page.prefix, page.hash + bytes([page.entries]))

    def _load(self, prefix: bytes) -> bytes:
        return b"".join([key[1:] + value for key, value in self._db.iterator(prefix=b"k" + prefix)])
