"""Tiles: the log cut into pieces of 256 hashes or entries, each under a name that never means anything else (C2SP).

    <level>/<number>[.p/<width>]        hashes of the subtrees of 256**level leaves
    entries/<number>[.p/<width>]        the entries themselves, each behind its length in two bytes

A number is spelled in groups of three digits, all but the last behind an `x`: tile 1234067 is `x001/x234/067`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

WIDTH = 256
HEIGHT = 8
"""Levels of the log's tree in one tile."""
LEVEL_MAX = 63
_PATH = re.compile(r"(?:([0-9]|[1-9][0-9])|entries)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class Tile(msgspec.Struct, frozen=True):
    """Which piece of the log is meant."""

    level: int | None
    """None for entries."""
    number: int
    width: int
    """256, or fewer if the tile is a partial one."""

    @property
    def start(self) -> int:
        """Its first hash or entry, counted on its level."""
        return self.number * WIDTH

    @property
    def end(self) -> int:
        """Where it ends, counted on its level."""
        return self.start + self.width

    @property
    def path(self) -> str:
        """Its one spelling."""
        kind = "entries" if self.level is None else str(self.level)
        return f"{kind}/{_spelled(self.number)}{f'.p/{self.width}' if self.width < WIDTH else ''}"


def parse_tile(path: str) -> Tile | None:
    """Tile from its path; None if the path names none, or in another spelling."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    level, number, width = found.groups()
    tile = Tile(
        level=None if level is None else int(level),
        number=int(re.sub("[x/]", "", number)),
        width=WIDTH if width is None else int(width),
    )
    return tile if tile.path == path and (tile.level or 0) <= LEVEL_MAX else None


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries as a tile holds them."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def _spelled(number: int) -> str:
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03d}")
    return "/".join(reversed(groups))
