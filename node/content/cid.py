"""Content ids as IPFS has them: CIDv1, SHA-256, base32, for the UnixFS profile `unixfs-v1-2025`.

The profile (IPIP-499): raw leaves of 1 MiB in a balanced tree of at most 1,024 links a node, so that our ids equal
those of any Kubo set to it. A file of at most one chunk is its own raw block. Sources: the CID and dag-pb
specifications.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

PROFILE = "unixfs-v1-2025"
CHUNK = 1024 * 1024
LINKS_MAX = 1024
RAW, DAG_PB = 0x55, 0x70
_SHA256_HEADER = b"\x12\x20"


class CidInvalid(Exception):
    """The text is not a content id of the kind used here, or a block is not what its id names."""


def cid_of(codec: int, block: bytes) -> str:
    """Content id of one block."""
    return _text(codec, hashlib.sha256(block).digest())


def cid_of_digest(digest: bytes) -> str:
    """Content id of the raw block with a SHA-256."""
    return _text(RAW, digest)


def _text(codec: int, digest: bytes) -> str:
    packed = bytes((1, codec)) + _SHA256_HEADER + digest
    return "b" + base64.b32encode(packed).decode().lower().rstrip("=")


def parse_cid(text: str) -> tuple[int, bytes]:
    """Codec and SHA-256 of a content id. CidInvalid if it is of another kind, or spelled in another way."""
    try:
        packed = base64.b32decode(text[1:].upper() + "=" * (-(len(text) - 1) % 8))
    except ValueError:
        raise CidInvalid(f"{text[:80]!r} is not base32") from None
    if len(packed) != 36 or packed[0] != 1 or packed[1] not in (RAW, DAG_PB) or packed[2:4] != _SHA256_HEADER:
        raise CidInvalid(f"{text[:80]!r} is not a CIDv1 of SHA-256 over a raw or dag-pb block")
    if _text(packed[1], packed[4:]) != text:
        raise CidInvalid(f"{text[:80]!r} is not spelled as base32 in lower case")
    return packed[1], packed[4:]


def check_block(cid: str, block: bytes) -> None:
    """Refuse a block that is not the one its id names."""
    if hashlib.sha256(block).digest() != parse_cid(cid)[1]:
        raise CidInvalid(f"the bytes are not those of {cid}")


def import_file(data: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Content id of a file, and all its blocks as (id, bytes), leaves first and the root last."""
    blocks: list[tuple[str, bytes]] = []
    level: list[tuple[str, int, int]] = []
    for start in range(0, max(len(data), 1), CHUNK):
        chunk = data[start : start + CHUNK]
        blocks.append((cid_of(RAW, chunk), chunk))
        level.append((blocks[-1][0], len(chunk), len(chunk)))
    while len(level) > 1:
        parents = []
        for start in range(0, len(level), LINKS_MAX):
            children = level[start : start + LINKS_MAX]
            node = _encode_node(children)
            blocks.append((cid_of(DAG_PB, node), node))
            stored = len(node) + sum(child[1] for child in children)
            parents.append((blocks[-1][0], stored, sum(child[2] for child in children)))
        level = parents
    return level[0][0], blocks


def _encode_node(children: list[tuple[str, int, int]]) -> bytes:
    """dag-pb node of a file's part; children are (id, stored size, file size)."""
    links = b""
    for cid, stored, _ in children:
        codec, digest = parse_cid(cid)
        packed = bytes((1, codec)) + _SHA256_HEADER + digest
        link = b"\x0a" + _varint(len(packed)) + packed + b"\x12\x00" + b"\x18" + _varint(stored)
        links += b"\x12" + _varint(len(link)) + link
    sizes = [child[2] for child in children]
    unixfs = b"\x08\x02" + b"\x18" + _varint(sum(sizes)) + b"".join(b"\x20" + _varint(size) for size in sizes)
    return links + b"\x0a" + _varint(len(unixfs)) + unixfs


def links_of(cid: str, block: bytes) -> list[str]:
    """Content ids that a block links to, in order; none for a raw block. CidInvalid if a dag-pb block is malformed."""
    codec, _ = parse_cid(cid)
    if codec == RAW:
        return []
    found = []
    for field, value in _fields(block):
        if field == 2:
            hashes = [part for number, part in _fields(value) if number == 1]
            if len(hashes) != 1 or len(hashes[0]) != 36:
                raise CidInvalid(f"a link of {cid} is malformed")
            found.append(_text(hashes[0][1], hashes[0][4:]))
            parse_cid(found[-1])
    if len(found) > LINKS_MAX:
        raise CidInvalid(f"{cid} has more than {LINKS_MAX} links")
    return found


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Length-delimited fields of a protobuf message; others are passed over."""
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        length, at = _read_varint(data, at)
        if key & 7 == 2:
            if at + length > len(data):
                raise CidInvalid("a field is cut off")
            yield key >> 3, data[at : at + length]
            at += length
        elif key & 7 != 0:
            raise CidInvalid("a field of an unknown kind")


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise CidInvalid("a number is cut off or too long")
        number |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return number, at
        shift += 7
