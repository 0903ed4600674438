"""The last requests under another policy, and questions about any height: what comes out, and that nothing is done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from asgi import answer_of
from consortium import a_digest, registering
from msgspec import UNSET, convert
from written_chain import WrittenChain

import contracts_vm
from ledger import records
from ledger.actions import BuyToken, ListToken, MintToken, Propose, PublishPolicy, RequestAccess, SetPolicy
from ledger.errors import LedgerError
from ledger.execution.governance import proposal_id
from ledger.execution.holding import token_id
from ledger.governance import Replayed, SetConsortiumPolicy
from ledger.version import NEWEST
from node.api import policies, proposals
from node.api.app import make_app
from node.api.member import Member
from node.chain.reading import Reading
from node.policies import replaying
from node.policies.asking import evaluate, faults_of, parsed
from node.policies.redaction import explained
from node.policies.replaying import BindingAll, PastState, Replays
from remarque.api.explanations import Explanation
from remarque.api.policies import Evaluation, Question, Replay, in_short
from remarque.errors import NodeCode, NodeError

TOKEN = token_id(a_digest("picture"))
CALM = """policy calm version {version} schema remarque@1 {{
  permit view as always when true;
  {rule}
}}"""
STRICT = (
    contracts_vm.default_policy_source()
    .replace("policy asset_default", "policy strict")
    .replace("permit sale, transfer", "permit transfer")
)
"""The default policy, but for sales."""


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


def replays(written: WrittenChain) -> Replays:
    return Replays(written.chain, Reading(written.chain))


def replayed(written: WrittenChain, rule: str, requests: int = 100) -> Replay:
    policy = contracts_vm.parse(CALM.format(version=2, rule=rule))
    return asyncio.run(replays(written).newest(policy, requests))


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


def test_it_is_said_what_a_policy_stood_in_for_and_that_it_was_nothing(written: WrittenChain) -> None:
    nowhere = contracts_vm.parse("policy nowhere version 1 schema remarque@1 { forbid * as all_of_it when true; }")

    found = asyncio.run(replays(written).newest(nowhere, 100))
    binding = asyncio.run(replays(written).newest(nowhere, 100, under=BindingAll))

    assert replayed(written, "").replaces == ("calm@1",)
    assert (found.replaces, found.different) == ((), 0)
    assert binding.replaces is msgspec.UNSET
    assert binding.different >= 1


def test_only_as_many_requests_as_asked_for_are_replayed_the_newest_first(written: WrittenChain) -> None:
    assert replayed(written, "", requests=1).first == 6
    assert replayed(written, "forbid sale as quiet when true;", requests=1).different == 0


def test_a_policy_proposed_for_all_assets_is_replayed_in_the_place_of_the_consortiums(written: WrittenChain) -> None:
    policy = contracts_vm.parse(STRICT)

    found = asyncio.run(replays(written).newest(policy, 100, under=BindingAll))
    told = in_short(found)
    written.block(written.ask(registering("later")))
    again = asyncio.run(replays(written).again("p", policy, told))

    (only,) = found.differences
    assert (only.height, only.after.code, only.after.decision) == (5, "POLICY_DENIED", "NOT_PERMITTED")
    with pytest.raises(NodeError, match="NOT_FOUND"):
        asyncio.run(replays(written).again("p", policy, msgspec.structs.replace(told, first=0)))
    assert again == found, "whoever replays the same blocks later finds the same"
    assert asyncio.run(replays(written).newest(policy, 100)).different == 0


def test_what_no_rule_was_asked_about_and_what_another_rule_says_alike_is_no_difference(written: WrittenChain) -> None:
    renamed = STRICT.replace("permit transfer,", "permit sale, transfer,").replace("holder_disposes", "holders")
    written.block(written.ask(PublishPolicy(source=renamed), signer="alice@studio"))

    found = asyncio.run(replays(written).newest(contracts_vm.parse(renamed), 100, under=BindingAll))

    assert (found.requests, found.different, found.differences) == (8, 0, ())


def proposing(written: WrittenChain, told: Replayed) -> str:
    """Id of a proposal of the strict policy, with what is told of its replay."""
    change = SetConsortiumPolicy(policy="strict", version=1)
    until = written.chain.committed.time_ms + 60_000
    signed = written.ask(Propose(changes=(change,), until_ms=until, replay=told), signer="root@studio")
    assert written.chain.finals.at(written.block(signed)).results.outcomes[0].code == "OK"
    return proposal_id(signed.id, 0)


def test_a_proposal_tells_the_truth_only_if_all_its_counts_do(written: WrittenChain) -> None:
    written.block(written.ask(PublishPolicy(source=STRICT), signer="alice@studio"))
    truth = in_short(asyncio.run(replays(written).newest(contracts_vm.parse(STRICT), 100, under=BindingAll)))
    lies = [
        msgspec.structs.replace(truth, **lie)
        for lie in ({"different": 0}, {"requests": 10_000}, {"decisions": 0}, {"first": 2}, {"digest": "00" * 32})
    ]

    for told in (truth, *lies):
        proposal = proposing(written, told)
        app = make_app("0", [proposals.routes(written.chain, replays(written), lambda: "")])
        status, found = asyncio.run(answer_of(app, "GET", f"/v1/proposals/{proposal}/replay"))
        assert (status, found["holds"]) == (200, told == truth), told


def test_one_replay_is_made_at_a_time_and_that_of_a_proposal_once(written: WrittenChain) -> None:
    policy, making = contracts_vm.parse(STRICT), replays(written)

    async def story() -> tuple[Any, ...]:
        asked = [making.newest(policy, 100, under=BindingAll), making.newest(policy, 100)]
        first, refused = await asyncio.gather(*asked, return_exceptions=True)
        told = in_short(first)
        return first, refused, await making.again("p", policy, told), await making.again("p", policy, told)

    first, refused, again, kept = asyncio.run(story())

    assert (refused.code, refused.retry_after) == (NodeCode.OVERLOADED, replaying.RETRY_SECONDS)
    assert again == first
    assert kept is again


def test_few_replays_are_kept(written: WrittenChain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "KEPT_MAX", 2)
    policy, making = contracts_vm.parse(STRICT), replays(written)
    told = in_short(asyncio.run(replays(written).newest(policy, 100, under=BindingAll)))

    async def story() -> list[Replay]:
        return [await making.again(proposal, policy, told) for proposal in ("a", "b", "b", "c", "a")]

    first, b, again_b, _, again_a = asyncio.run(story())

    assert again_b is b
    assert again_a == first
    assert again_a is not first


def test_a_replay_ends_with_the_block_that_fills_it_and_keeps_few_differences(
    written: WrittenChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "REQUESTS_MAX", 7)
    monkeypatch.setattr(replaying, "DIFFERENCES_MAX", 3)
    policy = contracts_vm.parse(STRICT.replace("permit mint as", "permit grant as"))
    for block in range(3):
        names = [f"{block}.{number}" for number in range(4)]
        written.block(*(written.ask(registering(name), MintToken(asset=a_digest(name))) for name in names))
    told = in_short(asyncio.run(replays(written).newest(policy, 1, under=BindingAll)))

    found = asyncio.run(replays(written).again("p", policy, msgspec.structs.replace(told, first=1)))

    assert (found.first, found.last, found.requests, found.different) == (8, 9, 8, 8)
    newest = [signed.id for signed in written.chain.finals.at(9).block.transactions]
    assert [one.transaction for one in found.differences] == newest[:0:-1]


def test_a_large_block_is_replayed_in_many_pieces(written: WrittenChain, monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting(Reading):
        pieces = 0

        async def piece(self, work: Any, *arguments: Any, **named: Any) -> Any:
            self.pieces += 1
            return await super().piece(work, *arguments, **named)

    monkeypatch.setattr("node.chain.reading.STEPS_SECONDS", 0.0)
    written.block(*(written.ask(registering(number)) for number in range(50)))
    reading = Counting(written.chain)

    found = asyncio.run(Replays(written.chain, reading).newest(contracts_vm.parse(STRICT), 50))

    assert found.requests == 50
    assert reading.pieces > 2 * 50


def test_remembered_ids_are_not_walked_to_read_the_past(written: WrittenChain, monkeypatch: pytest.MonkeyPatch) -> None:
    walk = written.chain.state.keys

    def watched(prefix: str) -> Iterator[str]:
        return pytest.fail(f"{prefix} is walked") if prefix == records.SEEN_PREFIX else walk(prefix)

    monkeypatch.setattr(written.chain.state, "keys", watched)

    assert list(PastState(written.chain.state, 3).keys(records.SEEN_PREFIX)) == []
    asyncio.run(replays(written).newest(contracts_vm.parse(STRICT), 1))


def test_a_policy_that_a_question_brings_is_parsed_off_the_loop(
    written: WrittenChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watched(source: str) -> contracts_vm.Policy:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return parsed(source)

    monkeypatch.setattr(policies, "parsed", watched)
    member = Member("bob@agency", lambda: True)
    routes = policies.routes(written.chain, Reading(written.chain), replays(written), lambda: member)
    question = {"asset": a_digest("picture"), "kind": "sale", "requester": "bob@agency", "source": STRICT}

    asked = answer_of(make_app("0", [routes]), "POST", "/v1/policies/evaluate", json.dumps(question).encode())
    status, found = asyncio.run(asked)

    assert (status, found["height"]) == (200, 6)


def test_replaying_changes_nothing(written: WrittenChain) -> None:
    before = (written.chain.committed, list(written.chain.state.items()), written.chain.log.root())

    replayed(written, "forbid * as all when true;")

    assert (written.chain.committed, list(written.chain.state.items()), written.chain.log.root()) == before


def asked(written: WrittenChain, height: int, **about: Any) -> Evaluation:
    question = Question(**({"asset": a_digest("picture"), "kind": "sale", "requester": "alice@studio"} | about))
    instead = parsed(question.source) if question.source else None
    return evaluate(written.chain.state, question, instead, height, written.chain.header(height).time_ms, NEWEST)


def test_a_question_is_answered_on_the_state_of_its_height(written: WrittenChain) -> None:
    assert asked(written, 4).allowed
    assert not asked(written, 5).allowed
    assert asked(written, 5, requester="bob@agency").allowed
    with pytest.raises(LedgerError, match="ASSET_UNKNOWN"):
        asked(written, 1)


def test_a_question_may_bring_a_policy_that_is_not_published(written: WrittenChain) -> None:
    source = CALM.format(version=9, rule="forbid sale as cheap when has(tx.price) && tx.price < 5000;")

    found = asked(written, 4, source=source, price=1_000)

    assert not found.allowed
    assert found.explanation.rule == "cheap"
    assert asked(written, 4, source=source, price=9_000).allowed
    with pytest.raises(LedgerError, match=r"POLICY_INVALID.*SYNTAX"):
        asked(written, 4, source="policy")


@pytest.mark.parametrize(
    ("reader", "seen"),
    [("", False), ("carol@club", False), ("bob@agency", False), ("alice@studio", True)],
)
def test_only_the_owner_sees_what_the_rules_read_of_the_asset(written: WrittenChain, reader: str, seen: bool) -> None:
    final = written.chain.finals.at(6)
    whole = convert(final.results.explanations[0], tuple[Explanation, ...])

    shown = explained(written.chain.ledger(), reader, final.block.transactions[0], whole)

    parts = {part.expr: part for rule in shown[0].rules for part in rule.why}
    assert shown[0].code == whole[0].code
    assert (parts["asset.owner"].value is not UNSET) == seen
    assert bool(parts["asset.owner"].withheld) != seen
    assert (parts["requester.id"].value is not UNSET) == (reader in ("bob@agency", "alice@studio"))


def test_faults_are_told_with_their_places() -> None:
    good = faults_of(CALM.format(version=1, rule=""))
    bad = faults_of(CALM.format(version=1, rule="permit sale when asset.ownr == requester.id;"))
    none = faults_of(b"\xff")
    fault = next(one for one in bad.problems if one.severity == "error")

    assert (good.holds, good.policy) == (True, "calm@1")
    assert set(good.fuel) == {"always"}
    assert 0 < good.fuel["always"] < 10_000
    assert (bad.holds, fault.code, fault.line) == (False, "FIELD_UNKNOWN", 3)
    assert "owner" in fault.message
    assert (none.holds, none.problems[0].code) == (False, "SOURCE_NOT_UTF8")
