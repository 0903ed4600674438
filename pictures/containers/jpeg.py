"""JPEG: segments, each behind a marker, and scans of coded data. Source: ITU-T T.81, annex B; T.871; T.872, 6.5.3."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pictures.containers import exif
from pictures.containers.parts import FilePart, SaidInside, behind, is_profile, said_bytes

START = b"\xff\xd8"

_EOI, _SOS, _APP0, _APP1, _APP2, _APP11, _APP14, _COM = 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEB, 0xEE, 0xFE
_STRAY = 0
"""In place of a marker: bytes between segments, which decoders skip."""
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))
"""Markers without a length: none of them belongs between segments."""
_DECODING = frozenset(range(0xC0, 0xE0)) - _ALONE - {0xC8, _EOI}
"""Markers of frames, tables and scans."""
_JFIF, _ADOBE, _PROFILE = b"JFIF\0", b"Adobe", b"ICC_PROFILE\0"
_JFIF_BYTES, _ADOBE_BYTES = 14, 12
_EXIF = b"Exif\0\0"


@dataclass(frozen=True)
class _Segment:
    marker: int
    body: bytes
    whole: bytes
    """As it stands in the file, a scan with the data it heads."""


def parts(data: bytes) -> Iterator[FilePart]:
    """The segments of a JPEG, and what lies between and behind them."""
    segments = list(_segments(data))
    profiled = _has_profile(segments)
    last_scan = max((at for at, segment in enumerate(segments) if segment.marker == _SOS), default=len(segments))
    for at, segment in enumerate(segments):
        kept = _needed(segment, profiled) if at <= last_scan else b""
        yield FilePart(kept, () if kept == segment.whole else _said(segment, len(segment.whole) - len(kept)))
    end = len(START) + sum(len(segment.whole) for segment in segments)
    yield behind(data, end + 2 if data[end : end + 2] == bytes((0xFF, _EOI)) else end)


def written(kept: list[bytes], entries: bytes) -> bytes:
    """The file of what is kept, with EXIF if there is any."""
    head = _segment(_APP1, _EXIF + entries) if entries else b""
    return b"".join([START, head, *kept, bytes((0xFF, _EOI))])


def _segments(data: bytes) -> Iterator[_Segment]:
    """All from behind the start to the marker of the end, or to the end of the bytes."""
    start = len(START)
    while start < len(data):
        marker_at = _marker_at(data, start)
        if marker_at > start:
            yield _Segment(_STRAY, data[start:marker_at], data[start:marker_at])
        marker, size = data[marker_at + 1 : marker_at + 2], data[marker_at + 2 : marker_at + 4]
        if not marker or marker[0] == _EOI:
            return
        body_at = marker_at + 4
        end = marker_at + 2 + int.from_bytes(size, "big")
        if end < body_at or end > len(data):
            yield _Segment(_STRAY, data[marker_at:], data[marker_at:])
            return
        body = data[body_at:end]
        if marker[0] == _SOS:
            end = _scan_end(data, end)
        yield _Segment(marker[0], body, data[marker_at:end])
        start = end


def _marker_at(data: bytes, start: int) -> int:
    """Where the next marker is that stands before a segment, behind what decoders skip; else the end of the bytes."""
    while (start := data.find(b"\xff", start)) != -1:
        following = data[start + 1 : start + 2]
        if following and following[0] not in {0x00, 0xFF, *_ALONE}:
            return start
        start += 1
    return len(data)


def _scan_end(data: bytes, start: int) -> int:
    """Where a scan's coded data end: at the next marker but those that belong to it."""
    while (start := data.find(b"\xff", start)) != -1 and start + 1 < len(data):
        if data[start + 1] != 0 and not 0xD0 <= data[start + 1] <= 0xD7:
            return start
        start += 2
    return len(data)


def _has_profile(segments: list[_Segment]) -> bool:
    """Whether the segments of a colour profile are a whole one, each there once (ICC.1, B.4)."""
    found = sorted(_profile_part(segment) for segment in segments if _is_of_profile(segment))
    numbered = [number for number, _ in found] == [bytes((at, len(found))) for at in range(1, len(found) + 1)]
    return numbered and is_profile(b"".join(part for _, part in found))


def _is_of_profile(segment: _Segment) -> bool:
    return segment.marker == _APP2 and segment.body.startswith(_PROFILE)


def _profile_part(segment: _Segment) -> tuple[bytes, bytes]:
    """Which part of how many a segment has, one byte each, and that part."""
    at = len(_PROFILE)
    return segment.body[at : at + 2], segment.body[at + 2 :]


def _needed(segment: _Segment, profiled: bool) -> bytes:
    """What showing the picture needs of a segment: all that decodes it, and what says which colours they are.

    Of JFIF that is the density and no small copy, of Adobe's segment which transform the colours went through.
    """
    marker, body = segment.marker, segment.body
    if marker == _APP0 and body.startswith(_JFIF) and len(body) >= _JFIF_BYTES:
        return _segment(_APP0, body[: _JFIF_BYTES - 2] + bytes(2))
    if marker == _APP14 and body.startswith(_ADOBE) and len(body) >= _ADOBE_BYTES:
        return _segment(_APP14, body[:_ADOBE_BYTES])
    return segment.whole if marker in _DECODING or (profiled and _is_of_profile(segment)) else b""


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def _said(segment: _Segment, dropped: int) -> tuple[SaidInside, ...]:
    """What a segment says, of which so many bytes are not needed."""
    marker, body = segment.marker, segment.body
    if marker == _STRAY:
        return said_bytes("between the parts of the picture", len(body.strip(b"\xff")))
    if marker == _COM:
        return (SaidInside("comment", body.decode("utf-8", "replace")),)
    if marker == _APP1 and body.startswith(_EXIF[:5]):
        return exif.said(body[len(_EXIF) :])
    if marker == _APP0 and body.startswith((_JFIF, b"JFXX\0")):
        return said_bytes("a small copy of the picture", len(body))
    if marker == _APP2 and body.startswith(b"MPF\0"):
        return said_bytes("a second picture", len(body))
    if marker in _DECODING:
        return said_bytes("behind the picture", dropped)
    name = {_APP1: "XMP", _APP11: "C2PA"}.get(marker, "a part of its own")
    return said_bytes(name, min(dropped, len(body)))
