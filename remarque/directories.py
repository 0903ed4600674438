"""Directories as IPFS has them: one dag-pb block that gives names to files. Source: the UnixFS specification."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from remarque.cid import DAG_PB, CidInvalid, cid_of, cid_text
from remarque.dag import encode_link, fields

_KIND = b"\x08\x01"
"""UnixFS's data of a directory that is one block."""


class Entry(NamedTuple):
    """A file in a directory."""

    name: str
    cid: str
    stored: int
    """Bytes of the file's blocks."""


def directory_of(entries: Iterable[Entry]) -> tuple[str, bytes]:
    """Content id and block of a directory, of entries in the order of their names."""
    links = b"".join(encode_link(one.cid, one.name, one.stored) for one in entries)
    block = links + b"\x0a" + bytes((len(_KIND),)) + _KIND
    return cid_of(DAG_PB, block), block


def entries_in(block: bytes) -> tuple[Entry, ...]:
    """The entries of a directory. CidInvalid if the block is none, or is spelled in another way than ours."""
    found = tuple(_entry(value) for field, value in fields(block) if field == 2 and isinstance(value, bytes))
    if directory_of(found)[1] != block:
        raise CidInvalid("the block is no directory as archives have it")
    return found


def _entry(link: bytes) -> Entry:
    found = dict(fields(link))
    cid, name, stored = found.get(1), found.get(2), found.get(3)
    if not isinstance(cid, bytes) or not isinstance(name, bytes) or not isinstance(stored, int):
        raise CidInvalid("a link of the directory is malformed")
    return Entry(name.decode("ascii", "replace"), cid_text(cid), stored)
