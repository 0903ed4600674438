"""What nodes say to each other besides consensus, and the one MessagePack frame all of it travels in."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from consensus.messages import AnyMessage, AskIndex, HandOver, TellIndex
from consensus.raft_log import Number
from ledger.transaction import SignedTransaction, parse_signed

FRAME_BYTES_MAX = 64 * 1024 * 1024
PROTOCOL_LOWEST, PROTOCOL_HIGHEST = 1, 2
"""Versions of this protocol that the node speaks."""
SINCE_2 = HandOver | AskIndex | TellIndex
"""What a node of version 1 does not know."""


class Hello(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The first frame of a stream: who calls, for which chain, and how much of the log it holds."""

    node: str
    chain: str
    lowest: Number
    highest: Number
    last_index: Number


class Forward(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Transactions for the leader, each as body and signatures."""

    transactions: tuple[tuple[bytes, tuple[bytes, ...]], ...]


class ForwardRefused(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The leader will not propose a forwarded transaction."""

    transaction: str
    code: str
    detail: str


AnyFrame = AnyMessage | Hello | Forward | ForwardRefused

_decoder: msgspec.msgpack.Decoder[AnyFrame] = msgspec.msgpack.Decoder(AnyFrame)
_encoder = msgspec.msgpack.Encoder()


def forward_of(transactions: Iterable[SignedTransaction]) -> Forward:
    """The frame that hands transactions to a leader."""
    return Forward(
        tuple(
            (signed.body, tuple(bytes.fromhex(signature) for signature in signed.signatures)) for signed in transactions
        )
    )


def forwarded(frame: Forward) -> list[SignedTransaction]:
    """The transactions of a frame; LedgerError if one is none."""
    return [
        parse_signed(body, tuple(signature.hex() for signature in signatures))
        for body, signatures in frame.transactions
    ]


def encode_frame(frame: AnyFrame) -> bytes:
    return _encoder.encode(frame)


def decode_frame(data: bytes) -> AnyFrame:
    """Frame from its bytes; msgspec.DecodeError if it is none."""
    try:
        return _decoder.decode(data)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(f"it is not UTF-8, or nested too deep: {error}") from None
