"""The C2PA library's report on a file, and what is to be judged by it.

What is judged is judged by all of it, however long it is; what is told of it is bounded, in `telling`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pictures.credentials.loose_json import codes_in, found_at, listed, pairs_in, text_of

UNTRUSTED = "signingCredential.untrusted"
TRUSTED = "signingCredential.trusted"
STAMP_HOLDS, STAMP_TRUSTED = "timeStamp.validated", "timeStamp.trusted"

_EMPTY_BOXES = ("/uuid", "/ftyp", "/mfra", "/free", "/skip")
"""Boxes of AVIF that a digest may leave out: the store's own, and those without a part in the picture."""


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
        return text_of(found_at(self.summary, "active_manifest"))

    @property
    def failures(self) -> tuple[str, ...]:
        """Codes of what does not hold in the manifest in force."""
        return codes_in(found_at(self.summary, "validation_results", "activeManifest", "failure"))

    @property
    def successes(self) -> tuple[str, ...]:
        """Codes of what holds in it."""
        return codes_in(found_at(self.summary, "validation_results", "activeManifest", "success"))

    @property
    def trusted(self) -> bool:
        """Whether the library trusts it."""
        return found_at(self.summary, "validation_state") == "Trusted" and TRUSTED in self.successes

    @property
    def term(self) -> tuple[str, str]:
        """When the certificate of the manifest in force begins and ends to be valid, in ISO 8601."""
        validity = found_at(self.details_of(self.active), "signature", "certificateInfo", "validity")
        return text_of(found_at(validity, "notBefore")), text_of(found_at(validity, "notAfter"))

    @property
    def serial(self) -> int:
        """The number of the certificate of the manifest in force; -1 if it has none that is read."""
        text = text_of(found_at(self.details_of(self.active), "signature", "certificateInfo", "serialNumber"))
        try:
            return int(text, 16)
        except ValueError:
            return -1

    @property
    def binding(self) -> Any:
        """The details of the manifest whose digest binds the file: the one in force, or the one that it updates."""
        label = self.active
        for _ in listed(found_at(self.details, "manifests")):
            details = self.details_of(label)
            if found_at(details, "isUpdateManifest") is not True:
                return details
            label = next((one for one in self._parents(label)), "")
        return None

    @property
    def left_out(self) -> int:
        """Bytes of the file that the binding digest leaves out, where it counts them."""
        ranges = listed(found_at(self.binding, "assertions", "c2pa.hash.data", "exclusions"))
        return sum(one for one in (found_at(each, "length") for each in ranges) if isinstance(one, int))

    @property
    def boxes_left_out(self) -> bool:
        """Whether the binding digest leaves out boxes that are not the manifest's or empty."""
        assertions = found_at(self.binding, "assertions")
        named = [
            found_at(each, "xpath")
            for label, data in pairs_in(assertions)
            if label.startswith("c2pa.hash.bmff")
            for each in listed(found_at(data, "exclusions"))
        ]
        boxes = [
            each
            for label, data in pairs_in(assertions)
            if label.startswith("c2pa.hash.boxes")
            for each in listed(found_at(data, "boxes"))
        ]
        hidden = [each for each in boxes if found_at(each, "excluded") is True and found_at(each, "names") != ["C2PA"]]
        return bool(hidden) or any(one not in _EMPTY_BOXES for one in named)

    @property
    def update_of_many(self) -> bool:
        """Whether a manifest that updates another one has any ingredient besides that."""
        labels = [text_of(found_at(one, "label")) for one in listed(found_at(self.details, "manifests"))]
        updates = [one for one in labels if found_at(self.details_of(one), "isUpdateManifest") is True]
        counts = (len(listed(found_at(self.summary, "manifests", one, "ingredients"))) for one in updates)
        return any(count != 1 for count in counts)

    @property
    def redacted_silently(self) -> bool:
        """Whether a claim takes out assertions of others without an action that says so."""
        for one in listed(found_at(self.details, "manifests")):
            taken = {text_of(uri) for uri in listed(found_at(one, "claim.v2", "redacted_assertions"))}
            actions = [
                each
                for label, data in pairs_in(found_at(one, "assertions"))
                if label.startswith("c2pa.actions")
                for each in listed(found_at(data, "actions"))
            ]
            told = {
                text_of(found_at(each, "parameters", "redacted"))
                for each in actions
                if found_at(each, "action") == "c2pa.redacted"
            }
            if taken - told:
                return True
        return False

    def _parents(self, label: str) -> list[str]:
        found = listed(found_at(self.summary, "manifests", label, "ingredients"))
        return [
            text_of(found_at(one, "active_manifest")) for one in found if found_at(one, "relationship") == "parentOf"
        ]

    def delta(self, manifest: str, ingredient: str, outcome: str) -> tuple[str, ...]:
        """Codes of an outcome that an ingredient has now and did not have when it was taken in."""
        uri = f"self#jumbf=/c2pa/{manifest}/c2pa.assertions/{ingredient}"
        found = listed(found_at(self.summary, "validation_results", "ingredientDeltas"))
        deltas = (
            found_at(one, "validationDeltas", outcome)
            for one in found
            if found_at(one, "ingredientAssertionURI") == uri
        )
        return tuple(code for delta in deltas for code in codes_in(delta))

    def details_of(self, label: str) -> Any:
        """What the longer form has of a manifest."""
        return next(
            (one for one in listed(found_at(self.details, "manifests")) if found_at(one, "label") == label), None
        )
