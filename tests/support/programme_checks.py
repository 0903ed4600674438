"""What the C2PA conformance programme asks of a generator's manifests (0.2, for 2.4), as our own functions.

Each takes the manifest in force as crJSON has it, and says whether it is as the programme wants it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Manifest = dict[str, Any]


def _named(words: str) -> set[str]:
    return {f"c2pa.{word}" for word in words.split()}


INCEPTIONS = _named("created opened")
NOT_EDITORIAL = _named(
    "converted published repackaged transcoded enhanced redacted resized.proportional edited.metadata"
    " watermarked.bound watermarked.unbound"
)
ACTIONS = (
    INCEPTIONS
    | NOT_EDITORIAL
    | _named(
        "addedText adjustedColor changedSpeed cropped deleted drawing dubbed edited filtered mastered mixed"
        " orientation placed remixed removed resized translated trimmed unknown"
    )
)
OLD_ACTIONS = _named("copied formatted version_updated printed managed produced saved color_adjustments watermarked")
ASSERTIONS = _named(
    "hash.data hash.data.part actions.v2 ingredient.v3 hash.boxes hash.bmff.v3 hash.collection.data soft-binding"
    " cloud-data embedded-data metadata certificate-status asset-ref asset-type.v2 hash.multi-asset thumbnail.claim"
    " thumbnail.ingredient depthmap.GDepth icon alternative-content-representation external-reference session-keys"
    " environmental-sustainability repository-receipt ai-disclosure assertion.metadata time-stamp"
)
OLD_ASSERTIONS = _named("claim hash.bmff.v2 asset-type ingredient ingredient.v2 actions")
PARAMETERS = {
    "redacted",
    "ingredients",
    "ingredient",
    "description",
    "relatedAssertions",
    "sourceLanguage",
    "targetLanguage",
    "multipleInstances",
    "ranges",
}
NOT_BY_REFERENCE = ("c2pa.actions", "c2pa.cloud-data", "c2pa.external-reference", "c2pa.hash", "c2pa.ingredient")
PEOPLE = {"humanEntry.anonymous", "humanEntry.credentialed"}


def _lists(manifest: Manifest) -> list[Any]:
    return [one for one in manifest["assertions"].values() if isinstance(one, dict) and "actions" in one]


def _actions(manifest: Manifest) -> list[Any]:
    return [action for one in _lists(manifest) for action in one["actions"]]


def _values(manifest: Manifest) -> list[Any]:
    return [one for one in manifest["assertions"].values() if isinstance(one, dict)]


def _ingredients(manifest: Manifest) -> list[Any]:
    return [one for one in _values(manifest) if "relationship" in one]


def _names(manifest: Manifest) -> set[str]:
    return {label.split("__")[0] for label in manifest["assertions"]}


def _failures(manifest: Manifest) -> list[str]:
    return [one["code"] for one in manifest["validationResults"]["failure"]]


def _parameters(manifest: Manifest) -> Iterable[str]:
    return (name for action in _actions(manifest) for name in action.get("parameters") or {})


def _hashes(manifest: Manifest) -> list[Any]:
    return [one for label, one in manifest["assertions"].items() if label.startswith("c2pa.hash.")]


def _first_created(manifest: Manifest) -> str:
    urls = [one["url"] for one in manifest["claim.v2"]["created_assertions"]]
    return next((url for url in urls if "c2pa.actions" in url), "")


def _represents(manifest: Manifest) -> list[Any]:
    found = (
        one.get("parameters") or {} for one in _values(manifest) if one.get("type") == "exif.originalPreservationImage"
    )
    return list(found)


CHECKS: dict[str, Callable[[Manifest], bool]] = {
    "every change to what one sees has a source type": lambda one: all(
        action.get("digitalSourceType")
        for action in _actions(one)
        if action["action"].startswith("c2pa.") and action["action"] not in INCEPTIONS | NOT_EDITORIAL | {"c2pa.placed"}
    ),
    "the specification's version is named": lambda one: (
        one["claim.v2"]["claim_generator_info"].get("specVersion", "").split(".")[:2] == ["2", "4"]
    ),
    "every list of actions says whether it is whole": lambda one: all(
        "allActionsIncluded" in each for each in _lists(one)
    ),
    "what is opened has no source type": lambda one: all(
        not action.get("digitalSourceType") for action in _actions(one) if action["action"] == "c2pa.opened"
    ),
    "there are results on its form": lambda one: one.get("validationResults") is not None,
    "its form is without fault": lambda one: (
        not [
            code
            for code in _failures(one)
            if code.endswith(("malformed", "missing", "multiple", "invalid", "inaccessible"))
        ]
    ),
    "there are results on its integrity": lambda one: "failure" in (one.get("validationResults") or {}),
    "its integrity is without fault": lambda one: (
        not [code for code in _failures(one) if code.lower().endswith("mismatch")]
    ),
    "the inception comes first in the first list of actions": lambda one: (
        _first_created(one).endswith("c2pa.actions.v2") and _actions(one)[0]["action"] in INCEPTIONS
    ),
    "no assertion is an old one": lambda one: (
        not _names(one) & OLD_ASSERTIONS and not any(name.startswith("stds.") for name in _names(one))
    ),
    "every assertion of the standard is known": lambda one: all(
        name in ASSERTIONS | OLD_ASSERTIONS for name in _names(one) if name.startswith("c2pa.")
    ),
    "no action is an old one": lambda one: not {action["action"] for action in _actions(one)} & OLD_ACTIONS,
    "every action of the standard is known": lambda one: all(
        action["action"] in ACTIONS | OLD_ACTIONS for action in _actions(one) if action["action"].startswith("c2pa.")
    ),
    "every assertion of others has a name of theirs": lambda one: all("." in name for name in _names(one)),
    "every action of others has a name of theirs": lambda one: all("." in action["action"] for action in _actions(one)),
    "every parameter of others has a name of theirs": lambda one: all(
        name in PARAMETERS or "." in name for name in _parameters(one)
    ),
    "no parameter is an old one": lambda one: not {"description", "ingredient"} & set(_parameters(one)),
    "its label is a URN of C2PA": lambda one: one["label"].startswith("urn:c2pa:"),
    "nobody rates what a person entered": lambda one: (
        not [
            each
            for each in _values(one)
            if "reviewRatings" in each and (each.get("dataSource") or {}).get("type") in PEOPLE
        ]
    ),
    "an ingredient without a manifest has no results": lambda one: all(
        "validationResults" not in each for each in _ingredients(one) if not each.get("activeManifest")
    ),
    "an ingredient with a manifest has results": lambda one: all(
        each.get("validationResults") for each in _ingredients(one) if each.get("activeManifest")
    ),
    "an ingredient stands in a known relationship": lambda one: all(
        each["relationship"] in ("parentOf", "inputTo", "componentOf") for each in _ingredients(one)
    ),
    "what is created has a source type": lambda one: all(
        action.get("digitalSourceType") for action in _actions(one) if action["action"] == "c2pa.created"
    ),
    "the claim has no old fields": lambda one: "specVersion" not in one["claim.v2"],
    "an ingredient has a manifest or a source type": lambda one: (
        not [each for each in _ingredients(one) if each.get("activeManifest") and each.get("digitalSourceType")]
    ),
    "another representation lies in one place": lambda one: all(
        ("multiAssetPartIndex" in each) != ("embeddedOriginalPreservationImage" in each) for each in _represents(one)
    ),
    "no reference points to what must be here": lambda one: (
        not [
            each
            for each in _values(one)
            if "url" in each and "relationship" not in each and str(each.get("label", "")).startswith(NOT_BY_REFERENCE)
        ]
    ),
    "no digest lies elsewhere": lambda one: all("url" not in each for each in _hashes(one)),
    "opening alone is all that was done": lambda one: (
        [action["action"] for action in _actions(one)] != ["c2pa.opened"]
        or all(each.get("allActionsIncluded") is True for each in _lists(one))
    ),
    "what is opened names its one ingredient": lambda one: all(
        len((action.get("parameters") or {}).get("ingredients") or []) == 1
        for action in _actions(one)
        if action["action"] == "c2pa.opened"
    ),
    "a TIFF is not bound by boxes": lambda one: (
        not (
            "c2pa.hash.boxes" in _names(one)
            and one["assertions"].get("c2pa.asset-type.v2", {}).get("dc:format") in ("image/tiff", "image/x-adobe-dng")
        )
    ),
}
"""By what it wants."""
