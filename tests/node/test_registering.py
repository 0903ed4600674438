"""Registering a picture of one's own: in confidence, with co-creators, and with nothing said that was not meant."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest
from consortium import a_genesis
from msgspec import UNSET
from msgspec.structs import replace
from PIL import Image, PngImagePlugin

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, EDITOR, STUDIO
from ledger.genesis import Genesis
from node.cli import pictures
from node.cli.exits import Exit
from pictures.describing import describe
from pictures.embedded import said_inside
from pictures.labels import Label, labelled
from pictures.opening import open_picture
from pictures.picture import pixel_digest
from pictures.source_types import SourceType
from remarque import sealing
from remarque.async_client import AsyncClient
from remarque.client import Client
from remarque.errors import NodeError, RemarqueError
from remarque.requesting import now_ms

T = TypeVar("T")
SECRET = "a castle at dawn, by the sea"


def a_picture(seed: int) -> Image.Image:
    small = Image.frombytes("RGB", (7, 5), Random(seed).randbytes(105))
    return small.resize((160, 120), Image.Resampling.BICUBIC)


def a_file(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three real node processes: of a studio, an agency and a club."""
    cluster = Cluster.create(tmp_path_factory.mktemp("nodes") / "devnet", 3)
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down()


def client_of(nodes: Cluster, account: str, node: str = "node1") -> Client:
    return Client(nodes.url(node), account, nodes.key(account))


def once_here(work: Callable[[], T]) -> T:
    """What work gives, once the node that is asked has fetched the content."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return work()
        except RemarqueError as error:
            assert error.code == "CONTENT_MISSING"
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_picture_registered_in_confidence_is_in_clear_nowhere_and_opens_by_the_rules(nodes: Cluster) -> None:
    plain = a_file(a_picture(1))
    with client_of(nodes, CREATOR) as alice, client_of(nodes, EDITOR, "node2") as nadia:
        asset, _ = alice.register(plain, commit=True, confidential=describe(plain))
        record = alice.asset(asset).asset

        assert (record.confidential, record.image_code) == (True, UNSET)
        assert (record.content.media_type, record.file_digest) == ("image/png", describe(plain).file_digest)
        assert [key.node for key in record.content.sealed_keys] == ["node1"]
        assert record.committed_height < record.height_recorded
        assert alice.open(asset) == plain
        with pytest.raises(RemarqueError, match="POLICY_DENIED"):
            nadia.open(asset)
        alice.grant(asset, EDITOR, now_ms() + 60_000)
        assert once_here(lambda: nadia.open(asset, "fact check")) == plain
        alice.revoke(asset, EDITOR)
        with pytest.raises(RemarqueError, match="POLICY_DENIED"):
            nadia.open(asset)
        assert plain not in alice.picture(asset)
    probe = plain[len(plain) // 2 :][:64]
    for name in nodes.names:
        for path in (nodes.home(name) / "data").rglob("*"):
            assert not path.is_file() or probe not in path.read_bytes(), path


def test_a_copy_of_it_is_known_as_far_as_its_record_shows(nodes: Cluster) -> None:
    image = a_picture(2)
    plain = a_file(image)
    with client_of(nodes, CREATOR) as alice:
        asset, _ = alice.register(plain, confidential=describe(plain))

        for data, verdict in (
            (plain, "exact_file"),
            (a_file(image, "BMP"), "same_pixels"),
            (a_file(image, "JPEG", quality=90), "not_recorded"),
        ):
            found = alice.verify(data)
            assert found.verdict == verdict
            known = [] if verdict == "not_recorded" else [(asset, True)]
            assert [(match.asset, match.confidential) for match in found.matches] == known
        with pytest.raises(RemarqueError, match="ASSET_EXISTS"):
            alice.register(plain)


def test_whose_org_has_no_node_has_the_node_that_is_asked_hold_the_key(nodes: Cluster) -> None:
    genesis = nodes.genesis

    assert [one.name for one in sealing.custodians_of("zoe@elsewhere", genesis, "node2")] == ["node2"]
    assert sealing.custodians_of("zoe@elsewhere", genesis, "node9") == ()
    assert [one.name for one in sealing.custodians_of(COLLECTOR, genesis, "node1")] == ["node3"]


def test_facts_of_another_file_and_no_custodian_are_refused_before_anything_is_sent(
    nodes: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = a_file(a_picture(3))

    async def story() -> None:
        async with AsyncClient(nodes.url("node1"), CREATOR, nodes.key(CREATOR)) as alice:
            with pytest.raises(RemarqueError, match="CONTENT_MISMATCH"):
                await alice.register(plain, confidential=replace(describe(plain), file_digest="00" * 32))
            monkeypatch.setattr(sealing, "custodians_of", lambda *place: ())
            with pytest.raises(RemarqueError, match="NOT_CUSTODIAN"):
                await alice.register(plain, confidential=describe(plain))
            with pytest.raises(RemarqueError, match="ASSET_UNKNOWN"):
                await alice.asset(describe(plain).pixel_digest)

    asyncio.run(story())


def test_who_holds_the_key_is_said_by_the_genesis_that_is_trusted(
    nodes: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, trusted, sealed_for = a_file(a_picture(31)), nodes.genesis, []

    class Sealed(Exception):
        """Far enough."""

    def sealing_for(_: bytes, asset: str, creator: str, genesis: Genesis, node: str) -> None:
        sealed_for.append(genesis)
        raise Sealed

    monkeypatch.setattr(sealing, "sealed_content", sealing_for)
    with client_of(nodes, CREATOR) as alice:
        with pytest.raises(Sealed):
            alice.register(plain, confidential=describe(plain), genesis=trusted)
        assert sealed_for.pop() is trusted
        with pytest.raises(Sealed):
            alice.register(plain, confidential=describe(plain))
        assert sealed_for.pop() is not trusted
        with pytest.raises(RemarqueError, match="WRONG_CHAIN"):
            alice.register(plain, confidential=describe(plain), genesis=a_genesis())
    assert sealed_for == []


def test_what_is_too_short_for_a_ciphertext_is_refused(nodes: Cluster) -> None:
    with client_of(nodes, CREATOR) as alice, pytest.raises(RemarqueError, match="CONTENT_INVALID"):
        alice.request("POST", "/v1/ciphertexts", sealing.encrypt(b"", bytes(32))[:-1])


def run(nodes: Cluster, *words: str, status: int = 0) -> tuple[dict[str, str], str]:
    """What the command says as alice: its JSON, and what it shows beside it."""
    access = ["--node", nodes.url("node1"), "--account", CREATOR, "--key", f"{nodes.root}/accounts/{CREATOR}.key"]
    command = [sys.executable, "-m", "node", *access, "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout), done.stderr


def a_telling_file(seed: int, path: Path) -> Path:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("prompt", SECRET + "\x1b[31m" + "x" * 500)
    path.write_bytes(a_file(a_picture(seed), pnginfo=texts))
    return path


def test_what_a_file_says_is_shown_and_not_shared_unless_that_is_said(nodes: Cluster, tmp_path: Path) -> None:
    file = a_telling_file(4, tmp_path / "picture.png")

    refused, shown = run(nodes, "register", str(file), status=Exit.REFUSED)

    assert refused["code"] == "METADATA_UNCONFIRMED"
    assert f"text prompt: {SECRET}\\x1b[31m" in shown
    assert "\x1b" not in shown
    assert len(shown) < 400
    with client_of(nodes, CREATOR) as alice:
        with pytest.raises(RemarqueError, match="ASSET_UNKNOWN"):
            alice.asset(describe(file.read_bytes()).pixel_digest)
        made, _ = run(nodes, "register", str(file), "--share-metadata")
        assert alice.picture(made["asset"]) == file.read_bytes()


def test_what_a_file_says_is_left_out_and_its_pixels_stay(nodes: Cluster, tmp_path: Path) -> None:
    file = a_telling_file(5, tmp_path / "picture.png")

    made, shown = run(nodes, "register", str(file), "--strip")

    assert shown == ""
    with client_of(nodes, CREATOR) as alice:
        kept = alice.picture(made["asset"])
    assert made["asset"] == pixel_digest(open_picture(kept)) == pixel_digest(open_picture(file.read_bytes()))
    assert said_inside(kept) == ()


def test_where_a_picture_comes_from_is_its_registrants_word_and_the_files_only_a_hint(
    nodes: Cluster, tmp_path: Path
) -> None:
    file = tmp_path / "picture.png"
    file.write_bytes(labelled(a_file(a_picture(8)), Label(SourceType.SCANNED)))
    other = tmp_path / "other.png"
    other.write_bytes(labelled(a_file(a_picture(9)), Label(SourceType.SCANNED)))

    silent, hint = run(nodes, "register", str(file), "--share-metadata")
    said, _ = run(nodes, "register", str(other), "--share-metadata", "--source-type", "digitalCapture")

    assert "the file declares negativeFilm; --source-type negativeFilm records that" in hint
    with client_of(nodes, CREATOR) as alice:
        assert alice.asset(silent["asset"]).asset.source_type is UNSET
        assert alice.asset(said["asset"]).asset.source_type == "digitalCapture"


@pytest.mark.parametrize(("answer", "found"), [("y", "negativeFilm"), ("n", None)])
def test_at_a_terminal_the_files_own_label_is_offered(
    answer: str, found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = labelled(a_file(a_picture(10)), Label(SourceType.SCANNED))
    monkeypatch.setattr("sys.stdin", io.StringIO(answer + "\n"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)

    assert pictures.offered_source(data) == found


@pytest.mark.parametrize(("answer", "code"), [("y", None), ("n", "METADATA_UNCONFIRMED")])
def test_at_a_terminal_it_is_asked(answer: str, code: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    said = said_inside(a_file(a_picture(6), "JPEG", comment="by Zoe"))
    monkeypatch.setattr("sys.stdin", io.StringIO(answer + "\n"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)

    try:
        pictures.show_said(said, asked=True)
        found = None
    except NodeError as error:
        found = error.code.name

    assert found == code


def test_the_command_registers_in_confidence_with_creators_and_into_a_collection(
    nodes: Cluster, tmp_path: Path
) -> None:
    file = a_telling_file(7, tmp_path / "picture.png")
    creators = {CREATOR: 700_000, STUDIO: 300_000}
    words = [word for name, weight in creators.items() for word in ("--creator", f"{name}={weight}")]
    run(nodes, "collection", "create", "dawn@studio")

    made, shown = run(nodes, "register", str(file), "--confidential", "--commit", "--collection", "dawn@studio", *words)

    assert SECRET in shown
    with client_of(nodes, CREATOR) as alice:
        record = alice.asset(made["asset"]).asset
        assert record.confidential
        assert {share.account: share.weight_ppm for share in record.creators} == creators
        assert alice.open(made["asset"]) == file.read_bytes()
        assert alice.collection_assets("dawn@studio") == [made["asset"]]
    refused, _ = run(nodes, "register", str(file), "--share-metadata", "--creator", f"{CREATOR}=1", status=Exit.REFUSED)
    assert refused["code"] == "CREATORS_INVALID"
