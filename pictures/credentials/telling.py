"""What a report says of each manifest, as values of bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pictures.credentials.findings import (
    BINDING_BYTES_MAX,
    BINDINGS_MAX,
    CODES_MAX,
    ENTRIES_MAX,
    MANIFESTS_MAX,
    RECEIPT_BYTES_MAX,
    TEXT_MAX,
    CredentialState,
    ManifestAction,
    ManifestFound,
    ManifestIngredient,
    ManifestSigner,
    SaidBinding,
    SaidOrigin,
)
from pictures.credentials.loose_json import bytes_of, codes_in, found_at, listed, pairs_in, text_of
from pictures.credentials.manifest import RECEIPT_LABEL
from pictures.credentials.report import STAMP_HOLDS, STAMP_TRUSTED, TRUSTED, UNTRUSTED, Report
from pictures.source_types import CAPTURED, DRAWN, GENERATED, PARTLY_GENERATED, SOURCE_TYPES

_GOOD = (".match", ".validated", ".trusted", ".insideValidity", ".ocsp.skipped", ".notRevoked", ".accessible")
"""How codes end that older files have among those of failures, though they tell of none."""
_UNCHANGED = frozenset(
    f"c2pa.{word}"
    for word in (
        *("created", "opened", "published", "converted", "transcoded", "repackaged", "redacted", "edited.metadata"),
        *("watermarked", "watermarked.bound", "watermarked.unbound"),
    )
)
"""Actions that change nothing of what one sees."""


def manifests_of(report: Report) -> tuple[tuple[ManifestFound, ...], bool]:
    """All manifests, the one in force first and then down the ingredients, and whether some were cut off."""
    manifests = found_at(report.summary, "manifests")
    found: dict[str, ManifestFound] = {}
    waiting = [report.active]
    while waiting and len(found) < MANIFESTS_MAX:
        label = waiting.pop(0)
        if label not in found and isinstance(found_at(manifests, label), dict):
            found[label] = _manifest(report, label, manifests[label])
            waiting += [one.manifest for one in found[label].ingredients if one.manifest]
    long = any(
        len(listed(values)) > ENTRIES_MAX
        for label in found
        for values in (
            found_at(manifests, label, "ingredients"),
            found_at(manifests, label, "assertions"),
            _actions_in(manifests[label]),
        )
    )
    return tuple(found.values()), long or any(label not in found for label in waiting)


def _manifest(report: Report, label: str, said: Any) -> ManifestFound:
    ingredients = tuple(_ingredient(report, label, one) for one in listed(found_at(said, "ingredients"))[:ENTRIES_MAX])
    actions = tuple(_action(one) for one in _actions_in(said))
    stamp = found_at(report.details_of(label), "signature", "timeStampInfo", "timestamp")
    held = report.successes if label == report.active else _held(report, label)
    generator = listed(found_at(said, "claim_generator_info")) or [{"name": found_at(said, "claim_generator")}]
    return ManifestFound(
        label=label[:TEXT_MAX],
        signer=_signer(report, label),
        stamped_at=text_of(stamp) if STAMP_HOLDS in held else "",
        stamp_trusted=STAMP_HOLDS in held and STAMP_TRUSTED in held,
        generator=f"{text_of(found_at(generator[0], 'name'))} {text_of(found_at(generator[0], 'version'))}".strip(),
        actions=actions[:ENTRIES_MAX],
        ingredients=ingredients,
        bindings=tuple(_bindings(said))[:BINDINGS_MAX],
        receipt=_receipt(said),
        origin=_origin(actions),
        edited=any(one.action.startswith("c2pa.") and one.action not in _UNCHANGED for one in actions),
    )


def _held(report: Report, label: str) -> tuple[str, ...]:
    """Codes of what holds in a manifest that is an ingredient's, now or when it was taken in."""
    found: list[str] = []
    for above, said in pairs_in(found_at(report.summary, "manifests")):
        for one in listed(found_at(said, "ingredients")):
            if found_at(one, "active_manifest") == label:
                found += codes_in(found_at(one, "validation_results", "activeManifest", "success"))
                found += report.delta(above, text_of(found_at(one, "label")), "success")
    return tuple(found)


def _ingredient(report: Report, above: str, said: Any) -> ManifestIngredient:
    """An ingredient, by what was found when it was taken in, and by what is found now."""
    label, manifest = text_of(found_at(said, "label")), text_of(found_at(said, "active_manifest"))
    then = found_at(said, "validation_results", "activeManifest")
    older = [code for code in codes_in(found_at(said, "validation_status")) if not code.endswith(_GOOD)]
    now = report.delta(above, label, "failure")
    failures = tuple(dict.fromkeys([*codes_in(found_at(then, "failure")), *older, *now]))
    broken = tuple(code for code in failures if code != UNTRUSTED)[:CODES_MAX]
    trusted_then = TRUSTED in codes_in(found_at(then, "success")) and UNTRUSTED not in now
    if broken:
        state = CredentialState.INVALID
    elif not manifest:
        state = CredentialState.ABSENT
    else:
        trusted = trusted_then or TRUSTED in report.delta(above, label, "success")
        state = CredentialState.TRUSTED if trusted else CredentialState.VALID
    return ManifestIngredient(
        text_of(found_at(said, "title")), text_of(found_at(said, "relationship")), manifest, state, broken
    )


def _signer(report: Report, label: str) -> ManifestSigner | None:
    """By the certificate; None if the library found none."""
    certificate = found_at(report.details_of(label), "signature", "certificateInfo")
    subject, issuer = found_at(certificate, "subject"), found_at(certificate, "issuer")
    if not isinstance(subject, dict):
        return None
    above = text_of(found_at(issuer, "O")) or text_of(found_at(issuer, "CN"))
    return ManifestSigner(text_of(found_at(subject, "O")), text_of(found_at(subject, "CN")), above)


def _action(said: Any) -> ManifestAction:
    agent = found_at(said, "softwareAgent")
    program = f"{text_of(found_at(agent, 'name'))} {text_of(found_at(agent, 'version'))}".strip() or text_of(agent)
    source = text_of(found_at(said, "digitalSourceType")).removeprefix(SOURCE_TYPES)
    return ManifestAction(text_of(found_at(said, "action")), source, text_of(found_at(said, "when")), program)


def _actions_in(said: Any) -> list[Any]:
    lists = (found_at(data, "actions") for label, data in _assertions(said) if label.startswith("c2pa.actions"))
    return [one for actions in lists for one in listed(actions)]


def _origin(actions: tuple[ManifestAction, ...]) -> SaidOrigin:
    """What was made is as its making says; what was only changed has at most a part that is a trained model's."""
    made = {one.source_type for one in actions if one.action == "c2pa.created"}
    changed = {one.source_type for one in actions} - made
    if made & GENERATED:
        return SaidOrigin.GENERATED
    if (made | changed) & (GENERATED | PARTLY_GENERATED):
        return SaidOrigin.PARTLY_GENERATED
    if made & CAPTURED:
        return SaidOrigin.CAPTURED
    return SaidOrigin.DRAWN if made & DRAWN else SaidOrigin.NOTHING


def _bindings(said: Any) -> Iterator[SaidBinding]:
    for label, data in _assertions(said):
        if label.startswith("c2pa.soft-binding"):
            for block in listed(found_at(data, "blocks"))[:BINDINGS_MAX]:
                yield SaidBinding(text_of(found_at(data, "alg")), bytes_of(found_at(block, "value"), BINDING_BYTES_MAX))


def _receipt(said: Any) -> bytes:
    found = (
        bytes_of(found_at(data, "receipt"), RECEIPT_BYTES_MAX)
        for label, data in _assertions(said)
        if label == RECEIPT_LABEL
    )
    return next(found, b"")


def _assertions(said: Any) -> list[tuple[str, Any]]:
    return [(text_of(found_at(one, "label")), found_at(one, "data")) for one in listed(found_at(said, "assertions"))]
