"""Manifest stores in TIFF: an entry of the first directory, which is written anew behind all that was there.

So the file before is whole in the one after, but for where its first directory begins, which is found by its entries.
Sources: TIFF 6.0, 2; C2PA 2.4, A.3.4.
"""

from __future__ import annotations

import struct

STORE_TAG = 52545
_BYTES = 7
"""The type of an entry of bytes without a meaning."""
_ENTRY_BYTES = 12


def without_store(data: bytes, size: int) -> bytes:
    """The file before a store was put into it, of a size if that is known."""
    order, directory, entries, _ = _first_directory(data)
    kept = [one for one in entries if struct.unpack_from(f"{order}H", one)[0] != STORE_TAG]
    if len(kept) == len(entries):
        return data
    old = struct.pack(f"{order}H", len(kept)) + b"".join(kept)
    start = data.rindex(old, 0, directory) if old in data[:directory] else None
    end = size if directory - 3 <= size <= directory else directory
    if start is None:
        raise KeyError("no directory without a store is left")
    return data[:4] + struct.pack(f"{order}I", start) + data[8:end]


def with_store(data: bytes, store: bytes, packed: bytes) -> bytes:
    """The file with a store behind a new first directory."""
    order, _, entries, following = _first_directory(data)
    begins = len(data) + -len(data) % 4
    store_at = begins + 2 + (len(entries) + 1) * _ENTRY_BYTES + 4
    entry = struct.pack(f"{order}HHII", STORE_TAG, _BYTES, len(store), store_at)
    told = sorted([*entries, entry], key=lambda one: int(struct.unpack_from(f"{order}H", one)[0]))
    directory = struct.pack(f"{order}H", len(told)) + b"".join(told) + following
    return b"".join([data[:4], struct.pack(f"{order}I", begins), data[8:], bytes(begins - len(data)), directory, store])


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
