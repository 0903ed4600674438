"""What was is told as it stood, with the transactions that made it so."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from consortium import a_digest, registering
from written_chain import WrittenChain

from ledger import actions, records
from ledger.execution.governance import proposal_id
from ledger.execution.holding import token_id
from ledger.governance import SetParameters, SuspendOrg, proposal_key
from ledger.receipt import encode_receipt, verify_receipt
from node.api.as_of import asset_at, entries_at, height_meant
from node.chain.reading import Reading
from remarque.errors import NodeCode, NodeError

ASSET = a_digest(1)
TOKEN = token_id(ASSET)


def a_story(written: WrittenChain) -> list[Any]:
    """Recorded, minted, listed, sold: a block each; the transactions."""
    steps = [
        written.ask(registering(1)),
        written.ask(actions.MintToken(asset=ASSET)),
        written.ask(
            actions.ListToken(token=TOKEN, price=1_000, currency="EUR", until_ms=written.chain.tip.time_ms + 10**7)
        ),
        written.ask(actions.BuyToken(token=TOKEN, price=1_000, currency="EUR"), signer="bob@agency"),
    ]
    for step in steps:
        written.block(step, after_ms=1_000)
        assert written.chain.finals.at(written.chain.committed.height).results.outcomes[0].code == "OK"
    return steps


def values(written: WrittenChain, key: str, height: int) -> tuple[Any, int, list[str]]:
    (entry,) = asyncio.run(entries_at(written.chain, Reading(written.chain), [key], height))
    value = None if entry.value is msgspec.UNSET else msgspec.json.decode(entry.value)
    return value, entry.since, list(entry.transactions)


def test_every_height_shows_what_stood_then_and_what_made_it_so(tmp_path: Path) -> None:
    written = WrittenChain(tmp_path)
    steps = a_story(written)

    owners = [values(written, records.token_key(TOKEN), height) for height in range(5)]

    names = [value and value["owner"] for value, _, _ in owners]
    assert names == [None, None, "alice@studio", "alice@studio", "bob@agency"]
    assert [since for _, since, _ in owners] == [0, 0, 2, 2, 4]
    assert [made for _, _, made in owners] == [[], [], [steps[1].id], [steps[1].id], [steps[3].id]]
    listed = [values(written, records.listing_key(TOKEN), height)[0] is not None for height in range(5)]
    assert listed == [False, False, False, True, False]
    before, after = (values(written, records.balance_key("bob@agency", "EUR"), height) for height in (3, 4))
    assert after[0] == before[0] - 1_000
    assert after[1:] == (4, [steps[3].id])
    written.close()


def test_the_transactions_named_have_receipts_that_hold(tmp_path: Path) -> None:
    written = WrittenChain(tmp_path)
    a_story(written)

    _, since, (made,) = values(written, records.token_key(TOKEN), 4)

    place = written.chain.state.locate(made)
    assert place is not None
    assert place[0] == since
    receipt = written.chain.finals.receipt(written.chain.finals.at(since), place[1])
    assert verify_receipt(encode_receipt(receipt), written.chain.genesis).signed.id == made
    written.close()


def test_a_vote_that_ends_another_orgs_proposal_is_what_changed_that_org(tmp_path: Path) -> None:
    written = WrittenChain(tmp_path)
    until = written.chain.tip.time_ms + 10**7
    proposed = written.ask(actions.Propose(changes=(SuspendOrg(org="agency"),), until_ms=until), signer="root@studio")
    written.block(proposed)
    proposal = proposal_id(proposed.id, 0)
    vote = written.ask(actions.CastVote(proposal=proposal, approve=True), signer="root@club")
    written.block(written.ask(registering(1)), vote, written.ask(registering(2), signer="bob@agency"))

    for key in (records.org_key("studio"), proposal_key(proposal)):
        _, since, made = values(written, key, 2)
        assert since == 2
        assert vote.id in made
    assert values(written, records.org_key("studio"), 2)[0].get("proposals", []) == []
    written.close()


def test_a_proposal_is_marked_as_ended_by_the_next_one_of_its_org(tmp_path: Path) -> None:
    written = WrittenChain(tmp_path)

    def proposing(end_ms: int) -> Any:
        until, change = written.chain.tip.time_ms + end_ms, SetParameters(block_bytes_max=512 * 1024)
        return written.ask(actions.Propose(changes=(change,), until_ms=until), signer="root@studio")

    first = proposing(5_000)
    written.block(first)
    second = proposing(10**7)
    written.block(second, after_ms=6_000)

    value, since, made = values(written, proposal_key(proposal_id(first.id, 0)), 2)

    assert (value["status"], since, made) == ("expired", 2, [second.id])
    written.close()


def test_an_asset_is_shown_with_owner_policies_and_the_grants_of_that_height(tmp_path: Path) -> None:
    written = WrittenChain(tmp_path)
    until = written.chain.tip.time_ms + 10**7
    sealed = actions.SealedKey(node="node1", sealed="ab" * 80)
    content = msgspec.structs.replace(registering(1).content, sealed_keys=(sealed,))
    written.block(written.ask(registering(1, confidential=True, content=content, image_code=msgspec.UNSET)))
    written.block(written.ask(actions.GrantAccess(asset=ASSET, account="bob@agency", until_ms=until)))
    written.block(written.ask(actions.RevokeAccess(asset=ASSET, account="bob@agency")))
    empty = actions.PublishPolicy(source="policy house version 1 schema remarque@1 { }")
    written.block(written.ask(empty, actions.SetOrgPolicy(policy="house", version=1)))
    shown = [asyncio.run(asset_at(written.chain, Reading(written.chain), ASSET, height)) for height in range(5)]

    assert [one.owner is not msgspec.UNSET for one in shown] == [False, True, True, True, True]
    granted = [[msgspec.json.decode(grant)["account"] for grant in one.grants] for one in shown]
    assert granted == [[], [], ["bob@agency"], [], []]
    policies = [[one.policy for one in view.policies or ()] for view in shown]
    assert policies == [[], *([["asset_default@1"]] * 3), ["asset_default@1", "house@1"]]
    written.close()


def test_a_time_means_the_newest_block_not_after_it(tmp_path: Path) -> None:
    written = WrittenChain(tmp_path)
    a_story(written)
    times = [written.chain.header(height).time_ms for height in range(5)]

    async def at(time_ms: int) -> int:
        return await height_meant(written.chain, Reading(written.chain), None, time_ms)

    for height, time in enumerate(times):
        assert asyncio.run(at(time)) == height
        assert height == 0 or asyncio.run(at(time - 1)) == height - 1
    assert asyncio.run(at(times[-1] + 10**9)) == 4
    with pytest.raises(NodeError, match="name a later time"):
        asyncio.run(at(times[0] - 1))
    written.close()


@pytest.mark.parametrize(
    ("height", "time_ms", "code"),
    [(None, None, NodeCode.REQUEST_MALFORMED), (1, 1, NodeCode.REQUEST_MALFORMED), (9, None, NodeCode.NOT_FOUND)],
)
def test_what_cannot_be_meant_is_refused(
    height: int | None, time_ms: int | None, code: NodeCode, tmp_path: Path
) -> None:
    written = WrittenChain(tmp_path)

    with pytest.raises(NodeError) as refused:
        asyncio.run(height_meant(written.chain, Reading(written.chain), height, time_ms))

    assert refused.value.code is code
    written.close()


def test_what_stood_is_the_same_after_a_restart(tmp_path: Path) -> None:
    written = WrittenChain(tmp_path)
    a_story(written)
    before = [values(written, records.token_key(TOKEN), height) for height in range(5)]
    written.close()

    again = WrittenChain(tmp_path)

    assert [values(again, records.token_key(TOKEN), height) for height in range(5)] == before
    again.close()
