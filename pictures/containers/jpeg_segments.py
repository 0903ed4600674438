"""The segments of a JPEG before its first scan, by where they are, and the JUMBF that some of them carry together.

Sources: ITU-T T.81, annex B; ISO/IEC 19566-5, D.2.
"""

from __future__ import annotations

APP0, APP1, APP11, SOS = 0xE0, 0xE1, 0xEB, 0xDA
C2PA_JUMBF = b"c2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71"
"""The kind of box that a manifest store is; C2PA 2.4, 11.1.4.2."""
_HEAD_BYTES, _BOX_HEAD_BYTES = 12, 8
"""Before the boxes in a segment: marker, length, `JP`, instance, sequence; then the head of the box, told in each."""


def segments_of(data: bytes) -> list[tuple[int, int]]:
    """Start and end of every segment before the first scan."""
    found, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != SOS:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        found.append((at, end))
        at = end
    return found


def store_segments(data: bytes) -> list[tuple[int, int]]:
    """Start and end of the segments that carry C2PA's manifest store."""
    jumbf = [one for one in segments_of(data) if data[one[0] + 1] == APP11 and data[one[0] + 4 : one[0] + 6] == b"JP"]
    stores = {data[start + 6 : start + 8] for start, end in jumbf if C2PA_JUMBF in data[start : min(end, start + 64)]}
    return [(start, end) for start, end in jumbf if data[start + 6 : start + 8] in stores]


def jumbf_of(data: bytes) -> bytes:
    """The manifest store; nothing if there is none."""
    parts = [data[start + _HEAD_BYTES : end] for start, end in store_segments(data)]
    return b"".join(part if at == 0 else part[_BOX_HEAD_BYTES:] for at, part in enumerate(parts))
