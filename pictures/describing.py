"""What identifies a picture of one's own, found out on this machine: for whoever registers it without showing it."""

from __future__ import annotations

from pictures.looking import look
from remarque.api.content import PictureFacts


def describe(data: bytes) -> PictureFacts:
    """What identifies the picture in a file. IMAGE_UNREADABLE or IMAGE_TOO_LARGE."""
    seen = look(data)
    return PictureFacts(
        pixel_digest=seen.pixel_digest,
        file_digest=seen.file_digest,
        image_code=seen.main.code,
        width=seen.width,
        height=seen.height,
        media_type=media_type_of(seen.format),
    )


def media_type_of(container: str) -> str:
    """As records have it, one of `ledger.names.MediaType`; `container` is one of `pictures.opening.FORMATS`."""
    return f"image/{'heic' if container == 'HEIF' else container.lower()}"
