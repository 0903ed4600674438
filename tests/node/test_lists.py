"""Lists over HTTP: one shape for all, a page at a time, and the SDK that reads them whole."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from consortium import a_digest, registering

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, CURRENCY, EDITOR, OPENING_BALANCE, ORGS, TREASURER
from ledger import actions
from ledger.encoding import encode
from ledger.governance import SetParameters
from ledger.receipt import verify_receipt
from ledger.transaction import SignedTransaction
from remarque.client import Client
from remarque.errors import RemarqueError

ASSETS = 230
SECRET = "secret"


@pytest.fixture(scope="module")
def alice(one_node: Cluster) -> Iterator[Client]:
    """The creator of 230 assets and a confidential one, on a chain with three more currencies."""
    with Client(one_node.urls, TREASURER, one_node.key(TREASURER)) as treasurer:
        for currency in ("CHF", "GBP", "JPY"):
            issue = actions.IssueCurrency(currency=currency, to=COLLECTOR, amount=7)
            treasurer.submit(actions.CreateCurrency(currency=currency, decimals=2), issue)
    with Client(one_node.urls, CREATOR, one_node.key(CREATOR)) as client:
        client.send_batch([client.sign(registering(number)) for number in range(ASSETS)])
        client.submit(registering(SECRET, confidential=True))
        yield client


def pages(client: Client, path: str, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [client.get(path, limit=str(limit))]
    while "next" in found[-1]:
        found.append(client.get(path, limit=str(limit), after=found[-1]["next"]))
    return found


def test_pages_of_assets_hold_all_of_them_once_by_id(alice: Client) -> None:
    found = pages(alice, "/v1/assets", 50)

    ids = [asset["id"] for page in found for asset in page["assets"]]
    assert ids == sorted([a_digest(number) for number in range(ASSETS)] + [a_digest(SECRET)])
    assert [len(page["assets"]) for page in found] == [50, 50, 50, 50, 31]
    assert [asset.id for asset in alice.assets()] == ids


def test_a_page_has_fifty_items_unless_told_otherwise_and_need_not_begin_at_one(alice: Client) -> None:
    first = alice.get("/v1/assets")
    after_none = alice.get("/v1/assets", after="0" * 64, limit="1")

    assert len(first["assets"]) == 50
    assert after_none["assets"] == first["assets"][:1]
    assert alice.get("/v1/assets", after="f" * 64) == {"assets": []}


@pytest.mark.parametrize(
    ("name", "field", "held"),
    [
        ("orgs", "name", sorted(ORGS)),
        ("nodes", "name", ["node1"]),
        ("models", "model", []),
        ("currencies", "currency", ["CHF", CURRENCY, "GBP", "JPY"]),
        ("policies", "name", ["asset_default"]),
        ("proposals", "id", []),
    ],
)
def test_every_list_has_this_shape(alice: Client, name: str, field: str, held: list[str]) -> None:
    found = pages(alice, f"/v1/{name}", 1)

    assert [item[field] for page in found for item in page[name]] == held
    assert len(found) == max(1, len(held))
    assert [getattr(item, field) for item in getattr(alice, name)()] == held


def test_everybody_finds_what_she_made_and_what_she_owns(one_node: Cluster, alice: Client) -> None:
    made = [asset.id for asset in alice.assets(CREATOR)]
    minted = sorted(alice.mint(a_digest(number))[0] for number in (1, 2, 3))
    alice.transfer(minted[1], COLLECTOR)

    assert made == [asset.id for asset in alice.assets()]
    assert alice.assets(COLLECTOR) == []
    assert [token.id for token in alice.owned()] == [minted[0], minted[2]]
    assert [token.id for token in alice.owned(COLLECTOR)] == [minted[1]]
    assert {token.id for token in alice.all_tokens()} >= set(minted)
    first = alice.get("/v1/assets", creator=CREATOR, limit="50")
    second = alice.get("/v1/assets", creator=CREATOR, limit="50", after=first["next"])
    assert [asset["id"] for asset in first["assets"] + second["assets"]] == made[:100]
    command = [sys.executable, "-m", "node", "--json", "--node", one_node.url("node1"), "--account", CREATOR]
    key = ["--key", str(one_node.root / "accounts" / f"{CREATOR}.key")]
    told = subprocess.run([*command, *key, "token", "list"], capture_output=True, check=True).stdout
    assert [token["id"] for token in json.loads(told)] == [minted[0], minted[2]]


def test_balances_come_in_pages_and_the_sdk_reads_them_whole(alice: Client) -> None:
    found = pages(alice, f"/v1/accounts/{COLLECTOR}/balances", 3)

    assert [page["balances"] for page in found] == [{"CHF": 7, CURRENCY: OPENING_BALANCE, "GBP": 7}, {"JPY": 7}]
    assert found[0]["account"] == COLLECTOR
    assert alice.balances(COLLECTOR) == found[0]["balances"] | found[1]["balances"]


def test_proposals_come_in_pages_with_their_status_and_the_quorum(one_node: Cluster, alice: Client) -> None:
    with Client(one_node.urls, TREASURER, one_node.key(TREASURER)) as club:
        made = [club.propose(SetParameters(proposals_open_max=number), lasting=1)[0] for number in range(10, 13)]
        found = pages(alice, "/v1/proposals", 2)
        with Client(one_node.urls, EDITOR, one_node.key(EDITOR)) as agency:
            agency.vote(made[0], True)
        passed = alice.proposal(made[0])

    listed = [item for page in found for item in page["proposals"]]
    assert [item["id"] for item in listed] == sorted(made)
    assert [len(page["proposals"]) for page in found] == [2, 1]
    assert {(one["status"], one["approving"], one["quorum"], tuple(one["orgs"])) for one in listed} == {
        ("open", 1, 2, tuple(sorted(ORGS)))
    }
    assert (passed.status, passed.approving) == ("passed", 2)
    assert passed.changes == (SetParameters(proposals_open_max=10),)
    with pytest.raises(RemarqueError, match="NOT_FOUND"):
        alice.proposal("0" * 64)


def test_a_history_of_many_pages_is_read_whole_by_sdk_and_command(one_node: Cluster, alice: Client) -> None:
    asset = a_digest(0)
    about = [alice.sign(actions.MintToken(asset=asset)) for _ in range(130)]
    alice.send_batch(about)

    rows = alice.history(asset)

    assert [row.transaction for row in rows[1:]] == [signed.id for signed in about]
    assert [row.code for row in rows] == ["OK", "OK", *["TOKEN_EXISTS"] * 129]
    first = alice.get(f"/v1/assets/{asset}/history", limit="100")
    assert first["next"] == f"{rows[99].height}.{rows[99].position}"
    command = [sys.executable, "-m", "node", "--json", "--node", one_node.url("node1"), "--account", CREATOR]
    key = ["--key", str(one_node.root / "accounts" / f"{CREATOR}.key")]
    told = subprocess.run([*command, *key, "history", asset], capture_output=True, check=True).stdout
    assert json.loads(told) == json.loads(encode(rows))


def test_a_batch_may_ask_for_receipts(one_node: Cluster, alice: Client) -> None:
    batch: list[SignedTransaction] = [alice.sign(registering(f"batch {number}")) for number in range(150)]
    body = b"[" + b",".join(signed.envelope() for signed in batch) + b"]"

    answer = alice.request("POST", "/v1/transactions/batch", body, params={"receipts": "true"}, session=False)

    receipts = [verify_receipt(encode(one), one_node.genesis) for one in json.loads(answer)["results"]]
    assert [receipt.signed.id for receipt in receipts] == [signed.id for signed in batch]
