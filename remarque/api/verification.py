"""What the chain knows about a picture that anybody brings."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from ledger.receipt import Receipt
from ledger.records import Dispute
from ledger.state_answer import StateAnswer
from remarque.api.shapes import Answer

Relation = Literal["exact_file", "same_pixels", "near_duplicate", "part", "altered", "watermark", "candidate"]
Verdict = Literal[
    "exact_file", "same_pixels", "near_duplicate", "part", "altered", "watermark", "candidates", "not_recorded"
]
OriginVerdict = Literal[
    "ai_attested",
    "ai_attested_altered",
    "ai_by_credentials",
    "ai_by_watermark",
    "ai_declared",
    "human_by_credentials",
    "human_declared",
    "recorded",
    "contradicted",
    "unknown",
]
Contradiction = Literal[
    "credentials_say_human",
    "credentials_say_ai",
    "record_says_human",
    "record_says_ai",
    "watermark_of_another",
    "label_says_human",
    "label_says_ai",
    "watermark_unknown",
    "credentials_broken",
    "altered",
]


class Origin(Answer, frozen=True, kw_only=True):
    """What all witnesses together say about whether the picture is AI-made."""

    verdict: OriginVerdict
    """What the strongest witness says; `contradicted` where two that are proven exclude each other."""
    contradictions: tuple[Contradiction, ...]
    """What is said otherwise, the strongest first."""


class MatchedModel(Answer, frozen=True, kw_only=True):
    """The generator model that made a recorded picture; its digest alone, if the chain has no record of it."""

    digest: str
    name: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    provider: str | UnsetType = UNSET


class Attested(Answer, frozen=True, kw_only=True):
    """That a generator attested a picture after it had been declared."""

    by: str
    """The generator's account."""
    receipt: Receipt | None
    """Of the transaction that brought the attestation; null where the record's own would be."""


class Match(Answer, frozen=True, kw_only=True):
    """A recorded picture that is the one brought, or like it."""

    asset: str
    relation: Relation
    """How it was found: by the file's own digest, by its pixels, as a near-duplicate that the recorded picture
    confirms, or as a candidate that nothing confirms."""
    evidence: str
    """`generated`, `declared`, or `disputed` while an org disputes it."""
    creator: str
    registrant: str
    """The account that recorded it: the generator, or whoever declared it."""
    recorded_ms: int
    height: int
    """Of the block that recorded it."""
    confidential: bool
    distance: int
    """Bits of 256 in which the image codes differ; 0 for the same pixels."""
    receipt: Receipt | None
    """Of the transaction that recorded it; null if this node no longer keeps its block, or if that transaction tells
    of more than this record and a stranger asks."""
    recorded_evidence: str | UnsetType = UNSET
    """What it was recorded as, of one that is disputed."""
    disputes: tuple[Dispute, ...] | UnsetType = UNSET
    """Who disputes it and why, of one that is disputed."""
    attested: Attested | UnsetType = UNSET
    model: MatchedModel | UnsetType = UNSET
    title: str | UnsetType = UNSET
    credit: str | UnsetType = UNSET
    """Whom to name where it is shown, as its registrant says."""
    similar: tuple[str, ...] = ()
    """Pictures of others, recorded before, that its registrant was told it is like."""


class Withheld(Answer, frozen=True, kw_only=True):
    """A recorded picture of which its rules tell a stranger no more than this (rules about `verify`)."""

    relation: Relation
    evidence: str


class Verification(Answer, frozen=True, kw_only=True):
    """What the chain knows about a picture, and how sure that is."""

    verdict: Verdict
    """How the first match was found."""
    wording: str
    """The same for people, to be shown as it is: what the strongest record says, and whether others say otherwise."""
    matches: tuple[Match, ...]
    """Every record of the picture that was found, the strongest and earliest evidence first; then candidates."""
    withheld: tuple[Withheld, ...] = ()
    """Records that belong among them, of which a stranger is told no more. Empty for members."""
    further: int
    """Matches that there is no room for here."""
    height: int
    """Of the newest final block that was looked at."""
    file_digest: str
    """SHA-256 of the bytes brought."""
    pixel_digest: str
    """Of its pixels: the id that its asset has or would have."""
    image_code: str
    """Its ISCC Image-Code."""
    absence: StateAnswer | UnsetType = UNSET
    """Proof that neither file nor pixels are recorded, where that is so."""
