"""WebP: chunks in a RIFF file, and within the frames of an animation. Source: RFC 9649, 2."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pictures.containers import exif
from pictures.containers.parts import FilePart, SaidInside, behind, is_profile, said_bytes

_HEAD_BYTES = 12
_FRAME_HEAD_BYTES = 16
_PICTURE = (b"VP8 ", b"VP8L", b"ALPH")
_SIZES = {b"VP8X": 10, b"ANIM": 6}
_ICC, _EXIF, _XMP = 0x20, 0x08, 0x04
"""Flags of the header: that such a chunk follows."""
_FLAGS_AT = 8
_NAMES = {b"C2PA": "C2PA", b"XMP ": "XMP"}


def parts(data: bytes) -> Iterator[FilePart]:
    """The chunks of a WebP."""
    end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    yield from _parts(data, _HEAD_BYTES, end, frames=True)
    yield behind(data, end)


def written(kept: list[bytes], entries: bytes) -> bytes:
    """The file of what is kept, whose header announces what it has; with EXIF if there is any."""
    chunks = [chunk for chunk in kept if chunk]
    follows = (_EXIF if entries else 0) | (_ICC if any(chunk.startswith(b"ICCP") for chunk in chunks) else 0)
    for at, chunk in enumerate(chunks):
        if chunk.startswith(b"VP8X"):
            flags = chunk[_FLAGS_AT] & ~(_ICC | _EXIF | _XMP) | follows
            chunks[at] = chunk[:_FLAGS_AT] + bytes((flags,)) + chunk[_FLAGS_AT + 1 :]
    body = b"".join([b"WEBP", *chunks, _chunk(b"EXIF", entries) if entries else b""])
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _parts(data: bytes, start: int, end: int, *, frames: bool) -> Iterator[FilePart]:
    """Chunks; those that are frames only where there may be some, which is not within a frame."""
    while start + 8 <= end:
        kind = data[start : start + 4]
        (size,) = struct.unpack_from("<I", data, start + 4)
        body = data[start + 8 : min(start + 8 + size, end)]
        if frames and kind == b"ANMF":
            yield _frame(body)
        elif (needed := _needed(kind, body)) is None:
            yield FilePart(said=_said(kind, body))
        else:
            yield FilePart(_chunk(kind, body[:needed]), said_bytes(f"in {kind.decode().strip()}", len(body) - needed))
        start += 8 + size + size % 2
    yield FilePart(said=said_bytes("behind the picture", end - start))


def _frame(body: bytes) -> FilePart:
    """A frame of an animation, itself of chunks."""
    found = list(_parts(body, _FRAME_HEAD_BYTES, len(body), frames=False))
    kept = body[:_FRAME_HEAD_BYTES] + b"".join(part.kept for part in found)
    return FilePart(_chunk(b"ANMF", kept), tuple(one for part in found for one in part.said))


def _needed(kind: bytes, body: bytes) -> int | None:
    """How many of a chunk's bytes showing the picture needs; None if it does not need the chunk."""
    if kind in _PICTURE:
        return len(body)
    if kind == b"ICCP":
        return len(body) if is_profile(body) else None
    size = _SIZES.get(kind)
    return size if size is not None and len(body) >= size else None


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _said(kind: bytes, body: bytes) -> tuple[SaidInside, ...]:
    """What a chunk says that is not needed."""
    if kind == b"EXIF":
        return exif.said(body)
    return (SaidInside(_NAMES.get(kind, "a part of its own"), f"{len(body)} bytes"),)
