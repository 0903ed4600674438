"""What a picture's file says beside its pixels, and the same picture in a file that says nothing more.

A file that is registered is given to every member as it is. Cameras write into it where it was taken and by which of
them, generators write prompts and whole workflows, editors write names. `said_inside` tells of that, and `stripped`
gives a file with the same pixels, bit for bit, that keeps what showing them needs: colours, and the way up.

Both are for files of one's own, on one's own machine. They walk through containers, and read EXIF by Pillow.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image

from generator.errors import GeneratorCode, GeneratorError
from generator.picture import FORMATS, JPEG_START, PNG_START, TIFF_STARTS, open_picture, pixel_digest, without_texts

TEXT_BYTES_MAX = 1 << 20
"""Of a packed text that is unpacked to be told of."""

_PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_PNG_SHOWN = frozenset(
    (b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"bKGD", b"pHYs", b"mDCV", b"cLLI")
) | frozenset((b"acTL", b"fcTL", b"fdAT"))
"""Chunks that showing a picture may need, beside those that no reader may leave out."""
_WEBP_SHOWN = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP", b"ANIM", b"ANMF"))
_WEBP_EXIF, _WEBP_XMP = 0x08, 0x04
"""Flags of a WebP's header: that such a chunk follows."""
_NAMED = {b"caBX": "C2PA", b"C2PA": "C2PA", b"XMP ": "XMP", b"tIME": "the time of its last change"}
_EOI, _SOS, _APP0, _APP1, _APP2, _APP11, _APP14, _COM = 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEB, 0xEE, 0xFE
_TELLING = {
    ExifTags.Base.ImageDescription: "description",
    ExifTags.Base.Make: "maker of the camera",
    ExifTags.Base.Model: "camera",
    ExifTags.Base.Software: "software",
    ExifTags.Base.Artist: "artist",
    ExifTags.Base.Copyright: "copyright",
    ExifTags.Base.DateTimeOriginal: "time taken",
    ExifTags.Base.UserComment: "comment",
    ExifTags.Base.CameraOwnerName: "owner of the camera",
    ExifTags.Base.BodySerialNumber: "serial number of the camera",
    ExifTags.Base.LensSerialNumber: "serial number of the lens",
    ExifTags.Base.ImageUniqueID: "id of the picture",
    ExifTags.Base.XMLPacket: "XMP",
    ExifTags.Base.IPTCNAA: "IPTC",
    ExifTags.Base.ImageResources: "resources of an editor",
}
"""EXIF entries that say something of people, places or machines."""


@dataclass(frozen=True)
class SaidInside:
    """One thing that a file says beside its pixels."""

    what: str
    """Such as `where it was taken`, `camera`, `text prompt`, `C2PA`."""
    text: str
    """What it says, or how many bytes it has."""


@dataclass(frozen=True)
class _Part:
    """A chunk or segment of a file."""

    kind: bytes
    """Of a PNG or WebP its four letters, of a JPEG one byte."""
    body: bytes
    whole: bytes
    """As it stands in the file."""


@dataclass(frozen=True)
class _Head:
    """What stands in a file before its pixels."""

    entries: dict[int, Any]
    """Of EXIF, by tag."""
    place: dict[int, Any]
    """Of EXIF's GPS entries."""
    comment: str


def said_inside(data: bytes) -> tuple[SaidInside, ...]:
    """What a file says beside its pixels; of a TIFF, GIF or BMP what EXIF and comments say. IMAGE_UNREADABLE."""
    head = _head_of(data)
    said = list(_in_exif(head, whole=data[:4] not in TIFF_STARTS))
    for part in _parts(data):
        if part.kind in _PNG_TEXTS and data.startswith(PNG_START):
            said.append(_text(part))
        elif named := _named(data, part):
            said.append(SaidInside(named, f"{len(part.body)} bytes"))
    return tuple([*said, SaidInside("comment", head.comment)] if head.comment else said)


def stripped(data: bytes) -> bytes:
    """The picture of a PNG, JPEG or WebP in a file that says nothing beside it. IMAGE_UNREADABLE, NOT_STRIPPED.

    Kept are the pixels, bit for bit, an animation, the colour profile, and the orientation as the only EXIF entry. What
    stands behind the picture is left out, such as a second one.
    """
    orientation = _head_of(data).entries.get(ExifTags.Base.Orientation, 1)
    exif = _orientation_alone(orientation) if orientation in range(2, 9) else b""
    if data.startswith(PNG_START):
        bare = _bare_png(data, exif)
    elif data.startswith(JPEG_START):
        bare = _bare_jpeg(data, exif)
    elif data[8:12] == b"WEBP":
        bare = _bare_webp(data, exif)
    else:
        raise GeneratorError(GeneratorCode.NOT_STRIPPED, "this is none of PNG, JPEG and WebP; save it as PNG first")
    if pixel_digest(open_picture(bare)) != pixel_digest(open_picture(data)):
        raise GeneratorError(GeneratorCode.NOT_STRIPPED, "its pixels would not stay the same; save it as PNG first")
    return bare


def _bare_png(data: bytes, exif: bytes) -> bytes:
    kept = [PNG_START]
    for part in _parts(data):
        if part.kind[0:1].isupper() or part.kind in _PNG_SHOWN:
            kept.append(part.whole)
        if part.kind == b"IHDR" and exif:
            kept.append(struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", zlib.crc32(b"eXIf" + exif)))
    return b"".join(kept)


def _bare_jpeg(data: bytes, exif: bytes) -> bytes:
    kept = [JPEG_START]
    if exif:
        body = b"Exif\0\0" + exif
        kept.append(bytes((0xFF, _APP1)) + struct.pack(">H", len(body) + 2) + body)
    kept += [part.whole for part in _parts(data) if _is_shown(part)]
    return b"".join(kept)


def _is_shown(segment: _Part) -> bool:
    """Whether showing a JPEG needs a segment: all that decode it, and what says which colours they are."""
    kind, body = segment.kind[0], segment.body
    if kind == _APP2:
        return body.startswith(b"ICC_PROFILE\0")
    return kind in (_APP0, _APP14) or not (_APP0 <= kind <= 0xEF or kind == _COM)


def _bare_webp(data: bytes, exif: bytes) -> bytes:
    kept = []
    for part in _parts(data):
        if part.kind == b"VP8X":
            flags = part.body[0] & ~(_WEBP_EXIF | _WEBP_XMP) | (_WEBP_EXIF if exif else 0)
            kept.append(part.whole[:8] + bytes((flags,)) + part.whole[9:])
        elif part.kind in _WEBP_SHOWN:
            kept.append(part.whole)
    if exif:
        kept.append(b"EXIF" + struct.pack("<I", len(exif)) + exif + b"\0" * (len(exif) % 2))
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _parts(data: bytes) -> Iterator[_Part]:
    """The parts of a file up to its end: of a PNG, JPEG or WebP; of others none."""
    if data.startswith(PNG_START):
        yield from _chunks(data, len(PNG_START), ">I", 4, b"IEND")
    elif data.startswith(JPEG_START):
        yield from _segments(data)
    elif data[8:12] == b"WEBP":
        yield from _chunks(data, 12, "<I", 0, b"")


def _chunks(data: bytes, start: int, length: str, checksum: int, last: bytes) -> Iterator[_Part]:
    """Chunks of a PNG (length, kind, body, checksum) or of a WebP (kind, length, body, even)."""
    while start + 8 <= len(data):
        kind_at, length_at = (start + 4, start) if checksum else (start, start + 4)
        kind = data[kind_at : kind_at + 4]
        (size,) = struct.unpack_from(length, data, length_at)
        end = start + 8 + size + (checksum or size % 2)
        yield _Part(kind, data[start + 8 : start + 8 + size], data[start:end])
        if kind == last:
            return
        start = end


def _segments(data: bytes) -> Iterator[_Part]:
    """Segments of a JPEG from the one behind its start to its end, each scan with what it heads."""
    start = len(JPEG_START)
    while start + 4 <= len(data) and data[start] == 0xFF:
        kind = data[start + 1]
        if kind == 0xFF:  # filling
            start += 1
            continue
        if kind == _EOI:
            break
        end = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        body = data[start + 4 : end]
        if kind == _SOS:
            end = _scan_end(data, end)
        yield _Part(bytes((kind,)), body, data[start:end])
        start = end
    yield _Part(bytes((_EOI,)), b"", bytes((0xFF, _EOI)))


def _scan_end(data: bytes, start: int) -> int:
    """Where a scan's coded data end: at the next marker but those that belong to it."""
    while (start := data.find(b"\xff", start)) != -1 and start + 1 < len(data):
        if data[start + 1] != 0 and not 0xD0 <= data[start + 1] <= 0xD7:
            return start
        start += 2
    return len(data)


def _in_exif(head: _Head, *, whole: bool) -> Iterator[SaidInside]:
    """What EXIF says; with `whole` also how much more it has, which in a TIFF is about its pixels."""
    if head.place:
        yield SaidInside("where it was taken", _place(head.place))
    for tag, what in _TELLING.items():
        if tag in head.entries:
            value = head.entries[tag]
            yield SaidInside(what, value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))
    others = head.entries.keys() - _TELLING.keys() - {ExifTags.Base.Orientation}
    if others and whole:
        yield SaidInside("EXIF", f"{len(others)} further entries")


def _place(entries: dict[int, Any]) -> str:
    """Latitude and longitude in degrees, as far as they are given."""
    found = []
    for direction, parts in ((ExifTags.GPS.GPSLatitudeRef, ExifTags.GPS.GPSLatitude), (3, 4)):
        try:
            degrees, minutes, seconds = map(float, entries[parts])
            found.append(f"{degrees + minutes / 60 + seconds / 3600:.5f} {entries[direction]}")
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            pass
    return ", ".join(found) or f"{len(entries)} entries"


def _named(data: bytes, part: _Part) -> str:
    """What a part is that says something and is neither text nor EXIF; nothing if it is none."""
    if data.startswith(JPEG_START):
        return _named_segment(part)
    if part.kind in _NAMED:
        return _NAMED[part.kind]
    needed = part.kind in _PNG_SHOWN | _WEBP_SHOWN or (data.startswith(PNG_START) and part.kind[:1].isupper())
    return "" if needed or part.kind in (b"eXIf", b"EXIF") else "a part of its own"


def _named_segment(segment: _Part) -> str:
    """The same of a JPEG's segment; its comment is told of by itself."""
    kind, body = segment.kind[0], segment.body
    if _is_shown(segment) or kind == _COM or (kind == _APP1 and body.startswith(b"Exif\0")):
        return ""
    if kind == _APP2 and body.startswith(b"MPF\0"):
        return "a second picture"
    return {_APP1: "XMP", _APP11: "C2PA"}.get(kind, "a part of its own")


def _text(chunk: _Part) -> SaidInside:
    """A text of a PNG: its keyword, and what it says."""
    keyword, _, rest = chunk.body.partition(b"\0")
    if chunk.kind == b"zTXt":
        text = _unpacked(rest[1:])
    elif chunk.kind == b"iTXt":
        body = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
        text = _unpacked(body) if rest[:1] == b"\1" else body
    else:
        text = rest
    return SaidInside(f"text {keyword.decode('latin-1')}", text.decode("utf-8", "replace"))


def _unpacked(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, TEXT_BYTES_MAX)
    except zlib.error:
        return packed


def _head_of(data: bytes) -> _Head:
    """What Pillow finds in a file before it decodes a pixel."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(without_texts(data)), formats=FORMATS) as image:
                exif, comment = image.getexif(), image.info.get("comment", "")
                entries = {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
                place = exif.get_ifd(ExifTags.IFD.GPSInfo)
                said = comment.decode("utf-8", "replace") if isinstance(comment, bytes) else str(comment)
                return _Head(entries, place, said)
    except Exception as error:  # as in `open_picture`
        detail = f"{type(error).__name__}: {error}"[:200]
        raise GeneratorError(GeneratorCode.IMAGE_UNREADABLE, f"{detail}; give a complete picture") from None


def _orientation_alone(orientation: int) -> bytes:
    """EXIF with the one entry."""
    entry = struct.pack(">HHIHH", ExifTags.Base.Orientation, 3, 1, orientation, 0)
    return b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
