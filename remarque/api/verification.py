"""What the chain knows about a picture that anybody brings."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from ledger.receipt import Receipt
from ledger.records import Dispute, Viewing
from ledger.state_answer import StateAnswer
from remarque.api.shapes import Answer

Relation = Literal[
    "exact_file", "same_pixels", "near_duplicate", "part", "altered", "one_of_several", "watermark", "candidate"
]
Verdict = Literal[
    "exact_file",
    "same_pixels",
    "near_duplicate",
    "part",
    "altered",
    "one_of_several",
    "watermark",
    "candidates",
    "not_recorded",
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
    """What made a recorded picture, a model or an adapter; its digest alone, if the chain has no record of it."""

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


class Point(Answer, frozen=True, kw_only=True):
    """A place in a picture, in millionths of its sides: 0, 0 is its upper left corner."""

    x_ppm: int
    y_ppm: int


class Place(Answer, frozen=True, kw_only=True):
    """Where a picture that was brought lies in a recorded one."""

    rotation_centi: int
    """Hundredths of a degree by which the recorded picture was turned clockwise."""
    mirrored: bool
    recorded_width: int
    """Pixels across of the recorded picture."""
    recorded_height: int
    brought_width: int
    brought_height: int
    scale_ppm: int
    """Pixels of what was brought for a million of the recorded picture, along a side."""
    in_recorded: tuple[Point, ...]
    """Corners of the part of the recorded picture that is shown."""
    in_brought: tuple[Point, ...]
    """Corners of the part of the picture brought that is of the recorded one."""
    part_of_recorded_ppm: int
    """How much of the recorded picture's area is shown, in millionths."""
    part_of_brought_ppm: int
    """How much of the picture's area is of the recorded one."""


class AlteredRegion(Answer, frozen=True, kw_only=True):
    """A part of the picture that is not in the recorded one, as upper left and lower right corner in both."""

    in_recorded: tuple[Point, ...]
    in_brought: tuple[Point, ...]
    area_ppm: int
    """Of what was compared."""


class Compared(Answer, frozen=True, kw_only=True):
    """How a picture was compared with the recorded one, and what came of it."""

    found_by: Literal["whole", "window", "features"]
    """By the code of the whole picture, by that of a window of it, or by its corners."""
    correlation_ppm: int
    """Of light and dark in what both have in common: a million is the same, 0 is nothing of it."""
    structure_ppm: int
    """Of what stands out from its surroundings, in the same way."""
    bits: int | UnsetType = UNSET
    """Of 256 in which the codes differ that led to it."""
    corners: int | UnsetType = UNSET
    """How many corners agree."""
    place: Place
    altered: tuple[AlteredRegion, ...]
    """The largest first; empty if nothing was changed."""


class Match(Answer, frozen=True, kw_only=True):
    """A recorded picture that is the one brought, or like it."""

    asset: str
    relation: Relation
    """How it was found: by the file's own digest, by its pixels; as a near-duplicate, a part (or within something
    else) or an altered copy, which the recorded picture confirms; as one of several pictures in the file; by its
    watermark alone; or as a candidate that nothing confirms."""
    evidence: str
    """`generated`, `declared`, or `disputed` while an org disputes it."""
    creator: str
    registrant: str
    """The account that recorded it: the generator, or whoever declared it."""
    recorded_ms: int
    height: int
    """Of the block that recorded it."""
    confidential: bool
    distance: int | UnsetType = UNSET
    """Bits of 256 in which the image codes of the whole pictures differ; 0 for the same pixels, absent if neither was
    found by it."""
    frame: int | UnsetType = UNSET
    """Which picture of the file it is, from 1, if the file has several."""
    compared: Compared | UnsetType = UNSET
    """How the two lie over each other; absent for the same pixels and where nothing confirms a match."""
    source_type: str | UnsetType = UNSET
    """How it came about, as its registrant says; IPTC's word."""
    receipt: Receipt | None
    """Of the transaction that recorded it; null if this node no longer keeps its block, or if a stranger asks and that
    transaction tells of more than this record, or names who may read a setting of it."""
    recorded_evidence: str | UnsetType = UNSET
    """What it was recorded as, of one that is disputed."""
    disputes: tuple[Dispute, ...] | UnsetType = UNSET
    """Who disputes it and why, of one that is disputed."""
    attested: Attested | UnsetType = UNSET
    model: MatchedModel | UnsetType = UNSET
    adapters: tuple[MatchedModel, ...] = ()
    """What was added to the model (LoRA)."""
    title: str | UnsetType = UNSET
    credit: str | UnsetType = UNSET
    """Whom to name where it is shown, as its registrant says."""
    similar: tuple[str, ...] = ()
    """Pictures of others, recorded before, that its registrant was told it is like."""


class Withheld(Answer, frozen=True, kw_only=True):
    """A recorded picture of which its rules tell a stranger no more than this (rules about `verify`)."""

    relation: Relation
    evidence: str


class FilePicture(Answer, frozen=True, kw_only=True):
    """One of several pictures in a file."""

    number: int
    """From 1, in the file's order."""
    role: Literal["shown", "frame", "page", "hidden", "beside"]
    """What viewers show; a frame of an animation; a further page; what only viewers without animations show; or
    something beside it."""
    duration_ms: int
    pixel_digest: str


class Ingredient(Answer, frozen=True, kw_only=True):
    """What a manifest says that the picture was made from."""

    title: str
    relationship: str
    state: str
    """`absent`, `invalid`, `valid` or `trusted`."""
    failures: tuple[str, ...]


class CredentialsFound(Answer, frozen=True, kw_only=True):
    """The file's C2PA manifest in force."""

    state: Literal["remote_only", "invalid", "valid", "trusted"]
    """Somewhere else, which is not fetched; broken; sound by a signer unknown here; sound by one known here."""
    manifest: str
    """What it is called."""
    signer: str
    """Organisation and name of who signed, as the certificate has them."""
    issuer: str
    stamped_at: str
    """By a time-stamp that holds; empty if there is none."""
    generator: str
    """The program that wrote it."""
    says: Literal["nothing", "ai", "partly_ai", "captured", "made_without_ai"]
    """What it and its parents say of where the picture comes from."""
    edited: bool
    ingredients: tuple[Ingredient, ...]
    failures: tuple[str, ...]
    """Codes of C2PA of what does not hold."""


class WatermarkFound(Answer, frozen=True, kw_only=True):
    """A watermark of this consortium in the pixels."""

    mark: str
    chance_exponent: int
    """How sure it is: of 10 to this power pictures without it, one at most reads like this."""
    recorded: bool
    """Whether a record names it, or it is of a viewing."""


class ViewingFound(Answer, frozen=True, kw_only=True):
    """The watermark is that of a viewing: a node showed the picture to one reader, and this is a copy of that."""

    asset: str | UnsetType = UNSET
    """What was shown; to members, and to strangers if its rules tell them of it."""
    seen: Viewing | UnsetType = UNSET
    """Who asked for it, when, and what for; to the orgs of its creator and its owner, and to who asked."""


class FileLabels(Answer, frozen=True, kw_only=True):
    """What the file says of itself, which nobody signed. Prompts are not repeated."""

    source_type: str
    """IPTC's word for how it came about; empty if none is given."""
    system: str
    """The AI system that is named, or whose settings lie in the file."""
    settings: tuple[str, ...]
    """Under which names a generator's settings lie in it."""
    programs: tuple[str, ...]
    """Software and camera."""


class DetectorSays(Answer, frozen=True, kw_only=True):
    """What a detector of somebody else's says, which nothing here can check, and which decides nothing."""

    name: str
    says: Literal["ai", "human", "unknown", "no_answer"]
    confidence_ppm: int
    """As it says."""
    evidence: str
    declared: str
    """What its provider declares of how often it errs."""


class Searched(Answer, frozen=True, kw_only=True):
    """What the picture was looked up in."""

    codes: int
    """Image codes of whole pictures."""
    pictures: int
    """Recorded pictures whose windows and corners are indexed, for crops and pictures within others."""
    waiting: int
    """Recorded pictures whose windows and corners are not indexed yet."""


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
    origin: Origin
    """What all witnesses together say about whether it is AI-made."""
    credentials: CredentialsFound | UnsetType = UNSET
    watermark: WatermarkFound | UnsetType = UNSET
    viewing: ViewingFound | UnsetType = UNSET
    labels: FileLabels | UnsetType = UNSET
    detectors: tuple[DetectorSays, ...] = ()
    """What others' detectors say, where the node has any; for members only."""
    pictures: tuple[FilePicture, ...] = ()
    """What the file holds, if it is more than one picture."""
    searched: Searched
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
