"""What a child does with one picture: it takes the bytes, confines itself, decodes, and answers."""

from __future__ import annotations

import hashlib
import socket

import msgspec

from node.decoding.asking import LENGTH, Answer, Ask, Declined, Facts, Reduced, framed
from node.decoding.confinement import confine
from pictures.describing import media_type_of
from pictures.errors import PictureError
from pictures.fingerprint import SEARCHED_SIDE, miniature, search_codes
from pictures.picture import open_picture, pixel_digest, reading


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
    picture = open_picture(data, pixels_max)
    return Facts(
        width=picture.width,
        height=picture.height,
        media_type=media_type_of(picture),
        file_digest=hashlib.sha256(data).hexdigest(),
        pixel_digest=pixel_digest(picture),
        codes=search_codes(picture),
        miniature=miniature(picture),
    )


def reduced(data: bytes, pixels_max: int) -> Reduced:
    """What a picture is compared by. Of a large JPEG most pixels need not be decoded for it."""
    return Reduced(miniature(open_picture(data, pixels_max, enough=SEARCHED_SIDE)))


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
