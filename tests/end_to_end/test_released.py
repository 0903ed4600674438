"""Generated pictures as they are released: marked, recorded, sealed, served by any member, and verified again."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import encypher_c2pa
import pytest
from click.testing import CliRunner
from credentialed import a_file, a_label, the_studio
from PIL import Image

from devnet.cluster import Cluster
from devnet.marks import ANCHORS, CREDENTIALS
from devnet.story import CREATOR, EDITOR, STUDIO, default_model
from ledger.actions import Content, RegisterAsset
from ledger.cose_receipt import member_keys, verify_member_inclusion
from ledger.encoding import encode
from node.cli.main import cli
from pictures.credentials.embedding import with_manifest, without_manifest
from pictures.credentials.findings import Credentials, CredentialState, SaidOrigin
from pictures.credentials.manifest import bound_bytes
from pictures.credentials.reading import read_credentials
from pictures.credentials.timestamps import granted, request_for
from pictures.labels import declared_labels
from remarque.api.generation import GeneratedPicture
from remarque.client import Client
from remarque.errors import RemarqueError

SECONDS_MAX = 60


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two nodes of two members; the studio's has a generator, and time-stamps are for all there."""
    cluster = Cluster.create(tmp_path_factory.mktemp("released") / "devnet", 2, generator=True)
    cluster.set("node1", "marks", provider="Atelier Nord", timestamps_for_all=True)
    try:
        cluster.up()
        with Client(cluster.url("node1"), STUDIO, cluster.key(STUDIO)) as house:
            house.submit(default_model())
        yield cluster
    finally:
        cluster.down()


@pytest.fixture(scope="module")
def alice(studio: Cluster) -> Iterator[Client]:
    with Client(studio.url("node1"), CREATOR, studio.key(CREATOR)) as client:
        until(lambda: bool(client.generators()))
        yield client


@pytest.fixture(scope="module")
def nadia(studio: Cluster) -> Iterator[Client]:
    with Client(studio.url("node2"), EDITOR, studio.key(EDITOR)) as client:
        yield client


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def answered(ask: Callable[[], bytes]) -> bytes:
    """An answer, once there is one: content and manifests are on their way to the other member."""
    found = b""

    def has_come() -> bool:
        nonlocal found
        try:
            found = ask()
        except RemarqueError as error:
            assert error.code in ("CONTENT_MISSING", "MANIFEST_MISSING", "ASSET_UNKNOWN")
        return bool(found)

    until(has_come)
    return found


def made(alice: Client, prompt: str, seed: int) -> GeneratedPicture:
    [picture] = alice.generation(alice.generate(prompt, seed=seed, steps=4))
    return picture


def credentials_in(studio: Cluster, data: bytes) -> Credentials:
    return read_credentials(data, (studio.root / CREDENTIALS / "root.pem").read_text())


def test_a_generated_picture_is_released_with_a_manifest_that_strangers_trust(studio: Cluster, alice: Client) -> None:
    picture = made(alice, "a boat on the sea at noon", 31)

    record, released = alice.asset(picture.asset).asset, alice.released(picture.asset)
    found = credentials_in(studio, released)
    roots = (studio.root / CREDENTIALS / "root.pem").read_text()
    other = encypher_c2pa.verify(
        released,
        "image/png",
        trust_pem=roots,
        tsa_trust_pem=roots,
        no_default_trust=True,
        telemetry=False,
        online=False,
    )

    assert without_manifest(released) == alice.content(picture.cid)
    assert (found.state, found.failures) == (CredentialState.TRUSTED, ())
    assert found.active is not None
    assert (found.active.label, found.active.stamp_trusted) == (record.manifest, True)
    assert found.active.receipt
    assert not picture.unmarked
    assert [other[part] for part in ("integrity", "signature", "hard_binding")] == ["valid", "valid", "match"]
    assert other["trust"]["status"] == "valid_for_supplied_material"


def test_every_layer_of_a_released_picture_leads_to_its_record(alice: Client) -> None:
    picture = made(alice, "a red house in the snow", 32)
    released, copy = alice.released(picture.asset), io.BytesIO()
    Image.open(io.BytesIO(released)).convert("RGB").save(copy, "JPEG", quality=80)

    whole, bare, again = (alice.verify(data) for data in (released, alice.content(picture.cid), copy.getvalue()))

    assert (whole.verdict, bare.verdict, again.verdict) == ("exact_file", "exact_file", "near_duplicate")
    assert whole.credentials.state == "trusted"  # type: ignore[union-attr]
    assert again.watermark.recorded  # type: ignore[union-attr]
    assert whole.origin.contradictions == ()
    assert {match.asset for found in (whole, bare, again) for match in found.matches} == {picture.asset}


def test_another_members_node_releases_the_same_file_and_goes_on_when_the_maker_is_gone(
    studio: Cluster, alice: Client, nadia: Client
) -> None:
    picture = made(alice, "mountains at dawn", 33)
    released = alice.released(picture.asset)

    assert answered(lambda: nadia.released(picture.asset)) == released
    studio.stop("node1")
    try:
        assert nadia.released(picture.asset) == released
    finally:
        studio.start("node1")
        studio.wait_ready()


def test_what_a_crash_left_unsigned_is_signed_after_the_next_start(studio: Cluster, alice: Client) -> None:
    """The key is gone while the record becomes final, so that the kill comes between record and manifest."""
    until(lambda: bool(alice.generators()))
    key, away = studio.home("node1") / CREDENTIALS / "claim.key", studio.root / "claim.key"
    generation = alice.generate("green hills by day", seed=34, steps=60)
    until(lambda: "step" in alice.get(f"/v1/generations/{generation}"))
    shutil.move(key, away)
    [picture] = alice.generation(generation)
    studio.kill("node1")
    kept = {path.name for path in (studio.home("node1") / "data" / "manifests").rglob("*.c2pa")}
    shutil.move(away, key)
    studio.start("node1")
    studio.wait_ready()

    released = answered(lambda: alice.released(picture.asset))

    assert not any(picture.asset in name for name in kept)
    assert credentials_in(studio, released).state is CredentialState.TRUSTED


def test_without_a_time_stamp_a_picture_is_sealed_and_stamped_once_there_is_one(studio: Cluster, alice: Client) -> None:
    until(lambda: bool(alice.generators()))
    key, away = studio.home("node1") / CREDENTIALS / "stamp.key", studio.root / "stamp.key"
    shutil.move(key, away)
    picture = made(alice, "a desert at sunset", 35)
    before = credentials_in(studio, alice.released(picture.asset))
    studio.stop("node1")
    shutil.move(away, key)
    studio.start("node1")
    studio.wait_ready()

    assert before.state is CredentialState.TRUSTED
    assert before.active is not None
    assert before.active.stamped_at == ""
    until(lambda: bool((found := credentials_in(studio, alice.released(picture.asset)).active) and found.stamped_at))


def test_a_confidential_picture_is_marked_and_has_no_manifest(studio: Cluster, alice: Client) -> None:
    until(lambda: bool(alice.generators()))
    [picture] = alice.generation(alice.generate("a house at night", seed=36, steps=4, confidential=True))

    opened, record = alice.open(picture.asset), alice.asset(picture.asset).asset

    assert isinstance(record.mark, str)
    assert not isinstance(record.manifest, str)
    assert credentials_in(studio, opened).state is CredentialState.ABSENT
    assert alice.verify(opened).watermark.recorded  # type: ignore[union-attr]


def test_a_node_has_the_keys_of_its_own_org_and_no_authority(studio: Cluster) -> None:
    files = {path.relative_to(studio.home("node1")) for path in studio.home("node1").rglob("*.pem")}

    assert files == {Path(ANCHORS) / "consortium.pem", Path(CREDENTIALS) / "claim.pem", Path(CREDENTIALS) / "stamp.pem"}


def test_a_picture_of_ones_own_is_marked_recorded_and_sealed_in_one_call(
    studio: Cluster, nadia: Client, tmp_path: Path
) -> None:
    file, out = tmp_path / "own.png", tmp_path / "out.png"
    file.write_bytes(a_file(size=512, scene=41))

    done = CliRunner().invoke(
        cli,
        [
            "--json", "--node", studio.url("node2"), "--account", EDITOR,
            "--key", str(studio.root / "accounts" / f"{EDITOR}.key"),
            "mark", str(file), "--source-type", "digitalCapture", "--out", str(out),
        ],
    )  # fmt: skip

    assert done.exit_code == 0, done.output
    found, known = credentials_in(studio, out.read_bytes()), nadia.verify(out.read_bytes())
    assert (found.state, found.origin) == (CredentialState.TRUSTED, SaidOrigin.CAPTURED)
    assert found.active is not None
    assert found.active.signer is not None
    assert found.active.signer.organization == "agency"
    assert (known.verdict, known.watermark.recorded) == ("exact_file", True)  # type: ignore[union-attr]
    assert known.matches[0].source_type == "digitalCapture"
    assert declared_labels(out.read_bytes()).source_type == "digitalCapture"


def test_a_foreign_manifest_stays_as_an_ingredient(studio: Cluster, nadia: Client) -> None:
    foreign = the_studio().sealed(a_file(size=512, scene=42)).data

    made, _ = nadia.mark(foreign)
    found = credentials_in(studio, nadia.released(made.pixel_digest))

    assert isinstance(made.mark, str)
    assert found.state is CredentialState.TRUSTED
    assert len(found.manifests) == 2
    assert [one.relationship for one in found.manifests[0].ingredients] == ["parentOf"]
    assert found.origin is SaidOrigin.GENERATED


def test_a_picture_with_a_watermark_of_ours_gets_no_second_one(nadia: Client) -> None:
    made, _ = nadia.mark(a_file(size=512, scene=43), source_type="digitalCreation")

    with pytest.raises(RemarqueError, match="NOT_LABELLED"):
        nadia.mark(nadia.released(made.pixel_digest), source_type="digitalCapture")


def test_a_record_that_names_anothers_manifest_is_released_with_none(studio: Cluster, nadia: Client) -> None:
    made, _ = nadia.mark(a_file(size=512, scene=44), source_type="digitalCreation")
    stored = nadia.put_content(a_file(size=512, scene=45))
    nadia.submit(
        RegisterAsset(
            pixel_digest=stored.pixel_digest,
            file_digest=stored.file_digest,
            width=stored.width,
            height=stored.height,
            content=Content(cid=stored.cid, size=len(a_file(size=512, scene=45)), media_type=stored.media_type),
            image_code=stored.image_code,
            confidential=False,
            manifest=made.manifest,
        )
    )

    with pytest.raises(RemarqueError, match="MANIFEST_MISSING"):
        nadia.released(stored.pixel_digest)
    assert credentials_in(studio, nadia.released(made.pixel_digest)).state is CredentialState.TRUSTED


def test_a_member_has_digests_stamped_and_a_stranger_only_where_all_may(studio: Cluster, nadia: Client) -> None:
    request = request_for(hashlib.sha256(b"a report").digest(), 7)

    assert granted(nadia.timestamp(request))
    with Client(studio.url("node2")) as nobody, pytest.raises(RemarqueError, match="SESSION_REQUIRED"):
        nobody.timestamp(request)
    with Client(studio.url("node1")) as nobody:
        assert granted(nobody.timestamp(request))
        assert not granted(nobody.timestamp(b"no request"))
        with pytest.raises(RemarqueError, match="TIMESTAMP_INVALID"):
            nobody.timestamp(b"")


def test_a_stripped_copy_leads_to_its_manifest_in_c2pas_own_way(studio: Cluster, nadia: Client) -> None:
    made, _ = nadia.mark(a_file(size=512, scene=46), source_type="digitalCreation")
    released, copy = nadia.released(made.pixel_digest), io.BytesIO()
    Image.open(io.BytesIO(released)).resize((300, 300)).convert("RGB").save(copy, "JPEG", quality=70)
    value = base64.urlsafe_b64encode(bound_bytes((made.image_code,))).decode()

    with Client(studio.url("node2")) as nobody:
        known = json.loads(nobody.request("GET", "/c2pa/services/supportedAlgorithms", session=False))
        bound = json.loads(nobody.request("GET", f"/c2pa/matches/byBinding?value={value}", session=False))
        long = encode({"alg": "io.iscc.v0", "value": value})
        posted = json.loads(nobody.request("POST", "/c2pa/matches/byBinding?maxResults=3", long, session=False))
        with pytest.raises(RemarqueError, match="REQUEST_MALFORMED"):
            nobody.request("POST", "/c2pa/matches/byBinding", long.replace(b"iscc", b"other"), session=False)
        with pytest.raises(RemarqueError, match=r"URL_REFUSED: this node fetches no pictures"):
            nobody.manifests_at("https://example.com/picture.jpg")
        seen = nobody.manifests_like(copy.getvalue())
        store = nobody.manifest(str(made.manifest))
        alone = nobody.request("GET", f"/c2pa/manifests/{made.manifest}?returnActiveManifest=true", session=False)
        receipt = nobody.manifest_receipt(str(made.manifest))
        others = json.loads(nobody.request("GET", "/c2pa/matches/byBinding?value=AAAA", session=False))
        with pytest.raises(RemarqueError, match="NOT_FOUND"):
            nobody.manifest(a_label())

    assert known["fingerprints"] == [{"alg": "io.iscc.v0"}]
    assert bound["matches"][0] == {"manifestId": made.manifest, "similarityScore": 100}
    assert posted["matches"][0] == bound["matches"][0]
    assert [one.manifest_id for one in seen] == [made.manifest]
    assert others["matches"] == []
    assert with_manifest(without_manifest(released), store) == released
    assert alone == store
    assert receipt.repository.manifest_id == made.manifest
    proof = receipt.anchor.proof
    keys = {node.name: node.key for node in studio.genesis.nodes}
    signed = base64.urlsafe_b64decode(proof.receipt + "==")
    verify_member_inclusion(signed, bytes.fromhex(proof.entry), member_keys(studio.genesis.chain, keys))
