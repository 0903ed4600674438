"""What identifies a picture of one's own, found out on this machine: for whoever registers it without showing it."""

from __future__ import annotations

import hashlib

from pictures.fingerprint import image_code
from pictures.picture import Picture, open_picture, pixel_digest, reading
from remarque.api.content import PictureFacts


def describe(data: bytes) -> PictureFacts:
    """What identifies the picture in a file. IMAGE_UNREADABLE or IMAGE_TOO_LARGE."""
    with reading():
        picture = open_picture(data)
        return PictureFacts(
            pixel_digest=pixel_digest(picture),
            file_digest=hashlib.sha256(data).hexdigest(),
            image_code=image_code(picture),
            width=picture.width,
            height=picture.height,
            media_type=media_type_of(picture),
        )


def media_type_of(picture: Picture) -> str:
    """As records have it, one of `ledger.names.MediaType`."""
    return f"image/{picture.format.lower()}"
