"""Files as IPFS cuts them: raw leaves under a tree of dag-pb nodes, in the UnixFS profile `unixfs-v1-2025`.

The profile (IPIP-499): leaves of 1 MiB in a balanced tree of at most 1,024 links a node, so that our ids equal those of
any Kubo set to it. A file of at most one chunk is its own raw block. Trees of other chunks and widths, such as the
256 KiB and 174 links of older Kubo, are read as well, as long as their leaves are raw. Sources: the dag-pb and UnixFS
specifications.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from remarque.cid import DAG_PB, RAW, CidInvalid, cid_bytes, cid_of, cid_text, parse_cid, varint

PROFILE = "unixfs-v1-2025"
CHUNK = 1024 * 1024
LINKS_MAX = 1024
BLOCK_BYTES_MAX = 2 * 1024 * 1024
"""Of one block, as IPFS's nodes pass them on."""
FILE_BYTES_MAX = (1 << 30) + (1 << 19)
"""Of one file: a gibibyte, and what encryption adds to it."""
BLOCKS_MAX = 8_192
"""Of one file: what a gibibyte has in chunks of 256 KiB, and the nodes above them."""

_FILE = 2
"""UnixFS's type of a file."""


class Leaf(NamedTuple):
    """A piece of a file."""

    cid: str
    start: int
    """Where in the file it begins, in bytes."""
    size: int


class FileShape(NamedTuple):
    """How a file is made up."""

    cid: str
    size: int
    """In bytes."""
    nodes: tuple[str, ...]
    """Ids of the nodes, each behind the one that links to it; none if the file is one block."""
    leaves: tuple[Leaf, ...]


class _Link(NamedTuple):
    cid: str
    stored: int
    """Bytes of the block and of all below it."""
    size: int
    """Bytes of the file that it stands for."""


def blocks_of(parts: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """The blocks of a file, whose bytes come in parts of any size: leaves in order, then nodes, the root last."""
    level: list[_Link] = []
    for chunk in _chunks(parts):
        level.append(_Link(cid_of(RAW, chunk), len(chunk), len(chunk)))
        yield level[-1].cid, chunk
    while len(level) > 1:
        parents = []
        for start in range(0, len(level), LINKS_MAX):
            children = level[start : start + LINKS_MAX]
            node = _encode(children)
            stored = len(node) + sum(child.stored for child in children)
            parents.append(_Link(cid_of(DAG_PB, node), stored, sum(child.size for child in children)))
            yield parents[-1].cid, node
        level = parents


def cid_of_parts(parts: Iterable[bytes]) -> str:
    """Content id of a file whose bytes come in parts; no more than a chunk of it is kept."""
    cid = ""
    for name, _ in blocks_of(parts):
        cid = name
    return cid


def import_file(data: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Content id of a file, and all its blocks as (id, bytes), the root last."""
    blocks = list(blocks_of((data,)))
    return blocks[-1][0], blocks


def _chunks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in chunks; one empty chunk if there are none."""
    waiting, cut = b"", False
    for part in parts:
        at = 0
        while len(waiting) + len(part) - at >= CHUNK:
            taken = CHUNK - len(waiting)
            yield waiting + part[at : at + taken]
            waiting, at, cut = b"", at + taken, True
        waiting += part[at:]
    if waiting or not cut:
        yield waiting


def shape_of(cid: str, read: Callable[[str], bytes]) -> FileShape:
    """How a file is made up, by its nodes alone; `read` gives a block by its id.

    CidInvalid if what is read is no file of raw leaves, or one that is too large.
    """
    if parse_cid(cid)[0] == RAW:
        size = len(read(cid))
        return FileShape(cid, size, (), (Leaf(cid, 0, size),))
    wanted, nodes, leaves, at = [_Link(cid, 0, -1)], list[str](), list[Leaf](), 0
    while wanted:
        link = wanted.pop()
        if parse_cid(link.cid)[0] == RAW:
            if link.size > BLOCK_BYTES_MAX:
                raise CidInvalid(f"{link.cid} would have {link.size} bytes, a block has at most {BLOCK_BYTES_MAX}")
            leaves.append(Leaf(link.cid, at, link.size))
            at += link.size
            continue
        children = children_of(link.cid, read(link.cid))
        if link.size not in (-1, sum(child.size for child in children)):
            raise CidInvalid(f"{link.cid} is not of the size that the node above it says")
        nodes.append(link.cid)
        wanted += reversed(children)
        if len(nodes) + len(leaves) + len(wanted) > BLOCKS_MAX:
            raise CidInvalid(f"{cid} has more than {BLOCKS_MAX} blocks")
        if sum(child.size for child in children) > FILE_BYTES_MAX:
            raise CidInvalid(f"{cid} has more than {FILE_BYTES_MAX} bytes")
    return FileShape(cid, at, tuple(nodes), tuple(leaves))


def depth_first(cid: str, read: Callable[[str], bytes], part: tuple[int, int] | None = None) -> list[str]:
    """Ids of the blocks of a file in depth-first order, as often as they stand in it; `read` gives a node by its id.

    Of a part, from one byte to before another, only what is needed to hold it against the id. CidInvalid.
    """
    found, wanted = list[str](), [(cid, 0)]
    while wanted:
        one, at = wanted.pop()
        found.append(one)
        if parse_cid(one)[0] == RAW:
            continue
        below = list[tuple[str, int]]()
        for child in children_of(one, read(one)):
            if part is None or (at < part[1] and at + child.size > part[0]):
                below.append((child.cid, at))
            at += child.size
        wanted += reversed(below)
        if len(found) + len(wanted) > BLOCKS_MAX:
            raise CidInvalid(f"{cid} has more than {BLOCKS_MAX} blocks")
    return found


def size_of(cid: str, root: bytes) -> int:
    """Bytes of a file, as its first block says. CidInvalid."""
    return len(root) if parse_cid(cid)[0] == RAW else sum(child.size for child in children_of(cid, root))


def checked_leaf(leaf: Leaf, block: bytes) -> bytes:
    """The bytes of a leaf, which are those of its id. CidInvalid if they are more or fewer than the node above says."""
    if len(block) != leaf.size:
        raise CidInvalid(f"{leaf.cid} has {len(block)} bytes, and not the {leaf.size} that the node above it says")
    return block


def children_of(cid: str, block: bytes) -> list[_Link]:
    """What a dag-pb node links to, in order. CidInvalid if it is no node of a file whose bytes are all in leaves."""
    links, data = list[bytes](), list[bytes]()
    for field, value in fields(block):
        if isinstance(value, bytes):
            (links if field == 2 else data).append(value)
    if len(data) != 1 or not links or len(links) > LINKS_MAX:
        raise CidInvalid(f"{cid} is no node of a file, with 1 to {LINKS_MAX} links")
    sizes = _sizes(cid, data[0])
    if len(sizes) != len(links):
        raise CidInvalid(f"{cid} has {len(links)} links and says the sizes of {len(sizes)}")
    return [_Link(_linked(cid, link), 0, size) for link, size in zip(links, sizes, strict=True)]


def _linked(cid: str, link: bytes) -> str:
    hashes = [value for field, value in fields(link) if field == 1 and isinstance(value, bytes)]
    if len(hashes) != 1:
        raise CidInvalid(f"a link of {cid} is malformed")
    return cid_text(hashes[0])


def _sizes(cid: str, unixfs: bytes) -> list[int]:
    """Sizes of the parts of a file, in bytes, from a node's UnixFS data."""
    kind, total, sizes = -1, -1, list[int]()
    for field, value in fields(unixfs):
        if isinstance(value, bytes):
            raise CidInvalid(f"{cid} holds bytes of its file itself")
        if field == 1:
            kind = value
        elif field == 3:
            total = value
        elif field == 4:
            sizes.append(value)
    if kind != _FILE or total != sum(sizes):
        raise CidInvalid(f"{cid} is no node of a file, or does not add up")
    return sizes


def _encode(children: list[_Link]) -> bytes:
    """dag-pb node of a file's part."""
    links = b""
    for child in children:
        links += encode_link(child.cid, "", child.stored)
    total = varint(sum(child.size for child in children))
    unixfs = b"\x08\x02\x18" + total + b"".join(b"\x20" + varint(child.size) for child in children)
    return links + b"\x0a" + varint(len(unixfs)) + unixfs


def encode_link(cid: str, name: str, stored: int) -> bytes:
    """A link of a dag-pb node; `stored`: bytes of the block that it leads to and of all below that."""
    packed = cid_bytes(cid)
    link = b"\x0a" + varint(len(packed)) + packed
    link += b"\x12" + varint(len(name.encode())) + name.encode() + b"\x18" + varint(stored)
    return b"\x12" + varint(len(link)) + link


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Fields of a protobuf message: numbers, and what has a length. CidInvalid."""
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        value, at = _read_varint(data, at)
        if key & 7 == 0:
            yield key >> 3, value
        elif key & 7 == 2:
            if at + value > len(data):
                raise CidInvalid("a field is cut off")
            yield key >> 3, data[at : at + value]
            at += value
        else:
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
