"""What a depot does, and reading from one what it may not have changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import NamedTuple, Protocol

from remarque.cid import DAG_PB, RAW, CidInvalid, check_block, parse_cid
from remarque.dag import BLOCK_BYTES_MAX, FileShape, Leaf, checked_leaf, children_of, shape_of

NODES_MAX = 64
"""Of a file's tree: a file of a gibibyte has seven."""


class DepotFailed(Exception):
    """A depot did not do what it was asked. It may later."""


class CopyMissing(DepotFailed):
    """A depot does not have a file, or not as its content id names it."""


class CopyPending(DepotFailed):
    """A depot has taken a file on, and does not have it yet."""


class StoredFile(NamedTuple):
    """A file to be kept."""

    shape: FileShape
    nodes: Mapping[str, bytes]
    """The blocks of its tree by their ids; none if it is one block."""
    pieces: Callable[[], AsyncIterator[bytes]]
    """Its bytes, from the beginning, leaf after leaf."""


class Depot(Protocol):
    """Somewhere files are kept by their content ids. Every call ends in time: DepotFailed."""

    name: str

    async def put(self, file: StoredFile) -> None:
        """Keep a file, whole or not at all; nothing new if it is kept already."""

    async def nodes(self, cid: str) -> Mapping[str, bytes]:
        """The blocks of a file's tree, as the depot says; none if it is one block. CopyMissing."""

    async def size(self, cid: str) -> int:
        """Bytes of a file that is one block, as the depot says. CopyMissing."""

    async def leaf(self, cid: str, leaf: Leaf) -> bytes:
        """A piece of a file, as the depot says. CopyMissing."""

    async def delete(self, cid: str) -> None:
        """Keep a file no longer; nothing if it is not there."""

    def listed(self) -> AsyncIterator[str]:
        """Content ids of what is there."""

    async def check(self) -> None:
        """DepotFailed if it cannot be used now."""


async def tree_of(name: str, cid: str, block: Callable[[str], Awaitable[bytes]]) -> dict[str, bytes]:
    """The blocks of a file's tree in the depot of a name, which gives blocks, each held against its id. CopyMissing."""
    found, wanted = dict[str, bytes](), [cid]
    while wanted:
        one = wanted.pop()
        if parse_cid(one)[0] != DAG_PB or one in found:
            continue
        if len(found) == NODES_MAX:
            raise CopyMissing(f"{cid} in {name} has more than {NODES_MAX} nodes")
        node = await block(one)
        try:
            check_block(one, node)
            wanted += [child.cid for child in children_of(one, node)]
        except CidInvalid as error:
            raise CopyMissing(f"node {one} in {name}: {error}") from None
        found[one] = node
    return found


async def shape_in(depot: Depot, cid: str) -> tuple[FileShape, Mapping[str, bytes]]:
    """How a file in a depot is made up, and its nodes. CopyMissing."""
    nodes = await depot.nodes(cid)

    def read(one: str) -> bytes:
        if one not in nodes:
            raise CidInvalid(f"node {one} is not there")
        check_block(one, nodes[one])
        return nodes[one]

    if parse_cid(cid)[0] == RAW:
        size = await depot.size(cid)
        if size > BLOCK_BYTES_MAX:
            raise CopyMissing(f"{cid} in {depot.name} has {size} bytes, a block has at most {BLOCK_BYTES_MAX}")
        return FileShape(cid, size, (), (Leaf(cid, 0, size),)), nodes
    try:
        return shape_of(cid, read), nodes
    except CidInvalid as error:
        raise CopyMissing(f"the tree of {cid} in {depot.name}: {error}") from None


async def leaf_in(depot: Depot, shape: FileShape, leaf: Leaf) -> bytes:
    """A piece of a file in a depot, held against its id. CopyMissing."""
    block = await depot.leaf(shape.cid, leaf)
    try:
        check_block(leaf.cid, block)
        return checked_leaf(leaf, block)
    except CidInvalid as error:
        raise CopyMissing(f"{shape.cid} in {depot.name}, from byte {leaf.start}: {error}") from None
