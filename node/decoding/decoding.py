"""What a child does with one picture: it takes the bytes, confines itself, decodes, and answers."""

from __future__ import annotations

import socket

import msgspec

from node.decoding.asking import LENGTH, Answer, Ask, Declined, Facts, FrameFacts, Reduced, framed
from node.decoding.confinement import confine
from pictures.describing import media_type_of
from pictures.errors import PictureError
from pictures.fingerprint import miniature, search_codes
from pictures.looking import FrameLook, look
from pictures.opening import open_picture, reading
from pictures.reduction import REDUCED_SIDE_MAX, reduce


def decode_one(connection: socket.socket) -> None:
    """Answer one question on a connection to the node. Whatever it raises leaves the question without an answer."""
    (length,) = LENGTH.unpack(_received(connection, LENGTH.size))
    ask = msgspec.msgpack.decode(_received(connection, length), type=Ask)
    confine(ask.limits)
    connection.sendall(framed(answer_to(ask, _received(connection, ask.size))))


def answer_to(ask: Ask, data: bytes) -> Answer:
    """What is asked of a picture's bytes."""
    try:
        with reading():
            return reduced(data, ask.limits.pixels) if ask.wanted == "miniature" else facts_of(data, ask.limits.pixels)
    except PictureError as error:
        return msgspec.convert({"kind": "declined", "code": error.code.name, "detail": error.detail[:1_000]}, Declined)
    except MemoryError:
        detail = f"decoding it takes more than {ask.limits.memory_bytes >> 20} MiB; send a smaller copy of the picture"
        return Declined("IMAGE_TOO_COSTLY", detail)


def facts_of(data: bytes, pixels_max: int) -> Facts:
    """What identifies a picture. PictureError if it is none that is read here."""
    seen = look(data, pixels_max)
    return Facts(
        width=seen.width,
        height=seen.height,
        media_type=media_type_of(seen.format),
        file_digest=seen.file_digest,
        pixel_digest=seen.pixel_digest,
        main=_frame(seen.main),
        others=tuple(map(_frame, seen.others)),
        count=seen.count,
        codes=search_codes(seen.reduction, seen.main.code),
        miniature=miniature(seen.reduction),
    )


def _frame(seen: FrameLook) -> FrameFacts:
    return FrameFacts(seen.number, seen.role, seen.duration_ms, seen.pixel_digest, seen.code)


def reduced(data: bytes, pixels_max: int) -> Reduced:
    """What a picture is compared by. Of a large JPEG most pixels need not be decoded for it."""
    return Reduced(miniature(reduce(open_picture(data, pixels_max, enough=REDUCED_SIDE_MAX))))


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
