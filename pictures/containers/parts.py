"""What every container is taken apart into, and what several of them hold."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

PROFILE_BYTES_MAX = 16 << 20
"""Of a colour profile that is unpacked to be looked at."""
_PROFILE_HEAD_BYTES = 128


@dataclass(frozen=True)
class SaidInside:
    """One thing that a file says beside its pixels."""

    what: str
    """Such as `where it was taken`, `camera`, `text prompt`, `C2PA`."""
    text: str
    """What it says, or how many bytes it has."""


@dataclass(frozen=True)
class FilePart:
    """A part of a file, in the order in which it stands there."""

    kept: bytes = b""
    """What showing the picture needs of it, as it is written; nothing if it needs nothing."""
    said: tuple[SaidInside, ...] = ()
    """What the rest of it says; nothing if there is none."""


def said_bytes(what: str, size: int) -> tuple[SaidInside, ...]:
    """That something has so many bytes; nothing if it has none."""
    return (SaidInside(what, f"{size} bytes"),) if size > 0 else ()


def behind(data: bytes, end: int) -> FilePart:
    """What lies behind the end of a picture, or behind the last part of it that could be read."""
    return FilePart(said=said_bytes("behind the picture", len(data) - end))


def unpacked(packed: bytes, bytes_max: int) -> bytes:
    """What zlib packed, up to a limit; the bytes themselves where it did not."""
    try:
        return zlib.decompressobj().decompress(packed, bytes_max)
    except zlib.error:
        return packed


def is_profile(profile: bytes) -> bool:
    """Whether bytes are an ICC profile and nothing more: ICC.1, 7.2, with zeros behind it at most."""
    size = int.from_bytes(profile[:4], "big")
    whole = _PROFILE_HEAD_BYTES <= size <= len(profile)
    return whole and profile[36:40] == b"acsp" and not profile[size:].strip(b"\0")


def uncovered(data: bytes, covered: list[tuple[int, int]]) -> int:
    """How many bytes other than 0 lie in none of some ranges."""
    count = reached = 0
    for start, end in [*sorted(covered), (len(data), len(data))]:
        gap = data[reached : max(reached, start)]
        count += len(gap) - gap.count(0)
        reached = max(reached, end)
    return count
