"""Our manifests pass what the C2PA conformance programme checks, and each check can fail."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable
from typing import Any

import c2pa
import pytest
from credentialed import CONTAINERS, a_file, the_studio
from programme_checks import CHECKS

from pictures.containers.kinds import MEDIA_TYPES
from pictures.credentials.manifest import LedgerReceipt, timestamp_later
from pictures.source_types import SourceType


def a_generated_one(container: str) -> bytes:
    return (
        the_studio()
        .sealed(
            a_file(container),
            watermarked=True,
            receipt=LedgerReceipt("application/json", b"{}"),
            mining={"cawg.ai_generative_training": "notAllowed"},
        )
        .data
    )


def an_opened_one(container: str) -> bytes:
    return the_studio().sealed(a_file(container), parent=a_generated_one("PNG"), watermarked=True).data


def an_edited_one(container: str) -> bytes:
    return the_studio().sealed(a_file(container), parent=a_file("JPEG"), source=SourceType.COMPOSED).data


def one_stamped_later(container: str) -> bytes:
    sealed = the_studio().sealed(a_file(container), stamped=False)
    return timestamp_later(sealed.data, the_studio().stamp).data


KINDS: tuple[Callable[[str], bytes], ...] = (a_generated_one, an_opened_one, an_edited_one, one_stamped_later)


def manifest_of(data: bytes, container: str) -> Any:
    context = c2pa.Context.from_dict({"trust": {"user_anchors": the_studio().root}})
    with c2pa.Reader(MEDIA_TYPES[container], io.BytesIO(data), context=context) as reader:
        return json.loads(reader.crjson())["manifests"][0]


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_check_of_the_programme_holds(kind: Callable[[str], bytes], container: str) -> None:
    manifest = manifest_of(kind(container), container)

    assert len(CHECKS) == 31
    assert [name for name, holds in CHECKS.items() if not holds(manifest)] == []


def actions(manifest: Any) -> Any:
    return manifest["assertions"]["c2pa.actions.v2"]["actions"]


def failing(code: str) -> Callable[[Any], Any]:
    return lambda one: one["validationResults"]["failure"].append({"code": code})


def with_assertion(name: str, /, **data: Any) -> Callable[[Any], Any]:
    return lambda one: one["assertions"].update({name: data})


def with_action(**action: Any) -> Callable[[Any], Any]:
    return lambda one: actions(one).append(action)


BROKEN: dict[str, Callable[[Any], Any]] = {
    "every change to what one sees has a source type": with_action(action="c2pa.cropped"),
    "the specification's version is named": lambda one: one["claim.v2"]["claim_generator_info"].update(
        specVersion="2.2.0"
    ),
    "every list of actions says whether it is whole": with_assertion("c2pa.actions.v2__1", actions=[]),
    "what is opened has no source type": with_action(action="c2pa.opened", digitalSourceType="x"),
    "there are results on its form": lambda one: one.pop("validationResults"),
    "its form is without fault": failing("claim.malformed"),
    "there are results on its integrity": lambda one: one.pop("validationResults"),
    "its integrity is without fault": failing("assertion.dataHash.mismatch"),
    "the inception comes first in the first list of actions": lambda one: actions(one).insert(
        0, {"action": "c2pa.published"}
    ),
    "no assertion is an old one": with_assertion("c2pa.ingredient.v2"),
    "every assertion of the standard is known": with_assertion("c2pa.guess"),
    "no action is an old one": with_action(action="c2pa.saved"),
    "every action of the standard is known": with_action(action="c2pa.guessed"),
    "every assertion of others has a name of theirs": with_assertion("receipt"),
    "every action of others has a name of theirs": with_action(action="guessed"),
    "every parameter of others has a name of theirs": with_action(action="c2pa.created", parameters={"guess": 1}),
    "no parameter is an old one": with_action(action="c2pa.created", parameters={"ingredient": {}}),
    "its label is a URN of C2PA": lambda one: one.update(label="urn:uuid:1"),
    "nobody rates what a person entered": with_assertion(
        "org.a", reviewRatings=[], dataSource={"type": "humanEntry.anonymous"}
    ),
    "an ingredient without a manifest has no results": with_assertion(
        "c2pa.ingredient.v3__9", relationship="inputTo", validationResults={}
    ),
    "an ingredient with a manifest has results": with_assertion(
        "c2pa.ingredient.v3__9", relationship="inputTo", activeManifest={"url": "u"}
    ),
    "an ingredient stands in a known relationship": with_assertion("c2pa.ingredient.v3__9", relationship="cousinOf"),
    "what is created has a source type": with_action(action="c2pa.created"),
    "the claim has no old fields": lambda one: one["claim.v2"].update(specVersion="2.4.0"),
    "an ingredient has a manifest or a source type": with_assertion(
        "c2pa.ingredient.v3__9", relationship="inputTo", activeManifest={"url": "u"}, digitalSourceType="x"
    ),
    "another representation lies in one place": with_assertion(
        "org.a", type="exif.originalPreservationImage", parameters={}
    ),
    "no reference points to what must be here": with_assertion("org.a", url="u", label="c2pa.hash.data"),
    "no digest lies elsewhere": with_assertion("c2pa.hash.data", url="u"),
    "opening alone is all that was done": lambda one: one["assertions"].update(
        {"c2pa.actions.v2": {"allActionsIncluded": False, "actions": [{"action": "c2pa.opened"}]}}
    ),
    "what is opened names its one ingredient": with_action(action="c2pa.opened"),
    "a TIFF is not bound by boxes": lambda one: one["assertions"].update(
        {"c2pa.hash.boxes": {}, "c2pa.asset-type.v2": {"dc:format": "image/tiff"}}
    ),
}


@pytest.mark.parametrize("name", CHECKS)
def test_each_check_can_fail(name: str) -> None:
    broken = copy.deepcopy(_manifest())
    BROKEN[name](broken)

    assert CHECKS[name](_manifest())
    assert not CHECKS[name](broken)


_made: list[Any] = []


def _manifest() -> Any:
    if not _made:
        _made.append(manifest_of(a_generated_one("PNG"), "PNG"))
    return _made[0]
