"""What a node and its generator worker say to each other: MessagePack values in length-prefixed frames.

A frame is four bytes of length (big-endian) and that many bytes of MessagePack. The worker lives in another process,
so that a fault of its device cannot take the node down; either side treats the other's bytes as untrusted.
"""

from __future__ import annotations

import struct
from typing import Annotated, Any, BinaryIO, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from generator.errors import GeneratorCode, GeneratorError
from generator.settings import Settings
from ledger.encoding import NOT_DECODED
from ledger.generation import ModelAdapters
from ledger.names import Hex32

FRAME_BYTES_MAX = 64 * 1024 * 1024

JobName = Annotated[str, Meta(min_length=1, max_length=100)]


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    pass


class Marks(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """To the worker: which marks its pictures get, by the node's policy."""

    watermark_key: Annotated[bytes, Meta(max_length=32)] = b""
    """32 bytes that the members share; empty for no watermark."""
    label: bool = True
    """Whether the file says what made it."""
    provider: str = ""
    """Who answers for the system, as the label names it."""
    system: str = ""
    """The model's name, as the chain has it."""
    version: str = ""
    manifest: bool = False
    """Whether a C2PA manifest will be signed, so that the attestation names it."""


class Generate(_Message, frozen=True):
    """To the worker: make `count` pictures."""

    job: JobName
    """The node's name for this work; every answer repeats it."""
    count: Annotated[int, Meta(ge=1, le=16)]
    settings: Settings
    """Of the first picture; picture i has index i."""
    request: Hex32
    """Id of the creator's signed request; it goes into every attestation."""
    model: Hex32
    """Digest of the model to use."""
    confidential: bool
    """Whether the attestation leaves out the picture's fingerprint, and names no manifest."""
    marks: Marks = Marks()
    source: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")] = ""
    """Digest of the pixels of the recorded picture that these are made of; empty for none."""
    source_file: bytes = b""
    mask_file: bytes = b""
    adapters: ModelAdapters | UnsetType = UNSET
    """What is added to the model."""


class Cancel(_Message, frozen=True):
    """To the worker: give up a job at its next step; answered with `Failed`, code CANCELLED, unless it was done."""

    job: JobName


class Stop(_Message, frozen=True):
    """To the worker: finish what runs, drop what waits, exit. Closing the stream does the same at the next step."""


class Ready(_Message, frozen=True):
    """From the worker, once, first: it accepts jobs."""

    models: list[str]
    """Digests of the models it serves; the first is its default."""
    device: str
    """Where pictures are computed, for people: `cpu` or the name of a GPU."""
    adapters: list[str] = []
    """Digests of the adapters that it can add to them."""


class StepProgress(_Message, frozen=True, tag="progress"):
    """From the worker: a step of a picture is done."""

    job: str
    index: int
    step: int
    """From 1 to `steps`."""
    steps: int


class Generated(_Message, frozen=True):
    """From the worker: a picture, with the signed statement about it."""

    job: str
    index: int
    png: bytes
    width: int
    height: int
    pixel_digest: str
    file_digest: str
    """Hex SHA-256 of `png`."""
    iscc: str
    """ISCC Image-Code; for the node's own use where the job is confidential."""
    attestation: bytes
    """Canonical bytes of `ledger.generation.Attestation`."""
    signature: str
    """Of the attestation, by the generator's key, as hex."""


class Failed(_Message, frozen=True):
    """From the worker: a job ended early. Pictures already sent stay valid."""

    job: str
    code: str
    """A name from `generator.errors.GeneratorCode`."""
    message: str
    """The fact and the fix, without the code."""


ToWorker = Generate | Cancel | Stop
FromWorker = Ready | StepProgress | Generated | Failed

M = TypeVar("M")


class FrameDecoder(Generic[M]):
    """Takes bytes as they come and gives whole messages; does no input or output itself."""

    def __init__(self, kind: Any) -> None:
        """`kind` is `ToWorker` or `FromWorker`."""
        self._decoder: msgspec.msgpack.Decoder[M] = msgspec.msgpack.Decoder(kind)
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[M]:
        """The messages that are complete with these bytes. FRAME_TOO_LARGE or FRAME_INVALID; then drop the stream."""
        self._buffer += data
        messages = []
        while len(self._buffer) >= 4:
            end = 4 + _length(self._buffer[:4])
            if len(self._buffer) < end:
                break
            messages.append(_decode(self._decoder, bytes(self._buffer[4:end])))
            del self._buffer[:end]
        return messages

    def finish(self) -> None:
        """Say that no more bytes come. FRAME_TRUNCATED if a frame was under way."""
        if self._buffer:
            raise _truncated(len(self._buffer))


def encode_frame(message: ToWorker | FromWorker) -> bytes:
    """The frame of a message. FRAME_TOO_LARGE if nobody would read it."""
    body = msgspec.msgpack.encode(message)
    return struct.pack(">I", _length(struct.pack(">I", len(body)))) + body


def write_message(stream: BinaryIO, message: ToWorker | FromWorker) -> None:
    """Write one message and flush it."""
    stream.write(encode_frame(message))
    stream.flush()


def read_message(stream: BinaryIO, decoder: msgspec.msgpack.Decoder[M]) -> M | None:
    """The next message, or None where the stream ends between frames. Waits for it."""
    head = stream.read(4)
    if not head:
        return None
    if len(head) < 4:
        raise _truncated(len(head))
    length = _length(head)
    body = stream.read(length)
    if len(body) < length:
        raise _truncated(4 + len(body))
    return _decode(decoder, body)


def _decode(decoder: msgspec.msgpack.Decoder[M], body: bytes) -> M:
    try:
        return decoder.decode(body)
    except NOT_DECODED as error:
        raise GeneratorError(GeneratorCode.FRAME_INVALID, f"{error}; run the same version on both sides") from None


def _length(head: bytes | bytearray) -> int:
    length: int = struct.unpack(">I", head)[0]
    if length > FRAME_BYTES_MAX:
        raise GeneratorError(
            GeneratorCode.FRAME_TOO_LARGE,
            f"a frame of {length} bytes, at most {FRAME_BYTES_MAX}; ask for smaller pictures",
        )
    return length


def _truncated(size: int) -> GeneratorError:
    return GeneratorError(
        GeneratorCode.FRAME_TRUNCATED, f"the stream ended {size} bytes into a frame; start the worker again"
    )
