"""A consortium of three orgs that govern themselves, and one line for each thing a vote needs."""

from __future__ import annotations

from typing import Any

from consortium import ROLES, State, a_genesis, key_of

from ledger import actions
from ledger.block import Outcome
from ledger.encoding import decode
from ledger.execution.governance import proposal_id
from ledger.genesis import GenesisAccount
from ledger.governance import Proposal, proposal_key
from ledger.version import KNOWN, Versions

ADMINISTRATORS = {"studio": "root@studio", "agency": "root@agency", "club": "root@club"}
DAY_MS = 86_400_000


def a_governed_state(versions: Versions = KNOWN) -> State:
    """The test consortium, every org with an administrator."""
    roles = ROLES | {"root@agency": ("administrator",), "desk@agency": ("fact-checker",)}
    accounts = tuple(
        GenesisAccount(name=name, key=key_of(name).public, roles=held) for name, held in sorted(roles.items())
    )
    return State(a_genesis(accounts=accounts), versions)


def propose(state: State, *changes: Any, by: str = "studio", until_ms: int | None = None) -> tuple[str, Outcome]:
    """Id of a proposal, and what became of the transaction that made it."""
    until = state.time_ms + DAY_MS if until_ms is None else until_ms
    signed = state.transaction(ADMINISTRATORS[by], actions.Propose(changes=changes, until_ms=until))
    return proposal_id(signed.id, 0), state.run(signed).outcomes[0]


def vote(state: State, proposal: str, org: str, *, approve: bool = True) -> Outcome:
    """What becomes of an org's vote."""
    return state.do(ADMINISTRATORS[org], actions.CastVote(proposal=proposal, approve=approve))


def decided(state: State, *changes: Any) -> Outcome:
    """What becomes of the vote with which changes pass."""
    proposal, outcome = propose(state, *changes)
    assert outcome.code == "OK", outcome
    return vote(state, proposal, "agency")


def proposal_in(state: State, proposal: str) -> Proposal:
    return decode(state.get(proposal_key(proposal)) or b"", Proposal)
