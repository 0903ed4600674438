"""Takes the C2PA library's report apart: JSON that holds a stranger's words, of any kind and any length.

Nothing in it is taken for granted but that it is JSON: what is missing or of another kind reads as empty.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pictures.credentials.findings import (
    BINDING_BYTES_MAX,
    BINDINGS_MAX,
    CODE_MAX,
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
from pictures.credentials.manifest import RECEIPT_LABEL
from pictures.source_types import CAPTURED, DRAWN, GENERATED, PARTLY_GENERATED, SOURCE_TYPES

UNTRUSTED = "signingCredential.untrusted"
TRUSTED = "signingCredential.trusted"
STAMP_HOLDS, STAMP_TRUSTED = "timeStamp.validated", "timeStamp.trusted"

_GOOD = (".match", ".validated", ".trusted", ".insideValidity", ".ocsp.skipped", ".notRevoked", ".accessible")
"""How codes end that older files have among those of failures, though they tell of none."""
_EMPTY_BOXES = ("/uuid", "/ftyp", "/mfra", "/free", "/skip")
"""Boxes of AVIF that a digest may leave out: the store's own, and those without a part in the picture."""
_UNCHANGED = {
    "c2pa.created",
    "c2pa.opened",
    "c2pa.published",
    "c2pa.converted",
    "c2pa.transcoded",
    "c2pa.repackaged",
} | {
    "c2pa.watermarked",
    "c2pa.watermarked.bound",
    "c2pa.watermarked.unbound",
    "c2pa.edited.metadata",
    "c2pa.redacted",
}


@dataclass(frozen=True)
class Report:
    """What the library says, in both forms it has."""

    summary: Any
    """`Reader.json`."""
    details: Any
    """`Reader.crjson`."""

    @property
    def active(self) -> str:
        """The label of the manifest in force."""
        return _text(_at(self.summary, "active_manifest"))

    @property
    def failures(self) -> tuple[str, ...]:
        """Codes of what does not hold in the manifest in force."""
        return _codes(_at(self.summary, "validation_results", "activeManifest", "failure"))

    @property
    def successes(self) -> tuple[str, ...]:
        """Codes of what holds in it."""
        return _codes(_at(self.summary, "validation_results", "activeManifest", "success"))

    @property
    def trusted(self) -> bool:
        """Whether the library trusts it."""
        return _at(self.summary, "validation_state") == "Trusted" and TRUSTED in self.successes

    @property
    def term(self) -> tuple[str, str]:
        """When the certificate of the manifest in force begins and ends to be valid, in ISO 8601."""
        validity = _at(self.details_of(self.active), "signature", "certificateInfo", "validity")
        return _text(_at(validity, "notBefore")), _text(_at(validity, "notAfter"))

    @property
    def serial(self) -> int:
        """The number of the certificate of the manifest in force; -1 if it has none that is read."""
        text = _text(_at(self.details_of(self.active), "signature", "certificateInfo", "serialNumber"))
        try:
            return int(text, 16)
        except ValueError:
            return -1

    @property
    def binding(self) -> Any:
        """The details of the manifest whose digest binds the file: the one in force, or the one that it updates."""
        label = self.active
        for _ in _list(_at(self.details, "manifests")):
            details = self.details_of(label)
            if _at(details, "isUpdateManifest") is not True:
                return details
            label = next((one for one in self._parents(label)), "")
        return None

    @property
    def left_out(self) -> int:
        """Bytes of the file that the binding digest leaves out, where it counts them."""
        ranges = _list(_at(self.binding, "assertions", "c2pa.hash.data", "exclusions"))
        return sum(one for one in (_at(each, "length") for each in ranges) if isinstance(one, int))

    @property
    def boxes_left_out(self) -> bool:
        """Whether the binding digest leaves out boxes that are not the manifest's or empty."""
        assertions = _at(self.binding, "assertions")
        named = [
            _at(each, "xpath")
            for label, data in _pairs(assertions)
            if label.startswith("c2pa.hash.bmff")
            for each in _list(_at(data, "exclusions"))
        ]
        boxes = [
            each
            for label, data in _pairs(assertions)
            if label.startswith("c2pa.hash.boxes")
            for each in _list(_at(data, "boxes"))
        ]
        hidden = [each for each in boxes if _at(each, "excluded") is True and _at(each, "names") != ["C2PA"]]
        return bool(hidden) or any(one not in _EMPTY_BOXES for one in named)

    @property
    def update_of_many(self) -> bool:
        """Whether a manifest that updates another one has any ingredient besides that."""
        labels = [_text(_at(one, "label")) for one in _list(_at(self.details, "manifests"))]
        updates = [one for one in labels if _at(self.details_of(one), "isUpdateManifest") is True]
        counts = (len(_list(_at(self.summary, "manifests", one, "ingredients"))) for one in updates)
        return any(count != 1 for count in counts)

    @property
    def redacted_silently(self) -> bool:
        """Whether a claim takes out assertions of others without an action that says so."""
        for one in _list(_at(self.details, "manifests")):
            taken = {_text(uri) for uri in _list(_at(one, "claim.v2", "redacted_assertions"))}
            actions = [
                each
                for label, data in _pairs(_at(one, "assertions"))
                if label.startswith("c2pa.actions")
                for each in _list(_at(data, "actions"))
            ]
            told = {
                _text(_at(each, "parameters", "redacted")) for each in actions if _at(each, "action") == "c2pa.redacted"
            }
            if taken - told:
                return True
        return False

    def _parents(self, label: str) -> list[str]:
        found = _list(_at(self.summary, "manifests", label, "ingredients"))
        return [_text(_at(one, "active_manifest")) for one in found if _at(one, "relationship") == "parentOf"]

    def delta(self, manifest: str, ingredient: str, outcome: str) -> tuple[str, ...]:
        """Codes of an outcome that an ingredient has now and did not have when it was taken in."""
        uri = f"self#jumbf=/c2pa/{manifest}/c2pa.assertions/{ingredient}"
        found = _list(_at(self.summary, "validation_results", "ingredientDeltas"))
        deltas = (_at(one, "validationDeltas", outcome) for one in found if _at(one, "ingredientAssertionURI") == uri)
        return tuple(code for delta in deltas for code in _codes(delta))

    def details_of(self, label: str) -> Any:
        """What the longer form has of a manifest."""
        return next((one for one in _list(_at(self.details, "manifests")) if _at(one, "label") == label), None)


def manifests_of(report: Report) -> tuple[tuple[ManifestFound, ...], bool]:
    """All manifests, the one in force first and then down the ingredients, and whether some were cut off."""
    manifests = _at(report.summary, "manifests")
    found: dict[str, ManifestFound] = {}
    waiting = [report.active]
    while waiting and len(found) < MANIFESTS_MAX:
        label = waiting.pop(0)
        if label not in found and isinstance(_at(manifests, label), dict):
            found[label] = _manifest(report, label, manifests[label])
            waiting += [one.manifest for one in found[label].ingredients if one.manifest]
    long = any(
        len(_list(values)) > ENTRIES_MAX
        for label in found
        for values in (
            _at(manifests, label, "ingredients"),
            _at(manifests, label, "assertions"),
            _actions_in(manifests[label]),
        )
    )
    return tuple(found.values()), long or any(label not in found for label in waiting)


def _manifest(report: Report, label: str, said: Any) -> ManifestFound:
    ingredients = tuple(_ingredient(report, label, one) for one in _list(_at(said, "ingredients"))[:ENTRIES_MAX])
    actions = tuple(_action(one) for one in _actions_in(said))
    stamp = _at(report.details_of(label), "signature", "timeStampInfo", "timestamp")
    held = report.successes if label == report.active else _held(report, label)
    generator = _list(_at(said, "claim_generator_info")) or [{"name": _at(said, "claim_generator")}]
    return ManifestFound(
        label=label[:TEXT_MAX],
        signer=_signer(report, label),
        stamped_at=_text(stamp) if STAMP_HOLDS in held else "",
        stamp_trusted=STAMP_HOLDS in held and STAMP_TRUSTED in held,
        generator=f"{_text(_at(generator[0], 'name'))} {_text(_at(generator[0], 'version'))}".strip(),
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
    for above, said in _pairs(_at(report.summary, "manifests")):
        for one in _list(_at(said, "ingredients")):
            if _at(one, "active_manifest") == label:
                found += _codes(_at(one, "validation_results", "activeManifest", "success"))
                found += report.delta(above, _text(_at(one, "label")), "success")
    return tuple(found)


def _ingredient(report: Report, above: str, said: Any) -> ManifestIngredient:
    """An ingredient, by what was found when it was taken in, and by what is found now."""
    label, manifest = _text(_at(said, "label")), _text(_at(said, "active_manifest"))
    then = _at(said, "validation_results", "activeManifest")
    older = [code for code in _codes(_at(said, "validation_status")) if not code.endswith(_GOOD)]
    now = report.delta(above, label, "failure")
    failures = tuple(dict.fromkeys([*_codes(_at(then, "failure")), *older, *now]))
    broken = tuple(code for code in failures if code != UNTRUSTED)[:CODES_MAX]
    trusted_then = TRUSTED in _codes(_at(then, "success")) and UNTRUSTED not in now
    if broken:
        state = CredentialState.INVALID
    elif not manifest:
        state = CredentialState.ABSENT
    else:
        trusted = trusted_then or TRUSTED in report.delta(above, label, "success")
        state = CredentialState.TRUSTED if trusted else CredentialState.VALID
    return ManifestIngredient(_text(_at(said, "title")), _text(_at(said, "relationship")), manifest, state, broken)


def _signer(report: Report, label: str) -> ManifestSigner | None:
    """By the certificate; None if the library found none."""
    certificate = _at(report.details_of(label), "signature", "certificateInfo")
    subject, issuer = _at(certificate, "subject"), _at(certificate, "issuer")
    if not isinstance(subject, dict):
        return None
    above = _text(_at(issuer, "O")) or _text(_at(issuer, "CN"))
    return ManifestSigner(_text(_at(subject, "O")), _text(_at(subject, "CN")), above)


def _action(said: Any) -> ManifestAction:
    agent = _at(said, "softwareAgent")
    program = f"{_text(_at(agent, 'name'))} {_text(_at(agent, 'version'))}".strip() or _text(agent)
    source = _text(_at(said, "digitalSourceType")).removeprefix(SOURCE_TYPES)
    return ManifestAction(_text(_at(said, "action")), source, _text(_at(said, "when")), program)


def _actions_in(said: Any) -> list[Any]:
    lists = (_at(data, "actions") for label, data in _assertions(said) if label.startswith("c2pa.actions"))
    return [one for actions in lists for one in _list(actions)]


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
            for block in _list(_at(data, "blocks"))[:BINDINGS_MAX]:
                yield SaidBinding(_text(_at(data, "alg")), _value(_at(block, "value"), BINDING_BYTES_MAX))


def _receipt(said: Any) -> bytes:
    found = (
        _value(_at(data, "receipt"), RECEIPT_BYTES_MAX) for label, data in _assertions(said) if label == RECEIPT_LABEL
    )
    return next(found, b"")


def _assertions(said: Any) -> list[tuple[str, Any]]:
    return [(_text(_at(one, "label")), _at(one, "data")) for one in _list(_at(said, "assertions"))]


def _value(said: Any, bytes_max: int) -> bytes:
    """Bytes, which reports have in Base64 or as numbers; empty where they are neither, or too many."""
    try:
        if isinstance(said, str) and len(said) <= bytes_max * 4 // 3 + 4:
            return base64.b64decode(said, validate=True)
        return bytes(said) if isinstance(said, list) and len(said) <= bytes_max else b""
    except (binascii.Error, TypeError, ValueError):
        return b""


def _codes(said: Any) -> tuple[str, ...]:
    return tuple(_text(_at(one, "code"))[:CODE_MAX] for one in _list(said))


def _at(said: Any, *path: str) -> Any:
    """What lies at a path; None if there is nothing."""
    for name in path:
        said = said.get(name) if isinstance(said, dict) else None
    return said


def _pairs(said: Any) -> list[tuple[str, Any]]:
    return list(said.items()) if isinstance(said, dict) else []


def _list(said: Any) -> list[Any]:
    return said if isinstance(said, list) else []


def _text(said: Any) -> str:
    return said[:TEXT_MAX] if isinstance(said, str) else ""
