"""One more entry in the first directory of a TIFF, which is written anew behind all that was there.

So the file before is whole in the one after, but for where its first directory begins, which is found by its entries.
C2PA keeps manifests so (2.4, A.3.4). Source: TIFF 6.0, 2.
"""

from __future__ import annotations

import struct

BYTE, UNDEFINED = 1, 7
"""Types of entries: numbers of a byte, and bytes without a meaning."""
_ENTRY_BYTES = 12


def with_entry(data: bytes, tag: int, kind: int, value: bytes) -> bytes:
    """The file with an entry of so many bytes, over four of them, in place of one with that tag if there is one.

    struct.error, IndexError or KeyError if the file is no TIFF with offsets of four bytes.
    """
    order, _, entries, following = _first_directory(data)
    others = [one for one in entries if struct.unpack_from(f"{order}H", one)[0] != tag]
    begins = len(data) + -len(data) % 4
    value_at = begins + 2 + (len(others) + 1) * _ENTRY_BYTES + 4
    entry = struct.pack(f"{order}HHII", tag, kind, len(value), value_at)
    told = sorted([*others, entry], key=lambda one: int(struct.unpack_from(f"{order}H", one)[0]))
    directory = struct.pack(f"{order}H", len(told)) + b"".join(told) + following
    return b"".join([data[:4], struct.pack(f"{order}I", begins), data[8:], bytes(begins - len(data)), directory, value])


def without_entry(data: bytes, tag: int, size: int) -> bytes:
    """The file before such an entry was added to it, of a size if that is known. Raises as `with_entry` does."""
    order, directory, entries, _ = _first_directory(data)
    kept = [one for one in entries if struct.unpack_from(f"{order}H", one)[0] != tag]
    if len(kept) == len(entries):
        return data
    old = struct.pack(f"{order}H", len(kept)) + b"".join(kept)
    start = data.rfind(old, 0, directory)
    if start < 0:
        raise KeyError("no directory without the entry is left")
    end = size if directory - 3 <= size <= directory else directory
    return data[:4] + struct.pack(f"{order}I", start) + data[8:end]


def entry_value(data: bytes, tag: int) -> bytes:
    """What an entry of bytes in the first directory holds; nothing if there is none. Raises as `with_entry` does."""
    order, _, entries, _ = _first_directory(data)
    for one in entries:
        found, kind, count = struct.unpack_from(f"{order}HHI", one)
        if found == tag and kind in (BYTE, UNDEFINED):
            (start,) = struct.unpack_from(f"{order}I", one, 8)
            return one[8 : 8 + count] if count <= 4 else data[start : start + count]
    return b""


def _first_directory(data: bytes) -> tuple[str, int, list[bytes], bytes]:
    """Byte order, where the first directory begins, its entries, and where it says the next one is."""
    order = {b"II*\0": "<", b"MM\0*": ">"}[data[:4]]  # a BigTIFF is not known here
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, start)
    end = start + 2 + count * _ENTRY_BYTES
    if end + 4 > len(data):
        raise IndexError("a directory lies behind the end")
    entries = [data[at : at + _ENTRY_BYTES] for at in range(start + 2, end, _ENTRY_BYTES)]
    return order, start, entries, data[end : end + 4]
