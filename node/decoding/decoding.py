"""What a child does with one picture: it takes the bytes, confines itself, decodes, and answers."""

from __future__ import annotations

import hashlib
import socket
from typing import Literal

import msgspec
import numpy as np

from node.decoding.asking import (
    LENGTH,
    Answer,
    Ask,
    ComparedWith,
    Declined,
    Facts,
    Findable,
    FrameFacts,
    KeptBytes,
    MarkFacts,
    ReducedSides,
    framed,
)
from node.decoding.confinement import confine
from node.decoding.credentialing import SIGNING, Calling, no_call
from node.decoding.signing import CallBack
from pictures.comparing import Seen, compare
from pictures.credentials.embedding import without_manifest
from pictures.credentials.reading import read_credentials
from pictures.describing import media_type_of
from pictures.errors import PictureCode, PictureError
from pictures.features import packed, unpacked
from pictures.labels import declared_labels
from pictures.looking import FrameLook, file_pixel_digest, look
from pictures.opening import open_picture, reading
from pictures.reduction import REDUCED_SIDE_MAX, Reduction, reduce
from pictures.watermark import read
from pictures.windows import CODE_BYTES


def decode_one(connection: socket.socket) -> None:
    """Answer one question on a connection to the node. Whatever it raises leaves the question without an answer."""
    (length,) = LENGTH.unpack(_received(connection, LENGTH.size))
    ask = msgspec.msgpack.decode(_received(connection, length), type=Ask)
    confine(ask.limits)
    data, other = _received(connection, ask.size), _received(connection, ask.behind)

    def call(what: Literal["sign", "stamp"], message: bytes) -> bytes:
        """Have the node sign, or stamp. NOT_SIGNED if it does not."""
        connection.sendall(framed(CallBack(what, message)))
        (size,) = LENGTH.unpack(_received(connection, LENGTH.size))
        if not size:
            raise PictureError(PictureCode.NOT_SIGNED, "the node signs nothing now; ask again")
        return _received(connection, size)

    connection.sendall(framed(answer_to(ask, data, other, call)))


def answer_to(ask: Ask, data: bytes, other: bytes = b"", call: Calling = no_call) -> Answer:
    """What is asked of a picture's bytes."""
    try:
        with reading():
            if ask.wanted == "facts":
                return facts_of(data, ask.limits.pixels, ask.anchors, ask.watermark_key)
            if ask.wanted in SIGNING:
                return SIGNING[ask.wanted](ask, data, other, call)
            if not _is_its_own(ask, data):
                return Findable(None) if ask.brought is None else ComparedWith(None)
            reduction = reduce(open_picture(data, ask.limits.pixels, enough=REDUCED_SIDE_MAX))
            seen = Seen(reduction) if ask.kept is None else _seen(reduction, ask.kept)
            if ask.brought is None:
                return Findable(KeptBytes(seen.codes.tobytes(), packed(seen.features)))
            return ComparedWith(compare(Seen(reduction_of(ask.brought, other)), seen))
    except PictureError as error:
        return msgspec.convert({"kind": "declined", "code": error.code.name, "detail": error.detail[:1_000]}, Declined)
    except MemoryError:
        detail = f"decoding it takes more than {ask.limits.memory_bytes >> 20} MiB; send a smaller copy of the picture"
        return Declined("IMAGE_TOO_COSTLY", detail)


def _is_its_own(ask: Ask, data: bytes) -> bool:
    """Whether a record's content is the picture that it is the record of; known where something of it is kept."""
    return not ask.pixels or ask.kept is not None or file_pixel_digest(data, ask.limits.pixels) == ask.pixels


def facts_of(data: bytes, pixels_max: int, anchors: str = "", watermark_key: bytes = b"") -> Facts:
    """What identifies a picture, and what its file says. PictureError if it is none that is read here."""
    look_at = look(data, pixels_max)
    seen, rgb = Seen(look_at.reduction), look_at.reduction.rgb
    corners, mirrored = seen.asked_features
    mark = read(rgb, watermark_key) if watermark_key else None
    return Facts(
        media_type=media_type_of(look_at.format),
        file_digest=look_at.file_digest,
        bare_digest=_bare_digest(data, look_at.file_digest),
        pixel_digest=look_at.pixel_digest,
        main=_frame(look_at.main),
        others=tuple(map(_frame, look_at.others)),
        count=look_at.count,
        sides=ReducedSides(rgb.shape[1], rgb.shape[0], look_at.width, look_at.height),
        reduction=rgb.tobytes(),
        asked_codes=seen.asked_codes.tobytes(),
        corners=corners.descriptors.tobytes(),
        mirrored_corners=mirrored.descriptors.tobytes(),
        labels=declared_labels(data),
        credentials=read_credentials(data, anchors),
        mark=MarkFacts(f"{mark.id:010x}", mark.chance) if mark else None,
    )


def reduction_of(sides: ReducedSides, rgb: bytes) -> Reduction:
    """A reduction that was sent."""
    pixels = np.frombuffer(rgb, np.uint8).reshape(sides.rows, sides.columns, 3)
    return Reduction(pixels, sides.width, sides.height)


def _seen(reduction: Reduction, kept: KeptBytes) -> Seen:
    codes = np.frombuffer(kept.codes, np.uint8).reshape(-1, CODE_BYTES)
    return Seen(reduction, codes, unpacked(kept.corners))


def _bare_digest(data: bytes, file_digest: str) -> str:
    """Of the file as it was before a manifest was put into it; as it is where that cannot be told."""
    try:
        return hashlib.sha256(without_manifest(data)).hexdigest()
    except PictureError:
        return file_digest


def _frame(seen: FrameLook) -> FrameFacts:
    return FrameFacts(seen.number, seen.role, seen.duration_ms, seen.pixel_digest, seen.code)


def _received(connection: socket.socket, size: int) -> bytes:
    """The next bytes on a connection, all of them."""
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = connection.recv_into(view)
        if count == 0:
            raise EOFError("the node went away")
        view = view[count:]
    return bytes(data)
