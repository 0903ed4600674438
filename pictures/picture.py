"""A picture out of bytes from anyone: checked before it is decoded, then read part by part.

Bytes come from strangers: their size is checked before they are parsed, and the picture's size before a pixel is
decoded. What its decoder left lies in memory once; everything that is measured of it is measured in parts of a few
million bytes, so that a picture takes hardly more memory than its decoder does.
"""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import ExifTags, Image, UnidentifiedImageError

from pictures.containers import png
from pictures.errors import PictureCode, PictureError

PICTURE_BYTES_MAX = 64 * 1024 * 1024
PICTURE_PIXELS_MAX = 120_000_000
WEBP_PIXELS_MAX = 80_000_000
"""Its decoder holds a picture four times."""
PICTURE_SIDE_MAX = 32_768
"""Pixels of a side: a picture of one long row costs decoders far more than its pixels say."""
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP")
"""Formats read here; of a file with several pictures, the first one is read."""
PART_PIXELS = 1 << 20
"""Pixels that are measured together."""

Box = tuple[int, int, int, int]
"""Left, upper, right and lower edge; the right and lower ones are the first that are not in it."""

_PIXELS_TAG = b"remarque/pixels/v1"
_TURNS = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT, False, True, False),
    3: (Image.Transpose.ROTATE_180, False, True, True),
    4: (Image.Transpose.FLIP_TOP_BOTTOM, False, False, True),
    5: (Image.Transpose.TRANSPOSE, True, False, False),
    6: (Image.Transpose.ROTATE_270, True, False, True),
    7: (Image.Transpose.TRANSVERSE, True, True, True),
    8: (Image.Transpose.ROTATE_90, True, True, False),
}
"""By EXIF orientation: what turns the picture upright, whether that exchanges its axes, and whether the left and the
upper edge of what is upright lie on the right and at the bottom of what is not."""


@dataclass(frozen=True)
class Picture:
    """A decoded picture, upright, in one of two pixel layouts."""

    decoded: Image.Image
    """As its decoder left it: in any mode, and not turned upright."""
    orientation: int
    """As EXIF counts it, 1 to 8."""
    mode: str
    """RGB, or RGBA where at least one pixel is not fully opaque."""
    format: str
    """The container it came in, one of FORMATS."""

    @property
    def width(self) -> int:
        """Pixels across, after turning it upright."""
        return self.decoded.size[self._turned]

    @property
    def height(self) -> int:
        """Pixels down, after turning it upright."""
        return self.decoded.size[not self._turned]

    @property
    def box(self) -> Box:
        """All of it."""
        return 0, 0, self.width, self.height

    @property
    def image(self) -> Image.Image:
        """All of it, upright, in its mode."""
        return self.part(self.box)

    def part(self, box: Box) -> Image.Image:
        """What lies in a box of it, upright, in its mode. Under full transparency the colour is 0."""
        return _uniform(_upright(self.decoded, self.orientation, box), self.mode)

    def part_on_white(self, box: Box) -> Image.Image:
        """The same in mode RGB, as it looks on white."""
        part = self.part(box)
        if part.mode == "RGB":
            return part
        white = Image.new("RGB", part.size, (255, 255, 255))
        white.paste(part, mask=part.getchannel("A"))
        return white

    @property
    def _turned(self) -> bool:
        return self.orientation in _TURNS and _TURNS[self.orientation][1]


def open_picture(data: bytes, pixels_max: int = PICTURE_PIXELS_MAX, enough: int = 0) -> Picture:
    """Decode bytes from anyone. IMAGE_TOO_LARGE or IMAGE_UNREADABLE, or MemoryError; nothing else escapes.

    With `enough` given, the picture may come smaller than it is, yet with no side under so many pixels for it.
    """
    if len(data) > PICTURE_BYTES_MAX:
        raise _too_large(f"{len(data)} bytes, at most {PICTURE_BYTES_MAX}")
    with reading():
        if sides := _webp_sides(data):
            _check_sides(sides, min(pixels_max, WEBP_PIXELS_MAX))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(without_texts(data)), formats=FORMATS) as image:
                _check_sides(image.size, pixels_max)
                if enough:
                    image.draft(None, (enough, enough))
                image.info.pop("xmp", None)  # Pillow turns a TIFF by it when its own entries say nothing
                image.load()
                container = "JPEG" if image.format == "MPO" else str(image.format)  # a JPEG with another one behind it
                return Picture(image, _orientation_of(image), _mode_of(image), container)


@contextmanager
def reading() -> Iterator[None]:
    """Stands around all that decodes or measures bytes from anyone: nothing escapes but what `open_picture` names."""
    try:
        yield
    except Image.DecompressionBombError:
        raise _too_large("the header announces more pixels than are read here") from None
    except UnidentifiedImageError:
        raise _unreadable("no such format is recognised") from None
    except (PictureError, MemoryError):
        raise
    except Exception as error:  # decoders answer hostile bytes with almost any exception
        raise _unreadable(f"{type(error).__name__}: {error}"[:200]) from None


def without_texts(data: bytes) -> bytes:
    """A PNG without its text chunks, and everything else as it is.

    Texts say nothing about pixels, and Pillow refuses a file for those that are long when they are unpacked, such as
    the workflows that generators leave in their pictures.
    """
    if not data.startswith(png.START):
        return data
    kept, start = [png.START], len(png.START)
    while start + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, start)
        if data[start + 4 : start + 8] not in png.TEXTS:
            kept.append(data[start : start + 12 + length])
        start += 12 + length
    return b"".join([*kept, data[start:]])


def pixel_digest(picture: Picture) -> str:
    """Hex SHA-256 that is the same for the same pixels in any lossless container.

    Over `remarque/pixels/v1`, width and height as four bytes each (big-endian), one byte with the channels per pixel
    (3 or 4), and the pixels row by row, 8 bits a channel in the order R G B (A). Three channels if every pixel is
    opaque; under full transparency the colour counts as 0. Colour profiles and other metadata do not count.
    """
    digest = hashlib.sha256(_PIXELS_TAG + struct.pack(">IIB", picture.width, picture.height, len(picture.mode)))
    for strip in strips(picture.box):
        digest.update(picture.part(strip).tobytes())
    return digest.hexdigest()


def strips(box: Box) -> Iterator[Box]:
    """A box in parts of its whole width, from the top."""
    left, top, right, bottom = box
    rows = max(1, PART_PIXELS // max(1, right - left))
    for start in range(top, bottom, rows):
        yield left, start, right, min(start + rows, bottom)


def _check_sides(sides: tuple[int, int], pixels_max: int) -> None:
    width, height = sides
    if width * height > pixels_max:
        raise _too_large(f"{width} x {height} pixels, at most {pixels_max}")
    if max(sides) > PICTURE_SIDE_MAX:
        raise _too_large(f"{width} x {height} pixels, a side has at most {PICTURE_SIDE_MAX}")


def _webp_sides(data: bytes) -> tuple[int, int] | None:
    """Width and height that a WebP announces, None of everything else: its decoder takes all memory when it is opened.

    Source: RFC 9649, 2.5 to 2.7.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    if data[12:16] == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if data[12:16] == b"VP8L":
        packed = int.from_bytes(data[21:25], "little")
        return 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
    return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF


def _upright(image: Image.Image, orientation: int, box: Box) -> Image.Image:
    """The part of an image that lies in a box of the upright picture."""
    if orientation not in _TURNS:
        return image.crop(box)
    turn, turned, from_right, from_bottom = _TURNS[orientation]
    left, top, right, bottom = (box[1], box[0], box[3], box[2]) if turned else box
    if from_right:
        left, right = image.width - right, image.width - left
    if from_bottom:
        top, bottom = image.height - bottom, image.height - top
    return image.crop((left, top, right, bottom)).transpose(turn)


def _orientation_of(image: Image.Image) -> int:
    """What is left to turn of a decoded picture, as its EXIF says and nothing else: Pillow's `getexif` asks XMP too.

    A TIFF has no EXIF beside its entries, and Pillow has turned it by those.
    """
    exif = Image.Exif()
    exif.load(image.info.get("exif", b""))
    return int(exif.get(ExifTags.Base.Orientation, 1))


def _mode_of(image: Image.Image) -> str:
    """RGB if every pixel is opaque, else RGBA."""
    if image.mode in ("F", "I"):
        raise _unreadable(f"pixel type {image.mode} has no 8-bit form")
    if not image.has_transparency_data:
        return "RGB"
    alphas = (image.crop(strip).convert("RGBA").getchannel("A").getextrema() for strip in strips((0, 0, *image.size)))
    return "RGB" if all(extrema == (255, 255) for extrema in alphas) else "RGBA"


def _uniform(image: Image.Image, mode: str) -> Image.Image:
    """In mode RGB, or RGBA with colour 0 under full transparency."""
    if image.mode.startswith("I;16"):
        if image.mode != "I;16":  # big-endian, as a TIFF may have it
            image = image.convert("I").convert("I;16")
        return image.point(lambda level: level * (1 / 256)).convert("L").convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    full = image.convert("RGBA")
    if mode == "RGB":
        return full.convert("RGB")
    visible = full.getchannel("A").point([0] + [255] * 255)
    return Image.composite(full, Image.new("RGBA", full.size, (0, 0, 0, 0)), visible)


def _too_large(fact: str) -> PictureError:
    return PictureError(PictureCode.IMAGE_TOO_LARGE, f"{fact}; send a smaller copy of the picture")


def _unreadable(fact: str) -> PictureError:
    return PictureError(
        PictureCode.IMAGE_UNREADABLE, f"{fact}; send a complete {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file"
    )
