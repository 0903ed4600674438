"""What a creator asks a generator for, and what the generator states it did.

The chain holds a salted commitment for the prompt and each setting, never the text itself: the *openings* (salt and
value) lie beside the chain, and withholding or erasing them breaks no proof. The creator signs the commitments, so a
signed request can be published without giving the prompt away, and nobody else can claim another prompt for it. The
creator signs too who may read which setting in clear; `execution/disclosure.py` has what becomes of that later.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from ledger import crypto
from ledger.encoding import Value, encode
from ledger.names import (
    AccountName,
    ChainName,
    Count,
    Hex16,
    Hex32,
    ImageCode,
    ManifestLabel,
    MarkId,
    MediaType,
    OrgName,
    Positive,
    SettingName,
    TimeMs,
)
from ledger.prices import Price, Terms

PROMPT_LENGTH_MAX = 2_000
COUNT_MAX = 16
SETTINGS_MAX = 32
READERS_MAX = 16
"""Accounts that one setting is disclosed to by name."""
ADAPTERS_MAX = 4
ADAPTER_CENTI_MAX = 200

SETTING_FIELDS = ("prompt", "negative_prompt", "seed", "steps", "guidance_centi", "width", "height")
"""The fields of a request that are committed to, each by itself."""
OPTIONAL_SETTINGS: dict[str, str | int] = {"precision": "float32", "batch": 1, "strength_centi": 0, "mask": ""}
"""Further ones, with what holds where a request has none: what is as usual is left out and has no commitment."""


class Opening(Value, frozen=True, kw_only=True):
    """What reveals one commitment."""

    salt: Hex16
    value: str | int


class Commitments(Value, frozen=True, kw_only=True):
    """One salted commitment per setting of a generation."""

    prompt: Hex32
    negative_prompt: Hex32
    seed: Hex32
    steps: Hex32
    guidance_centi: Hex32
    """Classifier-free guidance in hundredths: 750 is 7.5."""
    width: Hex32
    height: Hex32
    precision: Hex32 | UnsetType = UNSET
    """The numbers that were computed with; absent for `float32`."""
    batch: Hex32 | UnsetType = UNSET
    """Pictures that were computed together; absent for one."""
    strength_centi: Hex32 | UnsetType = UNSET
    """How much of the source is redrawn, in hundredths; absent where there is no source."""
    mask: Hex32 | UnsetType = UNSET
    """SHA-256 of the file that says where the source is redrawn; absent where all of it is."""

    def fields(self) -> tuple[str, ...]:
        """The settings that are committed to."""
        return tuple(one for one in (*SETTING_FIELDS, *OPTIONAL_SETTINGS) if getattr(self, one) is not UNSET)


class Openings(Value, frozen=True, kw_only=True):
    """Settings in clear, each with its salt: all of a generation, or those that somebody may read. Kept beside it."""

    prompt: Opening | UnsetType = UNSET
    negative_prompt: Opening | UnsetType = UNSET
    seed: Opening | UnsetType = UNSET
    steps: Opening | UnsetType = UNSET
    guidance_centi: Opening | UnsetType = UNSET
    width: Opening | UnsetType = UNSET
    height: Opening | UnsetType = UNSET
    precision: Opening | UnsetType = UNSET
    batch: Opening | UnsetType = UNSET
    strength_centi: Opening | UnsetType = UNSET
    mask: Opening | UnsetType = UNSET

    def given(self) -> dict[str, Opening]:
        """Those that there are, by field."""
        found = {field: getattr(self, field) for field in (*SETTING_FIELDS, *OPTIONAL_SETTINGS)}
        return {field: opening for field, opening in found.items() if isinstance(opening, Opening)}

    def value(self, field: str) -> str | int | None:
        """A setting in clear; None if it is not here."""
        opening = self.given().get(field)
        return None if opening is None else opening.value

    def only(self, fields: Collection[str]) -> Openings:
        """Those of some fields."""
        return Openings(**{field: opening for field, opening in self.given().items() if field in fields})

    def commitments(self) -> Commitments:
        """The commitments that these openings, of a whole generation, reveal."""
        return Commitments(**{field: commit(field, opening) for field, opening in self.given().items()})

    def misfits(self, commitments: Commitments) -> tuple[str, ...]:
        """The fields whose commitment these openings do not open."""
        given = self.given().items()
        return tuple(field for field, one in given if commit(field, one) != getattr(commitments, field))


class WithheldSetting(Value, frozen=True, kw_only=True):
    """A setting that not everybody may read in clear."""

    field: SettingName
    readers: Annotated[tuple[AccountName, ...], Meta(max_length=READERS_MAX)] = ()
    """Accounts that may, beside the creator. With none, nobody is told: the setting is committed to, and no more."""


def withheld_of(
    said: tuple[WithheldSetting, ...], committed: tuple[str, ...], *, confidential: bool
) -> tuple[WithheldSetting, ...]:
    """What is withheld of the settings that are committed to. What is not said is public, and of a confidential picture
    it is told to nobody: naming a reader of one setting must not open the others.
    """
    named = {one.field for one in said}
    rest = tuple(WithheldSetting(field=field) for field in committed if field not in named) if confidential else ()
    return (*said, *rest)


class PictureSource(Value, frozen=True, kw_only=True):
    """The recorded picture that another is made of. Public, as all lineage is."""

    asset: Hex32
    value: Price | UnsetType = UNSET
    """What the right to derive is worth, for each picture that is made; as in `asset.derive`."""
    terms: Terms | UnsetType = UNSET
    """The policies of the source that the creator saw; if others are in force, the record fails."""
    licence: Hex32 | UnsetType = UNSET
    """A licence of the creator's to derive from it; each picture that is recorded counts as a use."""


class ModelAdapter(Value, frozen=True, kw_only=True):
    """Weights of low rank (LoRA) that are added to the model's own. Public, as the model is."""

    model: Hex32
    """Digest of the registered adapter."""
    weight_centi: Annotated[int, Meta(ge=1, le=ADAPTER_CENTI_MAX)]
    """How much of it is added, in hundredths: 100 adds it as it was trained."""


ModelAdapters = Annotated[tuple[ModelAdapter, ...], Meta(min_length=1, max_length=ADAPTERS_MAX)]


class GenerationRequest(Value, frozen=True, kw_only=True):
    """What the creator signs (`remarque/generation-request/v1`)."""

    chain: ChainName
    creator: AccountName
    key: Hex32
    """The creator's public key that signs this request."""
    generator: OrgName
    """Org whose generators may make and record the pictures. Once one is recorded, anybody can read the request."""
    model: Hex32
    """Digest of the registered model."""
    adapters: ModelAdapters | UnsetType = UNSET
    """What is added to the model; absent for nothing."""
    count: Positive
    """How many pictures; picture i is made with seed + i."""
    confidential: bool
    commitments: Commitments
    source: PictureSource | UnsetType = UNSET
    """What the pictures are made of. Each is recorded as derived from it: its policies decide, and the creator pays."""
    withheld: Annotated[tuple[WithheldSetting, ...], Meta(max_length=SETTINGS_MAX)] | UnsetType = UNSET
    """Settings that not everybody may read; see `withheld_of` for those that it does not name."""
    valid_until_ms: TimeMs
    """After this the generator refuses to start. A day later nothing more is recorded by it."""
    nonce: Hex16

    @property
    def models(self) -> tuple[str, ...]:
        """Digests of everything that a generator needs for it: the model, then its adapters."""
        added = () if isinstance(self.adapters, UnsetType) else self.adapters
        return (self.model, *(one.model for one in added))

    @property
    def reading(self) -> tuple[WithheldSetting, ...]:
        """What is withheld, said or not."""
        said = () if isinstance(self.withheld, UnsetType) else self.withheld
        return withheld_of(said, self.commitments.fields(), confidential=self.confidential)

    @property
    def id(self) -> str:
        """Name of the request everywhere: digest of what is signed."""
        return crypto.digest(crypto.GENERATION_REQUEST, encode(self))


class Computation(Value, frozen=True, kw_only=True):
    """What computed a picture, as far as it shows in the last bits."""

    device: Annotated[str, Meta(min_length=1, max_length=100)]
    """`cpu`, or what the GPU calls itself."""
    attention_slicing: bool = False
    """Whether attention was computed in parts."""


class Attestation(Value, frozen=True, kw_only=True):
    """What the generator signs about one picture (`remarque/attestation/v1`)."""

    chain: ChainName
    generator: AccountName
    key: Hex32
    """The generator's public key that signs this attestation."""
    request: Hex32
    """Id of the creator's request."""
    index: Count
    """Which picture of the request."""
    model: Hex32
    pixel_digest: Hex32
    """Digest of the decoded pixels, the same in any lossless container."""
    file_digest: Hex32
    """SHA-256 of the file with its marks, before its C2PA manifest is put into it."""
    width: Positive
    height: Positive
    media_type: MediaType
    image_code: ImageCode | UnsetType = UNSET
    """ISCC Image-Code, 256 bit; absent for a confidential picture, which publishes no fingerprint."""
    mark: MarkId | UnsetType = UNSET
    """Of the watermark in its pixels; absent if it has none."""
    manifest: ManifestLabel | UnsetType = UNSET
    """Of the C2PA manifest that its file is released with; absent if it has none."""
    computed: Computation | UnsetType = UNSET
    """On what; absent for a processor that computed it in one piece."""
    time_ms: TimeMs
    """The generator's clock when it finished."""


def commit(field: str, opening: Opening) -> str:
    """Commitment to one setting: a digest over field name, salt and value, hiding as long as the salt is unknown."""
    return crypto.digest(crypto.COMMITMENT, encode({"field": field, "salt": opening.salt, "value": opening.value}))
