"""Piece commitments, by which Filecoin's providers know data: the root of a tree over it, with two bits after each 254.

Sources: Filecoin's specification (piece, fr32 padding), FRC-0069 (piece CID v2), the multicodec table. All of it goes
through in one pass: a mebibyte is made a tree at once, and of those before only one root for each level is kept.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hashlib import sha256

import numpy

NODE_BYTES = 32
QUAD_BYTES = 127
"""So many bytes of data are spread over four leaves."""
GROWN_QUADS = 1 << 13
GROWN_LEVELS = 15
"""A mebibyte of leaves is made a tree together: 2^13 quads of four leaves."""
LEVELS_MAX = 60
_HEADER_V1 = bytes.fromhex("0181e203922020")
"""CIDv1, fil-commitment-unsealed, sha2-256-trunc254-padded, 32 bytes."""
_HEADER_V2 = bytes.fromhex("01559120")
"""CIDv1, raw, fr32-sha2-256-trunc254-padded-binary-tree."""
_TOP = numpy.uint8(0x3F)
"""What is left of the last byte of a leaf, or of a digest: 254 bits in 256."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What data is known by at a provider."""

    root: bytes
    levels: int
    """Above the leaves of 32 bytes."""
    padding: int
    """Zero bytes behind the data, which fill the tree."""

    @property
    def bytes(self) -> int:
        """The size of the tree's leaves, which a provider counts: a power of two."""
        return NODE_BYTES << self.levels

    @property
    def cid_v1(self) -> str:
        """The piece CID that names the root alone, `baga…`."""
        return _text(_HEADER_V1 + self.root)

    @property
    def cid_v2(self) -> str:
        """The piece CID that names root, height and padding, `bafkz…`."""
        said = _varint(self.padding) + bytes([self.levels]) + self.root
        return _text(_HEADER_V2 + _varint(len(said)) + said)


class PieceHash:
    """Makes a piece of data that comes part after part."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._size = 0
        self._roots: list[bytes | None] = []
        """Of trees that wait for the one beside them, by level above GROWN_LEVELS."""

    def update(self, data: bytes) -> None:
        """Take more of the data."""
        self._size += len(data)
        self._waiting += data
        step = GROWN_QUADS * QUAD_BYTES
        at = 0
        while len(self._waiting) - at >= step:
            self._grow(_tree(self._waiting[at : at + step])[0])
            at += step
        del self._waiting[:at]

    def piece(self) -> Piece:
        """The piece of all that was taken. Nothing is taken afterwards."""
        if self._waiting or not self._size:
            root, levels = _tree(self._waiting)
            if not self._roots:
                return self._made(root, levels)
            while levels < GROWN_LEVELS:
                root, levels = _node(root, _zeros(levels)), levels + 1
            self._grow(root)
        found, top = None, len(self._roots) - 1
        for level, left in enumerate(self._roots):
            if found is not None:
                found = _node(left, found) if left is not None else _node(found, _zeros(GROWN_LEVELS + level))
            elif left is not None and level < top:
                found = _node(left, _zeros(GROWN_LEVELS + level))
        if found is not None:
            return self._made(found, GROWN_LEVELS + top + 1)
        return self._made(self._roots[top] or b"", GROWN_LEVELS + top)

    def _made(self, root: bytes, levels: int) -> Piece:
        return Piece(root, levels, (NODE_BYTES << levels) // 128 * QUAD_BYTES - self._size)

    def _grow(self, root: bytes) -> None:
        """Put a tree beside one that waits, and that beside the next."""
        level, made = 0, root
        while level < len(self._roots) and (left := self._roots[level]) is not None:
            made, self._roots[level] = _node(left, made), None
            level += 1
        if level == len(self._roots):
            self._roots.append(None)
        self._roots[level] = made


def piece_of(data: bytes) -> Piece:
    """The piece of some bytes."""
    hashed = PieceHash()
    hashed.update(data)
    return hashed.piece()


def _tree(data: bytes | bytearray) -> tuple[bytes, int]:
    """Root and levels of the tree over data, filled with zeros."""
    nodes, levels = _spread(data), 0
    while len(nodes) > NODE_BYTES:
        if len(nodes) % (2 * NODE_BYTES):
            nodes += _zeros(levels)
        digests = b"".join([sha256(nodes[at : at + 64]).digest() for at in range(0, len(nodes), 64)])
        cut = numpy.frombuffer(digests, numpy.uint8).reshape(-1, NODE_BYTES).copy()
        cut[:, -1] &= _TOP
        nodes, levels = cut.tobytes(), levels + 1
    return nodes, levels


def _spread(data: bytes | bytearray) -> bytes:
    """Leaves: each has 254 bits of the data and two of zero behind them; 127 bytes fill four."""
    quads = max(-(-len(data) // QUAD_BYTES), 1)
    filled = numpy.zeros((quads, QUAD_BYTES + 1), numpy.uint8)
    whole = bytes(data) + bytes(quads * QUAD_BYTES - len(data))
    filled[:, :QUAD_BYTES] = numpy.frombuffer(whole, numpy.uint8).reshape(quads, QUAD_BYTES)
    leaves = numpy.empty((quads, 4, NODE_BYTES), numpy.uint8)
    leaves[:, 0] = filled[:, :32]
    for leaf, shift in ((1, 2), (2, 4), (3, 6)):
        low, high = filled[:, 32 * leaf - 1 : 32 * leaf + 31], filled[:, 32 * leaf : 32 * leaf + 32]
        leaves[:, leaf] = (low >> numpy.uint8(8 - shift)) | (high << numpy.uint8(shift))
    leaves[:, :, -1] &= _TOP
    return leaves.tobytes()


def _node(left: bytes, right: bytes) -> bytes:
    digest = bytearray(sha256(left + right).digest())
    digest[-1] &= int(_TOP)
    return bytes(digest)


def _all_zeros() -> list[bytes]:
    roots = [bytes(NODE_BYTES)]
    while len(roots) < LEVELS_MAX:
        roots.append(_node(roots[-1], roots[-1]))
    return roots


_ZEROS = _all_zeros()


def _zeros(level: int) -> bytes:
    """Root of a tree of so many levels over zeros."""
    return _ZEROS[level]


def _varint(number: int) -> bytes:
    head = bytearray()
    while number > 127:
        head.append(number & 127 | 128)
        number >>= 7
    return bytes((*head, number))


def _text(packed: bytes) -> str:
    return "b" + base64.b32encode(packed).decode().lower().rstrip("=")
