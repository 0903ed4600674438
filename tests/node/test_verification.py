"""What a news desk is told, with proofs that hold without the node."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from consortium import registering
from msgspec import UNSET
from PIL import Image, ImageEnhance, ImageFilter

from devnet.cluster import Cluster
from devnet.story import CREATOR, EDITOR, STUDIO, TREASURER
from ledger import actions
from ledger.actions import action_name
from ledger.encoding import decode, encode
from ledger.events import event_name
from ledger.governance import DismissDispute
from ledger.receipt import verify_receipt
from ledger.records import Asset, asset_key, file_key
from ledger.state_answer import verify_state_answer
from remarque.client import Client
from remarque.errors import RemarqueError


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

        assert found.verdict == verdict
        match = found.matches[0]
        assert (match.asset, match.creator, match.evidence) == (asset, CREATOR, "declared")
        receipt = verify_receipt(encode(match.receipt), one_node.genesis)
        assert receipt.outcome.events[0].asset == asset


def test_another_picture_is_not_recorded_and_that_is_proven(
    one_node: Cluster, alice: Client, recorded: tuple[Image.Image, bytes, str]
) -> None:
    found = alice.verify(encoded(drawn(40).filter(ImageFilter.FIND_EDGES), "PNG"))

    assert found.verdict == "not_recorded"
    assert "does not mean that it is not AI-made" in found.wording
    absence = verify_state_answer(encode(found.absence), one_node.genesis)
    assert [entry.key for entry in absence.entries] == [
        file_key(found.file_digest),
        asset_key(found.pixel_digest),
    ]
    assert {absence.value(entry.key) for entry in absence.entries} == {None}


def test_what_the_state_holds_is_proven_to_a_member_and_by_the_command(
    one_node: Cluster, alice: Client, recorded: tuple[Image.Image, bytes, str], tmp_path: Path
) -> None:
    there, absent = asset_key(recorded[2]), asset_key("00" * 32)
    answer = alice.state(there, absent, genesis=one_node.genesis)
    assert decode(answer.value(there) or b"", Asset).creator == CREATOR
    assert answer.value(absent) is None

    command = [sys.executable, "-m", "node", "--node", one_node.url("node1"), "--account", CREATOR]
    command += ["--key", str(one_node.root / "accounts" / f"{CREATOR}.key")]
    file, genesis = str(tmp_path / "answer.json"), ["--genesis", str(one_node.root / "genesis.json")]
    asked = subprocess.run(
        [*command, "state", "get", there, absent, *genesis, "--out", file], capture_output=True, text=True, check=True
    )
    offline = subprocess.run(
        [sys.executable, "-m", "node", "state", "verify", file, *genesis],
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout == offline.stdout
    assert "nothing, proven" in offline.stdout
    with pytest.raises(RemarqueError, match="REQUEST_MALFORMED"):
        alice.state(*[asset_key(f"{number:064x}") for number in range(101)])


def test_a_receipt_is_checked_by_the_command_without_node_or_network(
    one_node: Cluster, alice: Client, recorded: tuple[Image.Image, bytes, str], tmp_path: Path
) -> None:
    folder = tmp_path
    receipt = encode(alice.verify(recorded[1]).matches[0].receipt)
    (folder / "receipt.json").write_bytes(receipt)
    (folder / "forged.json").write_bytes(receipt.replace(b'"code":"OK"', b'"code":"ON"'))
    command = [sys.executable, "-m", "node", "--json", "receipt", "verify", "--genesis"]
    genesis = str(one_node.root / "genesis.json")

    good = subprocess.run([*command, genesis, str(folder / "receipt.json")], capture_output=True, check=False)
    forged = subprocess.run([*command, genesis, str(folder / "forged.json")], capture_output=True, check=False)

    assert (good.returncode, json.loads(good.stdout)["holds"]) == (0, True)
    assert forged.returncode == 1
    assert json.loads(forged.stdout)["code"] == "ReceiptRefused"


def test_any_action_can_be_submitted_from_the_command_line(one_node: Cluster) -> None:
    command = [
        sys.executable, "-m", "node", "--json", "--node", one_node.url("node1"), "--account", TREASURER,
        "--key", str(one_node.root / "accounts" / f"{TREASURER}.key"), "submit", "-",
    ]  # fmt: skip
    ask = '[{"type": "currency.issue", "currency": "EUR", "to": "carla@club", "amount": 5}]'

    done = subprocess.run(command, input=ask, capture_output=True, text=True, check=False)
    bad = subprocess.run(command, input='[{"type": "currency.print"}]', capture_output=True, text=True, check=False)

    assert json.loads(done.stdout)["outcome"]["code"] == "OK"
    assert (bad.returncode, json.loads(bad.stdout)["code"]) == (5, "MALFORMED")


def test_the_news_desk_learns_who_disputes_a_picture_and_why_until_it_is_settled(
    one_node: Cluster, alice: Client, tmp_path: Path
) -> None:
    data = encoded(drawn(7), "PNG")
    asset, _ = alice.register(data)
    with Client(one_node.urls, EDITOR, one_node.key(EDITOR)) as desk:
        desk.submit(actions.SetRoles(account=EDITOR, roles=("administrator", "fact-checker")))
        desk.dispute(asset, "the boat was added", b"the photograph without it")
        found, view = alice.verify(data), alice.asset(asset)
        (tmp_path / "picture.png").write_bytes(data)
        told = subprocess.run(
            [
                sys.executable,
                "-m",
                "node",
                "--node",
                one_node.url("node1"),
                "verify",
                str(tmp_path / "picture.png"),
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        desk.withdraw_dispute(asset)
    after, history = alice.verify(data), alice.history(asset)

    match = found.matches[0]
    assert (match.evidence, match.recorded_evidence) == ("disputed", "declared")
    assert [(one.org, one.account, one.reason) for one in match.disputes] == [("agency", EDITOR, "the boat was added")]
    assert match.disputes[0].evidence == hashlib.sha256(b"the photograph without it").hexdigest()
    assert "What is recorded of it is disputed" in found.wording
    assert "agency disputes it (nadia@agency): the boat was added" in told
    assert (view.evidence, view.disputes) == ("disputed", match.disputes)
    assert after.matches[0].evidence == "declared"
    assert after.matches[0].disputes is UNSET
    assert "disputed" not in after.wording
    assert [action_name(row.actions[0]) for row in history] == [
        "asset.register", "asset.dispute", "asset.withdraw_dispute",
    ]  # fmt: skip
    assert [one.status for one in alice.disputes(asset)] == ["withdrawn"]


def test_a_vote_that_dismisses_a_dispute_stands_in_the_pictures_history(one_node: Cluster, alice: Client) -> None:
    asset, _ = alice.register(encoded(drawn(8), "PNG"))
    with (
        Client(one_node.urls, EDITOR, one_node.key(EDITOR)) as desk,
        Client(one_node.urls, TREASURER, one_node.key(TREASURER)) as club,
        Client(one_node.urls, STUDIO, one_node.key(STUDIO)) as studio,
    ):
        desk.submit(actions.SetRoles(account=EDITOR, roles=("administrator", "fact-checker")))
        desk.dispute(asset, "not so", b"proof")
        proposal, _ = studio.propose(DismissDispute(asset=asset, org="agency"))
        club.vote(proposal, True)
    rows = alice.history(asset)

    assert [action_name(row.actions[0]) for row in rows[1:]] == [
        "asset.dispute",
        "governance.propose",
        "governance.vote",
    ]
    assert [event_name(event) for event in rows[-1].events][-1] == "asset.dispute_dismissed"


def test_a_picture_that_was_committed_to_counts_from_that_block(alice: Client) -> None:
    found = alice.asset(alice.register(encoded(drawn(9), "PNG"), commit=True)[0]).asset

    assert isinstance(found.committed_height, int)
    assert found.committed_height < found.height_recorded


def test_whoever_registers_what_is_like_anothers_picture_is_told_and_the_record_says_so(
    one_node: Cluster, alice: Client, recorded: tuple[Image.Image, bytes, str]
) -> None:
    image, _, asset = recorded
    copy = encoded(image, "JPEG", quality=70)
    with Client(one_node.urls, EDITOR, one_node.key(EDITOR)) as nadia:
        with pytest.raises(RemarqueError, match=f"SIMILAR_RECORDED.*{asset}"):
            nadia.register(copy, title="Mine")
        own = alice.put_content(copy).similar

        taken, _ = nadia.register(copy, title="After Alice", credit="Nadia, after Alice", similar=True)

        first, second = nadia.verify(copy).matches[:2]
    assert own == ()
    assert [first.asset, second.asset] == [asset, taken]
    assert (first.similar, second.similar) == ((), (asset,))
    assert (second.title, second.credit) == ("After Alice", "Nadia, after Alice")
    refused = alice.sign(registering("like none", similar=("ab" * 32,)))
    with pytest.raises(RemarqueError, match="ASSET_UNKNOWN"):
        alice.send(refused)
