"""What a node asks a child that decodes, and what that answers: MessagePack values, each behind its length.

A child has met a stranger's bytes, so what it says is bounded, and checked as strictly as what comes over a network.
"""

from __future__ import annotations

import struct
from mmap import mmap
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ledger.names import Hex32, ImageCode, MarkId, MediaType
from node.decoding.signing import (
    STORE_BYTES_MAX,
    CallBack,
    MarkAsked,
    PictureMarked,
    PictureShown,
    SealAsked,
    StoreHeld,
    StoreMade,
    ViewAsked,
)
from pictures.comparing import PictureComparison
from pictures.credentials.findings import Credentials
from pictures.features import ASKED_MAX, DESCRIPTOR_BYTES, FEATURES_BYTES_MAX
from pictures.labels import DeclaredLabels
from pictures.opening import FRAMES_MAX, PICTURE_BYTES_MAX, PICTURE_SIDE_MAX, Role
from pictures.reduction import REDUCED_SIDE_MAX
from pictures.windows import ASKS_MAX, CODE_BYTES, WINDOWS

FileBytes = bytes | mmap
"""Of a file: in memory, or read from the disk as they are needed."""
ANSWER_BYTES_MAX = 2 << 20
LARGE_ANSWERS = {
    "sealed": STORE_BYTES_MAX + ANSWER_BYTES_MAX,
    "stamped": STORE_BYTES_MAX + ANSWER_BYTES_MAX,
    "marked": PICTURE_BYTES_MAX + ANSWER_BYTES_MAX,
    "viewed": PICTURE_BYTES_MAX + ANSWER_BYTES_MAX,
}
"""What may be answered to questions whose answers hold files."""
LENGTH = struct.Struct(">I")
"""Stands before each value."""

Side = Annotated[int, Meta(ge=1, le=PICTURE_SIDE_MAX)]


class Limits(msgspec.Struct, frozen=True):
    """What one picture may cost."""

    pixels: int
    memory_bytes: int
    """Of address space, beside what the interpreter and its libraries take."""
    processor_seconds: int
    seconds: int
    """On the clock, from the moment the child is begun."""


class ReducedSides(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sides of a picture and of its reduction, in pixels."""

    columns: Annotated[int, Meta(ge=1, le=REDUCED_SIDE_MAX)]
    rows: Annotated[int, Meta(ge=1, le=REDUCED_SIDE_MAX)]
    width: Side
    height: Side

    @property
    def size(self) -> int:
        """Bytes of the reduction: three for each pixel."""
        return 3 * self.columns * self.rows


class KeptBytes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of a recorded picture, by which copies of it are found."""

    codes: Annotated[bytes, Meta(min_length=CODE_BYTES * WINDOWS, max_length=CODE_BYTES * WINDOWS)]
    """Of its windows."""
    corners: Annotated[bytes, Meta(max_length=FEATURES_BYTES_MAX)]
    """As `pictures.features.packed` gives them."""


class Ask(msgspec.Struct, frozen=True):
    """To a child; the picture's bytes come behind it, and then those of the reduction that it is compared with."""

    wanted: Literal["facts", "kept", "compared", "sealed", "stamped", "held", "marked", "viewed"]
    limits: Limits
    size: int
    """Of the picture's bytes."""
    anchors: str = ""
    """PEM of the roots whose credentials are trusted; for facts."""
    watermark_key: bytes = b""
    """Whose watermark is read; none if it is empty. For facts."""
    brought: ReducedSides | None = None
    """Of the picture that this one is compared with."""
    kept: KeptBytes | None = None
    """Of this one, if anything is kept of it; to compare."""
    pixels: str = ""
    """The pixel digest of its record, which may name any content. Where something is kept, that was checked."""
    other_size: int = 0
    """Of further bytes behind the picture's: the file that it was made from, or its manifests."""
    label: str = ""
    """Under which its manifests must be in force; for what is held."""
    seal: SealAsked | None = None
    mark: MarkAsked | None = None
    view: ViewAsked | None = None

    @property
    def behind(self) -> int:
        """Bytes that come behind the picture's."""
        return self.brought.size if self.brought else self.other_size


class _Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    pass


class FrameFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What identifies one of several pictures in a file."""

    number: Annotated[int, Meta(ge=1, le=FRAMES_MAX)]
    """From 1, in the file's order."""
    role: Role
    duration_ms: Annotated[int, Meta(ge=0)]
    pixel_digest: Hex32
    code: ImageCode


class MarkFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A watermark that was read."""

    mark: MarkId
    chance: float
    """Upper bound of the chance that a picture without it reads like this."""


class Facts(_Answer, frozen=True):
    """What identifies a picture, what it is looked up by, and what its file says of it."""

    media_type: MediaType
    file_digest: Hex32
    """SHA-256 of its bytes."""
    bare_digest: Hex32
    """SHA-256 of its bytes without a C2PA manifest, with which a recorded file is released; the same if it has none."""
    pixel_digest: Hex32
    """Of all that its file shows."""
    main: FrameFacts
    """Which picture of the file stands for it: what follows is of this one."""
    others: Annotated[tuple[FrameFacts, ...], Meta(max_length=FRAMES_MAX)]
    """The other pictures in the file."""
    count: Annotated[int, Meta(ge=1, le=FRAMES_MAX)]
    """How many pictures the file holds, those that cannot be read too."""
    sides: ReducedSides
    reduction: Annotated[bytes, Meta(max_length=3 * REDUCED_SIDE_MAX**2)]
    asked_codes: Annotated[bytes, Meta(min_length=CODE_BYTES, max_length=CODE_BYTES * ASKS_MAX)]
    """The codes to look it up by, those for windows first (`pictures.windows.asks_of`)."""
    corners: Annotated[bytes, Meta(max_length=DESCRIPTOR_BYTES * ASKED_MAX)]
    """What its corners look like."""
    mirrored_corners: Annotated[bytes, Meta(max_length=DESCRIPTOR_BYTES * ASKED_MAX)]
    """The same as in a mirror."""
    labels: DeclaredLabels
    credentials: Credentials
    mark: MarkFacts | None

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.sides.width

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.sides.height


class Findable(_Answer, frozen=True):
    """What is to be kept of a recorded picture; nothing of content that is another picture than its record says."""

    kept: KeptBytes | None


class ComparedWith(_Answer, frozen=True):
    """What became of a comparison: how one picture lies in the other, or nothing if nothing confirms that it does."""

    found: PictureComparison | None


class Declined(_Answer, frozen=True):
    """The picture is not one that is read here, or not within these limits."""

    code: Literal["IMAGE_UNREADABLE", "IMAGE_TOO_LARGE", "IMAGE_TOO_COSTLY", "NOT_SIGNED", "NOT_LABELLED"]
    detail: Annotated[str, Meta(max_length=1_000)]


class Ended(_Answer, frozen=True):
    """From the process that forks: the child ended without an answer."""

    signal: Annotated[int, Meta(ge=0, le=64)]
    """What ended it; 0 if it ended by itself."""


Answer = (
    Facts | Findable | ComparedWith | CallBack | StoreMade | StoreHeld | PictureMarked | PictureShown | Declined | Ended
)


def framed(value: msgspec.Struct) -> bytes:
    """A value as it is sent."""
    data = msgspec.msgpack.encode(value)
    return LENGTH.pack(len(data)) + data


def parse_answer(data: bytes) -> Answer:
    """A child's answer; msgspec.DecodeError if it is none."""
    found: Answer = msgspec.msgpack.decode(data, type=Answer)
    if isinstance(found, Facts) and (len(found.reduction) != found.sides.size or len(found.asked_codes) % CODE_BYTES):
        raise msgspec.DecodeError("a reduction, or codes, of another size than is said")
    return found
