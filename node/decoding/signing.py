"""What is asked of a child that marks a picture, or puts a manifest into its file; and what that asks back.

A child takes in what strangers wrote, such as the manifests of the file that a picture was made from. So it gets no
key: it hands the node what is to be signed, and is handed the signature.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ledger.names import Hex32, ImageCode, ManifestLabel, MarkId, MediaType
from pictures.opening import PICTURE_BYTES_MAX, PICTURE_SIDE_MAX

STORE_BYTES_MAX = 16 << 20
"""Of the manifests of one file, with those of what it was made from."""
CALL_BYTES_MAX = 64 * 1024

_Side = Annotated[int, Meta(ge=1, le=PICTURE_SIDE_MAX)]


class ProgramNamed(msgspec.Struct, frozen=True):
    """A program, or a model, with its version."""

    name: str
    version: str


class ClaimAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What a manifest is to say; see `pictures.credentials.manifest.Claim`."""

    label: ManifestLabel
    signer: ProgramNamed
    at_ms: int
    title: str
    image_code: str
    source: str = ""
    made_with: ProgramNamed | None = None
    inputs: tuple[ProgramNamed, ...] = ()
    watermarked: bool = False
    receipt: bytes = b""
    receipt_type: str = ""
    mining: dict[str, Literal["allowed", "notAllowed", "constrained"]] = {}


class SealAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Sign a manifest for a file."""

    claim: ClaimAsked
    chain: tuple[str, ...]
    """Certificates of the signer, PEM."""
    stamped: bool
    """Whether a time-stamp can be had."""


class MarkAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Put marks into a picture."""

    watermark_key: bytes
    source: str
    """IPTC's word for its label; empty for no label."""
    label: str
    """Of the manifest that its file will have."""
    unique_id: bool
    """Whether its label names the manifest."""


class ViewAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Put the mark of a viewing into a picture."""

    watermark_key: bytes
    number: int
    """The mark."""


class _Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    pass


class CallBack(_Said, frozen=True):
    """What the node is to sign, or to stamp; it answers with bytes behind their length, and none for "not now"."""

    what: Literal["sign", "stamp"]
    data: Annotated[bytes, Meta(max_length=CALL_BYTES_MAX)]


class StoreMade(_Said, frozen=True):
    """The manifests of a file."""

    store: Annotated[bytes, Meta(min_length=1, max_length=STORE_BYTES_MAX)]
    time_stamped: bool


class StoreHeld(_Said, frozen=True):
    """Whether manifests are those of a file, in force under the label that was asked for, and hold."""

    holds: bool
    why: Annotated[str, Meta(max_length=1_000)] = ""


class PictureShown(_Said, frozen=True):
    """A file with the mark of a viewing in it."""

    data: Annotated[bytes, Meta(max_length=PICTURE_BYTES_MAX)]
    media_type: MediaType


class PictureMarked(_Said, frozen=True):
    """A file with marks in it, and what identifies it."""

    data: Annotated[bytes, Meta(max_length=PICTURE_BYTES_MAX)]
    media_type: MediaType
    file_digest: Hex32
    pixel_digest: Hex32
    image_code: ImageCode
    width: _Side
    height: _Side
    mark: MarkId | None
    credentialed: bool
    """Whether the file that was brought has Content Credentials."""
