"""Recognises pictures: exact pixels by a digest, look-alikes by the ISCC Image-Code, and a check that confirms a match.

Needs no torch, so that every node can answer whether a picture is recorded. Bytes come from strangers: their size is
checked before they are parsed, and the picture's size before a pixel is decoded.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import struct
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import iscc_lib
from PIL import Image, ImageChops, ImageOps, ImageStat, UnidentifiedImageError

from generator.errors import GeneratorCode, GeneratorError

PICTURE_BYTES_MAX = 32 * 1024 * 1024
PICTURE_PIXELS_MAX = 40_000_000
PICTURE_SIDE_MAX = 32_768
"""Pixels of a side: a picture of one long row costs decoders far more than its pixels say."""
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP")
"""Formats read here; of a file with several pictures, the first one is read."""

DISTANCE_SURE = 32
"""Up to this many differing bits of 256 two pictures are taken for the same, unless `difference` objects."""
DISTANCE_CANDIDATE = 56
"""Up to this many bits a picture is worth a look."""
DIFFERENCE_SAME = 5.0
"""Up to this `difference` two pictures are the same one, re-encoded; measured, see docs/generator_model.md."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PIXELS_TAG = b"remarque/pixels/v1"
_TRIM_TOLERANCE = 16
_TRIM_PASSES_MAX = 16
_IMAGE_CODE_HEADER = b"\x21\x07"


@dataclass(frozen=True)
class Picture:
    """A decoded picture, upright, in one of two pixel layouts."""

    image: Image.Image
    """Mode RGB, or RGBA where at least one pixel is not fully opaque."""
    format: str
    """The container it came in, one of FORMATS."""

    @property
    def width(self) -> int:
        """Pixels across, after turning it upright."""
        return self.image.width

    @property
    def height(self) -> int:
        """Pixels down, after turning it upright."""
        return self.image.height


def open_picture(data: bytes) -> Picture:
    """Decode bytes from anyone. IMAGE_TOO_LARGE or IMAGE_UNREADABLE; nothing else escapes."""
    if len(data) > PICTURE_BYTES_MAX:
        raise _too_large(f"{len(data)} bytes, at most {PICTURE_BYTES_MAX}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(without_texts(data)), formats=FORMATS) as image:
                if image.width * image.height > PICTURE_PIXELS_MAX:
                    raise _too_large(f"{image.width} x {image.height} pixels, at most {PICTURE_PIXELS_MAX}")
                if max(image.size) > PICTURE_SIDE_MAX:
                    raise _too_large(f"{image.width} x {image.height} pixels, a side has at most {PICTURE_SIDE_MAX}")
                image.load()
                container = "JPEG" if image.format == "MPO" else str(image.format)  # a JPEG with another one behind it
                return Picture(_uniform(ImageOps.exif_transpose(image)), container)
    except Image.DecompressionBombError:
        raise _too_large(f"the header announces more than {PICTURE_PIXELS_MAX} pixels") from None
    except UnidentifiedImageError:
        raise _unreadable("no such format is recognised") from None
    except GeneratorError:
        raise
    except Exception as error:  # decoders answer hostile bytes with almost any exception
        raise _unreadable(f"{type(error).__name__}: {error}"[:200]) from None


def without_texts(data: bytes) -> bytes:
    """A PNG without its text chunks, and everything else as it is.

    Texts say nothing about pixels, and Pillow refuses a file for those that are long when they are unpacked, such as
    the workflows that generators leave in their pictures.
    """
    if not data.startswith(_PNG):
        return data
    kept, start = [_PNG], len(_PNG)
    while start + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, start)
        if data[start + 4 : start + 8] not in (b"tEXt", b"zTXt", b"iTXt"):
            kept.append(data[start : start + 12 + length])
        start += 12 + length
    return b"".join([*kept, data[start:]])


def pixel_digest(picture: Picture) -> str:
    """Hex SHA-256 that is the same for the same pixels in any lossless container.

    Over `remarque/pixels/v1`, width and height as four bytes each (big-endian), one byte with the channels per pixel
    (3 or 4), and the pixels row by row, 8 bits a channel in the order R G B (A). Three channels if every pixel is
    opaque; under full transparency the colour counts as 0. Colour profiles and other metadata do not count.
    """
    image = picture.image
    channels = len(image.getbands())
    digest = hashlib.sha256(_PIXELS_TAG + struct.pack(">IIB", image.width, image.height, channels))
    digest.update(image.tobytes())  # joining the two would copy the whole picture, and no other thread runs meanwhile
    return digest.hexdigest()


def image_code(picture: Picture) -> str:
    """The ISCC Image-Code of 256 bits (`ISCC:...`), normalised as IEP-0020 says."""
    return _code(_trim(_on_white(picture.image)))


def search_codes(picture: Picture) -> tuple[str, ...]:
    """The codes to look a picture up by: its own first, then those it has with a band cut off its top.

    IEP-0020 takes a smooth sky for a border where it can, and cuts more or less of it off a re-encoded copy, which
    changes the whole code. One drawn night scene in ten is lost that way, and found again by these codes
    (docs/generator_model.md).
    """
    image = _on_white(picture.image)
    tops = sorted({image.height * part // 100 for part in range(0, 40, 2)})
    cut = (_code(image.crop((0, top, image.width, image.height))) for top in tops)
    return tuple(dict.fromkeys([image_code(picture), *cut]))


def nearest(code: str, searched: Iterable[str]) -> int:
    """The distance of a recorded code to the nearest of a copy's `search_codes`."""
    return min(distance(code, each) for each in searched)


def is_featureless(code: str) -> bool:
    """Whether a picture is so plain that its code matches any other plain picture's (IEP-0020: do not match it)."""
    body = _body(code)
    return any(int.from_bytes(body[start : start + 8], "big").bit_count() < 8 for start in range(0, 32, 8))


def distance(code: str, other: str) -> int:
    """How many of 256 bits differ between two Image-Codes; unrelated photographs differ in more than 90."""
    return (int.from_bytes(_body(code), "big") ^ int.from_bytes(_body(other), "big")).bit_count()


def difference(picture: Picture, other: Picture) -> float:
    """Mean absolute difference of two pictures, both brought to 64 x 64 RGB: 0 (same) to 255.

    Confirms a near Image-Code, which sees no colour and little brightness. Up to DIFFERENCE_SAME it is one picture.
    """
    small = [_on_white(each.image).resize((64, 64), Image.Resampling.BOX) for each in (picture, other)]
    return sum(ImageStat.Stat(ImageChops.difference(*small)).mean) / 3


def _code(image: Image.Image) -> str:
    grey = image.convert("L").resize((32, 32), Image.Resampling.BICUBIC)
    return str(iscc_lib.gen_image_code_v0(grey.tobytes(), 256).iscc)


def _uniform(image: Image.Image) -> Image.Image:
    """RGB, or RGBA with colour 0 under full transparency."""
    if image.mode in ("F", "I"):
        raise _unreadable(f"pixel type {image.mode} has no 8-bit form")
    if image.mode.startswith("I;16"):
        return image.point(lambda level: level * (1 / 256)).convert("L").convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    full = image.convert("RGBA")
    alpha = full.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return full.convert("RGB")
    visible = alpha.point([0] + [255] * 255)
    return Image.composite(full, Image.new("RGBA", full.size, (0, 0, 0, 0)), visible)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image, mask=image.getchannel("A"))
    return white


def _trim(image: Image.Image) -> Image.Image:
    """Crop nearly uniform borders until none is left; a cut on one side only must be flat, so skies stay (IEP-0020)."""
    for _ in range(_TRIM_PASSES_MAX):
        box = _border_box(image, _TRIM_TOLERANCE)
        if box is None or box == (0, 0, *image.size):
            break
        sides = (box[0] > 0) + (box[1] > 0) + (box[2] < image.width) + (box[3] < image.height)
        if sides == 1 and _border_box(image, _TRIM_TOLERANCE // 2) != box:
            break
        image = image.crop(box)
    return image


def _border_box(image: Image.Image, tolerance: int) -> tuple[int, int, int, int] | None:
    """The box of all pixels that differ from the upper left one by more than the tolerance in any channel."""
    corner = image.crop((0, 0, 1, 1)).tobytes()
    table = [255 if abs(value - channel) > tolerance else 0 for channel in corner for value in range(256)]
    return image.point(table).getbbox()


def _body(code: str) -> bytes:
    raw = b""
    if re.fullmatch(r"ISCC:[A-Z2-7]{55}", code):
        raw = base64.b32decode(code[5:] + "=")
    if raw[:2] != _IMAGE_CODE_HEADER:
        raise GeneratorError(GeneratorCode.IMAGE_CODE_INVALID, f"{code[:80]!r}; give ISCC:EED and 52 more characters")
    return raw[2:]


def _too_large(fact: str) -> GeneratorError:
    return GeneratorError(GeneratorCode.IMAGE_TOO_LARGE, f"{fact}; send a smaller copy of the picture")


def _unreadable(fact: str) -> GeneratorError:
    return GeneratorError(
        GeneratorCode.IMAGE_UNREADABLE, f"{fact}; send a complete {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file"
    )
