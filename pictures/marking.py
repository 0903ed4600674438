"""One call that makes a picture's file and puts every mark in that comes before the record.

The order is the point. Watermark and label are part of what is recorded, so they are put in first; then the digests are
taken, and the record made, which names the manifest by its label. The manifest is signed last, by
`credentials.manifest.seal`, over the recorded file, and can be taken off again without touching it. So the record, the
released file and its manifest agree.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image

from pictures.containers.kinds import MEDIA_TYPES
from pictures.fingerprint import image_code
from pictures.labels import Label, labelled
from pictures.opening import open_picture, reading
from pictures.picture import Picture, pixel_digest
from pictures.watermark import SIDE_MIN, MarkedPixels, embed, read
from pictures.watermark_code import ID_BITS

Container = Literal["PNG", "JPEG", "WEBP", "AVIF", "TIFF"]

_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "PNG": {"compress_level": 1, "compress_type": zlib.Z_RLE},
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95, "method": 2},
    "AVIF": {"quality": 90, "speed": 9},
    "TIFF": {"compression": "tiff_lzw"},
}
"""How each is written: for little time rather than for the last percent of size."""


@dataclass(frozen=True)
class Layers:
    """Which marks a policy puts into every picture before its record."""

    watermark_key: bytes = b""
    """32 bytes that the members share; nothing for no watermark."""
    label: Label | None = None


@dataclass(frozen=True)
class MarkedFile:
    """A file as it is to be recorded, and what identifies it."""

    data: bytes
    media_type: str
    width: int
    height: int
    file_digest: str
    pixel_digest: str
    image_code: str
    watermark: int | None
    """The id in its pixels; None if none was asked for, or if the picture is too smooth or too small to be marked."""
    psnr: float
    """Decibels between the picture and the marked one; infinite without a watermark."""


def watermark_id(label: str) -> int:
    """The id that stands for a manifest's label: the first 40 bits of its SHA-256.

    So a record that names the manifest names the watermark. Two of a million pictures may share one; what is looked up
    by it is compared in any case.
    """
    return int.from_bytes(hashlib.sha256(label.encode()).digest()[: ID_BITS // 8], "big")


def mark(image: Image.Image, container: Container, layers: Layers, label: str) -> MarkedFile:
    """The file of an RGB or RGBA picture with its marks, whose manifest will have a label.

    A watermark counts as put in if it is read again from the file itself. NOT_LABELLED, IMAGE_TOO_LARGE.
    """
    number, marked, psnr = watermark_id(label), image, float("inf")
    if layers.watermark_key and min(image.size) >= SIDE_MIN:
        found = embed(np.asarray(image.convert("RGB")), number, layers.watermark_key)
        if isinstance(found, MarkedPixels):
            marked, psnr = _with_pixels(image, found), found.psnr
    data = _encoded(marked, container)
    if layers.label is not None:
        data = labelled(data, layers.label)
    return _described(_to_a_word(data) if container == "TIFF" else data, container, layers, number, psnr)


def mark_viewing(image: Image.Image, container: Container, number: int, key: bytes) -> bytes | None:
    """The file of an RGB or RGBA picture with the mark of one viewing, and nothing else that its own file said.

    It takes the place of a mark of the same key that the picture had. None if it cannot be read again from
    the file itself, because the picture is too smooth or too small.
    """
    if min(image.size) < SIDE_MIN:
        return None
    found = embed(np.asarray(image.convert("RGB")), number, key)
    if not isinstance(found, MarkedPixels):
        return None
    data = _encoded(_with_pixels(image, found), container)
    with reading():
        return data if _has_mark(open_picture(data), key, number) else None


def _with_pixels(image: Image.Image, found: MarkedPixels) -> Image.Image:
    """The marked pixels, as transparent as the picture is."""
    marked = Image.fromarray(found.rgb)
    if image.has_transparency_data:
        marked.putalpha(image.convert("RGBA").getchannel("A"))
    return marked


def _encoded(image: Image.Image, container: Container) -> bytes:
    out = io.BytesIO()
    flat = image.convert("RGB") if container == "JPEG" else image
    flat.save(out, container, **_OPTIONS[container])
    return out.getvalue()


def _to_a_word(data: bytes) -> bytes:
    """Up to a multiple of four bytes, behind which a TIFF's next entry begins: so it can be taken off to the byte."""
    return data + bytes(-len(data) % 4)


def _described(data: bytes, container: Container, layers: Layers, number: int, psnr: float) -> MarkedFile:
    """What identifies the file, from its own decoded pixels."""
    with reading():
        picture = open_picture(data)
        marked = psnr != float("inf") and _has_mark(picture, layers.watermark_key, number)
        return MarkedFile(
            data=data,
            media_type=MEDIA_TYPES[container],
            width=picture.width,
            height=picture.height,
            file_digest=hashlib.sha256(data).hexdigest(),
            pixel_digest=pixel_digest(picture),
            image_code=image_code(picture),
            watermark=number if marked else None,
            psnr=psnr,
        )


def _has_mark(picture: Picture, key: bytes, number: int) -> bool:
    found = read(np.asarray(picture.shown(picture.box)), key)
    return found is not None and found.id == number
