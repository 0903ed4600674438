"""Records that were found of one picture: which comes first, and what they say together.

A weaker or later record never hides a stronger or earlier one, and however many somebody makes, the others keep their
places.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import NamedTuple

from msgspec import UNSET, UnsetType

from ledger import records
from ledger.names import org_of
from ledger.state_answer import StateAnswer
from remarque.api.verification import Relation, Verdict

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
    "near_duplicate": "A near-duplicate of this picture is recorded: re-encoded, resized or lightly edited.",
}
SIMILAR = "Similar pictures are recorded. None is shown to be the same: look at them."
SAID = {
    GENERATED: " A generator attests that it made the picture for {creator}.",
    "derived": " {creator} says that it is made of other recorded pictures.",
}
SAID_TO_STRANGERS = {
    GENERATED: " A generator of a member attests that it made the picture.",
    "derived": " A member says that it is made of other recorded pictures.",
}
SAID_OTHERWISE_TO_STRANGERS = " A member declares it; nobody attests how it was made."
WITHHELD = " The record's rules tell only members more."
SAID_OTHERWISE = " {creator} declares it; nobody attests how it was made."
CONTRADICTED = " The {count} records of it do not say the same: read them all."
CONTESTED = " What is recorded of it is disputed: read by whom, and why, before you rely on it."


class Found(NamedTuple):
    """A record that is, or may be, of the picture that is asked about."""

    record: records.Asset
    distance: int
    relation: Relation


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
    return found.distance, found.record.height_recorded, found.record.id


def verdict_of(same: list[Found], similar: list[Found]) -> Verdict:
    """How the first of the records was found."""
    if not same:
        return "candidates" if similar else "not_recorded"
    relation = same[0].relation
    return "near_duplicate" if relation == "candidate" else relation


def in_words(
    same: list[Found],
    similar: list[Found],
    absence: StateAnswer | UnsetType,
    codes: int,
    height: int,
    *,
    named: bool,
) -> str:
    """The answer for people: what the strongest record says, and that others say otherwise, if they do.

    `named`: whether it may say whose record that is.
    """
    if not same and not similar:
        proven = 0 if absence is UNSET else len(absence.entries)
        return (NOT_RECORDED if proven > 1 else FILE_CLAIMED).format(codes=codes, height=height)
    if not same:
        return SIMILAR
    first = same[0].record
    said = WORDING[same[0].relation]
    if named:
        said += SAID.get(first.evidence, SAID_OTHERWISE).format(creator=first.creator)
    else:
        said += SAID_TO_STRANGERS.get(first.evidence, SAID_OTHERWISE_TO_STRANGERS) + WITHHELD
    if any((one.record.creator, one.record.evidence) != (first.creator, first.evidence) for one in same):
        said += CONTRADICTED.format(count=len(same))
    return said + (CONTESTED if any(one.record.disputed_by for one in same) else "")
