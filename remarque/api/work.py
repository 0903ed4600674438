"""What generator workers on other machines say to their node, and hear: work, progress, pictures, ends.

A worker is told prompts in clear and the members' watermark key, so only generators of the node's own org are given
work. They sign what they made, and record it themselves.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from ledger.actions import Content
from ledger.generation import COUNT_MAX, Attestation, GenerationRequest, Openings
from ledger.names import ContentId, Hex16, Hex32, Hex64
from remarque.api.shapes import Answer, Body

WAIT_SECONDS_MAX = 30
"""How long a node may wait for work before it answers that there is none."""
MODELS_MAX = 64
GIVEN_PICTURE_BYTES_MAX = 16 * 1024 * 1024
"""Of the file of a generated picture: four million pixels of three bytes, and what is around them."""

Index = Annotated[int, Meta(ge=0, lt=COUNT_MAX)]
Word = Annotated[str, Meta(max_length=64)]
Words = Annotated[str, Meta(max_length=2_000)]


class AskWork(Body, frozen=True, kw_only=True):
    """Body of `POST /v1/leases`."""

    worker: Hex16
    """By chance, drawn when the worker starts. One that has work is given that again."""
    models: Annotated[tuple[Hex32, ...], Meta(min_length=1, max_length=MODELS_MAX)]
    """Digests of the models it serves."""
    adapters: Annotated[tuple[Hex32, ...], Meta(max_length=MODELS_MAX)] = ()
    """Digests of the adapters that it can add to them."""
    device: Annotated[str, Meta(max_length=100)]
    """Where it computes, for people: `cpu` or the name of a GPU."""
    wait_seconds: Annotated[int, Meta(ge=0, le=WAIT_SECONDS_MAX)] = 0
    """How long to wait for work."""


class WorkMarks(Answer, frozen=True, kw_only=True):
    """Which marks the pictures get."""

    watermark_key: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")]
    """The members' key as hex; empty for no watermark."""
    label: bool
    """Whether the file says what made it."""
    provider: str
    system: str
    version: str
    manifest: bool
    """Whether a manifest will be signed, so that the attestation names it."""


class WorkSource(Answer, frozen=True, kw_only=True):
    """The recorded picture that the pictures are made of."""

    asset: Hex32
    cid: ContentId
    """Of its file."""


class Work(Answer, frozen=True, kw_only=True):
    """A generation that a worker has, until its lease ends."""

    lease: Hex32
    """Shown with everything that is said of it. Nobody else may know it."""
    lasts_ms: int
    """How long the lease lasts from each time that the worker is heard of."""
    request: GenerationRequest
    signature: Hex64
    """The creator's, of the request."""
    openings: Openings
    """Prompt and settings, each with the salt of its commitment, so that a worker sees that they are the creator's."""
    marks: WorkMarks
    known: tuple[int, ...]
    """The pictures that are recorded or refused already, by index."""
    first: int
    """The picture to begin with. Those that are computed together are made together again."""
    source: WorkSource | UnsetType = UNSET
    mask: bytes = b""
    """The file that says where the source is redrawn, in base64; empty where all of it is."""


class WorkFound(Answer, frozen=True, kw_only=True):
    """Work, if there was any in time."""

    work: Work | UnsetType = UNSET


class WorkRefusal(Body, frozen=True, kw_only=True):
    """That the ledger refused a picture's record."""

    index: Index
    code: Word
    detail: Words


class WorkProgress(Body, frozen=True, kw_only=True):
    """Body of `POST /v1/leases/progress`: that the worker still works, and how far it is."""

    lease: Hex32
    index: Index | UnsetType = UNSET
    """The picture that is being made."""
    step: Annotated[int, Meta(ge=0, le=10_000)] | UnsetType = UNSET
    steps: Annotated[int, Meta(ge=0, le=10_000)] | UnsetType = UNSET
    refused: WorkRefusal | UnsetType = UNSET


class WorkEnd(Body, frozen=True, kw_only=True):
    """Body of `POST /v1/leases/end`: that the worker does no more of it."""

    lease: Hex32
    code: Word | UnsetType = UNSET
    """Why it cannot be done; absent if the worker only stops, so that another goes on with what is not done."""
    detail: Words | UnsetType = UNSET
    unable: bool = False
    """Whether the fault is the worker's own, so that another goes on; a job that three were unable to do fails."""


class WorkStanding(Answer, frozen=True, kw_only=True):
    """How a worker's generation stands."""

    state: str
    """`queued`, `running`, `done` or `failed`."""
    withdrawn: bool
    """Whether its creator withdrew it, so that the worker shall end it."""
    known: tuple[int, ...]
    """The pictures that are recorded or refused, by index."""


class MadePicture(Body, frozen=True, kw_only=True):
    """Body of `POST /v1/leases/pictures`, in MessagePack."""

    lease: Hex32
    file: Annotated[bytes, Meta(max_length=GIVEN_PICTURE_BYTES_MAX)]
    """The picture as PNG, with its marks."""
    attestation: Attestation
    signature: Hex64
    """Of the attestation, by the worker's key."""


class PictureTaken(Answer, frozen=True, kw_only=True):
    """That a picture is stored, encrypted if it is confidential."""

    content: Content
    """What its record has to say of its file."""
