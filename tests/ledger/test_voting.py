"""Who votes is changed by vote: one node a block, within bounds, and headers name who certifies next."""

from __future__ import annotations

from typing import Any

import pytest
from consortium import State, key_of
from governed import ADMINISTRATORS, a_governed_state, decided, propose, vote
from msgspec import UNSET
from msgspec.structs import replace

from ledger import actions
from ledger.block import Block, Outcome, Voter, Voters
from ledger.encoding import decode
from ledger.events import NodeRemoved, OrgRemoved, VoterAdded, VoterRemoved
from ledger.execution.node import NODES_ADDED_MAX
from ledger.execution.voting import VOTERS_MAX
from ledger.genesis import genesis_header
from ledger.governance import RemoveOrg, ReplaceNode, ResumeOrg, SetVoter, ShutOutNode, SuspendOrg
from ledger.node_certificate import make_certificate
from ledger.records import NodeRecord, Org, node_key, org_key
from ledger.succession import changes_voters, continues, next_voters


def added(state: State, name: str, org: str = "club") -> str:
    key = key_of(name)
    certificate = make_certificate(key).hex()
    return state.do(ADMINISTRATORS[org], actions.AddNode(node=name, key=key.public, certificate=certificate)).code


def refused(state: State, *changes: Any) -> str:
    """Why a proposal is refused."""
    ask = actions.Propose(changes=changes, until_ms=state.time_ms + 86_400_000)
    return state.detail("root@studio", ask)


def node(state: State, name: str) -> NodeRecord | None:
    data = state.get(node_key(name))
    return None if data is None else decode(data, NodeRecord)


def voting(state: State, name: str) -> bool:
    found = node(state, name)
    return found is not None and found.votes


def org(state: State, name: str) -> Org:
    return decode(state.get(org_key(name)) or b"", Org)


@pytest.fixture
def governed() -> State:
    state = a_governed_state()
    assert added(state, "fourth") == "OK"
    return state


def test_a_vote_lets_a_node_vote_and_another_lets_it_vote_no_more(governed: State) -> None:
    began = decided(governed, SetVoter(node="fourth", votes=True))
    assert began.events[-1] == VoterAdded(node="fourth", org="club", key=key_of("fourth").public)
    assert voting(governed, "fourth")

    ended = decided(governed, SetVoter(node="fourth", votes=False))
    assert ended.events[-1] == VoterRemoved(node="fourth", org="club")
    assert not voting(governed, "fourth")


def test_what_is_so_already_is_refused_and_so_is_a_node_that_there_is_not(governed: State) -> None:
    assert "NOTHING_TO_CHANGE" in refused(governed, SetVoter(node="fourth", votes=False))
    assert "NOTHING_TO_CHANGE" in refused(governed, SetVoter(node="node1", votes=True))
    assert "NODE_UNKNOWN" in refused(governed, SetVoter(node="fifth", votes=True))


def test_one_node_at_a_time_in_a_proposal_and_in_a_block(governed: State) -> None:
    both = SetVoter(node="fourth", votes=True), SetVoter(node="node3", votes=False)
    assert "VOTERS_PENDING" in refused(governed, *both)

    proposals = [propose(governed, one)[0] for one in both]
    votes = [
        governed.transaction("root@agency", actions.CastVote(proposal=proposal, approve=True)) for proposal in proposals
    ]
    first, second = governed.run(*votes).outcomes
    assert (first.code, second.code) == ("OK", "CHANGE_FAILED")
    assert vote(governed, proposals[1], "agency").code == "OK", "in the next block it may be asked for again"


def test_there_is_one_voter_at_least_and_there_are_seven_at_most(governed: State) -> None:
    names = [f"node{number}" for number in range(1, 4)]
    for name in names[:2]:
        assert decided(governed, SetVoter(node=name, votes=False)).code == "OK"
    for change in (SetVoter(node="node3", votes=False), ShutOutNode(node="node3")):
        assert "VOTERS_LAST" in refused(governed, change)
    others = [f"more{number}" for number in range(VOTERS_MAX)]
    for name in others:
        assert added(governed, name) == "OK"
    for name in others[: VOTERS_MAX - 1]:
        assert decided(governed, SetVoter(node=name, votes=True)).code == "OK"
    assert "VOTERS_FULL" in refused(governed, SetVoter(node=others[-1], votes=True))
    assert decided(governed, ReplaceNode(node=others[0], by=others[-1])).code == "OK", "one more while one is replaced"
    assert added(governed, "still") == "OK"
    assert "VOTERS_FULL" in refused(governed, ReplaceNode(node=others[1], by="still"))


def test_an_org_removes_its_voter_itself_only_once_another_votes_in_its_place(governed: State) -> None:
    club = ADMINISTRATORS["club"]
    assert governed.do(club, actions.RemoveNode(node="node3")).code == "NODE_VOTES"
    assert decided(governed, ReplaceNode(node="node3", by="fourth")).code == "OK"

    assert decided(governed, SetVoter(node="fourth", votes=False)).code == "OK"
    assert governed.do(club, actions.RemoveNode(node="node3")).code == "NODE_VOTES", "nobody votes in its place"
    assert decided(governed, SetVoter(node="fourth", votes=True)).code == "OK"

    removed = governed.do(club, actions.RemoveNode(node="node3"))
    assert removed.events == (VoterRemoved(node="node3", org="club"), NodeRemoved(node="node3", org="club"))
    assert node(governed, "node3") is None


def test_a_node_takes_the_place_of_a_voter_of_its_own_org_only(governed: State) -> None:
    assert added(governed, "strange", "studio") == "OK"
    assert "ORG_MISMATCH" in refused(governed, ReplaceNode(node="node3", by="strange"))
    assert "NOTHING_TO_CHANGE" in refused(governed, ReplaceNode(node="fourth", by="strange"))
    assert "NODE_VOTES" in refused(governed, ReplaceNode(node="node3", by="node1"))


def test_a_suspended_orgs_node_does_not_begin_to_vote(governed: State) -> None:
    assert decided(governed, SuspendOrg(org="club")).code == "OK"
    assert "ORG_SUSPENDED" in refused(governed, SetVoter(node="fourth", votes=True))


def test_a_founding_voter_that_votes_no_more_counts_among_its_orgs_nodes(governed: State) -> None:
    counted = org(governed, "club").nodes_added
    assert decided(governed, SetVoter(node="node3", votes=False)).code == "OK"
    assert org(governed, "club").nodes_added == counted + 1
    assert governed.do(ADMINISTRATORS["club"], actions.RemoveNode(node="node3")).code == "OK"
    assert org(governed, "club").nodes_added == counted

    assert decided(governed, ShutOutNode(node="node1")).code == "OK"
    assert org(governed, "studio").nodes_added == 0, "it never was one that the org let in"
    for number in range(NODES_ADDED_MAX):
        assert added(governed, f"s{number}", "studio") == "OK"
    assert added(governed, "one-more", "studio") == "NODES_FULL"


def test_an_org_leaves_for_good_once_none_of_its_nodes_votes(governed: State) -> None:
    assert "NODE_VOTES" in refused(governed, RemoveOrg(org="club"))
    assert decided(governed, SetVoter(node="node3", votes=False)).code == "OK"

    left = decided(governed, RemoveOrg(org="club"))
    assert left.events[-3:] == (
        NodeRemoved(node="fourth", org="club"), NodeRemoved(node="node3", org="club"), OrgRemoved(org="club"),
    )  # fmt: skip
    assert governed.do(ADMINISTRATORS["club"], actions.RemoveNode(node="fourth")).code == "ORG_SUSPENDED"
    assert "ORG_REMOVED" in refused(governed, ResumeOrg(org="club"))
    assert "NOTHING_TO_CHANGE" in refused(governed, RemoveOrg(org="club"))


def test_voters_follow_from_what_a_block_did_and_are_never_none() -> None:
    abc = Voters(voters=tuple(Voter(node=name, key=key_of(name).public) for name in "abc"))
    more = Outcome(code="OK", events=(VoterAdded(node="ab", org="club", key=key_of("ab").public),))
    fewer = Outcome(code="OK", events=(VoterRemoved(node="b", org="club"),))

    assert [voter.node for voter in next_voters(abc, (more, fewer)).voters] == ["a", "ab", "c"]
    assert next_voters(abc, ()) == abc
    one = Voters(voters=abc.voters[1:2])
    assert next_voters(one, (fewer,)) == one, "after a recovery the state may mean others to vote than do"
    assert next_voters(one, (Outcome(code="OK", events=(VoterRemoved(node="z", org="club"),)),)) == one


def test_only_an_empty_block_of_a_newer_term_continues_an_epoch_that_has_ended() -> None:
    state = a_governed_state()
    quiet = genesis_header(state.genesis)
    below = replace(quiet, height=5, term=3, next_voters_digest="ab" * 32)
    above = replace(below, height=6, term=4)
    some = (state.transaction("root@club", actions.RemoveNode(node="x")),)

    assert changes_voters(below)
    assert not changes_voters(quiet)
    assert continues(Block(above, "", ()), below)
    assert not continues(Block(replace(above, term=3), "", ()), below), "its leader knows whether the change is final"
    assert not continues(Block(above, "", some), below)
    assert not continues(Block(replace(above, voters_digest="ab" * 32), "", ()), below)
    assert not continues(Block(replace(above, next_voters_digest="cd" * 32), "", ()), below)
    assert not continues(Block(replace(quiet, height=6, term=4), "", ()), replace(quiet, height=5, term=3))


def test_the_voter_of_a_genesis_has_no_role_in_its_record(governed: State) -> None:
    found = node(governed, "node1")
    assert found is not None
    assert (found.role, found.votes) == (UNSET, True)
