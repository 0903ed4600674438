"""What a news desk is told, with proofs that hold without the node."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance, ImageFilter

from devnet.cluster import Cluster
from devnet.story import CREATOR, TREASURER
from ledger.block import Certificate, Header, certificate_fault
from ledger.encoding import decode, encode
from ledger.receipt import verify_receipt
from ledger.records import asset_key, file_key
from ledger.state_tree import StateProof, proof_holds
from node.client import Client


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def drawn(seed: int) -> Image.Image:
    """A picture with large shapes, as pictures have."""
    noise = Image.effect_noise((6, 6), 120 + seed).resize((200, 160), Image.Resampling.BICUBIC)
    other = Image.effect_noise((9, 7), 90 + seed).resize((200, 160), Image.Resampling.BICUBIC)
    return Image.merge("RGB", (noise, other, noise.transpose(Image.Transpose.FLIP_TOP_BOTTOM)))


@pytest.fixture(scope="module")
def alice(one_node: Cluster) -> Iterator[Client]:
    with Client(one_node.urls, CREATOR, one_node.key(CREATOR)) as client:
        yield client


@pytest.fixture(scope="module")
def recorded(alice: Client) -> tuple[Image.Image, bytes, str]:
    image = drawn(1)
    data = encoded(image, "PNG")
    asset, _ = alice.register(data)
    return image, data, asset


def test_every_answer_about_a_recorded_picture_carries_a_receipt(
    one_node: Cluster, alice: Client, recorded: tuple[Image.Image, bytes, str]
) -> None:
    image, data, asset = recorded
    half = image.resize((100, 80))
    for copy, verdict in (
        (data, "exact_file"),
        (encoded(image, "BMP"), "same_pixels"),
        (encoded(image, "WEBP", lossless=True), "same_pixels"),
        (encoded(image, "JPEG", quality=60), "near_duplicate"),
        (encoded(half, "JPEG", quality=75), "near_duplicate"),
        (encoded(ImageEnhance.Brightness(image).enhance(0.99), "PNG"), "near_duplicate"),
    ):
        found = alice.verify(copy)

        assert found["verdict"] == verdict
        match = found["matches"][0]
        assert (match["asset"], match["creator"], match["evidence"]) == (asset, CREATOR, "declared")
        receipt = verify_receipt(encode(match["receipt"]), one_node.genesis)
        assert receipt.outcome.events[0].asset == asset


def test_another_picture_is_not_recorded_and_that_is_proven(
    one_node: Cluster, alice: Client, recorded: tuple[Image.Image, bytes, str]
) -> None:
    found = alice.verify(encoded(drawn(40).filter(ImageFilter.FIND_EDGES), "PNG"))

    assert found["verdict"] == "not_recorded"
    assert "does not mean that it is not AI-made" in found["wording"]
    absence = found["absence"]
    header = decode(encode(absence["header"]), Header)
    certificate = decode(encode(absence["certificate"]), Certificate)
    assert certificate_fault(certificate, header, one_node.genesis.voters) is None
    assert [one["key"] for one in absence["proofs"]] == [
        file_key(found["file_digest"]),
        asset_key(found["pixel_digest"]),
    ]
    for one in absence["proofs"]:
        proof = decode(encode(one["proof"]), StateProof)
        assert proof_holds(bytes.fromhex(header.state_root), one["key"], None, proof)
        assert not proof_holds(bytes.fromhex(header.state_root), asset_key(recorded[2]), None, proof)


def test_a_receipt_is_checked_by_the_command_without_node_or_network(
    one_node: Cluster, alice: Client, recorded: tuple[Image.Image, bytes, str], tmp_path: Path
) -> None:
    folder = tmp_path
    receipt = encode(alice.verify(recorded[1])["matches"][0]["receipt"])
    (folder / "receipt.json").write_bytes(receipt)
    (folder / "forged.json").write_bytes(receipt.replace(b'"code":"OK"', b'"code":"ON"'))
    command = [sys.executable, "-m", "remarque", "--json", "receipt", "verify", "--genesis"]
    genesis = str(one_node.root / "genesis.json")

    good = subprocess.run([*command, genesis, str(folder / "receipt.json")], capture_output=True, check=False)
    forged = subprocess.run([*command, genesis, str(folder / "forged.json")], capture_output=True, check=False)

    assert (good.returncode, json.loads(good.stdout)["holds"]) == (0, True)
    assert forged.returncode == 2
    assert json.loads(forged.stdout)["code"] == "ReceiptRefused"


def test_any_action_can_be_submitted_from_the_command_line(one_node: Cluster) -> None:
    command = [
        sys.executable, "-m", "remarque", "--json", "--node", one_node.url("node1"), "--account", TREASURER,
        "--key", str(one_node.root / "accounts" / f"{TREASURER}.key"), "submit", "-",
    ]  # fmt: skip
    ask = '[{"type": "currency.issue", "currency": "EUR", "to": "carla@club", "amount": 5}]'

    done = subprocess.run(command, input=ask, capture_output=True, text=True, check=False)
    bad = subprocess.run(command, input='[{"type": "currency.print"}]', capture_output=True, text=True, check=False)

    assert json.loads(done.stdout)["outcome"]["code"] == "OK"
    assert (bad.returncode, json.loads(bad.stdout)["code"]) == (2, "MALFORMED")
