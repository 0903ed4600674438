"""Requests to be shown a picture at a node: who may show, whose keys count, what the rules see, and what is kept."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import Any

import pytest
from consortium import START_MS, State, a_digest, a_genesis, key_of, registering
from msgspec import UNSET
from msgspec.structs import replace

from ledger import actions, records
from ledger.encoding import decode, encode
from ledger.errors import Code
from ledger.events import AccessAllowed
from ledger.execution.context import SIGNATURE_FUEL
from ledger.execution.policy import Asked, may
from ledger.execution.view import Ledger
from ledger.node_certificate import make_certificate
from ledger.viewing import MARK_BITS, ViewerKey, viewing_mark

ALICE, BOB, CAROL, CLUB = "alice@studio", "bob@agency", "carol@club", "root@club"
SECRET, READER = a_digest("secret"), "ab" * 32
AT_A_VIEWER = """policy shown version 1 schema remarque@1 {
  require view as at_a_viewer when requester.id == asset.owner || has(request.viewer) && request.viewer == asset.org
    reason "it is shown by a node of its org, and given to nobody";
}"""


@pytest.fixture
def state() -> State:
    """Alice's confidential picture, which bob and carol may see for a while."""
    made = State(a_genesis())
    assert made.do(ALICE, registering("secret", confidential=True)).code == "OK"
    for account in (BOB, CAROL):
        granting = actions.GrantAccess(asset=SECRET, account=account, until_ms=START_MS + 10**6)
        assert made.do(ALICE, granting).code == "OK"
    return made


def asking(state: State, account: str = BOB, node: str = "node1", **changes: Any) -> actions.RequestAccess:
    """A request to be shown the picture, with what the node signed; changed afterwards where it is said so."""
    parts = {"chain": state.genesis.chain, "node": node, "asset": SECRET, "account": account, "reader_key": READER}
    by = changes.pop("by", node)
    said = ViewerKey(**(parts | changes.pop("signed", {})))
    viewer = actions.Viewer(node=node, signature=said.signed(key_of(by)))
    return replace(actions.RequestAccess(asset=SECRET, reader_key=READER, purpose="proof", viewer=viewer), **changes)


def shown(state: State, account: str, ask: actions.RequestAccess) -> tuple[AccessAllowed, records.Viewing]:
    (event,) = state.do(account, ask).events
    assert isinstance(event, AccessAllowed)
    return event, decode(state.get(records.viewing_key(event.mark)) or b"", records.Viewing)


def test_each_viewing_has_a_mark_of_its_own_which_names_it(state: State) -> None:
    first, kept = shown(state, BOB, asking(state))
    second, other = shown(state, CAROL, asking(state, CAROL, "node2"))

    assert (first.viewer, second.viewer) == ("node1", "node2")
    assert first.mark != second.mark
    assert (kept.account, kept.node, kept.asset, kept.purpose) == (BOB, "node1", SECRET, "proof")
    assert (other.account, other.height, other.time_ms) == (CAROL, state.height, state.time_ms)
    assert kept.transaction != other.transaction


def test_a_request_without_a_viewer_is_as_it_was(state: State) -> None:
    (event,) = state.do(BOB, actions.RequestAccess(asset=SECRET, reader_key=READER, purpose="")).events

    assert (event.viewer, event.mark) == ("", "")
    assert not [*state.keys("viewing")]


FALSE: dict[str, dict[str, Any]] = {
    "another reader key": {"reader_key": "cd" * 32},
    "a key signed for another asset": {"signed": {"asset": a_digest("other")}},
    "a key signed for another account": {"signed": {"account": CAROL}},
    "a key signed on another chain": {"signed": {"chain": "another-00000000"}},
    "a key of another node": {"signed": {"node": "node2"}},
    "a key signed by another node": {"by": "node2"},
    "a key that its reader signed": {"by": BOB},
}


@pytest.mark.parametrize("false", sorted(FALSE))
def test_what_the_node_did_not_sign_for_this_request_is_refused(state: State, false: str) -> None:
    assert state.do(BOB, asking(state, **FALSE[false])).code == Code.VIEWER_INVALID.name
    assert not [*state.keys("viewing")]


def test_a_node_that_is_shut_out_or_of_a_suspended_org_shows_nothing(state: State) -> None:
    key = key_of("watcher")
    adding = actions.AddNode(node="watcher", key=key.public, certificate=make_certificate(key).hex())
    assert state.do(CLUB, adding).code == "OK"
    assert state.do(BOB, asking(state, node="watcher")).code == "OK"
    assert state.do(CLUB, actions.RemoveNode(node="watcher")).code == "OK"

    assert state.do(BOB, asking(state, node="watcher")).code == Code.NODE_UNKNOWN.name
    assert state.do(BOB, asking(state, node="nowhere")).code == Code.NODE_UNKNOWN.name

    org = decode(state.get(records.org_key("club")) or b"", records.Org)
    state.values[records.org_key("club")] = encode(replace(org, suspended=True))
    assert state.do(BOB, asking(state, node="node3")).code == Code.ORG_SUSPENDED.name


def test_a_policy_lets_a_picture_be_seen_through_a_node_of_its_org_only(state: State) -> None:
    assert state.do(ALICE, actions.PublishPolicy(source=AT_A_VIEWER)).code == "OK"
    assert state.do(ALICE, actions.SetPolicy(asset=SECRET, policy="shown", version=1)).code == "OK"
    plain = replace(asking(state), viewer=UNSET)

    assert state.do(BOB, plain).code == Code.POLICY_DENIED.name
    assert state.do(BOB, asking(state, node="node2")).code == Code.POLICY_DENIED.name
    assert not [*state.keys("viewing")], "what was denied was not shown"
    assert state.do(BOB, asking(state)).code == "OK"
    assert state.do(ALICE, plain).code == "OK"

    ledger = Ledger(state)
    asked_now = (ledger.asset(SECRET), "view", BOB, state.height, state.time_ms, 40_000)
    through = [Asked(request={"viewer": org}) for org in (UNSET, "agency", "studio")]
    assert [may(ledger, *asked_now, asked) for asked in through] == [False, False, True]


def test_checking_what_a_node_signed_is_paid_for(state: State) -> None:
    def is_enough(fuel: int, ask: actions.RequestAccess) -> bool:
        poor = State(a_genesis(parameters=replace(state.genesis.parameters, transaction_fuel_max=fuel)))
        poor.values |= {key: state.values[key] for key in state.values if key.startswith(("asset/", "grant/"))}
        signed = replace(ask, viewer=asking(poor).viewer) if ask.viewer is not UNSET else ask
        return poor.do(BOB, signed).code == "OK"

    plain, ask = replace(asking(state), viewer=UNSET), asking(state)
    least = bisect_left(range(20_000), True, key=lambda fuel: is_enough(fuel, plain))

    assert not is_enough(least + SIGNATURE_FUEL - 1, ask)
    assert is_enough(least + SIGNATURE_FUEL, ask)


def test_no_two_of_many_viewings_share_a_mark_and_near_ones_differ_in_many_bits() -> None:
    marks = [int(viewing_mark(number), 16) for number in range(1, 100_000)]

    assert len({*marks}) == len(marks)
    assert max(marks) < 1 << MARK_BITS
    near = [(one ^ other).bit_count() for one, other in pairwise(marks)]
    assert min(near) >= 8
    assert sum(near) / len(near) > 12
