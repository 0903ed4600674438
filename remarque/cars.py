"""CARs, the files in which IPFS's tools hand each other blocks: a header that names a root, then blocks.

Version 1 (source: the CAR specification): each section begins with its length as a varint; the header is DAG-CBOR, a
block stands behind its binary content id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cbor2

from remarque.cid import CID_BYTES, CidInvalid, check_block, cid_bytes, cid_text
from remarque.dag import BLOCK_BYTES_MAX, BLOCKS_MAX

MEDIA_TYPE = "application/vnd.ipld.car"
HEADER_BYTES_MAX = 1_024
_VARINT_BYTES_MAX = 9


class CarInvalid(Exception):
    """The bytes are no CAR of version 1, or hold a block that is not what its id names."""


def car_header(root: str) -> bytes:
    """What a CAR with one root begins with."""
    return header_of(cid_bytes(root))


def header_of(root: bytes) -> bytes:
    """The same for a root in its binary form, of whatever kind."""
    return section(cbor2.dumps({"roots": [cbor2.CBORTag(42, b"\x00" + root)], "version": 1}, canonical=True))


def car_block(cid: str, block: bytes) -> bytes:
    """A block as it stands in a CAR."""
    return section(cid_bytes(cid) + block)


def blocks_in(parts: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """The root of a CAR with no block, and then its blocks with their ids, each held against its id.

    CarInvalid at the first that is none; what was given before it holds. `parts`: its bytes, cut anywhere.
    """
    sections = _sections(parts)
    yield _root(next(sections, b"")), b""
    for count, section in enumerate(sections, 1):
        if count > BLOCKS_MAX:
            raise CarInvalid(f"it has more than {BLOCKS_MAX} blocks")
        try:
            cid, block = cid_text(section[:CID_BYTES]), section[CID_BYTES:]
            check_block(cid, block)
        except CidInvalid as error:
            raise CarInvalid(f"block {count}: {error}") from None
        yield cid, block


def _root(header: bytes) -> str:
    try:
        found = cbor2.loads(header)
        (root,) = found["roots"]
        if found["version"] == 1 and root.tag == 42 and root.value[:1] == b"\x00":
            return cid_text(root.value[1:])
    except (cbor2.CBORDecodeError, CidInvalid, AttributeError, KeyError, TypeError, ValueError):
        pass
    raise CarInvalid("it does not begin with the header of a CAR of version 1 with one root of a kind used here")


def section(data: bytes) -> bytes:
    """Bytes as they stand in a CAR, behind their length."""
    length, head = len(data), bytearray()
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    return bytes((*head, length)) + data


def _sections(parts: Iterable[bytes]) -> Iterator[bytes]:
    """What stands behind each length; the first is the header."""
    waiting, most = b"", HEADER_BYTES_MAX
    for part in parts:
        waiting += part
        while (found := _length(waiting, most)) is not None and len(waiting) >= sum(found):
            head, length = found
            yield waiting[head : head + length]
            waiting, most = waiting[head + length :], CID_BYTES + BLOCK_BYTES_MAX
    if waiting:
        raise CarInvalid("it is cut off")


def _length(data: bytes, most: int) -> tuple[int, int] | None:
    """Bytes of the varint with which a section begins, and bytes behind it; None if more has to come."""
    length = 0
    for place, byte in enumerate(data[:_VARINT_BYTES_MAX]):
        length |= (byte & 127) << (7 * place)
        if byte < 128:
            if not 0 < length <= most:
                raise CarInvalid(f"a section has {length} bytes, at most {most} are read")
            return place + 1, length
    if len(data) >= _VARINT_BYTES_MAX:
        raise CarInvalid("a length is too long")
    return None
