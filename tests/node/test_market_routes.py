"""The market over HTTP, by the SDK: what is made is found in the lists, and the money waits and moves."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from consortium import a_digest, registering
from every_record import FAR_MS

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, CURRENCY, STUDIO, TREASURER
from ledger import actions
from ledger.actions import AddKey, PublishPolicy, RevokeKey
from ledger.execution.holding import token_id
from ledger.receipt import Receipt
from remarque.client import Client
from remarque.drafts import Draft, sign_draft
from remarque.keys.files import new_key


def test_offers_auctions_and_rentals_are_listed_and_settle(one_node: Cluster) -> None:
    with (
        Client(one_node.urls, CREATOR, one_node.key(CREATOR)) as creator,
        Client(one_node.urls, COLLECTOR, one_node.key(COLLECTOR)) as collector,
    ):
        creator.submit(registering("sea"))
        first, _ = creator.mint(a_digest("sea"), editions=3)
        second, third = (token_id(a_digest("sea"), number) for number in (2, 3))
        held = collector.balances()[CURRENCY]
        terms = collector.get(f"/v1/tokens/{first}")["terms"]

        collector.offer(first, 500, CURRENCY, terms=terms)
        offers = collector.get(f"/v1/tokens/{first}/offers")["offers"]
        waiting = collector.balances()[CURRENCY]
        creator.accept(first, COLLECTOR, 500, CURRENCY)
        creator.open_auction(second, 100, 10, CURRENCY)
        collector.bid(second, 100, CURRENCY)
        creator.rent_out(third, COLLECTOR, lasting=1)
        creator.list_token(third, 700, CURRENCY)

        assert [(one["buyer"], one["price"]) for one in offers] == [(COLLECTOR, 500)]
        assert (waiting, collector.balances()[CURRENCY]) == (held - 500, held - 600)
        assert [one["token"] for one in collector.get("/v1/auctions")["auctions"]] == [second]
        assert [one["user"] for one in collector.get("/v1/rentals")["rentals"]] == [COLLECTOR]
        assert [one["price"] for one in collector.get("/v1/listings")["listings"]] == [700]
        tokens = collector.get(f"/v1/assets/{a_digest('sea')}/tokens")["tokens"]
        assert [(one["number"], one["owner"]) for one in tokens] == [(1, COLLECTOR), (2, CREATOR), (3, CREATOR)]
        shown = collector.get(f"/v1/tokens/{third}")
        assert (shown["listing"]["price"], shown["rental"]["user"]) == (700, COLLECTOR)
        assert collector.get(f"/v1/tokens/{first}/royalty_info", sale_price="1000")["royalty_amount"] == 75
        assert collector.get(f"/v1/tokens/{first}/metadata.json")["name"].endswith("#1")


def test_what_two_accounts_agree_on_is_drafted_by_one_and_committed_by_the_other(one_node: Cluster) -> None:
    until = int(time.time() * 1000) + 3_600_000
    with (
        Client(one_node.urls, CREATOR, one_node.key(CREATOR)) as creator,
        Client(one_node.urls, COLLECTOR, one_node.key(COLLECTOR)) as collector,
    ):

        def agreed(draft: Draft) -> Receipt:
            receipt: Receipt = collector.send_draft(sign_draft(draft, one_node.key(COLLECTOR)))
            return receipt

        creator.submit(registering("dawn"), registering("dusk"), registering("veiled", confidential=True))
        collector.submit(registering("noon"), registering("made"))
        dawn, _ = creator.mint(a_digest("dawn"))
        noon, _ = collector.mint(a_digest("noon"))
        held = collector.balances()[CURRENCY]

        agreed(creator.draft_rental(dawn, COLLECTOR, 1, 300, CURRENCY))
        rented = collector.get(f"/v1/tokens/{dawn}")["rental"]["user"]
        agreed(creator.draft_grant(a_digest("veiled"), COLLECTOR, until, 200, CURRENCY))
        agreed(creator.draft_swap(dawn, noon, COLLECTOR, value=900, for_value=1_000, currency=CURRENCY))
        owners = [collector.get(f"/v1/tokens/{token}")["token"]["owner"] for token in (dawn, noon)]
        terms = collector.get(f"/v1/assets/{a_digest('dusk')}")["terms"]
        draft = collector.draft_derivation(
            a_digest("made"), a_digest("dusk"), owners=[CREATOR], value=100, currency=CURRENCY, terms=[terms]
        )
        creator.send_draft(sign_draft(draft, one_node.key(CREATOR)))
        agreed(creator.draft_sale(noon, COLLECTOR, 400, CURRENCY))
        bought = collector.get(f"/v1/tokens/{noon}")["token"]["owner"]
        refunded = agreed(creator.draft_refund(noon, COLLECTOR))

        assert (rented, owners, bought) == (COLLECTOR, [COLLECTOR, CREATOR], COLLECTOR)
        assert refunded.outcome.events[0].__class__.__name__ == "SaleRefunded"
        assert collector.balances()[CURRENCY] == held - 300 - 200 - 100


def remarque(cluster: Cluster, account: str, *words: str) -> None:
    key = cluster.root / "accounts" / f"{account}.key"
    command = [sys.executable, "-m", "node", "--node", cluster.url("node1"), "--account", account]
    done = subprocess.run([*command, "--key", str(key), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_commands_write_drafts_that_the_other_signs_and_submits(one_node: Cluster, tmp_path: Path) -> None:
    with (
        Client(one_node.urls, CREATOR, one_node.key(CREATOR)) as creator,
        Client(one_node.urls, COLLECTOR, one_node.key(COLLECTOR)) as collector,
    ):
        creator.submit(registering("rock"), registering("seen", confidential=True))
        collector.submit(registering("leaf"), registering("copy"))
        rock, _ = creator.mint(a_digest("rock"))
        leaf, _ = collector.mint(a_digest("leaf"))
        held = collector.balances()[CURRENCY]
    draft = str(tmp_path / "draft.json")
    priced = ["--price", "2.50", "--currency", CURRENCY]
    copied = ["derive", a_digest("copy"), a_digest("seen"), "--owner", CREATOR]
    values = ["--value", "0.10", "--for-value", "0.20", "--currency", CURRENCY]
    for words, by, other in (
        (["rent", rock, COLLECTOR, "--until", "1h", *priced], CREATOR, COLLECTOR),
        (["grant", a_digest("seen"), COLLECTOR, "--until", "1h", *priced], CREATOR, COLLECTOR),
        (["swap", rock, leaf, COLLECTOR, *values], CREATOR, COLLECTOR),
        ([*copied, "--value", "0.50", "--currency", CURRENCY, "--terms", "asset_default@1"], COLLECTOR, CREATOR),
        (["sell", leaf, COLLECTOR, "1", CURRENCY], CREATOR, COLLECTOR),
        (["refund", leaf, COLLECTOR], CREATOR, COLLECTOR),
    ):
        remarque(one_node, by, *words, "--out", draft, "--force")
        remarque(one_node, other, "transaction", "sign", draft)
        remarque(one_node, other, "transaction", "submit", draft)
    with Client(one_node.urls, COLLECTOR, one_node.key(COLLECTOR)) as collector:
        owners = [collector.get(f"/v1/tokens/{token}")["token"]["owner"] for token in (rock, leaf)]
        assert (owners, collector.balances()[CURRENCY]) == ([COLLECTOR, CREATOR], held - 550)


def test_a_derivative_shows_its_lineage(one_node: Cluster) -> None:
    with Client(one_node.urls, CREATOR, one_node.key(CREATOR)) as creator:
        creator.submit(registering("day"), registering("night"))
        creator.derive(a_digest("night"), a_digest("day"))
        creator.submit(actions.MintToken(asset=a_digest("night")))

        view = creator.get(f"/v1/assets/{a_digest('night')}/lineage")

        assert [one["asset"] for one in view["ancestors"]] == [a_digest("day")]
        assert view["depth"] == 1


def test_money_is_written_in_decimals_from_its_issue_to_its_payment(one_node: Cluster) -> None:
    def said(account: str, *words: str, status: int = 0) -> str:
        key = one_node.root / "accounts" / f"{account}.key"
        command = [sys.executable, "-m", "node", "--node", one_node.url("node1"), "--account", account]
        done = subprocess.run([*command, "--key", str(key), *words], capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    said(TREASURER, "currency", "create", "KWD", "--decimals", "3")
    issued = said(TREASURER, "currency", "issue", COLLECTOR, "12.5", "KWD")
    paid = said(COLLECTOR, "pay", CREATOR, "2.125", "KWD")
    said(COLLECTOR, "currency", "redeem", "0.375", "KWD")
    poor = said(COLLECTOR, "pay", CREATOR, "100", "KWD", status=5)
    too_fine = said(COLLECTOR, "pay", CREATOR, "1.0001", "KWD", status=2)

    assert f"{COLLECTOR} has 12.500 KWD more" in issued
    assert f"paid 2.125 KWD to {CREATOR}" in paid
    assert f"{COLLECTOR} holds 10.000 KWD, 100.000 KWD are needed" in poor
    assert "finer than KWD, which has 3 decimals" in too_fine
    assert "10.000 KWD" in said(COLLECTOR, "balance")
    assert "12.125 KWD  issued by treasury@club" in said(CREATOR, "currency", "list")
    with Client(one_node.urls, COLLECTOR, one_node.key(COLLECTOR)) as collector:
        assert collector.balances()["KWD"] == 10_000


def test_revoking_says_whether_a_rule_still_lets_it_be_seen(one_node: Cluster) -> None:
    def revoked() -> str:
        key = one_node.root / "accounts" / f"{CREATOR}.key"
        command = [sys.executable, "-m", "node", "--node", one_node.url("node1"), "--account", CREATOR]
        words = ["--key", str(key), "revoke", a_digest("open secret"), COLLECTOR]
        return subprocess.run([*command, *words], capture_output=True, text=True, check=True).stdout

    with (
        Client(one_node.urls, CREATOR, one_node.key(CREATOR)) as creator,
        Client(one_node.urls, STUDIO, one_node.key(STUDIO)) as studio,
    ):
        creator.submit(registering("open secret", confidential=True))
        creator.grant(a_digest("open secret"), COLLECTOR, FAR_MS)
        closed = revoked()
        source = "policy ajar version 1 schema remarque@1 { permit view as all_may when true; }"
        studio.submit(PublishPolicy(source=source))
        creator.set_policy("ajar", 1, asset=a_digest("open secret"))
        creator.grant(a_digest("open secret"), COLLECTOR, FAR_MS)

        assert f"{COLLECTOR} may no longer see it" in closed
        assert f"{COLLECTOR} may still see it: rule all_may of ajar@1 permits it" in revoked()


def test_what_lapsed_with_its_key_is_shown_as_no_offer_any_more(one_node: Cluster) -> None:
    with (
        Client(one_node.urls, STUDIO, one_node.key(STUDIO)) as studio,
        Client(one_node.urls, CREATOR, one_node.key(CREATOR)) as creator,
    ):
        lost = new_key()
        creator.submit(AddKey(key=lost.public), registering("lapsing"), registering("lapsing veil", confidential=True))
        with Client(one_node.urls, CREATOR, lost) as thief:
            token, _ = thief.mint(a_digest("lapsing"))
            thief.list_token(token, 700, CURRENCY)
            thief.grant(a_digest("lapsing veil"), COLLECTOR, FAR_MS)
        shown = creator.token(token).listing
        granted = [one.account for one in creator.grants(a_digest("lapsing veil"))]
        listed = [one.token for one in creator.listings()]
        studio.submit(RevokeKey(account=CREATOR, key=lost.public))

        assert (bool(shown), token in listed, granted) == (True, True, [COLLECTOR])
        assert not creator.token(token).listing
        assert token not in [one.token for one in creator.listings()]
        assert creator.grants(a_digest("lapsing veil")) == []
