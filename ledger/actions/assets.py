"""Recording pictures and what is known of them; and the statements of others."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from ledger.actions.parts import (
    ARCHIVED_FILES_MAX,
    Action,
    Content,
    Shares,
)
from ledger.generation import READERS_MAX, SETTINGS_MAX, Attestation, GenerationRequest
from ledger.names import (
    AccountName,
    DirectoryId,
    Hex32,
    Hex64,
    ImageCode,
    ManifestLabel,
    MarkId,
    Positive,
    SettingName,
    SourceType,
    StatementText,
)
from ledger.prices import Price, Terms

SIMILAR_MAX = 8
SettingNames = Annotated[tuple[SettingName, ...], Meta(min_length=1, max_length=SETTINGS_MAX)]
Label = Annotated[str, Meta(min_length=1, max_length=128)]


class RegisterModel(Action, frozen=True, tag="model.register", kw_only=True):
    """Name a generator model, or an adapter of one, by its files' digest. By an account with role `model-provider`."""

    model: Hex32
    name: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[ -~]+\Z")]
    version: Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[ -~]+\Z")]
    licence: Annotated[str, Meta(max_length=64, pattern=r"^[ -~]*\Z")]
    adapter: bool = False
    """Whether it is an adapter (LoRA), whose weights are added to those of a model that is asked for with it."""


class CommitAsset(Action, frozen=True, tag="asset.commit", kw_only=True):
    """Commit to a picture without showing it, so that nobody who sees its registration can come before.

    The commitment is SHA-256 of `remarque/asset-commitment/v1` and `ACCOUNT/PIXEL_DIGEST/SALT`, the account being the
    signer. Its registration names the salt, in a later block and before the commitment ends.
    """

    commitment: Hex32


class RegisterAsset(Action, frozen=True, tag="asset.register", kw_only=True):
    """Record a picture that its registrant declares. Evidence level: declared."""

    pixel_digest: Hex32
    file_digest: Hex32
    width: Positive
    height: Positive
    content: Content
    image_code: ImageCode | UnsetType = UNSET
    confidential: bool
    creators: Shares | UnsetType = UNSET
    """Who is paid as creator; the registrant alone if absent."""
    salt: Hex32 | UnsetType = UNSET
    """Of the registrant's commitment to it, if there is one."""
    title: Label | UnsetType = UNSET
    credit: Label | UnsetType = UNSET
    """Whom to name where it is shown."""
    similar: Annotated[tuple[Hex32, ...], Meta(min_length=1, max_length=SIMILAR_MAX)] | UnsetType = UNSET
    """Recorded pictures of others that its registrant was told it is like."""
    mark: MarkId | UnsetType = UNSET
    """Of the watermark that its registrant put into it."""
    manifest: ManifestLabel | UnsetType = UNSET
    """Of the C2PA manifest that its file is released with."""
    source_type: SourceType | UnsetType = UNSET
    """How it came about, as its registrant says."""


class RegisterGenerated(Action, frozen=True, tag="asset.register_generated", kw_only=True):
    """Record a generated picture with both signed statements. By the generator's account. Evidence: generated."""

    request: GenerationRequest
    request_signature: Hex64
    """By the creator."""
    attestation: Attestation
    attestation_signature: Hex64
    """By the generator."""
    content: Content
    salt: Hex32 | UnsetType = UNSET
    """Of the generator's commitment to it, if there is one."""


class AttestAsset(Action, frozen=True, tag="asset.attest", kw_only=True):
    """Lift a declared asset to generated, once, with both signed statements. By the generator's account."""

    request: GenerationRequest
    request_signature: Hex64
    """By the creator."""
    attestation: Attestation
    attestation_signature: Hex64
    """By the generator."""


class DiscloseSettings(Action, frozen=True, tag="generation.disclose", kw_only=True):
    """Let more people read settings of a generation in clear. By its creator. What is said here cannot be taken back.

    The settings themselves stay beside the chain: members hold them against the commitments of the request.
    """

    request: Hex32
    """Id of the creator's request."""
    fields: SettingNames
    readers: Annotated[tuple[AccountName, ...], Meta(min_length=1, max_length=READERS_MAX)] | UnsetType = UNSET
    """Who may read them too; everybody if absent."""


class EraseSettings(Action, frozen=True, tag="generation.erase", kw_only=True):
    """Have every member destroy the settings of a generation in clear, with their salts. By its creator.

    The commitments stay on the chain and tell nothing; every signature, record and receipt holds as before. Whoever has
    read a setting may have kept it.
    """

    request: Hex32
    """Id of the creator's request."""
    fields: SettingNames


class DeriveAsset(Action, frozen=True, tag="asset.derive", kw_only=True):
    """Say what an asset was made from, once, before it is minted. By its owner; each parent's policy decides.

    A parent's policy decides for the parent's owner if that account signs too, else for the signer. The
    `derivative_mint` royalty of each parent is paid.
    """

    asset: Hex32
    parents: Annotated[tuple[Hex32, ...], Meta(min_length=1, max_length=8)]
    value: Price | UnsetType = UNSET
    """What the right to derive is worth, for each parent; a royalty is a part of it. Absent: the fallback is due."""
    terms: Annotated[tuple[Terms, ...], Meta(max_length=8)] | UnsetType = UNSET
    """The policies of each parent that the signer saw, in the order of `parents`; if others are in force, it fails.

    Needed where more is due than the value.
    """
    licences: Annotated[tuple[Hex32, ...], Meta(max_length=8)] = ()
    """Licences of the signer's under which it was made, of one parent each; a use of each is counted."""


class DisputeAsset(Action, frozen=True, tag="asset.dispute", kw_only=True):
    """State for the signer's org that what is recorded of an asset is wrong. By an account with role `fact-checker`."""

    asset: Hex32
    reason: Annotated[str, Meta(min_length=1, max_length=512)]
    evidence: Hex32
    """SHA-256 of what shows it, kept beside the chain."""


class WithdrawDispute(Action, frozen=True, tag="asset.withdraw_dispute", kw_only=True):
    """Take back the dispute of the signer's org. By an account with role `fact-checker`."""

    asset: Hex32


class ArchiveContent(Action, frozen=True, tag="content.archive", kw_only=True):
    """State for the signer's org that it has put files into a content archive, and where it keeps that.

    Said again of the same piece, it takes the place of what the org said before. By an administrator. No node has read
    the archive: whoever does holds every file of it against its content id.
    """

    root: DirectoryId
    """Content id of the archive's directory, and so of all that is in it."""
    piece: Hex32
    """The piece commitment of the archive's bytes, as Filecoin has it."""
    size: Positive
    """Bytes of the archive."""
    files: Annotated[int, Meta(ge=1, le=ARCHIVED_FILES_MAX)]
    """How many files are in it."""
    place: Annotated[str, Meta(min_length=1, max_length=256)]
    """Where it is kept, in words or as an address."""


class RegisterStatement(Action, frozen=True, tag="statement.register", kw_only=True):
    """Put a signed statement's digest into the log for ever. By an account with role `registrar`, which checked it."""

    digest: Hex32
    """SHA-256 of the statement's bytes without receipts; the 32 bytes are its entry in the log."""
    issuer: StatementText
    """Who made the statement, as its claims say."""
    subject: StatementText
    """What it is about, as its claims say."""
