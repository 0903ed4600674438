"""What a node asks a child that decodes, and what that answers: MessagePack values, each behind its length.

A child has met a stranger's bytes, so what it says is bounded, and checked as strictly as what comes over a network.
"""

from __future__ import annotations

import struct
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ledger.names import Hex32, ImageCode, MediaType
from pictures.fingerprint import MINIATURE_BYTES
from pictures.opening import FRAMES_MAX, PICTURE_SIDE_MAX, Role

ANSWER_BYTES_MAX = 256 * 1024
LENGTH = struct.Struct(">I")
"""Stands before each value."""

Side = Annotated[int, Meta(ge=1, le=PICTURE_SIDE_MAX)]
Miniature = Annotated[bytes, Meta(min_length=MINIATURE_BYTES, max_length=MINIATURE_BYTES)]


class Limits(msgspec.Struct, frozen=True):
    """What one picture may cost."""

    pixels: int
    memory_bytes: int
    """Of address space: the interpreter and its libraries take 100 MB of it."""
    processor_seconds: int
    seconds: int
    """On the clock, from the moment the child is begun."""


class Ask(msgspec.Struct, frozen=True):
    """To a child; the picture's bytes come behind it."""

    wanted: Literal["facts", "miniature"]
    limits: Limits
    size: int
    """Of the bytes."""


class _Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    pass


class FrameFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What identifies one of several pictures in a file."""

    number: Annotated[int, Meta(ge=1, le=FRAMES_MAX)]
    """From 1, in the file's order."""
    role: Role
    duration_ms: Annotated[int, Meta(ge=0)]
    pixel_digest: Hex32
    code: ImageCode


class Facts(_Answer, frozen=True):
    """What identifies a picture, and what it is compared by."""

    width: Side
    height: Side
    media_type: MediaType
    file_digest: Hex32
    """SHA-256 of its bytes."""
    pixel_digest: Hex32
    """Of all that its file shows."""
    main: FrameFacts
    """Which picture of the file stands for it: codes and miniature are of this one."""
    others: Annotated[tuple[FrameFacts, ...], Meta(max_length=FRAMES_MAX)]
    """The other pictures in the file."""
    count: Annotated[int, Meta(ge=1, le=FRAMES_MAX)]
    """How many pictures the file holds, those that cannot be read too."""
    codes: Annotated[tuple[ImageCode, ...], Meta(min_length=1, max_length=32)]
    """Image codes to look it up by, its own first."""
    miniature: Miniature
    """What `pictures.fingerprint.difference` compares."""


class Reduced(_Answer, frozen=True):
    """A picture's miniature alone."""

    miniature: Miniature


class Declined(_Answer, frozen=True):
    """The picture is not one that is read here, or not within these limits."""

    code: Literal["IMAGE_UNREADABLE", "IMAGE_TOO_LARGE", "IMAGE_TOO_COSTLY"]
    detail: Annotated[str, Meta(max_length=1_000)]


class Ended(_Answer, frozen=True):
    """From the process that forks: the child ended without an answer."""

    signal: Annotated[int, Meta(ge=0, le=64)]
    """What ended it; 0 if it ended by itself."""


Answer = Facts | Reduced | Declined | Ended


def framed(value: msgspec.Struct) -> bytes:
    """A value as it is sent."""
    data = msgspec.msgpack.encode(value)
    return LENGTH.pack(len(data)) + data


def parse_answer(data: bytes) -> Answer:
    """A child's answer; msgspec.DecodeError if it is none."""
    found: Answer = msgspec.msgpack.decode(data, type=Answer)
    return found
