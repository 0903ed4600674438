"""What each witness of a picture says, as the verdict takes it and as the answer tells it.

A witness is a record of the chain, the file's C2PA credentials, the watermark in its pixels, and the file's own labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from msgspec import UNSET, UnsetType

from ledger import records
from node.decoding.asking import Facts
from node.verification.judging import CredentialSays, LabelSays, MarkSays, RecordSays, Witnessed
from node.verification.ranking import GENERATED, Found, by_evidence
from pictures.credentials.findings import Credentials, CredentialState, ManifestIngredient, SaidOrigin
from pictures.labels import DeclaredLabels
from pictures.source_types import GENERATED as GENERATED_TYPES
from pictures.source_types import PARTLY_GENERATED, WITHOUT_A_MODEL
from remarque.api.verification import CredentialsFound, FileLabels, Ingredient, WatermarkFound

_AI = (SaidOrigin.GENERATED, SaidOrigin.PARTLY_GENERATED)
_SAYS: dict[SaidOrigin, Literal["nothing", "ai", "partly_ai", "captured", "made_without_ai"]] = {
    SaidOrigin.NOTHING: "nothing",
    SaidOrigin.GENERATED: "ai",
    SaidOrigin.PARTLY_GENERATED: "partly_ai",
    SaidOrigin.CAPTURED: "captured",
    SaidOrigin.DRAWN: "made_without_ai",
}


def said_of(
    facts: Facts, same: list[Found], marked: list[records.Asset], is_member: Callable[[str], bool]
) -> Witnessed:
    """What all witnesses say: the picture's facts, its records, the strongest first, those that its mark names, and
    whether an organisation is a member."""
    confirmed = [one for one in same if one.relation != "watermark"]
    whole = [one for one in confirmed if one.relation != "one_of_several"]
    first = next(iter([*whole, *confirmed]), None)
    return Witnessed(
        record=_record_says(first.record) if first else "nothing",
        credentials=_credentials_say(facts.credentials, is_member),
        mark=_mark_says(facts, first, confirmed, marked),
        label=_label_says(facts.labels),
        altered=first is not None and (len(whole) < len(confirmed) or not _shows_nothing_else(first, whole)),
    )


def credentials_found(credentials: Credentials, *, named: bool) -> CredentialsFound | UnsetType:
    """The manifest in force, if there is one. `named`: whether a person who signed may be named."""
    state, manifest = credentials.state, credentials.active
    if state is CredentialState.ABSENT:
        return UNSET
    signer = manifest.signer if manifest else None
    who = [signer.organization, signer.name if named else ""] if signer else []
    return CredentialsFound(
        state=_STATES[state],
        manifest=manifest.label if manifest else "",
        signer=", ".join(filter(None, who)),
        issuer=signer.issuer if signer else "",
        stamped_at=manifest.stamped_at if manifest else "",
        generator=manifest.generator if manifest else "",
        says=_SAYS[credentials.origin],
        edited=manifest.edited if manifest else False,
        ingredients=tuple(map(_ingredient, manifest.ingredients)) if manifest else (),
        failures=credentials.failures,
    )


def watermark_found(facts: Facts, marked: list[records.Asset]) -> WatermarkFound | UnsetType:
    """The watermark, if one was read."""
    if facts.mark is None:
        return UNSET
    return WatermarkFound(mark=facts.mark.mark, chance_exponent=_exponent(facts.mark.chance), recorded=bool(marked))


def labels_found(labels: DeclaredLabels) -> FileLabels | UnsetType:
    """What the file says of itself, if anything. Prompts and settings are personal, and are not repeated."""
    if not (labels.source_type or labels.system or labels.settings or labels.programs):
        return UNSET
    return FileLabels(
        source_type=labels.source_type,
        system=labels.system,
        settings=tuple(one.what for one in labels.settings),
        programs=tuple(one.text for one in labels.programs),
    )


def _record_says(record: records.Asset) -> RecordSays:
    if record.evidence == GENERATED:
        return "attested"
    if record.source_type in GENERATED_TYPES | PARTLY_GENERATED:
        return "declared_ai"
    return "declared_human" if record.source_type in WITHOUT_A_MODEL else "declared"


def _shows_nothing_else(first: Found, whole: list[Found]) -> bool:
    """Whether a record as strong as the first confirms that nothing was altered in the picture, or added around it."""
    as_strong = [one for one in whole if one.record.evidence == first.record.evidence]
    return any(one.relation != "altered" and (one.comparison is None or not one.comparison.added) for one in as_strong)


def _credentials_say(credentials: Credentials, is_member: Callable[[str], bool]) -> CredentialSays:
    """What a manifest says, and whether that is proven by somebody who is known here and answers for it.

    A trusted manifest over an ingredient that does not hold counts as anybody's word: it rests on that. So does one
    that a member signed: nodes sign what members say of their pictures, and the record says how far that is attested.
    """
    if credentials.state in (CredentialState.ABSENT, CredentialState.REMOTE_ONLY):
        return "nothing"
    if credentials.state is CredentialState.INVALID:
        return "broken"
    trusted = credentials.state is CredentialState.TRUSTED and not credentials.broken_ingredients
    signer = credentials.active.signer if credentials.active else None
    if signer is None or is_member(signer.organization) or is_member(signer.issuer):
        trusted = False
    if credentials.origin is SaidOrigin.NOTHING:
        return "trusted_silent" if trusted else "silent"
    if credentials.origin in _AI:
        return "trusted_ai" if trusted else "ai"
    return "trusted_human" if trusted else "human"


def _mark_says(facts: Facts, first: Found | None, confirmed: list[Found], marked: list[records.Asset]) -> MarkSays:
    """Whose the watermark is. Anybody may name any mark in a record, so it counts for the strongest that does."""
    if facts.mark is None:
        return "nothing"
    if not marked:
        return "unknown"
    owner = min(marked, key=lambda record: by_evidence(Found(record, None, "watermark")))
    attested = owner.evidence == GENERATED
    if first is None:
        return "of_attested" if attested else "of_declared"
    if owner.evidence == first.record.evidence and owner.id in {one.record.id for one in confirmed}:
        return "agrees"
    return "of_attested" if attested and first.record.evidence != GENERATED else "of_another"


def _exponent(chance: float) -> int:
    return math.floor(-math.log10(max(chance, 1e-300)))


def _label_says(labels: DeclaredLabels) -> LabelSays:
    if labels.says_generated:
        return "ai"
    return "human" if labels.source_type in WITHOUT_A_MODEL else "nothing"


_STATES: dict[CredentialState, Literal["remote_only", "invalid", "valid", "trusted"]] = {
    CredentialState.REMOTE_ONLY: "remote_only",
    CredentialState.INVALID: "invalid",
    CredentialState.VALID: "valid",
    CredentialState.TRUSTED: "trusted",
}


def _ingredient(one: ManifestIngredient) -> Ingredient:
    state = _STATES.get(one.state, "absent")
    return Ingredient(title=one.title, relationship=one.relationship, state=state, failures=one.failures)
