"""Where each container has its XMP packet: found, and put in without touching anything else that the file says.

Sources: XMP Specification Part 3 (ISO 16684-1, annex); RFC 9649, 2.7; ISO/IEC 23008-12, annex A.3.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from pictures.containers import isobmff, png, tiff_entry
from pictures.containers.jpeg_segments import APP0, APP1, segments_of
from pictures.containers.parts import unpacked

PACKET_BYTES_MAX = 1 << 20
"""Of a packet that is read."""
_SEGMENT_BYTES_MAX = 65_502
"""Of a packet in one segment of a JPEG."""
_KEYWORD = b"XML:com.adobe.xmp"
_JPEG_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
_TIFF_TAG = 700
_MIME = b"application/rdf+xml"
_XMP_FLAG, _ALPHA_FLAG = 0x04, 0x10
_BROKEN = (struct.error, IndexError, KeyError)


def packet_of(container: str, data: bytes) -> bytes:
    """The packet in a PNG, JPEG, WEBP, AVIF or TIFF; nothing if there is none, or none that can be found."""
    try:
        return _READ[container](data)[:PACKET_BYTES_MAX] if container in _READ else b""
    except _BROKEN:
        return b""


def with_packet(container: str, data: bytes, packet: bytes) -> bytes:
    """The file with a packet in place of the one it has, or besides all it has.

    `container`: one of `kinds.MEDIA_TYPES`. KeyError, IndexError or struct.error where it has no place for a packet.
    """
    return _WRITTEN[container](data, packet)


def _png_packet(data: bytes) -> bytes:
    for kind, body, _, _ in _png_chunks(data):
        if kind == b"iTXt" and body.startswith(_KEYWORD + b"\0"):
            rest = body[len(_KEYWORD) + 1 :]
            text = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
            return unpacked(text, PACKET_BYTES_MAX) if rest[:1] == b"\1" else text
    return b""


def _png_with(data: bytes, packet: bytes) -> bytes:
    """Behind the header."""
    chunk = png.chunk(b"iTXt", _KEYWORD + bytes(5) + packet)
    kept, at = [], next((end for kind, _, _, end in _png_chunks(data) if kind == b"IHDR"), 0)
    if at == 0:
        raise KeyError("a PNG begins with its header")
    kept += [data[:at], chunk]
    for kind, body, start, end in _png_chunks(data):
        if kind == b"iTXt" and body.startswith(_KEYWORD + b"\0"):
            kept.append(data[at:start])
            at = end
    return b"".join([*kept, data[at:]])


def _png_chunks(data: bytes) -> list[tuple[bytes, bytes, int, int]]:
    """Kind, body, start and end of every chunk."""
    found, at = [], len(png.START)
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        end = at + 12 + size
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size], at, end))
        at = end
    return found


def _jpeg_packet(data: bytes) -> bytes:
    found = (data[start + 4 + len(_JPEG_HEAD) : end] for start, end in _jpeg_packets(data))
    return next(found, b"")


def _jpeg_with(data: bytes, packet: bytes) -> bytes:
    """In place of the first packet, or behind the segments of JFIF and EXIF."""
    if len(packet) > _SEGMENT_BYTES_MAX:
        raise KeyError(f"a JPEG has room for {_SEGMENT_BYTES_MAX} bytes of XMP, not {len(packet)}")
    body = _JPEG_HEAD + packet
    segment = bytes((0xFF, APP1)) + (len(body) + 2).to_bytes(2, "big") + body
    old = _jpeg_packets(data)
    start, end = old[0] if old else (2, 2)
    if not old:
        for at, follows in segments_of(data):
            if data[at + 1] == APP0 or data[at + 4 : at + 8] == b"Exif":
                start = end = follows
    return data[:start] + segment + data[end:]


def _jpeg_packets(data: bytes) -> list[tuple[int, int]]:
    found = segments_of(data)
    return [(at, end) for at, end in found if data[at + 1] == APP1 and data[at + 4 : end].startswith(_JPEG_HEAD)]


def _webp_packet(data: bytes) -> bytes:
    return next((body for kind, body, _ in _webp_chunks(data) if kind == b"XMP "), b"")


def _webp_with(data: bytes, packet: bytes) -> bytes:
    """Behind all other chunks, and announced in the header, which a simple file gets now."""
    chunks = [(kind, body, whole) for kind, body, whole in _webp_chunks(data) if kind != b"XMP "]
    kept = [whole for kind, _, whole in chunks if kind != b"VP8X"]
    head = next((bytearray(body) for kind, body, _ in chunks if kind == b"VP8X"), None) or _webp_head(chunks)
    head[0] |= _XMP_FLAG
    body = b"".join([b"WEBP", _riff(b"VP8X", bytes(head)), *kept, _riff(b"XMP ", packet)])
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _webp_head(chunks: list[tuple[bytes, bytes, bytes]]) -> bytearray:
    """The header that a simple file does not have: its sides, and whether it has transparency."""
    kind, body, _ = chunks[0]
    if kind == b"VP8L":
        packed = int.from_bytes(body[1:5], "little")
        width, height, alpha = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1, packed >> 28 & 1
    elif kind == b"VP8 ":
        width, height = (int.from_bytes(body[at : at + 2], "little") & 0x3FFF for at in (6, 8))
        alpha = 0
    else:
        raise KeyError("a WebP begins with its picture or its header")
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytearray(bytes((_ALPHA_FLAG if alpha else 0, 0, 0, 0)) + sides)


def _webp_chunks(data: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Kind, body and the whole of every chunk."""
    found, at = [], 12
    while at + 8 <= len(data):
        (size,) = struct.unpack_from("<I", data, at + 4)
        end = at + 8 + size + size % 2
        found.append((data[at : at + 4], data[at + 8 : at + 8 + size], data[at:end]))
        at = end
    return found


def _riff(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _avif_packet(data: bytes) -> bytes:
    meta = isobmff.meta_boxes(data)
    item = next((one for one in isobmff.places(data, meta[b"iloc"][2]).items if one.id == _avif_item(data, meta)), None)
    if item is None or item.method not in (0, 1):
        return b""
    base = item.base + (meta[b"idat"][2] if item.method == 1 else 0)
    return b"".join(data[base + start : base + start + length] for _, start, length in item.extents)


def _avif_item(data: bytes, meta: dict[bytes, isobmff.Box]) -> int:
    """The id of the item that is a packet; 0 if there is none."""
    _, _, at, end = meta[b"iinf"]
    first = at + (6 if data[at] == 0 else 8)
    for kind, _, body, stop in isobmff.boxes(data, first, end):
        version = data[body]
        if kind == b"infe" and version in (2, 3):
            wide = 2 if version == 2 else 4
            number = int.from_bytes(data[body + 4 : body + 4 + wide], "big")
            rest = data[body + 6 + wide : stop]
            if rest[:4] == b"mime" and _MIME in rest:
                return number
    return 0


def _avif_with(data: bytes, packet: bytes) -> bytes:
    """As an item of its own that describes the picture, whose bytes lie behind everything else."""
    meta = isobmff.meta_boxes(data)
    told = isobmff.places(data, meta[b"iloc"][2])
    sizes = told.offset_bytes, told.length_bytes
    if (
        _avif_item(data, meta)
        or told.version == 2
        or sizes != (4, 4)
        or data[meta[b"iinf"][2]]
        or data[meta[b"pitm"][2]]
    ):
        raise KeyError("this AVIF has XMP already, or tells of its items in a way not known here")
    number = max(one.id for one in told.items) + 1
    grown = sum(map(len, _additions(data, meta, told, number, 0, packet).values()))
    _, start, _, end = meta[b"meta"]
    moved = isobmff.moved(data, grown, behind=end)
    additions = _additions(data, meta, told, number, len(data) + grown + 8, packet)
    parts = [moved[start + 8 : start + 12]]
    for kind, _, body, stop in isobmff.boxes(moved, start + 12, end):
        inner = bytearray(moved[body:stop]) + additions.pop(kind, b"")
        for counted, count_at in ((b"iinf", 4), (b"iloc", told.count_at - meta[b"iloc"][2])):
            if kind == counted:
                inner[count_at : count_at + 2] = (int.from_bytes(inner[count_at : count_at + 2], "big") + 1).to_bytes(
                    2, "big"
                )
        parts.append(isobmff.box(kind, bytes(inner)))
    parts += additions.values()
    return moved[:start] + isobmff.box(b"meta", b"".join(parts)) + moved[end:] + isobmff.box(b"mdat", packet)


def _additions(
    data: bytes, meta: dict[bytes, isobmff.Box], told: isobmff.Places, number: int, at: int, packet: bytes
) -> dict[bytes, bytes]:
    """What each box in `meta` gets more, for an item of a number whose bytes lie at a place; `iref` may be new."""
    name = struct.pack(">BxxxHH", 2, number, 0) + b"mimeXMP\0" + _MIME + b"\0"
    method = bytes(2) if told.version == 1 else b""
    place = struct.pack(">H", number) + method + bytes(2 + told.base_bytes) + struct.pack(">H", 1)
    place += bytes(told.index_bytes) + struct.pack(">II", at, len(packet))
    primary = data[meta[b"pitm"][2] + 4 : meta[b"pitm"][2] + 6]
    points = isobmff.box(b"cdsc", struct.pack(">HH", number, 1) + primary)
    new = b"" if b"iref" in meta else isobmff.box(b"iref", bytes(4) + points)
    return {b"iinf": isobmff.box(b"infe", name), b"iloc": place, b"iref": new or points}


_READ: dict[str, Callable[[bytes], bytes]] = {
    "PNG": _png_packet,
    "JPEG": _jpeg_packet,
    "WEBP": _webp_packet,
    "AVIF": _avif_packet,
    "TIFF": lambda data: tiff_entry.entry_value(data, _TIFF_TAG),
}
_WRITTEN: dict[str, Callable[[bytes, bytes], bytes]] = {
    "PNG": _png_with,
    "JPEG": _jpeg_with,
    "WEBP": _webp_with,
    "AVIF": _avif_with,
    "TIFF": lambda data, packet: tiff_entry.with_entry(data, _TIFF_TAG, tiff_entry.BYTE, packet),
}
