"""What a picture's file says beside its pixels, and the same picture in a file that says nothing more.

A file that is registered is given to every member as it is. Cameras write into it where it was taken and by which of
them, generators write prompts and whole workflows, editors write names. `said_inside` tells of that, and `stripped`
gives a file with the same pixels, bit for bit, that keeps what showing them needs: colours, and the way up.

Both are for files of one's own, on one's own machine, and both walk through the file by `pictures.containers`: what is
told of is what the other leaves out. What lies within the coded pixels themselves is not told from them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pictures.containers import bmp, boxes, exif, gif, jpeg, png, tiff, webp
from pictures.containers.parts import FilePart, SaidInside
from pictures.errors import PictureCode, PictureError
from pictures.looking import file_pixel_digest
from pictures.opening import open_picture

__all__ = ["CONTAINERS", "SaidInside", "said_in", "said_inside", "stripped"]

_PARTS: dict[str, Callable[[bytes], Iterator[FilePart]]] = {
    "PNG": png.parts,
    "JPEG": jpeg.parts,
    "WEBP": webp.parts,
    "TIFF": tiff.parts,
    "GIF": gif.parts,
    "BMP": bmp.parts,
    "AVIF": boxes.parts,
    "HEIF": boxes.parts,
    "JXL": boxes.parts,
}
CONTAINERS = frozenset(_PARTS)
"""Those that are taken apart here."""
_WRITTEN: dict[str, Callable[[list[bytes], bytes], bytes]] = {
    "PNG": png.written,
    "JPEG": jpeg.written,
    "WEBP": webp.written,
}


def said_inside(data: bytes) -> tuple[SaidInside, ...]:
    """What a picture's file says beside its pixels, in its order. IMAGE_UNREADABLE, IMAGE_TOO_LARGE."""
    return tuple(said_in(open_picture(data).format, data))


def said_in(container: str, data: bytes) -> Iterator[SaidInside]:
    """The same of a file that is not decoded, and of which nothing but its container is known."""
    return (one for part in _PARTS[container](data) for one in part.said)


def stripped(data: bytes) -> bytes:
    """The picture of a PNG, JPEG or WebP in a file that says nothing beside it.

    Kept are the pixels, bit for bit, an animation, the density, the colour profile, and the orientation as the only
    EXIF entry. Everything of which `said_inside` tells is left out. IMAGE_UNREADABLE, IMAGE_TOO_LARGE, NOT_STRIPPED.
    """
    picture = open_picture(data)
    if picture.format not in _WRITTEN:
        raise PictureError(PictureCode.NOT_STRIPPED, "this is none of PNG, JPEG and WebP; save it as PNG first")
    entries = exif.orientation_alone(picture.orientation) if picture.orientation in range(2, 9) else b""
    kept = [part.kept for part in _PARTS[picture.format](data)]
    bare = _WRITTEN[picture.format](kept, entries)
    if not _shows(bare, file_pixel_digest(data)):
        raise PictureError(PictureCode.NOT_STRIPPED, "its pixels would not stay the same; save it as PNG first")
    return bare


def _shows(data: bytes, digest: str) -> bool:
    """Whether a file is a picture with pixels of this digest."""
    try:
        return file_pixel_digest(data) == digest
    except PictureError:
        return False
