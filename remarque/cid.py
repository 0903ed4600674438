"""Content ids as IPFS has them: CIDv1, SHA-256, base32, of raw and dag-pb blocks. Source: the CID specification."""

from __future__ import annotations

import base64
import hashlib

RAW, DAG_PB = 0x55, 0x70
CID_BYTES = 36
"""Of a content id in its binary form."""
_SHA256_HEADER = b"\x12\x20"


class CidInvalid(Exception):
    """The text is not a content id of the kind used here, or a block is not what its id names."""


def cid_of(codec: int, block: bytes) -> str:
    """Content id of one block."""
    return _text(codec, hashlib.sha256(block).digest())


def cid_of_digest(digest: bytes) -> str:
    """Content id of the raw block with a SHA-256."""
    return _text(RAW, digest)


def cid_bytes(cid: str) -> bytes:
    """A content id in its binary form, 36 bytes. CidInvalid as for `parse_cid`."""
    codec, digest = parse_cid(cid)
    return bytes((1, codec)) + _SHA256_HEADER + digest


def cid_text(packed: bytes) -> str:
    """A content id from its binary form. CidInvalid if it is of another kind."""
    _checked(packed, packed.hex())
    return _text(packed[1], packed[4:])


def base32(packed: bytes) -> str:
    """Bytes in the base32 of content ids, with the letter that says so."""
    return "b" + base64.b32encode(packed).decode().lower().rstrip("=")


def varint(number: int) -> bytes:
    """A number as multiformats and protobuf write it: seven bits a byte, the lowest first."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _text(codec: int, digest: bytes) -> str:
    return base32(bytes((1, codec)) + _SHA256_HEADER + digest)


def _checked(packed: bytes, said: str) -> None:
    if len(packed) != CID_BYTES or packed[0] != 1 or packed[1] not in (RAW, DAG_PB) or packed[2:4] != _SHA256_HEADER:
        raise CidInvalid(f"{said[:80]!r} is not a CIDv1 of SHA-256 over a raw or dag-pb block")


def parse_cid(text: str) -> tuple[int, bytes]:
    """Codec and SHA-256 of a content id. CidInvalid if it is of another kind, or spelled in another way."""
    try:
        packed = base64.b32decode(text[1:].upper() + "=" * (-(len(text) - 1) % 8))
    except ValueError:
        raise CidInvalid(f"{text[:80]!r} is not base32") from None
    _checked(packed, text)
    if _text(packed[1], packed[4:]) != text:
        raise CidInvalid(f"{text[:80]!r} is not spelled as base32 in lower case")
    return packed[1], packed[4:]


def check_block(cid: str, block: bytes) -> None:
    """Refuse a block that is not the one its id names."""
    if hashlib.sha256(block).digest() != parse_cid(cid)[1]:
        raise CidInvalid(f"the bytes are not those of {cid}")
