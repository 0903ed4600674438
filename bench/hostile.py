"""Files made to hurt whoever decodes them, drawn anew each time: the same ones on every machine."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from random import Random
from typing import Any

from PIL import Image

PNG = b"\x89PNG\r\n\x1a\n"
SIDES = [(1, 1), (2**31 - 1, 1), (1, 2**31 - 1), (2**31 - 1, 2**31 - 1), (0, 0), (40_000_000, 1), (11_000, 10_900)]
KINDS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP")


def hostile_files() -> Iterator[tuple[str, bytes]]:
    """Names and bytes of some hundred files."""
    chance = Random(7)
    for kind in KINDS:
        sound = _saved(_drawn(), kind)
        for percent in (1, 20, 50, 99):
            yield f"{kind} cut at {percent} %", sound[: len(sound) * percent // 100]
        for number in range(4):
            yield f"{kind} damaged {number}", _damaged(sound, chance)
        yield f"{kind} with its head alone", sound[:40]
        yield f"{kind} with 1 MB behind it", sound + chance.randbytes(1 << 20)
    yield from _pngs(chance)
    yield from _jpegs(chance)
    yield from _tiffs(chance)
    yield from _films()
    yield from _webps(chance)
    for width, height in SIDES:
        yield f"BMP of {width} x {height}", _bmp(width, height)
    yield "nothing", b""
    yield "1 MB of chance", chance.randbytes(1 << 20)
    yield "a page", b"<html><script>alert(1)</script></html>"
    yield "a drawing", b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'


def _pngs(chance: Random) -> Iterator[tuple[str, bytes]]:
    for width, height in SIDES:
        yield f"PNG of {width} x {height}", _png(_head(width, height), _chunk(b"IDAT", zlib.compress(b"\0" * 64)))
    rows = zlib.compress(b"\0" * (8_000 * 3 + 1) * 5_000, 9)
    yield "PNG of 40 megapixels", _png(_head(8_000, 5_000), _chunk(b"IDAT", rows))
    yield "PNG of 40 megapixels, interlaced", _png(_head(8_000, 5_000, interlaced=1), _chunk(b"IDAT", rows))
    small = _chunk(b"IDAT", zlib.compress(b"\0" * 13 * 4))
    yield "PNG of 100,000 chunks", _png(_head(4, 4), _chunk(b"prIV", b"") * 100_000, small)
    yield "PNG of 20,000 texts", _png(_head(4, 4), _chunk(b"tEXt", b"a\0b") * 20_000, small)
    yield "PNG of 50,000 parts", _png(_head(4, 4), _chunk(b"IDAT", b"") * 50_000, small)
    yield "PNG with a text that unpacks to 1 GB", _png(_head(4, 4), _chunk(b"zTXt", b"a\0\0" + _packed(1 << 30)), small)
    yield (
        "PNG with a profile that unpacks to 1 GB",
        _png(_head(4, 4), _chunk(b"iCCP", b"a\0\0" + _packed(1 << 30)), small),
    )
    yield "PNG with a profile of chance", _png(_head(4, 4), _chunk(b"iCCP", b"a\0\0" + chance.randbytes(9_999)), small)
    yield "PNG with EXIF of chance", _png(_head(4, 4), _chunk(b"eXIf", b"MM\0*" + chance.randbytes(9_999)), small)
    yield "PNG whose EXIF turns in a circle", _png(_head(4, 4), _chunk(b"eXIf", _circle()), small)
    yield "PNG of too many pixels for its sides", _png(_head(4, 4), _chunk(b"IDAT", _packed(1 << 28)))
    yield "PNG with a chunk of 4 GB announced", PNG + _head(4, 4) + b"\xff\xff\xff\xffIDAT" + b"\0" * 99
    yield "PNG of one bit and a palette of none", _png(_head(9, 9, depth=1, colour=3), small)
    yield (
        "PNG of an animation of 10,000 frames",
        _png(_head(4, 4), _chunk(b"acTL", struct.pack(">II", 10_000, 0)), _chunk(b"fcTL", b"\0" * 26) * 10_000, small),
    )


def _jpegs(chance: Random) -> Iterator[tuple[str, bytes]]:
    sound = _saved(_drawn(), "JPEG", quality=90)
    start = sound.index(b"\xff\xc0")
    for width, height in ((65_535, 65_535), (32_768, 1), (0, 9), (9, 0)):
        sides = struct.pack(">HH", height, width)
        yield f"JPEG of {width} x {height}", sound[: start + 5] + sides + sound[start + 9 :]
    progressive = _saved(_drawn().resize((1_900, 1_900)), "JPEG", quality=90, progressive=True)
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    yield "JPEG of 500 scans", progressive[:-2] + scan * 500 + b"\xff\xd9"
    segment = b"\xff\xe1\xff\xff" + b"Exif\0\0" + chance.randbytes(65_527)
    yield "JPEG with EXIF of chance", sound[:2] + segment + sound[2:]
    yield "JPEG with 200 segments of EXIF", sound[:2] + segment * 200 + sound[2:]
    circle = b"Exif\0\0" + _circle()
    yield "JPEG whose EXIF turns in a circle", sound[:2] + _segment(0xE1, circle) + sound[2:]
    for number in range(3):
        profile = b"ICC_PROFILE\0" + bytes([number, 255]) + chance.randbytes(60_000)
        yield f"JPEG with part {number} of a profile", sound[:2] + _segment(0xE2, profile) * 9 + sound[2:]
    yield "JPEG with a second picture nowhere", sound[:2] + _segment(0xE2, b"MPF\0" + _circle()) + sound[2:]
    yield "JPEG with 20 colour tables of chance", sound[:2] + _segment(0xDB, chance.randbytes(650)) * 20 + sound[2:]


def _tiffs(chance: Random) -> Iterator[tuple[str, bytes]]:
    sound = _saved(_drawn(), "TIFF")
    yield "TIFF whose directories turn in a circle", _circle()
    yield "TIFF of a directory of 65,535 entries", b"II*\0\x08\0\0\0\xff\xff" + chance.randbytes(65_535 * 12)
    yield "TIFF whose directory lies outside", b"II*\0" + struct.pack("<I", 2**32 - 1) + sound[8:]
    for width, height in SIDES:
        yield f"TIFF of {width} x {height}", _tiff(width, height)
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"):
        packed = _saved(_drawn(), "TIFF", compression=compression)
        yield f"TIFF {compression}, damaged", _damaged(packed, chance)
        yield f"TIFF {compression}, cut", packed[: len(packed) // 2]


def _films() -> Iterator[tuple[str, bytes]]:
    frames = [Image.new("P", (64, 64), number) for number in range(200)]
    yield "GIF of 200 frames", _saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    yield "WEBP of 200 frames", _saved(frames[0].convert("RGB"), "WEBP", save_all=True, append_images=frames[1:])
    sound = _saved(frames[0], "GIF")
    for width, height in ((65_535, 65_535), (32_768, 3_000), (0, 0)):
        yield f"GIF of {width} x {height}", sound[:6] + struct.pack("<HH", width, height) + sound[10:]
    yield "GIF of 100,000 comments", sound[:-1] + b"!\xfe\x01a\0" * 100_000 + b";"


def _webps(chance: Random) -> Iterator[tuple[str, bytes]]:
    for side in (16_384, 1 << 24):
        canvas = struct.pack("<I", 0) + (side - 1).to_bytes(3, "little") * 2
        body = b"WEBPVP8X" + struct.pack("<I", 10) + canvas + chance.randbytes(99)
        yield f"WEBP of {side} x {side}", b"RIFF" + struct.pack("<I", len(body)) + body
    exif = _saved(_drawn(), "WEBP", exif=b"Exif\0\0" + _circle())
    yield "WEBP whose EXIF turns in a circle", exif


def _png(*chunks: bytes) -> bytes:
    return PNG + b"".join(chunks) + _chunk(b"IEND", b"")


def _head(width: int, height: int, depth: int = 8, colour: int = 2, interlaced: int = 0) -> bytes:
    return _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _segment(kind: int, body: bytes) -> bytes:
    return bytes([0xFF, kind]) + struct.pack(">H", len(body) + 2) + body


def _bmp(width: int, height: int) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, min(width, 2**31 - 1), min(height, 2**31 - 1), 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 99, 0, 0, 54) + head + b"\0" * 99


def _tiff(width: int, height: int) -> bytes:
    entries = [
        (256, width),
        (257, height),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 200),
        (277, 1),
        (278, height),
        (279, 64),
    ]
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    return (b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + directory + b"\0" * 4).ljust(200, b"\0") + b"\0" * 64


def _circle() -> bytes:
    """TIFF, or EXIF, whose directory says that it is followed by itself, and that itself is inside it."""
    entries = struct.pack("<HHII", 0x8769, 4, 1, 8) + struct.pack("<HHII", 0x8825, 4, 1, 8)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", 2) + entries + struct.pack("<I", 8)


def _packed(size: int) -> bytes:
    """So many zeros, deflated."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(b"\0" * (1 << 20)) for _ in range(size >> 20)]
    return b"".join([*parts, packer.flush()])


def _damaged(data: bytes, chance: Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(30):
        damaged[chance.randrange(12, len(damaged))] = chance.randrange(256)
    return bytes(damaged)


def _drawn() -> Image.Image:
    small = Image.frombytes("RGB", (7, 5), Random(1).randbytes(105))
    return small.resize((160, 120), Image.Resampling.BICUBIC)


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
