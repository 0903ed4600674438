"""Where a container keeps its manifests: taken out, and put in again, to the byte.

What the chain records is the file without its manifest, for the manifest names the record. What is released is the file
with it. So a node need not keep both: recorded file and manifest store give the released one. This holds for PNG, JPEG,
WebP, AVIF and TIFF as `manifest.seal` writes them; `Sealed.rebuilt` says of each file whether it did.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import c2pa
from c2pa.c2pa import format_embeddable

from pictures.containers import isobmff, png, tiff_entry
from pictures.containers.jpeg_segments import APP0, store_segments
from pictures.containers.kinds import MEDIA_TYPES, container_of
from pictures.credentials.stores import STORE_BOX, STORE_TAG
from pictures.errors import PictureCode, PictureError


def without_manifest(data: bytes, size: int = 0) -> bytes:
    """The file without its C2PA manifests; the file itself if it has none.

    `size`: of the file looked for, where it is known: a TIFF may have had up to three zeros less at its end.
    NOT_SIGNED for another container, or one whose parts do not follow each other.
    """
    try:
        return _WITHOUT[container_of(data)](data, size)
    except (struct.error, IndexError, KeyError, StopIteration) as error:
        raise _broken(error) from None


def with_manifest(data: bytes, store: bytes) -> bytes:
    """The file with a manifest store put where `manifest.seal` put it.

    NOT_SIGNED for another container, or one whose parts do not follow each other.
    """
    try:
        container = container_of(data)
        return _WITH[container](data, store, _packed(container, store))
    except (struct.error, IndexError, KeyError, StopIteration, c2pa.C2paError) as error:
        raise _broken(error) from None


def _packed(container: str, store: bytes) -> bytes:
    """A store in the part that a container has for it."""
    if container in ("WEBP", "TIFF"):
        return store
    return bytes(format_embeddable(MEDIA_TYPES[container], store)[1])


def _broken(error: Exception) -> PictureError:
    fact = f"the file's parts do not follow each other ({type(error).__name__})"
    return PictureError(PictureCode.NOT_SIGNED, f"{fact}; save it anew")


def _png_without(data: bytes, size: int) -> bytes:
    return b"".join(data[start:end] for kind, start, end in _png_chunks(data) if kind != b"caBX")


def _png_with(data: bytes, store: bytes, packed: bytes) -> bytes:
    """Behind the header, as the first of all other chunks."""
    _, _, end = next(chunk for chunk in _png_chunks(data) if chunk[0] == b"IHDR")
    return data[:end] + packed + data[end:]


def _png_chunks(data: bytes) -> list[tuple[bytes, int, int]]:
    """Kind, start and end of every chunk; first the signature, last what lies behind the end."""
    found, at = [(b"", 0, len(png.START))], len(png.START)
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        kind, end = data[at + 4 : at + 8], at + 12 + size
        found.append((kind, at, end))
        at = end
        if kind == b"IEND":
            break
    return [*found, (b"", at, len(data))]


def _jpeg_without(data: bytes, size: int) -> bytes:
    kept, at = [], 0
    for start, end in store_segments(data):
        kept.append(data[at:start])
        at = end
    return b"".join([*kept, data[at:]])


def _jpeg_with(data: bytes, store: bytes, packed: bytes) -> bytes:
    """Behind the start, or behind JFIF's segment where that is the first."""
    at = 4 + int.from_bytes(data[4:6], "big") if data[3] == APP0 else 2
    return data[:at] + packed + data[at:]


def _webp_without(data: bytes, size: int) -> bytes:
    kept, at = [], 12
    while at + 8 <= len(data):
        (length,) = struct.unpack_from("<I", data, at + 4)
        end = at + 8 + length + length % 2
        if data[at : at + 4] != b"C2PA":
            kept.append(data[at:end])
        at = end
    return _riff(b"".join(kept))


def _webp_with(data: bytes, store: bytes, packed: bytes) -> bytes:
    """Behind all other chunks."""
    return _riff(data[12:] + b"C2PA" + struct.pack("<I", len(store)) + store + b"\0" * (len(store) % 2))


def _riff(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def _avif_without(data: bytes, size: int) -> bytes:
    removed, kept, at = 0, [], 0
    for kind, start, body, end in isobmff.boxes(data, 0, len(data)):
        if kind == b"uuid" and data[body : body + 16] == STORE_BOX:
            kept.append(data[at:start])
            removed, at = removed + end - start, end
    return isobmff.moved(b"".join([*kept, data[at:]]), -removed) if removed else data


def _avif_with(data: bytes, store: bytes, packed: bytes) -> bytes:
    """Behind the first box."""
    _, _, _, end = next(isobmff.boxes(data, 0, len(data)))
    told = isobmff.moved(data, len(packed))
    return told[:end] + packed + told[end:]


def _tiff_without(data: bytes, size: int) -> bytes:
    return tiff_entry.without_entry(data, STORE_TAG, size)


def _tiff_with(data: bytes, store: bytes, packed: bytes) -> bytes:
    """As an entry of a new first directory."""
    return tiff_entry.with_entry(data, STORE_TAG, tiff_entry.UNDEFINED, store)


_WITHOUT: dict[str, Callable[[bytes, int], bytes]] = {
    "PNG": _png_without,
    "JPEG": _jpeg_without,
    "WEBP": _webp_without,
    "AVIF": _avif_without,
    "TIFF": _tiff_without,
}
_WITH: dict[str, Callable[[bytes, bytes, bytes], bytes]] = {
    "PNG": _png_with,
    "JPEG": _jpeg_with,
    "WEBP": _webp_with,
    "AVIF": _avif_with,
    "TIFF": _tiff_with,
}
