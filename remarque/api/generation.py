"""Asking a node's generator for pictures, and how far it is."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger.generation import Commitments, GenerationRequest, Openings
from ledger.records import Disclosure
from remarque.api.shapes import Answer, Body
from remarque.errors import NodeCode, RemarqueError

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"
"""The states of a generation."""
MASK_BYTES_MAX = 1024 * 1024
"""Of a mask's file."""


class Generators(Answer, frozen=True, kw_only=True):
    """What a node's generator serves."""

    org: str
    """Whose generators they are; a request names it."""
    models: tuple[str, ...]
    """Digests of its models; none if the node has no generator, or that is still starting."""
    adapters: tuple[str, ...] = ()
    """Digests of the adapters that can be added to them."""


class AskGeneration(Body, frozen=True, kw_only=True):
    """Body of `POST /v1/generations`."""

    request: GenerationRequest
    signature: str
    """The creator's, under `remarque/generation-request/v1` and the canonical request; hex."""
    openings: Openings
    """Prompt and settings, of which the request holds the commitments only."""
    mask: Annotated[bytes, Meta(max_length=MASK_BYTES_MAX)] = b""
    """The file whose digest the settings name as mask, in base64; empty for none. It is erased with the generation."""


class OpenedSettings(Answer, frozen=True, kw_only=True):
    """The settings of a generated picture in clear, as far as whoever asks may read them and the node has them."""

    disclosure: Disclosure
    """Who may read which, from the chain."""
    openings: Openings
    """Those that whoever asks may read, each with the salt that opens its commitment."""

    def value(self, field: str) -> str | int | None:
        """A setting in clear; None if it is withheld, erased, or not on the node."""
        return self.openings.value(field)

    def check(self) -> None:
        """OPENINGS_FALSE unless each setting opens its commitment: so who gave them need not be trusted."""
        check_openings(self.openings, self.disclosure.commitments)


def check_openings(openings: Openings, commitments: Commitments) -> None:
    """OPENINGS_FALSE unless each setting in clear opens its commitment."""
    misfits = openings.misfits(commitments)
    if misfits:
        detail = f"what is said of {', '.join(misfits)} is not what the creator committed to"
        raise RemarqueError(NodeCode.OPENINGS_FALSE.name, f"{detail}; ask somebody else for it")


class GenerationTaken(Answer, frozen=True, kw_only=True):
    """That pictures were asked for. The same request again is the generation that it is already."""

    generation: str
    """Its id."""
    state: str


class GeneratedPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of a generation whose record is committed."""

    index: int
    """Which of the pictures that were asked for, from 0."""
    asset: str
    """Its asset's id."""
    cid: str
    """Content id of its file; of a confidential one, of the encrypted file."""
    transaction: str
    """Id of the transaction that recorded it."""
    unmarked: bool = False
    """Whether it has no watermark though it was to have one: it is too smooth for one that would be read again."""


class RefusedPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of a generation whose record the ledger refused, so that it is not released."""

    index: int
    """Which of the pictures that were asked for, from 0."""
    code: str
    detail: str


class Generation(Answer, frozen=True, kw_only=True):
    """How far a generation is."""

    generation: str
    """Its id."""
    state: str
    """`queued`, `running`, `done` or `failed`."""
    pictures: tuple[GeneratedPicture, ...]
    """Those that are recorded."""
    count: int
    """How many were asked for."""
    refused: tuple[RefusedPicture, ...] = ()
    """Those that the ledger refused to record; the others are made all the same."""
    index: int | UnsetType = UNSET
    """The picture that is being made, from 0; like the next two, only while one is."""
    step: int | UnsetType = UNSET
    """How many steps of the sampler are done."""
    steps: int | UnsetType = UNSET
    code: str | UnsetType = UNSET
    """Why it failed."""
    detail: str | UnsetType = UNSET
    """The same in words."""

    @property
    def ended(self) -> bool:
        return self.state in (DONE, FAILED)
