"""Records that were found of one picture: which comes first, and what they say together.

A weaker or later record never hides a stronger or earlier one, and however many somebody makes, the others keep their
places.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import NamedTuple

from msgspec import UNSET, UnsetType

from ledger import records
from ledger.names import org_of
from ledger.state_answer import StateAnswer
from node.verification.image_codes import BITS
from node.verification.judging import SAID_OF_ORIGIN, SAID_OTHERWISE
from pictures.comparing import PictureComparison
from remarque.api.verification import Origin, Relation, Verdict

GENERATED = "generated"
STRENGTH = {GENERATED: 0, "derived": 1, "declared": 2}
"""What a record's evidence is worth, beside that of another record of the same picture."""

NOT_RECORDED = (
    "Not recorded: neither this file nor its pixels are on this chain (proven), and no match among {codes} image codes "
    "up to height {height}. This does not mean that it is not AI-made."
)
FILE_CLAIMED = (
    "Not recorded: its pixels are not on this chain (proven), and no match among {codes} image codes up to height "
    "{height}. Somebody has named this file's digest in the record of another picture. This does not mean that it is "
    "not AI-made."
)
WORDING: dict[Relation, str] = {
    "exact_file": "This very file is recorded on the chain.",
    "same_pixels": "The same pixels are recorded on the chain, in another file.",
    "near_duplicate": "A near-duplicate of this picture is recorded: re-encoded, resized, turned or recoloured.",
    "part": "A recorded picture shows more than this one, or lies within it.",
    "altered": "A recorded picture was altered to make this one: look at where.",
    "one_of_several": "One of several pictures in the file is recorded; what viewers show is more, or another.",
    "watermark": "No recorded picture is shown to be this one, but its watermark is that of a record.",
}
CLOSEST: tuple[Relation, ...] = (
    "exact_file",
    "same_pixels",
    "near_duplicate",
    "part",
    "altered",
    "one_of_several",
    "watermark",
    "candidate",
)
SIMILAR = "Similar pictures are recorded. None is shown to be the same: look at them."
A_MEMBER = "a member"
"""Whom a stranger is told of whose rules tell no more."""
WITHHELD = " The record's rules tell only members more."
EARLIER = " An earlier record, by {creator}, is of a picture that this one is like, or is a part of."
DIFFERING = " The {count} records of it do not say the same: read them all."
CONTESTED = " What is recorded of it is disputed: read by whom, and why, before you rely on it."


class Found(NamedTuple):
    """A record that is, or may be, of the picture that is asked about."""

    record: records.Asset
    distance: int | None
    """Bits in which the codes of the whole pictures differ; None if it was not found by them."""
    relation: Relation
    frame: int | None = None
    """Which picture of the file it is, if the file has several."""
    comparison: PictureComparison | None = None
    """How the two lie over each other, if that was looked at."""


def by_evidence(found: Found) -> tuple[int, int, str]:
    """The order of records of one picture: the strongest evidence first, then the earliest."""
    return STRENGTH.get(found.record.evidence, len(STRENGTH)), found.record.height_recorded, found.record.id


def fairly(near: list[Found]) -> list[Found]:
    """Near records in an order in which none crowds the others out, however many somebody makes.

    What generators attest comes first, which nobody makes without one; then what is declared, of each org's records the
    nearest and earliest in turn.
    """
    attested = sorted((one for one in near if one.record.evidence == GENERATED), key=_nearest)
    by_org: dict[str, list[Found]] = {}
    for one in sorted(near, key=_nearest):
        if one.record.evidence != GENERATED:
            by_org.setdefault(org_of(one.record.registrant), []).append(one)
    turns = zip_longest(*by_org.values())
    return [*attested, *(one for turn in turns for one in turn if one is not None)]


def _nearest(found: Found) -> tuple[int, int, str]:
    return BITS if found.distance is None else found.distance, found.record.height_recorded, found.record.id


def verdict_of(same: list[Found], similar: list[Found]) -> Verdict:
    """How the first of the records was found."""
    if not same:
        return "candidates" if similar else "not_recorded"
    relation = relation_of(same)
    return "near_duplicate" if relation == "candidate" else relation


def relation_of(same: list[Found]) -> Relation:
    """The relation of the record that the answer speaks of."""
    return closest(same).relation


def closest(same: list[Found]) -> Found:
    """The record that the answer speaks of: of those as strong as the first, the closest, and then the earliest.

    Who came first says nothing of which file it is, so what is said of a file is said of that file's own record.
    """
    as_strong = [one for one in same if one.record.evidence == same[0].record.evidence]
    return min(as_strong, key=lambda one: CLOSEST.index(one.relation))


def in_words(
    same: list[Found],
    similar: list[Found],
    absence: StateAnswer | UnsetType,
    origin: Origin,
    codes: int,
    height: int,
    is_named: Callable[[records.Asset], bool],
) -> str:
    """The answer for people: what the strongest record says, what the other witnesses say, and where they differ.

    `is_named`: whether it may say whose record one is.
    """
    told = SAID_OF_ORIGIN[origin.verdict]
    relation = relation_of(same) if same else "candidate"
    said_already = {"altered"} if relation == "altered" else set()
    otherwise = "".join(SAID_OTHERWISE[one] for one in origin.contradictions if one not in said_already)
    if not same and not similar:
        proven = 0 if absence is UNSET else len(absence.entries)
        return (NOT_RECORDED if proven > 1 else FILE_CLAIMED).format(codes=codes, height=height) + told + otherwise
    if not same:
        return SIMILAR + told + otherwise
    whole = [one for one in same if one.relation != "one_of_several"]
    first, made = same[0].record, closest(whole or same).record
    by, earlier = (one.creator if is_named(one) else A_MEMBER for one in (made, first))
    said = WORDING[relation] + told.format(creator=by) + otherwise
    if first.height_recorded < made.height_recorded and first.creator != made.creator:
        said += EARLIER.format(creator=earlier)
    if not is_named(made):
        said += WITHHELD
    if any((one.record.creator, one.record.evidence) != (first.creator, first.evidence) for one in same):
        said += DIFFERING.format(count=len(same))
    return said + (CONTESTED if any(one.record.disputed_by for one in same) else "")
