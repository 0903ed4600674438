"""Blocks that are executed but not final: a layer of writes each, and the state as it is above them all."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from ledger import state_tree
from ledger.block import Block
from ledger.execution.block import BlockResult
from ledger.records import SEEN_PREFIX
from node.storage.state_store import StateStore


class Extended(NamedTuple):
    """What a block adds to log and state tree."""

    leaves: list[bytes]
    changes: list[state_tree.HashedChange]
    tree: state_tree.TreeNode


class Layer:
    """An executed block that is not final yet."""

    __slots__ = ("block", "changed", "changes", "forgotten", "leaves", "result", "tree")

    def __init__(self, block: Block, result: BlockResult, extended: Extended) -> None:
        self.block = block
        self.result = result
        self.leaves = extended.leaves
        self.changes = extended.changes
        self.tree = extended.tree
        self.changed = dict(result.writes)
        self.forgotten = max(
            (key for key in _keys_within(result.writes, SEEN_PREFIX) if self.changed[key] is None), default=""
        )
        """The last id that the block forgot. None below it is remembered, because ids are forgotten in order."""


class TipReader:
    """The state above all layers. Satisfies `ledger.execution.view.StateReader`."""

    def __init__(self, store: StateStore, layers: list[Layer]) -> None:
        self._store = store
        self._layers = layers

    def get(self, key: str) -> bytes | None:
        for layer in reversed(self._layers):
            if key in layer.changed:
                return layer.changed[key]
        return self._store.get(key)

    def keys(self, prefix: str) -> Iterator[str]:
        start = prefix
        if prefix == SEEN_PREFIX:
            start = next((layer.forgotten for layer in reversed(self._layers) if layer.forgotten), prefix)
        sources: list[Iterator[str]] = [self._store.keys(prefix, start)]
        sources += [_keys_within(layer.result.writes, prefix, start) for layer in self._layers]
        previous = None
        for key in heapq.merge(*sources):
            if key != previous and not self._removed(key):
                yield key
            previous = key

    def _removed(self, key: str) -> bool:
        """Whether the newest layer that changed a key removed it."""
        return next((layer.changed[key] is None for layer in reversed(self._layers) if key in layer.changed), False)


def _keys_within(writes: tuple[tuple[str, bytes | None], ...], prefix: str, start: str = "") -> Iterator[str]:
    for at in range(bisect_left(writes, (start or prefix,)), len(writes)):
        key = writes[at][0]
        if not key.startswith(prefix):
            return
        yield key
