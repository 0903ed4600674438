"""One value, one spelling: canonical JSON (RFC 8785, without floats, null, or map keys that clients choose).

A decoder that accepts two spellings of one value gives one transaction many ids. So everything that is signed is
decoded, encoded again, and compared with what came in; msgspec's sorted output is RFC 8785's for ASCII keys. Optional
fields are absent (`UNSET`), never null.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from ledger.errors import Code, LedgerError

T = TypeVar("T")

NOT_DECODED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises of bytes that are no value of a type; text that is no UTF-8, and what is nested too deep, too."""

_encoder = msgspec.json.Encoder(order="sorted")


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Base of everything that has canonical bytes."""


def encode(value: Any) -> bytes:
    """Canonical bytes of a value."""
    return _encoder.encode(value)


_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    return decoder


def decode(data: bytes | msgspec.Raw, kind: type[T]) -> T:
    """Value of a kind from its canonical bytes. MALFORMED if it is none, NOT_CANONICAL if spelled otherwise."""
    try:
        value: T = _decoder(kind).decode(data)
    except (*NOT_DECODED, OverflowError) as error:
        raise LedgerError(Code.MALFORMED, f"{error}; see the documented shape of this value") from None
    if _encoder.encode(value) != bytes(data):
        raise LedgerError(
            Code.NOT_CANONICAL,
            "decoding and encoding again gives other bytes; send RFC 8785: sorted keys, no white space, "
            "no needless escapes, absent fields left out",
        )
    return value


def decode_trusted(data: bytes | msgspec.Raw, kind: type[T]) -> T:
    """Value from bytes that this node wrote itself, or that a digest already vouches for."""
    value: T = _decoder(kind).decode(data)
    return value
