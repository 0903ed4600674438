"""What is found out about a picture's Content Credentials: values of bounded size, whatever a stranger wrote there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

MANIFESTS_MAX, ENTRIES_MAX, CODES_MAX = 32, 32, 8
"""Manifests, and of each its actions, ingredients and codes, that are told of; that there are more is said."""
TEXT_MAX, CODE_MAX = 300, 80
"""Characters of a text, and of a code."""
RECEIPT_BYTES_MAX, BINDING_BYTES_MAX, BINDINGS_MAX = 64 * 1024, 4 * 1024, 4


class CredentialState(Enum):
    """What the credentials of a file, or of an ingredient, are worth."""

    ABSENT = "there are none"
    REMOTE_ONLY = "the file says that they lie elsewhere, which is not fetched"
    INVALID = "they do not hold, for the file or for themselves"
    VALID = "they hold, and nothing that is trusted vouches for their signer"
    TRUSTED = "they hold, and their signer is one of those that are trusted"


class SaidOrigin(Enum):
    """What a manifest says of where the picture comes from."""

    NOTHING = "nothing"
    GENERATED = "a trained model made it"
    PARTLY_GENERATED = "parts of it may be a trained model's"
    CAPTURED = "a camera or a scanner took it"
    DRAWN = "a person or a program made it without a trained model"


@dataclass(frozen=True)
class ManifestSigner:
    """Whom a certificate names."""

    organization: str
    name: str
    issuer: str
    """Organisation, or name, of who gave the certificate out."""


@dataclass(frozen=True)
class ManifestAction:
    """Something that was done, as a manifest says."""

    action: str
    """Such as `c2pa.created`."""
    source_type: str
    """IPTC's word, or the whole URI if it is another's; empty if none is given."""
    when: str
    program: str


@dataclass(frozen=True)
class SaidBinding:
    """What a picture is to be found again by."""

    algorithm: str
    value: bytes


@dataclass(frozen=True)
class ManifestIngredient:
    """A file that went into another one."""

    title: str
    relationship: str
    """`parentOf`, `componentOf` or `inputTo`."""
    manifest: str
    """Label of its own manifest; empty if it has none."""
    state: CredentialState
    failures: tuple[str, ...]
    """Codes of C2PA, of what did not hold when it was taken in, or does not now."""


@dataclass(frozen=True)
class ManifestFound:
    """One manifest."""

    label: str
    signer: ManifestSigner | None
    stamped_at: str
    """By a time-stamp that holds; empty if there is none."""
    stamp_trusted: bool
    """Whether the time-stamp's authority is one of those that are trusted."""
    generator: str
    actions: tuple[ManifestAction, ...]
    ingredients: tuple[ManifestIngredient, ...]
    bindings: tuple[SaidBinding, ...]
    receipt: bytes
    """The receipt of a ledger like ours, not looked into; empty if there is none."""
    origin: SaidOrigin
    """By its own actions, and none of what it was made from."""
    edited: bool
    """Whether it tells of changes to what one sees."""


@dataclass(frozen=True)
class Credentials:
    """What a file's Content Credentials say."""

    state: CredentialState
    manifests: tuple[ManifestFound, ...] = ()
    """The one in force first, then those of its ingredients."""
    failures: tuple[str, ...] = ()
    """Codes of C2PA, and of ours that begin with `remarque.`, of what does not hold in the manifest in force."""
    remote: str = ""
    """Where they lie, if elsewhere."""
    cut_off: bool = False
    """Whether the file has more than is told of here."""

    @property
    def active(self) -> ManifestFound | None:
        """The manifest in force."""
        return self.manifests[0] if self.manifests else None

    @property
    def broken_ingredients(self) -> tuple[ManifestIngredient, ...]:
        """Ingredients whose own credentials do not hold, however deep they lie, even under a trusted manifest."""
        found = (one for manifest in self.manifests for one in manifest.ingredients)
        return tuple(one for one in found if one.state is CredentialState.INVALID)

    @property
    def origin(self) -> SaidOrigin:
        """What all manifests together say: the first in the line of parents, and what a trained model added to it."""
        line = self._line()
        first = next((one.origin for one in reversed(line) if one.origin is not SaidOrigin.NOTHING), SaidOrigin.NOTHING)
        generated = {SaidOrigin.GENERATED, SaidOrigin.PARTLY_GENERATED} & {one.origin for one in self.manifests}
        return SaidOrigin.PARTLY_GENERATED if generated and first is not SaidOrigin.GENERATED else first

    def _line(self) -> list[ManifestFound]:
        """The manifest in force, that of its parent, and so on."""
        by_label = {one.label: one for one in self.manifests}
        found: list[ManifestFound] = []
        manifest = self.active
        while manifest is not None and manifest not in found:
            found.append(manifest)
            parents = [one.manifest for one in manifest.ingredients if one.relationship == "parentOf"]
            manifest = by_label.get(parents[0]) if parents else None
        return found
