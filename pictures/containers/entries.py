"""Directories of entries, which TIFF files are made of and EXIF is written in. Source: TIFF 6.0, 2; EXIF 3.0, 4.6.

Each byte that an entry points to is counted, so that what nothing points to can be told of.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import Enum

from PIL import ExifTags

from pictures.containers.parts import uncovered

ENTRIES_MAX = 100_000
"""Entries and directories that are read of a file: more are no picture's."""

_BIG = 43
"""The number in the head of a file whose offsets have eight bytes."""
_FORMS = {
    1: "B",
    2: "s",
    3: "H",
    4: "I",
    5: "II",
    6: "b",
    7: "s",
    8: "h",
    9: "i",
    10: "ii",
    11: "f",
    12: "d",
    13: "I",
    16: "Q",
    17: "q",
    18: "Q",
}
"""By an entry's type, how one of its values is packed; a rational number is two."""
_NOT_WHOLE = "sfd"
_STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES, _COPY, _COPY_SIZE = 273, 279, 324, 325, 513, 514


class Directory(Enum):
    """What a directory is about."""

    FIRST = "the picture"
    FURTHER = "another picture, in EXIF a small copy of the first"
    EXIF = "how it was taken"
    GPS = "where it was taken"
    OTHER = "how others may read it"


_POINTERS = {
    int(ExifTags.IFD.Exif): Directory.EXIF,
    int(ExifTags.IFD.GPSInfo): Directory.GPS,
    int(ExifTags.IFD.Interop): Directory.OTHER,
    330: Directory.FURTHER,
}
"""Entries that point to directories."""


@dataclass(frozen=True)
class Entry:
    """One entry, with its values in bytes."""

    directory: Directory
    tag: int
    kind: int
    """Its type: 2 is text, 7 is bytes of any meaning."""
    data: bytes
    order: str
    """Of the bytes of a number: `<` or `>`."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """Its values, of a rational number both parts; nothing where they are no whole numbers."""
        form = _FORMS[self.kind]
        if form in _NOT_WHOLE:
            return ()
        size = struct.calcsize(self.order + form)
        return tuple(
            value
            for at in range(0, len(self.data) - size + 1, size)
            for value in struct.unpack_from(self.order + form, self.data, at)
        )


@dataclass
class Directories:
    """What is found in all directories."""

    found: list[Entry] = field(default_factory=list)
    further: int = 0
    """Pictures behind the first."""
    unnamed: int = 0
    """Bytes other than 0 that nothing points to."""


def read_entries(data: bytes) -> Directories:
    """The entries of a TIFF file or of EXIF; what cannot be read counts as bytes that nothing points to."""
    return _Reader(data).read()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._entries = Directories()
        self._covered: list[tuple[int, int]] = []
        self._order = "<" if data[:2] == b"II" else ">"
        big = data[2:4] == struct.pack(self._order + "H", _BIG)
        self._count, self._offset, self._start = ("Q", "Q", 8) if big else ("H", "I", 4)
        self._inline = struct.calcsize(self._offset)
        self._entries_left = ENTRIES_MAX
        self._bytes_left = len(data)
        """Of values: those of a picture do not lie upon each other."""

    def read(self) -> Directories:
        if self._data[:2] in (b"II", b"MM"):
            self._follow()
        self._entries.unnamed = uncovered(self._data, self._covered)
        return self._entries

    def _follow(self) -> None:
        """Read all directories, each once."""
        waiting, seen = [(self._start, Directory.FIRST, True)], set()
        self._covered.append((0, self._start + self._inline))
        while waiting:
            pointer, directory, chained = waiting.pop()
            start = self._number(self._offset, pointer)
            if not start or start in seen:
                continue
            seen.add(start)
            if directory is Directory.FURTHER:
                self._entries.further += 1
            end = self._directory(start, directory, waiting)
            if end and chained:
                waiting.append((end, Directory.FURTHER, True))

    def _directory(self, start: int, directory: Directory, waiting: list[tuple[int, Directory, bool]]) -> int | None:
        """Read the entries of a directory; where the pointer to the next one is, None if it has no such end."""
        count = self._number(self._count, start)
        size = 4 + 2 * self._inline
        first = start + struct.calcsize(self._count)
        end = first + (count or 0) * size
        if count is None or end > len(self._data) or count >= self._entries_left:
            return None
        self._entries_left -= count + 1
        self._covered.append((start, end + self._inline))
        mine: dict[int, Entry] = {}
        for at in range(first, end, size):
            tag, kind = struct.unpack_from(self._order + "HH", self._data, at)
            held = self._held(at + 4, kind)
            if held is None:
                continue
            place, length = held
            if tag in _POINTERS:
                pointers = range(place, place + length, self._inline)[: self._entries_left]
                waiting += [(at, _POINTERS[tag], False) for at in pointers]
            else:
                mine[tag] = Entry(directory, tag, kind, self._data[place : place + length], self._order)
                self._entries.found.append(mine[tag])
        self._cover_pixels(mine)
        return end

    def _held(self, at: int, kind: int) -> tuple[int, int] | None:
        """Where an entry's values are and how many bytes they have; None if they are not in the file."""
        count = self._number(self._offset, at)
        if count is None or kind not in _FORMS:
            return None
        length = count * struct.calcsize(self._order + _FORMS[kind])
        place = at + self._inline if length <= self._inline else self._number(self._offset, at + self._inline)
        if place is None or place + length > len(self._data) or length > self._bytes_left:
            return None
        self._bytes_left -= length
        self._covered.append((place, place + length))
        return place, length

    def _cover_pixels(self, entries: dict[int, Entry]) -> None:
        """Count what a directory says of where its pixels are."""
        for places, sizes in ((_STRIPS, _STRIP_SIZES), (_TILES, _TILE_SIZES), (_COPY, _COPY_SIZE)):
            if places in entries and sizes in entries:
                both = zip(entries[places].numbers, entries[sizes].numbers, strict=False)
                self._covered += [(place, place + size) for place, size in both]

    def _number(self, form: str, at: int) -> int | None:
        """A number in the file; None if it ends before."""
        if at + struct.calcsize(form) > len(self._data):
            return None
        return int(struct.unpack_from(self._order + form, self._data, at)[0])
