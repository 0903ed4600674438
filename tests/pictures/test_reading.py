"""What credentials say is told in bounded values, and what tries to deceive is not trusted."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from credentialed import CONTAINERS, CredentialedStudio, a_file, the_studio, updated, with_actions
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from forged_manifests import ForgedStore
from hypothesis import given
from hypothesis import strategies as st

from pictures.credentials.certificates import CLAIM_SIGNING
from pictures.credentials.embedding import with_manifest, without_manifest
from pictures.credentials.findings import ENTRIES_MAX, MANIFESTS_MAX, Credentials, CredentialState, SaidOrigin
from pictures.credentials.manifest import Sealed
from pictures.credentials.reading import (
    EXPIRED,
    HIDDEN_BYTES,
    OUTSIDE_TERM,
    REDACTED_SILENTLY,
    UPDATE_OF_MANY,
    WRONG_PURPOSE,
    read_credentials,
)
from pictures.credentials.report import Report
from pictures.credentials.stores import may_sign_claims
from pictures.credentials.telling import manifests_of
from pictures.source_types import SourceType

WORDS = (
    "active_manifest manifests ingredients assertions label data actions code validation_status signature exclusions"
    " validation_results activeManifest failure success isUpdateManifest claim.v2 digitalSourceType parameters"
)
"""Names in reports of the library."""


def read(data: bytes) -> Credentials:
    return read_credentials(data, the_studio().root)


def signed(forged: ForgedStore, payload: bytes | None = None) -> bytes:
    """By a member who may sign, and wants to deceive."""
    return forged.signed(the_studio().key, (the_studio().leaf, the_studio().issuing), payload)


RECORDED = a_file(size=96)


def sealed(**changed: object) -> Sealed:
    return the_studio().sealed(RECORDED, **changed)


def test_signing_again_without_a_change_is_trusted() -> None:
    """So what the forgeries below are refused for is what they change."""
    forged = ForgedStore(sealed().store)
    forged.told_anew()

    assert read(with_manifest(RECORDED, signed(forged))).state is CredentialState.TRUSTED


def test_a_signature_over_a_payload_of_its_own_is_not_one_over_the_claim() -> None:
    forged = ForgedStore(sealed().store)
    before = forged.claim.inner[1].body
    forged.claim.cbor = {**forged.claim.cbor, "dc:title": "another"}
    found = read(with_manifest(RECORDED, signed(forged, payload=before)))

    assert (found.state, found.failures) == (CredentialState.INVALID, ("claimSignature.mismatch",))


def test_a_certificate_for_time_stamps_signs_no_claims() -> None:
    studio, forged = the_studio(), ForgedStore(sealed().store)
    store = forged.signed(studio.stamp_key, (studio.stamp_leaf, studio.issuing))
    found = read(with_manifest(RECORDED, store))

    assert (found.state, found.failures) == (CredentialState.INVALID, (WRONG_PURPOSE,))
    child = read(the_studio().sealed(RECORDED, parent=with_manifest(RECORDED, store)).data)
    assert [one.failures for one in child.broken_ingredients] == [(WRONG_PURPOSE,)]


def test_bytes_that_the_digest_leaves_out_take_all_trust() -> None:
    forged = ForgedStore(sealed().store)
    box = forged.assertions.named("c2pa.hash.data")
    hidden = {"start": box.cbor["exclusions"][0]["start"] + box.cbor["exclusions"][0]["length"] + 200, "length": 60}
    said = {**box.cbor, "exclusions": [*box.cbor["exclusions"], hidden]}

    box.cbor = said
    forged.told_anew()
    data = bytearray(with_manifest(RECORDED, signed(forged)))
    said["hash"] = _digest_without(bytes(data), said["exclusions"])
    box.cbor = said
    forged.told_anew()
    data = bytearray(with_manifest(RECORDED, signed(forged)))

    assert read(bytes(data)).failures == (HIDDEN_BYTES,)
    data[hidden["start"] + 30] ^= 255
    assert read(bytes(data)).failures == (HIDDEN_BYTES,)


def _digest_without(data: bytes, ranges: list[dict[str, int]]) -> bytes:
    digest, at = hashlib.sha256(), 0
    for one in sorted(ranges, key=lambda one: one["start"]):
        digest.update(data[at : one["start"]])
        at = one["start"] + one["length"]
    digest.update(data[at:])
    return digest.digest()


def test_a_digest_of_an_avif_may_leave_out_no_pixels() -> None:
    recorded = a_file("AVIF", size=96)
    forged = ForgedStore(the_studio().sealed(recorded).store)
    box = forged.assertions.named("c2pa.hash.bmff.v3")
    box.cbor = {**box.cbor, "exclusions": [*box.cbor["exclusions"], {"xpath": "/mdat"}]}
    forged.told_anew()

    assert HIDDEN_BYTES in read(with_manifest(recorded, signed(forged))).failures


def an_update() -> ForgedStore:
    return ForgedStore(updated(the_studio(), sealed(stamped=False).data))


def test_an_update_that_is_signed_again_is_trusted() -> None:
    forged = an_update()
    forged.told_anew()

    assert read(with_manifest(RECORDED, signed(forged))).state is CredentialState.TRUSTED


def test_an_update_has_no_second_ingredient() -> None:
    forged = an_update()
    second = forged.assertions.named("c2pa.ingredient.v3").copy()
    second.rename("c2pa.ingredient.v3__1")
    second.cbor = {**second.cbor, "relationship": "componentOf"}
    forged.assertions.inner.append(second)
    claim = forged.claim.cbor
    claim["created_assertions"].append({"url": "self#jumbf=c2pa.assertions/c2pa.ingredient.v3__1", "hash": b""})
    forged.claim.cbor = claim
    forged.told_anew()
    found = read(with_manifest(RECORDED, signed(forged)))

    assert (found.state, found.failures) == (CredentialState.INVALID, (UPDATE_OF_MANY,))


def test_an_update_edits_nothing() -> None:
    forged = an_update()
    box = forged.assertions.named("c2pa.actions.v2")
    edit = {"action": "c2pa.edited", "digitalSourceType": SourceType.EDITED.uri}
    box.cbor = {**box.cbor, "actions": [*box.cbor["actions"], edit]}
    forged.told_anew()

    assert read(with_manifest(RECORDED, signed(forged))).state is CredentialState.INVALID


@pytest.mark.parametrize("taken", ["c2pa.actions.v2", "c2pa.hash.data", "c2pa.soft-binding"])
def test_nothing_is_taken_out_of_an_ingredient_without_a_word(taken: str) -> None:
    forged = ForgedStore(sealed(parent=sealed().data).store)
    parent = forged.root.inner[1]
    kept = parent.named("c2pa.assertions")
    kept.inner = [one for one in kept.inner if one.label != taken]
    uri = f"self#jumbf=/c2pa/{parent.label}/c2pa.assertions/{taken}"
    forged.claim.cbor = {**forged.claim.cbor, "redacted_assertions": [uri]}
    forged.told_anew()
    found = read(with_manifest(RECORDED, signed(forged)))

    assert found.state is CredentialState.INVALID
    assert REDACTED_SILENTLY in found.failures


def test_a_tampered_parent_is_reported_under_a_trusted_child_and_grandchild() -> None:
    broken = bytearray(sealed().data)
    broken[-40] ^= 1
    child = sealed(parent=bytes(broken))
    grandchild = sealed(parent=child.data)

    assert read(bytes(broken)).failures == ("assertion.dataHash.mismatch",)
    for one in (child, grandchild):
        found = read(one.data)
        assert found.state is CredentialState.TRUSTED
        assert [each.failures for each in found.broken_ingredients] == [("assertion.dataHash.mismatch",)]
    assert read(sealed(parent=sealed().data).data).broken_ingredients == ()


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_changed_byte_of_the_pixels_breaks_it(container: str) -> None:
    recorded = a_file(container, size=96)
    changed = bytearray(recorded)
    changed[len(recorded) // 2] ^= 1
    found = read(with_manifest(bytes(changed), the_studio().sealed(recorded, stamped=False).store))

    assert found.state is CredentialState.INVALID
    assert any(code.endswith("Hash.mismatch") for code in found.failures)


def test_a_manifest_put_on_another_picture_does_not_hold() -> None:
    found = read(with_manifest(a_file(size=96, scene=7), sealed().store))

    assert (found.state, found.failures) == (CredentialState.INVALID, ("assertion.dataHash.mismatch",))


def test_a_signer_whom_nobody_vouches_for_is_valid_and_not_trusted() -> None:
    stranger = CredentialedStudio()
    found = read(stranger.sealed(RECORDED, stamped=False).data)

    assert found.state is CredentialState.VALID
    assert found.failures == ()
    assert read_credentials(sealed().data, "").state is CredentialState.VALID


def test_whether_an_unstamped_manifest_holds_is_for_the_time_asked_for() -> None:
    studio = CredentialedStudio(claim_days=10)
    data = studio.sealed(RECORDED, stamped=False).data

    def at(days: int) -> Credentials:
        return read_credentials(data, studio.root, studio.begins + timedelta(days=days))

    assert at(5).state is CredentialState.TRUSTED
    for days in (-5, 15):
        assert (at(days).state, at(days).failures) == (CredentialState.INVALID, (OUTSIDE_TERM,))


def test_a_file_without_credentials_has_none_and_one_that_points_elsewhere_is_not_followed() -> None:
    remote = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:dcterms="http://purl.org/dc/terms/"'
        b' dcterms:provenance="http://127.0.0.1:9/manifest.c2pa"/></rdf:RDF></x:xmpmeta>'
    )
    found = read(a_file("JPEG", xmp=remote))

    assert (found.state, "http://127.0.0.1:9/manifest.c2pa" in found.remote) == (CredentialState.REMOTE_ONLY, True)
    for data in (*(a_file(container) for container in CONTAINERS), b"", b"text", b"BM" + bytes(60)):
        assert read(data) == Credentials(CredentialState.ABSENT)


@given(st.sampled_from(CONTAINERS), st.integers(0, 18_000), st.binary(min_size=1, max_size=24))
def test_whatever_the_bytes_are_nothing_is_raised_and_no_change_is_trusted(
    container: str, at: int, noise: bytes
) -> None:
    whole, bare = _whole(container)
    changed = whole[:at] + noise + whole[at + len(noise) :]
    for data in (changed, whole[:at]):
        found = read(data)
        if found.state is CredentialState.TRUSTED:
            shown = without_manifest(data, len(bare))
            first = 32 if container == "AVIF" else 0  # bytes of the box that names brands, which C2PA leaves out
            assert shown[first:] == bare[first:], "only padding of the signature may differ"


_made: dict[str, tuple[bytes, bytes]] = {}


def _whole(container: str) -> tuple[bytes, bytes]:
    if container not in _made:
        bare = a_file(container, size=48)
        _made[container] = the_studio().sealed(bare, stamped=False).data, bare
    return _made[container]


def conformance_files() -> list[Path]:
    folder = os.environ.get("REMARQUE_CONFORMANCE")
    return sorted((Path(folder) / "c2pa").glob("*.jp*g")) if folder else []


BROKEN = {
    "E-dat": "assertion.dataHash.mismatch",
    "E-sig": "claimSignature.mismatch",
    "E-uri": "assertion.hashedURI.mismatch",
    "XCA": "assertion.dataHash.mismatch",
    "XCI": "assertion.dataHash.mismatch",
}
"""What is broken in the files of others whose names begin so; an X was changed by a program that knows no manifests."""
WITHOUT = ("A", "I")
NIKON_TAKEN = datetime(2022, 10, 19, tzinfo=UTC)


def test_published_files_are_judged_as_their_names_say() -> None:
    files = conformance_files()
    if not files:
        pytest.skip("REMARQUE_CONFORMANCE does not name the folder of published test data")
    for file in files:
        name = file.stem.removeprefix("adobe-20220124-")
        reason = next((code for start, code in BROKEN.items() if name.startswith(start)), None)
        found = read_credentials(file.read_bytes(), "", NIKON_TAKEN if name.startswith("nikon") else None)
        if name in WITHOUT:
            assert found.state is CredentialState.ABSENT, name
        elif reason:
            assert (found.state, found.failures) == (CredentialState.INVALID, (reason,)), name
        else:
            assert (found.state, found.failures) == (CredentialState.VALID, ()), name
            assert found.active is not None
            assert found.active.signer is not None
        broken = {one.failures for one in found.broken_ingredients}
        assert any("claimSignature.mismatch" in one for one in broken) == name.startswith("CIE-sig"), name
    nikon = next(file for file in files if "nikon" in file.stem)
    assert read_credentials(nikon.read_bytes(), "").failures == (EXPIRED,)


def test_the_origin_of_a_line_of_pictures_is_that_of_the_first() -> None:
    made: Callable[..., Sealed] = lambda **said: sealed(stamped=False, **said)  # noqa: E731 - a name for a table
    captured = made(source=SourceType.CAPTURED)
    generated = made()

    for parent, source, origin in (
        (captured, None, SaidOrigin.CAPTURED),
        (captured, SourceType.EDITED, SaidOrigin.CAPTURED),
        (captured, SourceType.TRAINED, SaidOrigin.PARTLY_GENERATED),
        (generated, SourceType.EDITED, SaidOrigin.GENERATED),
        (generated, None, SaidOrigin.GENERATED),
    ):
        child = made(parent=parent.data, source=source)
        assert read(child.data).origin is origin
        assert read(made(parent=child.data).data).origin is origin


def test_much_of_everything_is_cut_off_and_said_to_be_but_judged_whole() -> None:
    actions = [{"action": "c2pa.created", "digitalSourceType": SourceType.CAPTURED.uri}]
    actions += [{"action": "c2pa.edited.metadata", "when": "2026-11-22T08:00:00Z"}] * 200
    actions += [{"action": "c2pa.edited", "digitalSourceType": SourceType.COMPOSED.uri}]
    store = with_actions(the_studio(), RECORDED, actions)
    found = read(with_manifest(RECORDED, store))

    assert found.state is CredentialState.TRUSTED
    assert found.cut_off
    assert found.active is not None
    assert len(found.active.actions) == ENTRIES_MAX
    assert found.origin is SaidOrigin.PARTLY_GENERATED


def test_a_long_line_of_parents_is_cut_off_and_said_to_be() -> None:
    data = sealed(stamped=False).data
    for _ in range(MANIFESTS_MAX):
        data = the_studio().sealed(RECORDED, stamped=False, parent=data).data
    found = read(data)

    assert len(found.manifests) == MANIFESTS_MAX
    assert found.cut_off


def test_a_certificate_that_is_not_the_one_reported_takes_the_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should library and we ever find different stores in one file."""
    found = sealed(stamped=False)
    other = x509.load_pem_x509_certificate(CredentialedStudio().leaf.encode())
    assert read(found.data).active is not None
    label = read(found.data).manifests[0].label
    monkeypatch.setattr("pictures.credentials.reading.signers_in", lambda store: {label: other})

    assert read(found.data).state is CredentialState.VALID
    monkeypatch.setattr("pictures.credentials.reading.signers_in", lambda store: {})
    assert read(found.data).state is CredentialState.VALID


def test_two_stores_in_one_file_are_not_trusted() -> None:
    studio, good = the_studio(), sealed(stamped=False).store
    bad = ForgedStore(good).signed(studio.stamp_key, (studio.stamp_leaf, studio.issuing))

    for first, second in ((good, bad), (bad, good), (good, good)):
        assert read(with_manifest(with_manifest(RECORDED, second), first)).state is CredentialState.INVALID


@pytest.mark.parametrize(
    ("purposes", "may"),
    [
        ([CLAIM_SIGNING], True),
        ([ExtendedKeyUsageOID.EMAIL_PROTECTION], True),
        ([ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.TIME_STAMPING], False),
        ([CLAIM_SIGNING, ExtendedKeyUsageOID.OCSP_SIGNING], False),
        ([ExtendedKeyUsageOID.TIME_STAMPING], False),
        ([ExtendedKeyUsageOID.CLIENT_AUTH], False),
        ([], False),
    ],
)
def test_what_a_certificate_is_for_decides_whether_it_signs_claims(
    purposes: list[x509.ObjectIdentifier], may: bool
) -> None:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    begins = datetime(2026, 11, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begins, begins + timedelta(days=1))
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)

    assert may_sign_claims(builder.sign(key, hashes.SHA256())) is may


def test_older_files_name_what_held_among_what_did_not() -> None:
    status = [{"code": "claimSignature.validated"}, {"code": "assertion.hashedURI.match"}]
    said = {"label": "c2pa.ingredient", "active_manifest": "b", "relationship": "parentOf", "validation_status": status}
    manifests, _ = manifests_of(Report({"active_manifest": "a", "manifests": {"a": {"ingredients": [said]}}}, {}))

    assert manifests[0].ingredients[0].failures == ()
    status.append({"code": "assertion.dataHash.mismatch"})
    manifests, _ = manifests_of(Report({"active_manifest": "a", "manifests": {"a": {"ingredients": [said]}}}, {}))
    assert manifests[0].ingredients[0].failures == ("assertion.dataHash.mismatch",)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(WORDS.split()),
                inner,
                max_size=4,
            )
        ),
        max_leaves=30,
    )
)
def test_a_report_of_any_shape_is_taken_apart(said: object) -> None:
    report = Report(said, said)

    manifests_of(report)
    assert isinstance(report.left_out, int)
    assert {report.boxes_left_out, report.update_of_many, report.redacted_silently} <= {True, False}
