"""Manifests say what is claimed, agree with a reader of others, and go in and out of a file to the byte."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import c2pa
import encypher_c2pa
import pytest
from credentialed import CONTAINERS, IMAGE_CODE, CredentialedStudio, a_claim, a_file, a_label, the_studio
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pictures.containers.kinds import MEDIA_TYPES
from pictures.credentials.embedding import with_manifest, without_manifest
from pictures.credentials.findings import CredentialState, SaidOrigin
from pictures.credentials.manifest import (
    LedgerReceipt,
    Program,
    Sealed,
    bound_bytes,
    seal,
    soft_binding,
    timestamp_later,
)
from pictures.credentials.reading import read_credentials
from pictures.errors import PictureCode, PictureError
from pictures.source_types import SourceType


def second_opinion(
    data: bytes, container: str, at: datetime | None = None, studio: CredentialedStudio | None = None
) -> Any:
    """What a verifier of others, which shares nothing with the library, says of a file."""
    roots = (studio or the_studio()).root
    return encypher_c2pa.verify(
        data,
        MEDIA_TYPES[container],
        trust_pem=roots,
        tsa_trust_pem=roots,
        no_default_trust=True,
        telemetry=False,
        online=False,
        validation_time=at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None,
    )


def crjson(data: bytes, container: str = "PNG") -> Any:
    context = c2pa.Context.from_dict({"trust": {"user_anchors": the_studio().root}})
    with c2pa.Reader(MEDIA_TYPES[container], io.BytesIO(data), context=context) as reader:
        return json.loads(reader.crjson())


@pytest.mark.parametrize("container", CONTAINERS)
def test_two_readers_trust_a_sealed_file_of_every_container(container: str) -> None:
    sealed = the_studio().sealed(a_file(container), watermarked=True)
    found = read_credentials(sealed.data, the_studio().root)
    other = second_opinion(sealed.data, container)

    assert found.state is CredentialState.TRUSTED
    assert sealed.time_stamped
    assert [other[name] for name in ("integrity", "signature", "hard_binding")] == ["valid", "valid", "match"]
    assert other["trust"]["status"] == "valid_for_supplied_material"
    assert other["validation_results"]["failure"] == []
    assert {"timeStamp.validated", "timeStamp.trusted"} <= {
        one["code"] for one in other["validation_results"]["success"]
    }


@pytest.mark.parametrize(
    ("container", "options"),
    [
        *((container, {}) for container in CONTAINERS),
        ("JPEG", {"exif": Image.Exif().tobytes(), "xmp": b"<x/>", "progressive": True}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"xmp": b"<x/>"}),
        ("AVIF", {"xmp": b"<x/>"}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"size": 61}),
    ],
)
def test_recorded_file_and_store_give_the_released_file_and_that_gives_both(
    container: str, options: dict[str, Any]
) -> None:
    recorded = a_file(container, **options)
    sealed = the_studio().sealed(recorded)

    assert sealed.time_stamped
    assert without_manifest(sealed.data, len(recorded)) == recorded
    assert with_manifest(recorded, sealed.store) == sealed.data
    assert sealed.rebuilt
    assert len(sealed.data) - len(recorded) < 16_000


def test_a_file_without_a_manifest_loses_nothing() -> None:
    for container in CONTAINERS:
        assert without_manifest(a_file(container)) == a_file(container)


def test_a_manifest_says_all_that_is_claimed() -> None:
    receipt = LedgerReceipt("application/json", b'{"receipt": 1}')
    label = a_label()
    sealed = the_studio().sealed(
        a_file(),
        label=label,
        watermarked=True,
        receipt=receipt,
        mining={"cawg.ai_generative_training": "notAllowed"},
        title="ships",
    )
    found = read_credentials(sealed.data, the_studio().root)
    said = crjson(sealed.data)["manifests"][0]
    manifest = found.active

    assert manifest is not None
    assert (manifest.label, said["label"]) == (label, label)
    assert [(one.action, one.source_type, one.program) for one in manifest.actions] == [
        ("c2pa.created", "trainedAlgorithmicMedia", "model 1"),
        ("c2pa.watermarked.unbound", "", "Remarque 0.1.0"),
    ]
    assert manifest.actions[0].when == "2026-11-22T08:00:00Z"
    assert found.origin is SaidOrigin.GENERATED
    assert not manifest.edited
    assert manifest.signer is not None
    assert dataclasses.astuple(manifest.signer) == ("studio", "node1.studio", "Consortium")
    assert manifest.stamp_trusted
    assert manifest.stamped_at
    assert manifest.receipt == receipt.data
    assert manifest.generator == "Remarque 0.1.0"
    assert said["claim.v2"]["claim_generator_info"]["specVersion"] == "2.4.0"
    assert said["assertions"]["c2pa.actions.v2"]["allActionsIncluded"] is True
    assert said["assertions"]["cawg.training-mining"]["entries"] == {
        "cawg.ai_generative_training": {"use": "notAllowed"}
    }
    assert "c2pa.thumbnail.claim" not in said["assertions"]


def test_the_soft_binding_is_of_the_file_exactly_as_it_is_recorded() -> None:
    recorded = a_file()
    sealed = the_studio().sealed(recorded)
    units = soft_binding(without_manifest(sealed.data), IMAGE_CODE)
    block = crjson(sealed.data)["manifests"][0]["assertions"]["c2pa.soft-binding"]["blocks"][0]
    found = read_credentials(sealed.data, the_studio().root).active

    assert found is not None
    assert len(bound_bytes(units)) == 102
    assert [(one.algorithm, one.value) for one in found.bindings] == [("io.iscc.v0", bound_bytes(units))]
    assert block == {"scope": {}, "value": list(bound_bytes(units))}


@pytest.mark.parametrize("source", list(SourceType))
def test_a_declared_source_is_said_and_nothing_else(source: SourceType) -> None:
    found = read_credentials(the_studio().sealed(a_file(), stamped=False, source=source).data, the_studio().root)

    assert found.active is not None
    assert [one.source_type for one in found.active.actions] == [source.value]
    assert (found.origin is SaidOrigin.GENERATED) == (source is SourceType.TRAINED)


def test_who_claims_nothing_of_the_source_names_the_file_before() -> None:
    before = a_file(scene=5)
    sealed = the_studio().sealed(a_file(), parent=before)
    found = read_credentials(sealed.data, the_studio().root)

    assert found.origin is SaidOrigin.NOTHING
    assert found.active is not None
    assert [(one.action, one.source_type) for one in found.active.actions] == [("c2pa.opened", "")]
    assert [(one.relationship, one.state) for one in found.active.ingredients] == [("parentOf", CredentialState.ABSENT)]
    with pytest.raises(PictureError, match="NOT_SIGNED"):
        the_studio().sealed(a_file(), source=None, made_with=None)


def test_a_foreign_manifest_is_kept_in_the_new_one() -> None:
    foreign = CredentialedStudio()
    before = foreign.sealed(a_file(), label=a_label(), source=SourceType.CAPTURED)
    sealed = the_studio().sealed(a_file("JPEG"), parent=before.data)
    found = read_credentials(sealed.data, the_studio().root + foreign.root)

    assert found.state is CredentialState.TRUSTED
    assert found.origin is SaidOrigin.CAPTURED
    assert len(found.manifests) == 2
    assert found.active is not None
    assert found.active.ingredients[0].state is CredentialState.TRUSTED
    assert read_credentials(sealed.data, the_studio().root).manifests[0].ingredients[0].state is CredentialState.VALID


def test_an_edit_by_a_model_makes_a_photograph_partly_generated() -> None:
    before = the_studio().sealed(a_file(), source=SourceType.CAPTURED, stamped=False)
    sealed = the_studio().sealed(a_file(), stamped=False, parent=before.data, source=SourceType.COMPOSED)
    found = read_credentials(sealed.data, the_studio().root)

    assert found.origin is SaidOrigin.PARTLY_GENERATED
    assert found.active is not None
    assert found.active.edited


def test_without_a_time_stamp_it_is_signed_and_said_so_and_stamped_later() -> None:
    def down(request: bytes) -> bytes:
        raise ConnectionRefusedError

    studio, recorded = the_studio(), a_file()
    for stamp in (down, lambda request: b"no", None):
        sealed = seal(recorded, a_claim(), dataclasses.replace(studio.signing(), stamp=stamp))
        assert not sealed.time_stamped
        assert read_credentials(sealed.data, studio.root).state is CredentialState.TRUSTED
    with pytest.raises(PictureError, match="no time-stamp is to be had"):
        timestamp_later(sealed.data, down)

    later = timestamp_later(sealed.data, studio.stamp)
    found = read_credentials(later.data, studio.root)

    assert later.time_stamped
    assert later.rebuilt
    assert without_manifest(later.data) == recorded
    assert found.state is CredentialState.TRUSTED
    assert found.origin is SaidOrigin.GENERATED
    assert [one.stamp_trusted for one in found.manifests] == [True]
    assert len(later.data) == len(sealed.data)
    assert second_opinion(later.data, "PNG")["trust"]["status"] == "valid_for_supplied_material"


def test_a_manifest_is_stamped_once_and_a_file_without_one_never() -> None:
    sealed = the_studio().sealed(a_file())

    with pytest.raises(PictureError, match="the manifest has a time-stamp"):
        timestamp_later(sealed.data, the_studio().stamp)
    with pytest.raises(PictureError, match="no manifest that could be stamped"):
        timestamp_later(a_file(), the_studio().stamp)


def test_a_time_stamp_outlives_the_certificate_of_who_signed() -> None:
    studio = CredentialedStudio(claim_days=30)
    afterwards = studio.begins + timedelta(days=200)
    stamped, bare = (studio.sealed(a_file(), stamped=stamped) for stamped in (True, False))
    later = timestamp_later(bare.data, studio.stamp)

    def state(sealed: Sealed) -> tuple[CredentialState, str]:
        other = second_opinion(sealed.data, "PNG", afterwards, studio)
        return read_credentials(sealed.data, studio.root, afterwards).state, other["trust"]["status"]

    assert state(stamped) == (CredentialState.TRUSTED, "valid_for_supplied_material")
    assert state(later) == (CredentialState.TRUSTED, "valid_for_supplied_material")
    assert state(bare)[0] is CredentialState.INVALID
    assert state(bare)[1] != "valid_for_supplied_material"


def test_what_the_signing_function_raises_passes_through() -> None:
    class AwayError(Exception):
        """Of a key that lies elsewhere."""

    def sign(message: bytes) -> bytes:
        raise AwayError

    for stamped in (True, False):
        with pytest.raises(AwayError):
            seal(a_file(), a_claim(), dataclasses.replace(the_studio().signing(stamped=stamped), sign=sign))


def test_a_signature_or_a_chain_that_does_not_fit_is_refused() -> None:
    signing, other = the_studio().signing(), CredentialedStudio()

    for wrong in (
        dataclasses.replace(signing, sign=other.sign),
        dataclasses.replace(signing, chain=()),
        dataclasses.replace(signing, chain=("no certificate",)),
    ):
        with pytest.raises(PictureError, match="NOT_SIGNED"):
            seal(a_file(), a_claim(), wrong)


@pytest.mark.parametrize(
    "data", [b"", b"GIF8", b"\x89PNG\r\n\x1a\n", a_file()[:60], b"II*\0", b"\xff\xd8\xff", b"text"]
)
def test_a_file_that_takes_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(PictureError) as refusal:
        the_studio().sealed(data)
    assert refusal.value.code is PictureCode.NOT_SIGNED


def test_adapters_and_a_parent_of_a_format_without_manifests_are_named_as_ingredients() -> None:
    parent = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(parent, "BMP")
    program, source = Program("model", "1"), SourceType.TRAINED
    sealed = the_studio().sealed(
        a_file(), parent=parent.getvalue(), source=source, made_with=program, inputs=(Program("Ink", "2"),)
    )
    found = read_credentials(sealed.data, the_studio().root)
    other = second_opinion(sealed.data, "PNG")

    assert found.state is CredentialState.TRUSTED
    assert found.active is not None
    assert [(one.title, one.relationship) for one in found.active.ingredients] == [
        ("Ink 2", "inputTo"),
        ("before", "parentOf"),
    ]
    assert other["trust"]["status"] == "valid_for_supplied_material"


@given(st.sampled_from(CONTAINERS), st.integers(0, 3_000), st.binary(min_size=1, max_size=40))
def test_taking_manifests_out_of_any_bytes_raises_nothing_but_refusals(container: str, at: int, noise: bytes) -> None:
    whole = _sealed(container)
    for data in (whole[:at], whole[:at] + noise + whole[at + len(noise) :], whole[:4] + noise):
        assert {_refusal_of(without_manifest, data), _refusal_of(with_manifest, data, noise)} <= {
            PictureCode.NOT_SIGNED,
            None,
        }


def _refusal_of(job: Callable[..., bytes], *arguments: bytes) -> PictureCode | None:
    try:
        job(*arguments)
    except PictureError as error:
        return error.code
    return None


_made: dict[str, bytes] = {}


def _sealed(container: str) -> bytes:
    if container not in _made:
        _made[container] = the_studio().sealed(a_file(container, size=48), stamped=False).data
    return _made[container]


def test_a_title_and_names_of_any_letters_are_said_as_they_are() -> None:
    sealed = the_studio().sealed(a_file(), stamped=False, title='„Möwe" \U0001f426', made_with=Program("模型", "1"))

    assert crjson(sealed.data)["manifests"][0]["claim.v2"]["dc:title"] == '„Möwe" \U0001f426'
