"""CBOR in one spelling: what is decoded is encoded again and compared, as canonical JSON is.

Taken are maps, arrays, text, bytes, integers of 64 bits, true, false and null, in their shortest form, of definite
length, no key twice and nothing behind; the one tag is COSE_Sign1's, outermost. What is written has its keys in the
order of RFC 8949, 4.2.1; what is read may have them in another, for others sign their headers as they wrote them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cbor2

DEPTH_MAX = 16
INTEGER_END = 2**64
"""Integers of CBOR's own kind lie from -2**64 to before this."""


class CborRefused(Exception):
    """The bytes are not CBOR of the kind taken here; the text says why."""


def encode(value: Any) -> bytes:
    """Deterministic bytes of a value."""
    return cbor2.dumps(_ordered(value))


def decode(data: bytes) -> Any:
    """Value from its bytes. CborRefused unless they are the one spelling, but for the order of keys."""
    try:
        found = cbor2.loads(data)
    except Exception as error:  # the library also decodes dates, decimals and patterns, each failing in its own way
        raise CborRefused(f"it is not CBOR: {type(error).__name__}") from None
    tag = found.tag if isinstance(found, cbor2.CBORTag) else None
    value = _plain(found if tag is None else found.value, 0)
    if cbor2.dumps(value if tag is None else cbor2.CBORTag(tag, value)) != data:
        raise CborRefused("decoding and encoding again gives other bytes; send the shortest form, of definite length")
    return value if tag is None else cbor2.CBORTag(tag, value)


def _plain(value: Any, depth: int) -> Any:
    """The value in Python's own kinds, whatever the library's version makes of it."""
    if depth > DEPTH_MAX:
        raise CborRefused(f"it is nested more than {DEPTH_MAX} deep")
    if value is None or type(value) in (bool, bytes, str):
        return value
    if type(value) is int and -INTEGER_END <= value < INTEGER_END:
        return value
    if isinstance(value, Mapping):
        if any(type(key) not in (int, str) for key in value):
            raise CborRefused("a key of a map is neither an integer nor text")
        return {_plain(key, depth): _plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, depth + 1) for inner in value]
    raise CborRefused(f"it holds a {type(value).__name__}, which is not taken here")


def _ordered(value: Any) -> Any:
    if isinstance(value, cbor2.CBORTag):
        return cbor2.CBORTag(value.tag, _ordered(value.value))
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value, key=cbor2.dumps)}
    return [_ordered(inner) for inner in value] if isinstance(value, list | tuple) else value
