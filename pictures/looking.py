"""Everything about a file that identifies what it shows: what a record of it says, and what it is looked up by.

What a viewer shows of a file is its picture. Of an animation that is every frame, so its digest is that of all its
frames, and one recorded picture among them does not make the file that picture.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from pictures.errors import PictureCode, PictureError
from pictures.fingerprint import image_code, reduced_code
from pictures.opening import PICTURE_PIXELS_MAX, Frame, Role, open_frames, reading
from pictures.picture import pixel_digest
from pictures.reduction import Reduction, reduce

_FRAMES_TAG = b"remarque/frames/v1"


@dataclass(frozen=True)
class FrameLook:
    """What identifies one picture of a file."""

    number: int
    """From 1, in the file's order."""
    role: Role
    duration_ms: int
    pixel_digest: str
    code: str
    """Its image code: exact of the picture that stands for the file, and of the others a few bits off."""


@dataclass(frozen=True)
class Look:
    """What identifies a file's picture, and what it is looked up by."""

    format: str
    width: int
    height: int
    file_digest: str
    """Hex SHA-256 of the bytes."""
    pixel_digest: str
    """Of what is shown: of a still `pictures.picture.pixel_digest`; of an animation over `remarque/frames/v1`, the
    number of frames, and of each its digest and its time in milliseconds (four bytes, big-endian)."""
    main: FrameLook
    """What stands for the file: the picture shown, of an animation the frame that stands longest."""
    others: tuple[FrameLook, ...]
    """The other pictures in the file."""
    count: int
    """How many pictures the file holds; those beside the one shown that cannot be read are counted only."""
    reduction: Reduction
    """Of the picture that stands for the file."""


def look(data: bytes, pixels_max: int = PICTURE_PIXELS_MAX) -> Look:
    """Look at all pictures of a file from anyone. IMAGE_UNREADABLE, IMAGE_TOO_LARGE, or MemoryError."""
    with reading():
        looks: list[FrameLook] = []
        main: tuple[int, int, Frame, Reduction] | None = None
        for frame in open_frames(data, pixels_max):
            reduction = reduce(frame.picture)
            looks.append(_look_at(frame, reduction))
            if frame.is_shown and (main is None or frame.duration_ms > main[1]):
                main = len(looks) - 1, frame.duration_ms, frame, reduction
        if main is None:
            raise PictureError(PictureCode.IMAGE_UNREADABLE, "the file shows no picture; send one that does")
        at, _, frame, reduction = main
        exact = FrameLook(*_identity(frame), looks[at].pixel_digest, image_code(frame.picture))
        return Look(
            format=frame.picture.format,
            width=frame.picture.width,
            height=frame.picture.height,
            file_digest=hashlib.sha256(data).hexdigest(),
            pixel_digest=digest_of(
                [(one.pixel_digest, one.duration_ms) for one in looks if one.role in ("shown", "frame")]
            ),
            main=exact,
            others=tuple(looks[:at] + looks[at + 1 :]),
            count=frame.count,
            reduction=reduction,
        )


def digest_of(frames: list[tuple[str, int]]) -> str:
    """The digest of what a file shows, by the digests and times of its frames."""
    if len(frames) == 1:
        return frames[0][0]
    digest = hashlib.sha256(_FRAMES_TAG + struct.pack(">I", len(frames)))
    for pixels, duration_ms in frames:
        digest.update(bytes.fromhex(pixels) + struct.pack(">I", min(duration_ms, 0xFFFFFFFF)))
    return digest.hexdigest()


def file_pixel_digest(data: bytes, pixels_max: int = PICTURE_PIXELS_MAX) -> str:
    """The digest of what a file shows, alone. Refuses as `look` does."""
    with reading():
        shown = (frame for frame in open_frames(data, pixels_max) if frame.is_shown)
        return digest_of([(pixel_digest(frame.picture), frame.duration_ms) for frame in shown])


def _look_at(frame: Frame, reduction: Reduction) -> FrameLook:
    return FrameLook(*_identity(frame), pixel_digest(frame.picture), reduced_code(reduction))


def _identity(frame: Frame) -> tuple[int, Role, int]:
    return frame.number, frame.role, frame.duration_ms
