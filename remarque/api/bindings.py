"""Finding manifests again, in the words of C2PA's Soft Binding Resolution API (2.3, in C2PA 2.4)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field

from remarque.api.shapes import Answer, Body

BINDING_CHARACTERS_MAX = 4_096


class BindingAlgorithm(Answer, frozen=True, kw_only=True):
    """A way to bind a manifest to what is seen."""

    alg: str
    """Its name in C2PA's list."""


class BindingAlgorithms(Answer, frozen=True, kw_only=True):
    """Which of them this node looks up."""

    watermarks: tuple[BindingAlgorithm, ...]
    """None: the consortium's watermark is in no public list. It is read all the same when a picture is brought."""
    fingerprints: tuple[BindingAlgorithm, ...]


class AskBinding(Body, frozen=True, kw_only=True):
    """Body of `POST /c2pa/matches/byBinding`, for a value that is too long for an address."""

    alg: Annotated[str, Meta(pattern=r"^io\.iscc\.v0\Z")]
    """Its name in C2PA's list: the one that is looked up here."""
    value: Annotated[str, Meta(max_length=BINDING_CHARACTERS_MAX)]
    """In base64."""


class AskReference(Body, frozen=True, kw_only=True):
    """Body of `POST /c2pa/matches/byReference`."""

    reference_url: str = field(name="referenceUrl")
    """An https address, of a public host."""
    asset_length: Annotated[int, Meta(ge=0)] | UnsetType = field(name="assetLength", default=UNSET)
    """In bytes, as the client says; what comes is counted all the same."""
    asset_type: Annotated[str, Meta(max_length=100)] | UnsetType = field(name="assetType", default=UNSET)
    """Media type, as the client says; what comes is looked at all the same."""


class ManifestMatch(Answer, frozen=True, kw_only=True):
    """A manifest that may be of what was asked about."""

    manifest_id: str = field(name="manifestId")
    """Its label."""
    similarity_score: int = field(name="similarityScore")
    """Of 100."""


class ManifestMatches(Answer, frozen=True, kw_only=True):
    """The manifests that were found, the likeliest first."""

    matches: tuple[ManifestMatch, ...]


class ManifestRepository(Answer, frozen=True, kw_only=True):
    """Where a manifest is kept."""

    uri: str
    """The chain."""
    manifest_id: str = field(name="manifestId")


class ReceiptProof(Answer, frozen=True, kw_only=True):
    """What proves that the record which names a manifest stands in the log."""

    type: str
    """Media type of the receipt."""
    receipt: str
    """A COSE receipt (RFC 9942) of the record's transaction, base64url."""
    entry: str
    """The log's entry that it is of, hex."""


class ReceiptAnchor(Answer, frozen=True, kw_only=True):
    """Where it is recorded."""

    uri: str
    proof: ReceiptProof


class ManifestReceipt(Answer, frozen=True, kw_only=True):
    """That a manifest's label was recorded, and when it cannot have been later."""

    context: str = field(name="@context")
    kind: str = field(name="@type")
    repository: ManifestRepository
    anchor: ReceiptAnchor
