"""Pins of files, in the words of IPFS's Pinning Service API (1.0)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from ledger.names import ContentId
from remarque.api.shapes import Answer, Body

PinState = Literal["queued", "pinning", "pinned", "failed"]
Name = Annotated[str, Meta(max_length=255)]
Origin = Annotated[str, Meta(max_length=500)]
MetaText = Annotated[str, Meta(max_length=1_000)]


class AskPin(Body, frozen=True, kw_only=True):
    """A file that is to be kept."""

    cid: ContentId
    name: Name | UnsetType = UNSET
    """What it is, or why it is kept, for whoever asks later."""
    origins: Annotated[tuple[Origin, ...], Meta(max_length=20)] = ()
    """Where else it is, as multiaddrs. They are kept and not asked: a node asks members and depots."""
    meta: Annotated[dict[MetaText, MetaText], Meta(max_length=1_000)] = field(default_factory=dict)
    """What a client notes about it."""


class PinnedFile(Answer, frozen=True, kw_only=True):
    """A file that is to be kept, as it was asked for."""

    cid: str
    name: str | UnsetType = UNSET
    origins: tuple[str, ...]
    meta: dict[str, str]


class PinStatus(Answer, frozen=True, kw_only=True):
    """A pin: a file that is kept whatever becomes of its record."""

    requestid: str
    status: PinState
    """`queued`: it is not here, and will be looked for; `pinning`: it is being fetched; `pinned`: it is here and kept;
    `failed`: nobody gave it for a day, or it is no file of a kind that is kept."""
    created: str
    """When it was asked for, as RFC 3339 writes it."""
    pin: PinnedFile
    delegates: tuple[str, ...]
    """Where this node is reached, as multiaddrs."""
    info: dict[str, str]
    """`status_details`: why it is not here, if something is known."""


class PinResults(Answer, frozen=True, kw_only=True):
    """Pins, the newest first."""

    count: int
    """How many there are, in this part of the list and behind it."""
    results: tuple[PinStatus, ...]
