"""CBOR in one spelling: what is decoded is encoded again and compared, as canonical JSON is.

It takes maps, arrays, text, bytes, integers of 64 bits, true, false and null, in their shortest form and of definite
length, with no key twice and nothing after the value; the one tag it takes is COSE_Sign1's, outermost. What it writes
has its keys in the order of RFC 8949, 4.2.1; what it reads may have them in another, since others sign their headers as
they wrote them.

The bytes come from strangers, and a library builds whatever a tag asks for: patterns, dates, values that hold one
another. So a pass over the bytes that builds nothing comes first, and lets only the kinds above through to the library.
"""

from __future__ import annotations

from typing import Any

import cbor2

DEPTH_MAX = 16
VALUES_MAX = 8_192
"""Values in one piece of CBOR, counting keys and containers: some milliseconds of work."""
SIGN1_HEAD = b"\xd2"
"""Tag 18 in its shortest form."""
UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
"""Major types."""
FALSE, TRUE, NULL = 20, 21, 22
"""Values of the type `SIMPLE`; its others are floats, and values that no standard names."""


class CborRefused(Exception):
    """The bytes are not CBOR of the kind taken here; the text says why."""


def encode(value: Any) -> bytes:
    """Deterministic bytes of a value."""
    return cbor2.dumps(_ordered(value))


def decode(data: bytes) -> Any:
    """Value from its bytes, in Python's own kinds. CborRefused unless they are the one spelling, but for key order."""
    _check_structure(data)
    try:
        value = cbor2.loads(data)
    except (cbor2.CBORDecodeError, ValueError) as error:
        raise CborRefused(f"it is not CBOR: {type(error).__name__}") from None
    if cbor2.dumps(value) != data:
        raise CborRefused("decoding and encoding again gives other bytes; send the shortest form, and no key twice")
    return value


def _check_structure(data: bytes) -> None:
    """CborRefused unless the bytes are one value of the kinds taken here, in time that grows as they do."""
    place = int(data.startswith(SIGN1_HEAD))
    values, levels = 0, [(ARRAY, 1)]
    """What is open, outermost first: its type, and how many values of it are still to come."""
    while levels:
        holder, left = levels.pop()
        if left == 0:
            continue
        levels.append((holder, left - 1))
        kind, number, place = _head(data, place)
        values += 1
        if values > VALUES_MAX:
            raise CborRefused(f"it holds more than {VALUES_MAX} values")
        if holder == MAP and left % 2 == 0 and kind not in (UNSIGNED, NEGATIVE, TEXT):
            raise CborRefused("a key of a map is neither an integer nor text")
        size = number if kind in (BYTES, TEXT) else 0
        inner = {ARRAY: number, MAP: 2 * number}.get(kind, 0)
        if size + inner > len(data) - place:
            raise CborRefused("it is not CBOR: a length reaches beyond the end")
        place += size
        if inner:
            levels.append((kind, inner))
        if len(levels) > DEPTH_MAX + 1:
            raise CborRefused(f"it is nested more than {DEPTH_MAX} deep")
    if place != len(data):
        raise CborRefused("it is not CBOR: something stands behind its end")


def _head(data: bytes, place: int) -> tuple[int, int, int]:
    """Major type of the value at a place, the number in its head, and where the head ends."""
    if place >= len(data):
        raise CborRefused("it is not CBOR: it ends too early")
    kind, number = data[place] >> 5, data[place] & 31
    if kind == TAG:
        raise CborRefused("it holds a tag; the only one taken here is 18, COSE_Sign1, outermost and in one byte")
    if kind == SIMPLE and number not in (FALSE, TRUE, NULL):
        raise CborRefused("it holds a float, or a simple value other than true, false and null")
    if number < 24:
        return kind, number, place + 1
    if number > 27:
        raise CborRefused("a length is indefinite; send a definite one")
    end = place + 1 + (1 << number - 24)
    return kind, int.from_bytes(data[place + 1 : end], "big"), end


def _ordered(value: Any) -> Any:
    if isinstance(value, cbor2.CBORTag):
        return cbor2.CBORTag(value.tag, _ordered(value.value))
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value, key=cbor2.dumps)}
    return [_ordered(inner) for inner in value] if isinstance(value, list | tuple) else value
