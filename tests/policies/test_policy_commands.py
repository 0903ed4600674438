"""A rights manager's day with a real node: check, test, publish, apply, ask, replay, and have a refusal explained."""

from __future__ import annotations

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import contracts_vm
from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, EDITOR, SECOND_COLLECTOR, STUDIO
from remarque.client import Client
from remarque.errors import RemarqueError

FIRST = """policy quiet version 1 schema remarque@1 {
  forbid sale as too_cheap when has(tx.price) && tx.price < 1000 reason "nothing is sold below 10.00";
}
--- tests
[[case]]
name = "nine euros are too little"
action = "sale"
expect = "FORBIDDEN"
rule = "too_cheap"
facts.tx.price = 900
"""
SECOND = FIRST.replace("version 1", "version 2").replace("1000", "5000")


def remarque(cluster: Cluster, account: str, *words: str, status: int = 0) -> Any:
    key = cluster.root / "accounts" / f"{account}.key"
    command = [sys.executable, "-m", "node", "--json", "--node", cluster.url("node1"), "--account", account]
    done = subprocess.run([*command, "--key", str(key), *words], capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_a_policy_from_its_first_draft_to_an_explained_refusal(one_node: Cluster, tmp_path: Path) -> None:
    first, second, bad = (tmp_path / f"{name}.policy" for name in ("first", "second", "bad"))
    first.write_text(FIRST)
    second.write_text(SECOND)
    bad.write_text(FIRST.replace("tx.price <", "tx.prise <").replace("900", "1900"))
    manager, owner = [one_node, STUDIO, "policy"], [one_node, CREATOR, "policy"]

    faults = remarque(*manager, "check", str(bad), status=1)
    assert (faults["holds"], faults["problems"][0]["code"]) == (False, "FIELD_UNKNOWN")
    assert remarque(*manager, "check", str(first))["holds"]
    assert [one["passed"] for one in remarque(*manager, "test", str(first))] == [True]
    assert [one["passed"] for one in remarque(*manager, "test", str(bad), status=1)] == [False]
    assert remarque(*manager, "fmt", str(first)) == {"changed": False}
    assert remarque(*manager, "publish", str(bad), status=5)["code"] == "POLICY_FILE_INVALID"
    remarque(*manager, "publish", str(first))
    assert remarque(*manager, "publish", str(first), status=5)["code"] == "POLICY_EXISTS"
    (change,) = remarque(*manager, "diff", str(first), str(second))
    assert change["what"] == "rule too_cheap"

    with Client(one_node.url("node1"), CREATOR, one_node.key(CREATOR)) as client:
        asset, _ = client.register(picture())
        remarque(*owner, "apply", "quiet", "1", asset)
        token, _ = client.mint(asset)
        client.list_token(token, 1_200, "EUR")
    asked = [asset, "sale", CREATOR, "--currency", "EUR", "--price"]
    assert remarque(*manager, "ask", *asked, "12")["allowed"]
    denied = remarque(*manager, "ask", *asked, "9.00")["explanation"]
    assert (denied["rule"], denied["reason"]) == ("too_cheap", "nothing is sold below 10.00")
    assert not remarque(*manager, "ask", *asked, "12", "--file", str(second))["allowed"]
    given = [asset, "transfer", CREATOR]
    assert remarque(*manager, "ask", *given)["allowed"]
    assert remarque(*manager, "ask", *given, "--paid")["explanation"]["rule"] == "paid_for"
    with Client(one_node.url("node1"), COLLECTOR, one_node.key(COLLECTOR)) as client:
        sold = client.buy(token, 1_200, "EUR")
        client.list_token(token, 800, "EUR")
    buyer = Client(one_node.url("node1"), SECOND_COLLECTOR, one_node.key(SECOND_COLLECTOR))
    with buyer as client, pytest.raises(RemarqueError) as refused:
        client.buy(token, 800, "EUR")
    assert refused.value.code == "POLICY_DENIED"
    assert refused.value.receipt is not None

    replayed = remarque(*manager, "replay", str(second))
    assert [one["transaction"] for one in replayed["differences"]] == [sold.signed.id]
    explained = remarque(one_node, COLLECTOR, "policy", "explain", refused.value.receipt.signed.id)
    (rule,) = [one for one in explained["explanations"][0]["rules"] if one["id"] == "too_cheap"]
    assert {"expr": "tx.price", "value": 800} in rule["why"]
    outside = remarque(one_node, STUDIO, "policy", "explain", refused.value.receipt.signed.id)
    (rule,) = [one for one in outside["explanations"][0]["rules"] if one["id"] == "too_cheap"]
    assert {"expr": "tx.price", "withheld": True} in rule["why"]


def test_policies_of_the_org_and_of_a_collection_decide_too(one_node: Cluster, tmp_path: Path) -> None:
    org = CREATOR.partition("@")[2]
    spring = f"spring@{org}"
    manager, owner = [one_node, STUDIO], [one_node, CREATOR]
    for name, rule in (("house", "forbid rent as no_rent when true;"), ("series", "forbid list as not_yet when true;")):
        file = tmp_path / f"{name}.policy"
        file.write_text(f"policy {name} version 1 schema remarque@1 {{ {rule} }}\n")
        remarque(*manager, "policy", "publish", str(file))

    remarque(*owner, "collection", "create", spring)
    with Client(one_node.url("node1"), CREATOR, one_node.key(CREATOR)) as client:
        asset, _ = client.register(picture(), collection=spring)
        later, _ = client.register(picture())
    remarque(*owner, "collection", "add", spring, later)
    remarque(*owner, "policy", "apply", "series", "1", "--collection", spring)
    remarque(*manager, "policy", "apply", "house", "1", "--org")

    shown = remarque(*owner, "collection", "show", spring)
    assert (shown["collection"]["policy"], shown["assets"]) == ("series@1", sorted([asset, later]))
    with Client(one_node.url("node1"), CREATOR, one_node.key(CREATOR)) as client:
        view = client.get(f"/v1/assets/{asset}")
        assert view["terms"] == "asset_default@1 house@1 series@1"
        assert [one["scope"] for one in view["policies"]] == ["consortium", "organisation", "collection"]
        assert [one["name"] for one in client.get("/v1/collections")["collections"]] == [spring]
        for kind, rule in (("rent", "no_rent"), ("list", "not_yet")):
            assert client.evaluate(asset, kind, CREATOR).explanation.rule == rule
    refused = remarque(*owner, "policy", "apply", "house", "1", asset, "--org", status=2)
    assert refused["code"] == "COMMAND_MALFORMED"
    undo = tmp_path / "house2.policy"
    undo.write_text("policy house version 2 schema remarque@1 { }\n")
    remarque(*manager, "policy", "publish", str(undo))
    remarque(*manager, "policy", "apply", "house", "2", "--org")


def test_a_replay_is_attached_to_the_vote_and_anybody_runs_it_again(one_node: Cluster, tmp_path: Path) -> None:
    strict, changes = tmp_path / "strict.policy", tmp_path / "changes.json"
    default = contracts_vm.default_policy_source().replace("policy asset_default", "policy strict")
    strict.write_text(default.replace("permit mint as", "permit grant as"))
    changes.write_text('[{"type": "consortium.set_policy", "policy": "strict", "version": 1}]')
    other = tmp_path / "other.json"
    other.write_text('[{"type": "parameters.set", "valid_ms_max": 3600000}]')
    with Client(one_node.url("node1"), CREATOR, one_node.key(CREATOR)) as client:
        asset, _ = client.register(picture())
        _, minted = client.mint(asset)
        remarque(one_node, STUDIO, "policy", "publish", str(strict))
        assert 0 < client.get("/v1/policies/strict/1")["fuel"] <= 10_000

    propose = [one_node, STUDIO, "governance", "propose"]
    assert remarque(*propose, str(other), "--replay", "5", status=5)["code"] == "REPLAY_INVALID"
    proposal = remarque(*propose, str(changes), "--replay", "1000")["proposal"]
    shown = remarque(one_node, EDITOR, "governance", "replay", proposal["id"])

    assert shown["holds"]
    assert shown["told"] == proposal["replay"]
    assert proposal["replay"]["different"] == len(shown["replay"]["differences"]) >= 1
    assert minted.signed.id in [one["transaction"] for one in shown["replay"]["differences"]]


def picture() -> bytes:
    """A small PNG."""
    out = BytesIO()
    Image.effect_noise((64, 64), 80).convert("RGB").save(out, "PNG")
    return out.getvalue()


BAD = [
    ("check", {}),
    ("check", {"source": 1}),
    ("check", {"source": "x", "more": 1}),
    ("check", {"source": "x" * 20_000}),
    ("evaluate", {"asset": "00" * 32, "kind": "sale"}),
    ("evaluate", {"asset": "00" * 31, "kind": "sale", "requester": "a@b"}),
    ("evaluate", {"asset": "00" * 32, "kind": "sale", "requester": "a@b", "price": -1}),
    ("evaluate", {"asset": "00" * 32, "kind": "steal", "requester": "a@b"}),
    ("evaluate", {"asset": "00" * 32, "kind": "sale", "requester": "a@b", "height": 10**9}),
    ("evaluate", {"asset": "00" * 32, "kind": "sale", "requester": "a@b", "height": -1}),
    ("evaluate", {"asset": "00" * 32, "kind": "sale", "requester": "a@b"}),
    ("replay", {"source": "policy"}),
    ("replay", {"source": "policy p version 1 schema remarque@1 {}", "requests": 0}),
    ("replay", {"source": "policy p version 1 schema remarque@1 {}", "requests": 10**6}),
]


@pytest.mark.parametrize(("route", "body"), BAD, ids=[f"{route}-{n}" for n, (route, _) in enumerate(BAD)])
def test_a_bad_question_is_refused_with_a_code(route: str, body: dict[str, Any], one_node: Cluster) -> None:
    with (
        Client(one_node.url("node1"), CREATOR, one_node.key(CREATOR)) as client,
        pytest.raises(RemarqueError) as refused,
    ):
        client.request("POST", f"/v1/policies/{route}", json.dumps(body).encode())

    assert refused.value.code in ("REQUEST_MALFORMED", "ASSET_UNKNOWN", "NOT_FOUND", "POLICY_INVALID")
    assert 400 <= refused.value.status < 500
