"""Opens a file from anyone: checked before it is decoded, then each picture in it, one after the other.

Bytes come from strangers: their size is checked before they are parsed, the pictures' size before a pixel is decoded.
A file may hold more than one picture: the frames of an animation, pages, or what stands beside the one that viewers
show, such as a phone's second exposure. A viewer shows all frames, so all of them are the file's picture; what stands
beside is looked at too, and told apart.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Literal

from PIL import ExifTags, Image, UnidentifiedImageError

from pictures.colours import colours_of
from pictures.containers import jxl, png, tiff
from pictures.errors import PictureCode, PictureError
from pictures.picture import Picture, strips

PICTURE_BYTES_MAX = 64 * 1024 * 1024
PICTURE_PIXELS_MAX = 120_000_000
"""Of all that a viewer shows of a file together."""
WEBP_PIXELS_MAX = 80_000_000
"""Its decoder holds a picture four times."""
PICTURE_SIDE_MAX = 32_768
"""Pixels of a side: a picture of one long row costs decoders far more than its pixels say."""
FRAMES_MAX = 256
"""Pictures of one file."""
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "HEIF", "JXL")
"""Formats read here, as Pillow names them."""

Role = Literal["shown", "frame", "page", "hidden", "beside"]
"""What a picture is in its file: the one that is shown; a frame of an animation; a further page; what viewers show that
know no animations; or something beside it, such as a phone's second picture."""

_SEVERAL: dict[str, Role] = {"MPO": "beside", "TIFF": "page", "HEIF": "beside"}
"""By format: what the pictures are that follow the one that is shown. Elsewhere they are frames."""


@dataclass(frozen=True)
class Frame:
    """One picture of a file."""

    number: int
    """From 1, in the file's order."""
    count: int
    """How many pictures the file holds."""
    role: Role
    duration_ms: int
    """How long a frame is shown; 0 of what is no frame."""
    picture: Picture

    @property
    def is_shown(self) -> bool:
        """Whether every viewer shows it."""
        return self.role in ("shown", "frame")


def open_frames(data: bytes, pixels_max: int = PICTURE_PIXELS_MAX, enough: int = 0) -> Iterator[Frame]:
    """Decode the pictures of a file from anyone, one at a time. IMAGE_TOO_LARGE or IMAGE_UNREADABLE, or MemoryError;
    nothing else escapes.

    `pixels_max` is for all that is shown together, and for each picture beside it. With `enough` given, a picture may
    come smaller than it is, yet with no side under so many pixels for it. What stands beside and cannot be read, or is
    larger than any picture may be, is left out.
    """
    if len(data) > PICTURE_BYTES_MAX:
        raise _too_large(f"{len(data)} bytes, at most {PICTURE_BYTES_MAX}")
    with reading():
        _check_headers(data, pixels_max)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(without_texts(data)), formats=formats()) as image:
                yield from _frames(image, data, pixels_max, enough)


def open_picture(data: bytes, pixels_max: int = PICTURE_PIXELS_MAX, enough: int = 0) -> Picture:
    """The picture that a file shows: of an animation the frame that stands longest. Refuses as `open_frames` does."""
    shown = [frame for frame in open_frames(data, pixels_max, enough) if frame.is_shown]
    return max(shown, key=lambda frame: (frame.duration_ms, -frame.number)).picture


@contextmanager
def reading() -> Iterator[None]:
    """Stands around all that decodes or measures bytes from anyone: nothing escapes but what `open_frames` names."""
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


@cache
def formats() -> tuple[str, ...]:
    """The formats, once their decoders are there, each of one thread: a child that decodes can begin no other."""
    avif: Any = import_module("PIL.AvifImagePlugin")
    heif: Any = import_module("pillow_heif")
    jpeg_xl: Any = import_module("pillow_jxl.JpegXLImagePlugin")
    heif.register_heif_opener(thumbnails=False, decode_threads=0)
    jpeg_xl.DECODE_THREADS = 0
    avif.DEFAULT_MAX_THREADS = 1
    return FORMATS


def _check_headers(data: bytes, pixels_max: int) -> None:
    """Refuse what must not reach a decoder."""
    if sides := _webp_sides(data):
        _check_sides(sides, min(pixels_max, WEBP_PIXELS_MAX))
    if header := jxl.header(data):
        _check_sides((header.width, header.height), pixels_max)
        if not header.plain:
            raise _unreadable("a JPEG XL file with an animation or a preview")
    if tiff.is_raw(data):
        raise _unreadable("a camera's raw file, of which only its preview could be read")


def _frames(image: Image.Image, data: bytes, pixels_max: int, enough: int) -> Iterator[Frame]:
    container = "JPEG" if image.format == "MPO" else str(image.format)
    count = int(getattr(image, "n_frames", 1))
    roles = _roles(image, count)
    if count > FRAMES_MAX:
        raise _too_large(f"{count} pictures in one file, at most {FRAMES_MAX}")
    _check_sides(image.size, pixels_max, sum(role in ("shown", "frame") for role in roles))
    if enough and count == 1:
        image.draft(None, (enough, enough))
    first = image.tell()
    for at, role in enumerate(roles):
        try:
            if at != first:
                image.seek(at)
            _check_sides(image.size, pixels_max)
            picture = _decoded(image, data, container, count > 1)
            yield Frame(at + 1, count, role, _duration(image, role), picture)
        except MemoryError:
            raise
        except Exception as error:  # decoders answer hostile bytes with almost any exception
            if role in ("shown", "frame") or _fits_elsewhere(error, pixels_max):
                raise


def _roles(image: Image.Image, count: int) -> list[Role]:
    if count == 1:
        return ["shown"]
    if image.format in _SEVERAL:
        others = _SEVERAL[image.format]
        return ["shown" if at == image.tell() else others for at in range(count)]
    return ["hidden" if at == 0 and getattr(image, "default_image", False) else "frame" for at in range(count)]


def _fits_elsewhere(error: Exception, pixels_max: int) -> bool:
    """Whether a picture is refused for a limit that is not the last one."""
    too_large = isinstance(error, PictureError) and error.code is PictureCode.IMAGE_TOO_LARGE
    return too_large and pixels_max < PICTURE_PIXELS_MAX


def _duration(image: Image.Image, role: Role) -> int:
    return max(0, int(image.info.get("duration") or 0)) if role == "frame" else 0


def _decoded(image: Image.Image, data: bytes, container: str, is_one_of_several: bool) -> Picture:
    image.info.pop("xmp", None)  # Pillow turns a TIFF by it when its own entries say nothing
    image.load()
    colours = colours_of(image, data)
    still = image.copy() if is_one_of_several else image
    return Picture(still, _orientation_of(image), _mode_of(image), container, colours)


def _check_sides(sides: tuple[int, int], pixels_max: int, count: int = 1) -> None:
    width, height = sides
    if count * width * height > pixels_max:
        times = f"{count} frames of " if count > 1 else ""
        raise _too_large(f"{times}{width} x {height} pixels, at most {pixels_max}")
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


def _orientation_of(image: Image.Image) -> int:
    """What is left to turn of a decoded picture, as its EXIF says and nothing else: Pillow's `getexif` asks XMP too.

    A TIFF has no EXIF beside its entries, and Pillow has turned it by those; a JPEG XL is turned by its decoder.
    """
    if image.format == "JXL":
        return 1
    exif = Image.Exif()
    exif.load(image.info.get("exif") or b"")
    return int(exif.get(ExifTags.Base.Orientation, 1))


def _mode_of(image: Image.Image) -> str:
    """RGB if every pixel is opaque, else RGBA."""
    if image.mode in ("F", "I"):
        raise _unreadable(f"pixel type {image.mode} has no 8-bit form")
    if not image.has_transparency_data:
        return "RGB"
    alphas = (image.crop(strip).convert("RGBA").getchannel("A").getextrema() for strip in strips((0, 0, *image.size)))
    return "RGB" if all(extrema == (255, 255) for extrema in alphas) else "RGBA"


def _too_large(fact: str) -> PictureError:
    return PictureError(PictureCode.IMAGE_TOO_LARGE, f"{fact}; send a smaller copy of the picture")


def _unreadable(fact: str) -> PictureError:
    return PictureError(
        PictureCode.IMAGE_UNREADABLE, f"{fact}; send a complete {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file"
    )
