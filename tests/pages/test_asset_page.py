"""The asset page in a real browser: sign in with a key, and read a picture's whole life."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, EDITOR, SECOND_COLLECTOR, STUDIO
from ledger.receipt import verify_receipt
from remarque.client import Client
from remarque.keys.encrypted import Cost
from remarque.keys.files import save_key

if TYPE_CHECKING:
    from conftest import Gallery

pytestmark = pytest.mark.peers


def sign_in(page: Page, gallery: Gallery, account: str, key_of: str = "") -> None:
    page.get_by_label("Account").fill(account)
    page.get_by_label("Key file").set_input_files(gallery.key_file(key_of or account))
    page.get_by_role("button", name="Sign in").click()


def open_asset(page: Page, gallery: Gallery, asset: str, account: str = CREATOR) -> None:
    page.goto(f"{gallery.url}/assets/{asset}")
    sign_in(page, gallery, account)
    expect(page.get_by_role("heading", name="History")).to_be_visible()


def rows(page: Page, caption: str) -> list[list[str]]:
    """Cells of a table's rows, without its head."""
    lines = page.get_by_role("region", name=re.compile(caption)).locator("tbody tr, tfoot tr")
    return [line.locator("td").all_inner_texts() for line in lines.all()]


def test_the_page_asks_for_a_session_and_shows_the_picture_after_it(page: Page, gallery: Gallery) -> None:
    page.goto(f"{gallery.url}/assets/{gallery.declared}")
    expect(page.get_by_role("heading", name="Sign in to read this chain")).to_be_visible()

    sign_in(page, gallery, CREATOR)

    expect(page.get_by_role("heading", name=f"Picture by {CREATOR}")).to_be_focused()
    expect(page.locator("#member")).to_contain_text(CREATOR)
    size = "picture => picture.decode().then(() => [picture.naturalWidth, picture.naturalHeight])"
    assert page.locator("img.picture").evaluate(size) == [720, 480]
    for fact in (gallery.declared, f"Registrant{CREATOR}", "declared: only its registrant says so", "720 × 480"):
        expect(page.locator("main")).to_contain_text(fact)


def test_the_key_never_leaves_the_browser(page: Page, gallery: Gallery) -> None:
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request))
    seed = gallery.cluster.key(CREATOR).seed.hex()
    page.goto(f"{gallery.url}/assets/{gallery.declared}")
    page.get_by_label("Account").fill(CREATOR)
    page.get_by_label("or its 64 hex digits").fill(seed)

    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", name="History")).to_be_visible()
    assert any(request.url.endswith("/v1/sessions") for request in sent)
    told = [part for request in sent for part in (request.url, request.post_data or "", str(request.headers))]
    kept = page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])")
    assert [part for part in (*told, kept) if seed in part.lower()] == []


@pytest.mark.parametrize(
    ("account", "key_of", "code"),
    [(CREATOR, EDITOR, "SESSION_INVALID"), ("nobody@studio", CREATOR, "SESSION_INVALID")],
)
def test_a_key_that_is_not_the_accounts_is_refused(
    page: Page, gallery: Gallery, account: str, key_of: str, code: str
) -> None:
    page.goto(f"{gallery.url}/assets/{gallery.declared}")

    sign_in(page, gallery, account, key_of)

    expect(page.get_by_role("alert")).to_contain_text(code)
    expect(page.get_by_label("Account")).to_have_value(account)


def test_a_key_under_a_passphrase_is_said_to_be_one_and_a_token_of_its_session_signs_in(
    page: Page, gallery: Gallery, tmp_path: Path
) -> None:
    key = gallery.cluster.key(CREATOR)
    save_key(tmp_path / "alice.key", key, b"a passphrase", Cost(operations=1, memory_bytes=8 * 1024))
    page.goto(f"{gallery.url}/assets/{gallery.declared}")
    page.get_by_label("Account").fill(CREATOR)
    page.get_by_label("Key file").set_input_files(tmp_path / "alice.key")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("PASSPHRASE_NEEDED")
    expect(page.get_by_role("alert")).to_contain_text("remarque session")

    for token, said in (("no token", "SESSION_INVALID"), (session_of(gallery, CREATOR), "")):
        page.get_by_label("or a session token").fill(token)
        page.get_by_role("button", name="Sign in").click()
        if said:
            expect(page.get_by_role("alert")).to_contain_text(said)

    expect(page.get_by_role("heading", name=f"Picture by {CREATOR}")).to_be_visible()
    expect(page.locator("#member")).to_contain_text(CREATOR)


def session_of(gallery: Gallery, account: str) -> str:
    with Client(gallery.url, account, gallery.cluster.key(account)) as client:
        return client.session()


def test_what_is_no_key_is_said_to_be_none(page: Page, gallery: Gallery) -> None:
    page.goto(f"{gallery.url}/assets/{gallery.declared}")
    page.get_by_label("Account").fill(CREATOR)
    page.get_by_label("or its 64 hex digits").fill("abc")

    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text("KEY_UNREADABLE")


def test_an_ended_session_asks_to_sign_in_again(page: Page, gallery: Gallery) -> None:
    open_asset(page, gallery, gallery.declared)
    page.evaluate(
        "sessionStorage.setItem('remarque.session', JSON.stringify({ account: 'alice@studio', token: 'old' }))"
    )

    page.reload()

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.locator("#member")).to_be_empty()


def test_signing_out_takes_the_records_away(page: Page, gallery: Gallery) -> None:
    open_asset(page, gallery, gallery.declared)

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text(gallery.declared)
    assert page.evaluate("sessionStorage.length") == 0


def test_every_payment_of_every_sale_adds_up(page: Page, gallery: Gallery) -> None:
    open_asset(page, gallery, gallery.declared)

    expect(page.locator("main")).to_contain_text(f"7.5 % of every resale, to {CREATOR} 70 %, {STUDIO} 30 %")
    assert rows(page, "primary sale") == [
        [CREATOR, "price", "1\u202f200.00 EUR"],
        ["Sum", "all of the price", "1\u202f200.00 EUR"],
    ]
    assert rows(page, "secondary sale") == [
        [CREATOR, "royalty", "105.00 EUR"],
        [STUDIO, "royalty", "45.00 EUR"],
        [COLLECTOR, "price", "1\u202f850.01 EUR"],
        ["Sum", "all of the price", "2\u202f000.01 EUR"],
    ]
    assert rows(page, "all sales") == [[CREATOR, "105.00 EUR"], [STUDIO, "45.00 EUR"]]
    expect(page.locator("dd").filter(has_text=SECOND_COLLECTOR)).to_have_count(1)


def test_the_history_tells_who_asked_what_and_what_became_of_it(page: Page, gallery: Gallery) -> None:
    open_asset(page, gallery, gallery.declared)

    told = [entry.locator("p").first.inner_text() for entry in page.locator(".history li").all()]
    assert [line.partition(" until ")[0] for line in told] == [
        f"{CREATOR} asked to record the picture as declared done",
        f"{CREATOR} asked to mint its token with 7.5 % on resales done",
        f"{CREATOR} asked to offer the token at 1\u202f200.00 EUR",
        f"{COLLECTOR} asked to buy the token at 1\u202f200.00 EUR done",
        f"{COLLECTOR} asked to offer the token at 2\u202f000.01 EUR",
        f"{SECOND_COLLECTOR} asked to buy the token at 2\u202f000.01 EUR done",
        f"{COLLECTOR} asked to buy the token at 0.01 EUR LISTING_UNKNOWN",
    ]
    last = page.locator(".history li").last
    expect(last).to_contain_text("is not for sale; ask its owner to list it")
    expect(page.locator(".history li").nth(3)).to_contain_text(
        "sale: permitted, rule holder_disposes of asset_default@1"
    )
    with page.expect_download() as download:
        last.get_by_role("button", name="receipt").click()
    receipt = verify_receipt(download.value.path().read_bytes(), gallery.cluster.genesis)
    assert receipt.outcome.code == "LISTING_UNKNOWN"


def test_a_long_history_is_read_on_by_a_button(page: Page, gallery: Gallery) -> None:
    with Client(gallery.url, CREATOR, gallery.cluster.key(CREATOR)) as alice:
        told = alice.get(f"/v1/assets/{gallery.declared}/history", limit="100")["history"]
    second = f"{told[4]['height']}.{told[4]['position']}"
    pages = {"": {"history": told[:5], "next": second}, second: {"history": told[5:]}}
    page.route(
        "**/history?*",
        lambda route: route.fulfill(json=pages[parse_qs(urlsplit(route.request.url).query).get("after", [""])[0]]),
    )
    open_asset(page, gallery, gallery.declared)
    expect(page.locator(".history li")).to_have_count(5)
    expect(page.get_by_role("region", name=re.compile("sale"))).to_have_count(1)

    page.get_by_role("button", name="Show what came next").click()

    expect(page.locator(".history li")).to_have_count(7)
    expect(page.get_by_role("button", name="Show what came next")).to_have_count(0)
    assert rows(page, "all sales") == [[CREATOR, "105.00 EUR"], [STUDIO, "45.00 EUR"]]


def test_a_generated_picture_shows_prompt_settings_and_model(page: Page, gallery: Gallery) -> None:
    open_asset(page, gallery, gallery.generated, SECOND_COLLECTOR)

    expect(page.locator("blockquote")).to_have_text(gallery.prompt)
    for fact in ("seed 20, 4 steps, guidance 5", "Generatorgenerator@studio", "Remarque default 1", "ISCC:"):
        expect(page.locator("main")).to_contain_text(fact)


def test_a_confidential_picture_is_not_shown_but_who_asked_is(page: Page, gallery: Gallery) -> None:
    open_asset(page, gallery, gallery.confidential, EDITOR)

    expect(page.locator("main img")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("This picture is confidential: only its ciphertext is stored")
    expect(page.locator("main")).to_contain_text("Its creator tells the prompt to nobody else")
    expect(page.locator("main")).to_contain_text("seed: nobody beside its creator")
    expect(page.locator("main")).not_to_contain_text(gallery.prompt)
    asked = [entry.inner_text() for entry in page.locator(".access li").all()]
    ends = [(EDITOR, "POLICY_DENIED"), (CREATOR, "done"), (EDITOR, "request allowed"), (CREATOR, "done")]
    assert [line.partition(" ")[0] for line in asked] == [who for who, _ in ends] + [EDITOR]
    assert all(line.endswith(end) for line, (_, end) in zip(asked, [*ends, (EDITOR, "POLICY_DENIED")], strict=True))
    expect(page.locator("main")).to_contain_text("Whether a key was then released stands in no block.")
    expect(page.locator(".history")).to_contain_text("asked to see it: “fact <b>check</b>”")
    expect(page.locator(".history")).to_contain_text("view: permitted, rule grant_in_force of asset_default@1")
    expect(page.locator(".history")).to_contain_text("no rule of asset_default@1 permits it")


def test_an_asset_that_nobody_recorded_is_said_to_be_unknown(page: Page, gallery: Gallery) -> None:
    open_asset(page, gallery, gallery.declared)

    page.goto(f"{gallery.url}/assets/{'0' * 64}")

    expect(page.locator(".refusal")).to_contain_text("ASSET_UNKNOWN")


def test_a_chain_with_open_reads_needs_no_session(page: Page, gallery: Gallery, open_chain: Cluster) -> None:
    url = open_chain.url("node1")
    with Client(url, CREATOR, open_chain.key(CREATOR)) as alice:
        asset, _ = alice.register(gallery.brought["hills.png"])
    page.goto(url)
    page.evaluate(
        "sessionStorage.setItem('remarque.session', JSON.stringify({ account: 'alice@studio', token: 'old' }))"
    )

    page.goto(f"{url}/assets/{asset}")

    expect(page.get_by_role("heading", name="History")).to_be_visible()
    expect(page.locator("img.picture")).to_be_visible()
    expect(page.locator("#member")).to_be_empty()


@pytest.mark.parametrize("width", [320, 390, 1120])
def test_no_page_is_wider_than_the_screen(page: Page, gallery: Gallery, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})

    for asset in (gallery.declared, gallery.confidential):
        page.goto(f"{gallery.url}/assets/{asset}")
        if page.evaluate("sessionStorage.length") == 0:
            sign_in(page, gallery, CREATOR)
        expect(page.get_by_role("heading", name="History")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
