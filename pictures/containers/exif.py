"""EXIF, which PNG, JPEG and WebP hold in a part of its own: what it says, and the one entry that showing needs."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from PIL import ExifTags

from pictures.containers.entries import Directories, Directory, Entry, read_entries
from pictures.containers.parts import SaidInside, said_bytes

_ORIENTATION = int(ExifTags.Base.Orientation)
_TEXT, _ANY = 2, 7
_TEXTS_OF_TWO_BYTES = range(0x9C9B, 0x9CA0)
"""An editor's title, comment, author, keywords and subject, in UTF-16."""
_COPY_SIZE = 514
_SHORT_BYTES = 8
"""Bytes up to which a value of no known meaning is counted only."""
_CHARSET_BYTES = 8
_NAMES = {
    ExifTags.Base.ImageDescription: "description",
    ExifTags.Base.Make: "maker of the camera",
    ExifTags.Base.Model: "camera",
    ExifTags.Base.Software: "software",
    ExifTags.Base.Artist: "artist",
    ExifTags.Base.Copyright: "copyright",
    ExifTags.Base.DateTime: "time of its last change",
    ExifTags.Base.DateTimeOriginal: "time taken",
    ExifTags.Base.UserComment: "comment",
    ExifTags.Base.CameraOwnerName: "owner of the camera",
    ExifTags.Base.BodySerialNumber: "serial number of the camera",
    ExifTags.Base.LensSerialNumber: "serial number of the lens",
    ExifTags.Base.ImageUniqueID: "id of the picture",
    ExifTags.Base.XMLPacket: "XMP",
    ExifTags.Base.IPTCNAA: "IPTC",
    ExifTags.Base.ImageResources: "resources of an editor",
    52545: "C2PA",
}
"""Entries that say something of people, places or machines; others have the name that the standards give them."""


def said(body: bytes) -> tuple[SaidInside, ...]:
    """What the body of such a part says, but for the way up alone."""
    data = body.removeprefix(b"Exif\0\0")
    entries = read_entries(data)
    copies = [one for one in entries.found if one.directory is Directory.FURTHER and one.tag == _COPY_SIZE]
    return (
        *in_entries(entries, frozenset([_ORIENTATION])),
        *(one for copy in copies for one in said_bytes("a small copy of the picture", sum(copy.numbers))),
        *said_bytes("EXIF that no entry points to", entries.unnamed),
    )


def orientation_alone(orientation: int) -> bytes:
    """EXIF with the one entry."""
    entry = struct.pack(">HHIHH", _ORIENTATION, 3, 1, orientation, 0)
    return b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)


def in_entries(entries: Directories, silent: frozenset[int]) -> Iterator[SaidInside]:
    """What entries say, but those of some tags: each text by itself, and how many others there are."""
    place = {one.tag: one for one in entries.found if one.directory is Directory.GPS}
    if place:
        yield SaidInside("where it was taken", _place(place))
    others = 0
    for one in entries.found:
        if one.directory is Directory.GPS or one.tag in silent:
            continue
        if one.tag in _NAMES or one.kind == _TEXT or len(one.data) > _SHORT_BYTES:
            yield SaidInside(_name(one.tag), _text(one))
        else:
            others += 1
    if others:
        yield SaidInside("EXIF", f"{others} further entries")


def _name(tag: int) -> str:
    return _NAMES.get(tag) or ExifTags.TAGS.get(tag) or f"entry {tag}"


def _text(entry: Entry) -> str:
    """What an entry's values say, or how many bytes they have."""
    if entry.tag in _TEXTS_OF_TWO_BYTES:
        return entry.data.decode("utf-16-le", "replace").rstrip("\0")
    data = entry.data[_CHARSET_BYTES:] if entry.tag == ExifTags.Base.UserComment else entry.data
    try:
        text = data.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1") if entry.kind == _TEXT else ""
    return text if text and (entry.kind == _TEXT or "\0" not in text) else f"{len(entry.data)} bytes"


def _place(entries: dict[int, Entry]) -> str:
    """Latitude and longitude in degrees, as far as they are given."""
    found = []
    for direction, parts in ((1, 2), (3, 4)):  # GPSLatitudeRef and so on
        try:
            numbers = entries[parts].numbers
            degrees, minutes, seconds = (numbers[at] / numbers[at + 1] for at in (0, 2, 4))
            side = entries[direction].data.rstrip(b"\0").decode("latin-1")
            found.append(f"{degrees + minutes / 60 + seconds / 3600:.5f} {side}")
        except (KeyError, IndexError, ZeroDivisionError):
            pass
    return ", ".join(found) or f"{len(entries)} entries"
