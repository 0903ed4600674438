"""The verify page in a real browser, against a real chain."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from devnet.cluster import Cluster
from devnet.story import CREATOR, EDITOR
from ledger.actions import SetRoles
from ledger.receipt import verify_receipt
from remarque.client import Client

if TYPE_CHECKING:
    from conftest import Gallery

pytestmark = pytest.mark.peers

BRING = """([name, type, base64, event]) => {
    const file = new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type });
    const brought = new DataTransfer();
    brought.items.add(file);
    document.getElementById("drop").dispatchEvent(event === "paste"
        ? new ClipboardEvent("paste", { clipboardData: brought, bubbles: true, cancelable: true })
        : new DragEvent("drop", { dataTransfer: brought, bubbles: true, cancelable: true }));
}"""


def bring(page: Page, name: str, data: bytes, event: str = "drop") -> None:
    """Drop or paste a file on the page."""
    page.evaluate(BRING, [name, "image/png", base64.b64encode(data).decode(), event])


@pytest.mark.parametrize(
    ("name", "verdict", "wording"),
    [
        ("hills.png", "exact_file", "This very file is recorded on the chain."),
        ("hills.bmp", "same_pixels", "The same pixels are recorded on the chain, in another file."),
        ("half.jpg", "near_duplicate", "A near-duplicate of this picture is recorded"),
    ],
)
def test_a_recorded_picture_is_told_with_its_record(
    page: Page, gallery: Gallery, name: str, verdict: str, wording: str
) -> None:
    page.goto(gallery.url)

    bring(page, name, gallery.brought[name])

    expect(page.get_by_role("status")).to_contain_text(wording)
    expect(page.get_by_role("status")).to_contain_text("1 match")
    expect(page.locator(f".verdict.{verdict}")).to_be_visible()
    expect(page.locator("#preview")).to_be_visible()
    card = page.get_by_role("article")
    expect(card).to_contain_text(f"By {CREATOR}")
    expect(card).to_contain_text("declared: only its registrant says so")
    expect(card).to_contain_text(re.compile(r"Distance\d+ of 256 bits"))
    expect(card.locator("time")).to_contain_text(re.compile(r"20\d\d, .* \(.* UTC\)"))
    expect(card.get_by_role("link")).to_have_attribute("href", f"/assets/{gallery.declared}")


def test_what_was_altered_is_drawn_over_what_was_brought(page: Page, gallery: Gallery) -> None:
    with Image.open(io.BytesIO(gallery.brought["hills.png"])) as opened:
        image = opened.convert("RGB")
    side, out = min(image.size) // 3, io.BytesIO()
    patch = image.rotate(90).resize((side, side)).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    ImageDraw.Draw(patch).rectangle((4, 4, side - 4, side // 2), fill="#cc2222")
    image.paste(patch, (image.width // 3, image.height // 3))
    image.save(out, "JPEG", quality=85)
    page.goto(gallery.url)

    bring(page, "altered.jpg", out.getvalue())

    expect(page.locator(".verdict.altered")).to_contain_text("was altered to make this one: look at where")
    expect(page.locator(".plan .altered")).to_have_count(2)
    expect(page.locator(".plan image")).to_have_count(1)
    expect(page.get_by_role("article")).to_contain_text("altered in 1 place")


def test_a_generated_picture_is_told_with_its_model(page: Page, gallery: Gallery) -> None:
    page.goto(gallery.url)

    bring(page, "found.png", gallery.generated_file)

    card = page.get_by_role("article").first
    expect(card).to_contain_text("generated: a registered generator signed that it made this picture")
    expect(card).to_contain_text("Remarque default 1, provided by house@studio")
    labels = page.get_by_role("article").last
    expect(labels).to_contain_text("Labels that nobody signedtrainedAlgorithmicMedia")


def test_a_stranger_is_not_recorded_and_not_called_human_made(page: Page, gallery: Gallery) -> None:
    page.goto(gallery.url)

    bring(page, "stranger.jpg", gallery.brought["stranger.jpg"])

    expect(page.locator(".verdict.not_recorded")).to_contain_text("This does not mean that it is not AI-made.")
    expect(page.get_by_role("article")).to_have_count(0)


def test_candidates_are_never_called_the_same_picture(page: Page, gallery: Gallery) -> None:
    match = {"asset": "0" * 64, "creator": CREATOR, "registrant": CREATOR, "evidence": "declared", "recorded_ms": 0}
    match |= {"height": 1, "confidential": False, "distance": 47}
    answer = {"verdict": "candidates", "wording": "Similar pictures are recorded.", "height": 9, "matches": [match] * 2}
    answer |= {"origin": {"verdict": "unknown", "contradictions": []}, "pictures": []}
    page.route("**/v1/verify", lambda route: route.fulfill(json=answer))
    page.goto(gallery.url)

    bring(page, "stranger.jpg", gallery.brought["stranger.jpg"])

    expect(page.locator(".verdict.candidates")).to_have_text(re.compile("Not sure.*Similar pictures.*2 matches"))
    expect(page.get_by_role("article")).to_have_count(2)
    expect(page.get_by_role("article").first).to_contain_text("47 of 256 bits")


def test_what_is_no_picture_is_refused_with_code_and_fix(page: Page, gallery: Gallery) -> None:
    page.goto(gallery.url)

    bring(page, "notes.txt", gallery.brought["notes.txt"])

    expect(page.get_by_role("status")).to_contain_text("IMAGE_UNREADABLE")
    expect(page.get_by_role("status")).to_contain_text("send a complete PNG, JPEG")
    expect(page.locator("#preview")).to_be_hidden()


def test_a_later_picture_replaces_the_answer_about_an_earlier_one(page: Page, gallery: Gallery) -> None:
    page.goto(gallery.url)

    bring(page, "stranger.jpg", gallery.brought["stranger.jpg"])
    bring(page, "hills.png", gallery.brought["hills.png"], "paste")

    expect(page.get_by_role("status")).to_contain_text("This very file")
    expect(page.locator("#name")).to_have_text("hills.png")
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("status")).to_contain_text("This very file")


def test_the_keyboard_alone_chooses_a_file(page: Page, gallery: Gallery, tmp_path: Path) -> None:
    picture = tmp_path / "hills.png"
    picture.write_bytes(gallery.brought["hills.png"])
    page.on("filechooser", lambda chooser: chooser.set_files(picture))
    page.goto(gallery.url)

    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#file")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("This very file")


def test_the_downloaded_receipt_holds_offline(page: Page, gallery: Gallery, tmp_path: Path) -> None:
    page.goto(gallery.url)
    bring(page, "hills.png", gallery.brought["hills.png"])

    with page.expect_download() as download:
        page.get_by_role("button", name="Download receipt").click()

    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == f"receipt-{gallery.declared[:16]}.json"
    receipt = verify_receipt(file.read_bytes(), gallery.cluster.genesis)
    assert receipt.outcome.code == "OK"
    genesis = str(gallery.cluster.root / "genesis.json")
    command = [sys.executable, "-m", "node", "--json", "receipt", "verify", str(file), "--genesis", genesis]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert json.loads(said)["transaction"] == receipt.signed.id


def test_the_foot_tells_the_nodes_condition_and_follows_it(page: Page, gallery: Gallery) -> None:
    heights = iter(range(7, 100))
    condition = {"chain": "gallery", "node": "node1", "role": "leader"}
    page.route("**/v1/status", lambda route: route.fulfill(json={**condition, "height": next(heights)}))

    page.goto(gallery.url)

    expect(page.get_by_role("contentinfo")).to_contain_text("gallery · block 7 · node1, leader")
    expect(page.get_by_role("contentinfo")).to_contain_text("block 8")
    expect(page.get_by_role("link", name="API description")).to_have_attribute("href", "/openapi.json")


def test_a_node_that_is_gone_is_said_to_be(page: Page, gallery: Gallery) -> None:
    page.goto(gallery.url)
    page.route("**/v1/*", lambda route: route.abort())

    bring(page, "hills.png", gallery.brought["hills.png"])

    expect(page.get_by_role("status")).to_contain_text("NODE_UNREACHABLE")
    expect(page.get_by_role("contentinfo")).to_contain_text("does not answer")


def test_a_disputed_picture_says_who_disputes_it_and_why_here_and_on_its_own_page(
    page: Page, open_chain: Cluster
) -> None:
    url, reason = open_chain.url("node1"), "the boat was <b>added</b>"
    drawn = io.BytesIO()
    Image.radial_gradient("L").save(drawn, "PNG")
    data = drawn.getvalue()
    with Client(url, CREATOR, open_chain.key(CREATOR)) as alice:
        asset, _ = alice.register(data)
    with Client(url, EDITOR, open_chain.key(EDITOR)) as desk:
        desk.submit(SetRoles(account=EDITOR, roles=("administrator", "fact-checker")))
        desk.dispute(asset, reason, b"the photograph")

    page.goto(url)
    bring(page, "hills.png", data)

    expect(page.get_by_role("status")).to_contain_text("What is recorded of it is disputed")
    card = page.get_by_role("article")
    expect(card).to_contain_text(f"agency disputes this: “{reason}” ({EDITOR}")
    expect(card).to_contain_text("disputed: its record is contested; recorded as declared, only its registrant says so")
    page.goto(f"{url}/assets/{asset}")
    expect(page.get_by_text(f"agency disputes this: “{reason}”")).to_be_visible()
    expect(page.get_by_text(f"dispute it: “{reason}”")).to_be_visible()
