"""Piece commitments: what Filecoin knows a file by, the root of a binary tree of SHA-256 over all of it.

Two bits of zero stand behind every 254 (fr32), so that 127 bytes become four leaves of 32; zeros fill the tree up to a
power of two; and each node is the SHA-256 of the two below it without its two highest bits. Sources: the Filecoin
specification (Piece, Fr32) and FRC-0069 (piece CID v2). The commitment is not a proof that anybody keeps the file.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

import numpy as np

from remarque.cid import RAW, base32, varint

QUAD = 127
"""Bytes that become four leaves."""
STEP = QUAD * 8192
"""Bytes whose part of the tree is made at once; so many wait at most."""
NODE = 32
"""Bytes of a leaf, and of every node."""
_HIGHEST = 0x3F
_V1, _V2 = b"\x01\x81\xe2\x03\x92\x20\x20", bytes((1, RAW, 0x91, 0x20))
"""What ids of either version begin with: the codes of their codec and of their hash."""


class Piece(NamedTuple):
    """A file as Filecoin knows it."""

    commitment: bytes
    """The root of its tree, 32 bytes."""
    size: int
    """Bytes of the file itself."""

    @property
    def height(self) -> int:
        """Of its tree: it has two to the power of so many leaves."""
        return 2 + (max(1, -(-self.size // QUAD)) - 1).bit_length()

    @property
    def padded(self) -> int:
        """Bytes that it takes of a provider's sector."""
        return NODE << self.height

    @property
    def cid(self) -> str:
        """Its id, version 2, which says its size as well."""
        padding = self.padded // 128 * QUAD - self.size
        digest = varint(padding) + bytes((self.height,)) + self.commitment
        return base32(_V2 + varint(len(digest)) + digest)

    @property
    def cid_v1(self) -> str:
        """Its id, version 1, as deals name it."""
        return base32(_V1 + self.commitment)


class PieceHasher:
    """Finds the piece of a file whose bytes come in parts of any size. It keeps `STEP` of them, and a node a level."""

    def __init__(self) -> None:
        self._size = 0
        self._waiting = bytearray()
        self._full = list[bytes | None]()
        """For each level above that of a step, a node that waits for its right neighbour."""

    def update(self, part: bytes) -> None:
        """Take the next bytes."""
        self._size += len(part)
        self._waiting += part
        while len(self._waiting) > STEP:  # the last step waits, for it may be the only one
            self._add(_root(self._waiting[:STEP]))
            del self._waiting[:STEP]

    def piece(self) -> Piece:
        """The piece of all that has come. Nothing more may come."""
        quads = max(1, -(-len(self._waiting) // QUAD))
        filled = STEP if self._full else QUAD << (quads - 1).bit_length()
        node = _root(self._waiting.ljust(filled, b"\0"))
        zero = _root(bytes(STEP)) if self._full else b""
        for left in self._full:
            node = _parents(node + zero if left is None else left + node)
            zero = _parents(zero + zero)
        return Piece(node, self._size)

    def _add(self, node: bytes) -> None:
        for level, left in enumerate(self._full):
            if left is None:
                self._full[level] = node
                return
            node, self._full[level] = _parents(left + node), None
        self._full.append(node)


def _root(data: bytes | bytearray) -> bytes:
    """The root of the tree over quads, two to some power of them."""
    nodes = _leaves(np.frombuffer(data, np.uint8).reshape(-1, QUAD)).tobytes()
    while len(nodes) > NODE:
        nodes = _parents(nodes)
    return nodes


def _leaves(quads: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Four leaves, one behind the other, for each quad: fr32, in little-endian order of the bits."""
    wide = np.zeros((len(quads), 128), np.uint8)
    wide[:, :QUAD] = quads
    leaves = wide.copy()
    for leaf in (1, 2, 3):
        at = NODE * leaf
        leaves[:, at : at + NODE] = wide[:, at - 1 : at + 31] >> (8 - 2 * leaf) | wide[:, at : at + NODE] << 2 * leaf
    leaves[:, NODE - 1 :: NODE] &= _HIGHEST
    return leaves


def _parents(nodes: bytes) -> bytes:
    """The level above nodes that stand one behind the other, two and two."""
    digests = b"".join([sha256(nodes[at : at + 2 * NODE]).digest() for at in range(0, len(nodes), 2 * NODE)])
    above = np.frombuffer(bytearray(digests), np.uint8)
    above[NODE - 1 :: NODE] &= _HIGHEST
    return above.tobytes()
