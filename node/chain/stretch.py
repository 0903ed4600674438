"""A stretch of the chain: final blocks in order, with the certificate that makes them so, for a node that follows."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.names import Count

STRETCH_BYTES_MAX = 272 * 1024 * 1024
"""From one kept certificate to the next there are 16 blocks at most, each of 16 MiB at most."""


class Stretch(msgspec.Struct, frozen=True, array_like=True):
    """What a node gives to one that asks for the blocks above a height."""

    blocks: tuple[bytes, ...]
    """Frames, the lowest first; none if there are no newer ones yet."""
    certificate: bytes
    """The certificate of the last of them; empty if there are none."""
    term: Count
    leader: Annotated[str, Meta(max_length=64)]
    """Who leads that term, as far as the giver knows; empty if it does not know."""


_decoder = msgspec.msgpack.Decoder(Stretch)


def encode_stretch(stretch: Stretch) -> bytes:
    return msgspec.msgpack.encode(stretch)


def decode_stretch(data: bytes) -> Stretch:
    """Stretch from its bytes; msgspec.DecodeError if it is none."""
    try:
        return _decoder.decode(data)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(f"it is not UTF-8, or nested too deep: {error}") from None
