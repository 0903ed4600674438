"""Which container a file is, by its first bytes."""

from __future__ import annotations

from pictures.containers import png

MEDIA_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "HEIF": "image/heif",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
}
"""Of the containers that can hold manifests."""


def container_of(data: bytes) -> str:
    """Which of MEDIA_TYPES a file announces to be; nothing if it is another."""
    if data.startswith(png.START):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:12] in (b"ftypavif", b"ftypavis"):
        return "AVIF"
    if data[4:8] == b"ftyp":
        return "HEIF"
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    return "GIF" if data[:4] == b"GIF8" else ""
