"""The last requests under another policy, and questions about any height: what comes out, and that nothing is done."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from consortium import a_digest, registering
from written_chain import WrittenChain

import contracts_vm
from ledger.actions import BuyToken, ListToken, MintToken, PublishPolicy, RequestAccess, SetPolicy
from ledger.encoding import encode
from ledger.errors import LedgerError
from ledger.execution.holding import token_id
from ledger.governance import Replayed
from ledger.version import NEWEST
from node.errors import NodeError
from node.policies.asking import Question, evaluate, faults_of
from node.policies.redaction import explained
from node.policies.replaying import BindingAll, Replay, replay, replay_again
from node.reading import Reading

TOKEN = token_id(a_digest("picture"))
COUNTS = ("policy", "first", "last", "requests", "decisions", "different")
CALM = """policy calm version {version} schema remarque@1 {{
  permit view as always when true;
  {rule}
}}"""


@pytest.fixture
def written(tmp_path: Path) -> Iterator[WrittenChain]:
    """Two pictures; one is minted, listed and sold under a policy of its own; the other is shown to nobody."""
    chain = WrittenChain(tmp_path)
    chain.block(chain.ask(PublishPolicy(source=CALM.format(version=1, rule="")), signer="alice@studio"))
    chain.block(
        chain.ask(registering("picture"), MintToken(asset=a_digest("picture"))),
        chain.ask(registering("secret", confidential=True)),
    )
    chain.block(chain.ask(SetPolicy(asset=a_digest("picture"), policy="calm", version=1)))
    until = chain.chain.committed.time_ms + 60_000
    chain.block(chain.ask(ListToken(token=TOKEN, price=1_000, currency="EUR", until_ms=until)))
    chain.block(chain.ask(BuyToken(token=TOKEN, price=1_000, currency="EUR"), signer="bob@agency"))
    chain.block(
        chain.ask(RequestAccess(asset=a_digest("secret"), reader_key="00" * 32, purpose=""), signer="bob@agency")
    )
    yield chain
    chain.close()


def replayed(written: WrittenChain, rule: str, requests: int = 100) -> Replay:
    policy = contracts_vm.parse(CALM.format(version=2, rule=rule))
    return asyncio.run(replay(written.chain, Reading(written.chain), policy, requests))


def test_the_same_rules_in_other_words_decide_nothing_otherwise(written: WrittenChain) -> None:
    found = replayed(written, "forbid sale as never when false;")

    assert (found.policy, found.requests, found.different) == ("calm@2", 7, 0)
    assert found.decisions >= 4
    assert (found.first, found.last) == (1, 6)


def test_a_sale_that_would_have_been_refused_is_shown_with_both_decisions(written: WrittenChain) -> None:
    found = replayed(written, "forbid sale as quiet when tx.kind == 'sale';")

    (only,) = found.differences
    assert only.height == 5
    assert only.kinds == ("sale",)
    assert (only.before.code, only.after.code) == ("OK", "POLICY_DENIED")
    assert (only.after.decision, only.after.rule) == ("FORBIDDEN", "quiet")


def test_only_as_many_requests_as_asked_for_are_replayed_the_newest_first(written: WrittenChain) -> None:
    assert replayed(written, "", requests=1).first == 6
    assert replayed(written, "forbid sale as quiet when true;", requests=1).different == 0
    for count in (0, 10_001):
        with pytest.raises(NodeError):
            replayed(written, "", requests=count)


def test_a_policy_proposed_for_all_assets_is_replayed_in_the_place_of_the_consortiums(written: WrittenChain) -> None:
    source = contracts_vm.default_policy_source().replace("policy asset_default", "policy strict")
    policy = contracts_vm.parse(source.replace("permit sale, transfer", "permit transfer"))

    found = asyncio.run(replay(written.chain, Reading(written.chain), policy, 100, under=BindingAll))
    told = Replayed(**{name: getattr(found, name) for name in COUNTS}, digest=hashlib.sha256(encode(found)).hexdigest())
    written.block(written.ask(registering("later")))
    again = asyncio.run(replay_again(written.chain, Reading(written.chain), policy, told))

    (only,) = found.differences
    assert (only.height, only.after.code, only.after.decision) == (5, "POLICY_DENIED", "NOT_PERMITTED")
    for wrong in ({"first": 0}, {"last": 10**9}):
        with pytest.raises(NodeError, match="NOT_FOUND"):
            asyncio.run(
                replay_again(written.chain, Reading(written.chain), policy, msgspec.structs.replace(told, **wrong))
            )
    assert again == found, "whoever replays the same blocks later finds the same"
    assert asyncio.run(replay(written.chain, Reading(written.chain), policy, 100)).different == 0


def test_replaying_changes_nothing(written: WrittenChain) -> None:
    before = (written.chain.committed, list(written.chain.state.items()), written.chain.log.root())

    replayed(written, "forbid * as all when true;")

    assert (written.chain.committed, list(written.chain.state.items()), written.chain.log.root()) == before


def asked(written: WrittenChain, height: int, **about: Any) -> dict[str, Any]:
    question = Question(**({"asset": a_digest("picture"), "kind": "sale", "requester": "alice@studio"} | about))
    return evaluate(written.chain.state, question, height, written.chain.header(height).time_ms, NEWEST)


def test_a_question_is_answered_on_the_state_of_its_height(written: WrittenChain) -> None:
    assert asked(written, 4)["allowed"]
    assert not asked(written, 5)["allowed"]
    assert asked(written, 5, requester="bob@agency")["allowed"]
    with pytest.raises(LedgerError, match="ASSET_UNKNOWN"):
        asked(written, 1)


def test_a_question_may_bring_a_policy_that_is_not_published(written: WrittenChain) -> None:
    source = CALM.format(version=9, rule="forbid sale as cheap when has(tx.price) && tx.price < 5000;")

    found = asked(written, 4, source=source, price=1_000)

    assert not found["allowed"]
    assert found["explanation"]["rule"] == "cheap"
    assert asked(written, 4, source=source, price=9_000)["allowed"]
    with pytest.raises(NodeError, match="SYNTAX"):
        asked(written, 4, source="policy")
    with pytest.raises(NodeError, match="rules decide"):
        asked(written, 4, kind="steal")


@pytest.mark.parametrize(
    ("reader", "seen"),
    [("", False), ("carol@club", False), ("bob@agency", False), ("alice@studio", True)],
)
def test_only_the_owner_sees_what_the_rules_read_of_the_asset(written: WrittenChain, reader: str, seen: bool) -> None:
    final = written.chain.final(6)
    whole = final.results.explanations[0]

    shown = explained(written.chain.ledger(), reader, final.block.transactions[0], whole)

    parts = {part["expr"]: part for rule in shown[0]["rules"] for part in rule["why"]}
    assert shown[0]["code"] == whole[0]["code"]
    assert ("value" in parts["asset.owner"]) == seen
    assert parts["asset.owner"].get("withheld", False) != seen
    assert ("value" in parts["requester.id"]) == (reader in ("bob@agency", "alice@studio"))


def test_faults_are_told_with_their_places() -> None:
    good = faults_of(CALM.format(version=1, rule=""))
    bad = faults_of(CALM.format(version=1, rule="permit sale when asset.ownr == requester.id;"))
    none = faults_of(b"\xff")
    fault = next(one for one in bad["problems"] if one["severity"] == "error")

    assert (good["holds"], good["policy"]) == (True, "calm@1")
    assert set(good["fuel"]) == {"always"}
    assert 0 < good["fuel"]["always"] < 10_000
    assert (bad["holds"], fault["code"], fault["line"]) == (False, "FIELD_UNKNOWN", 3)
    assert "owner" in fault["message"]
    assert (none["holds"], none["problems"][0]["code"]) == (False, "SOURCE_NOT_UTF8")
