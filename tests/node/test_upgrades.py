"""New rules of execution, seen by nodes that know them or do not; and parameters that bind the next block."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from consortium import State, key_of, registering
from governed import ADMINISTRATORS, DAY_MS, a_governed_state
from structlog.testing import capture_logs

from consensus.raft_log import RaftEntry
from ledger import actions, version
from ledger.archive import block_line, opening_line, parse_line
from ledger.audit import Auditor
from ledger.block import decode_block
from ledger.execution.governance import proposal_id
from ledger.governance import ActivateProtocol, SetParameters
from ledger.transaction import SignedTransaction
from ledger.version import KNOWN, V1, ProtocolUnknown, ProtocolVersion, Versions
from node.chain.chain import Chain
from node.ordering.driver import Driver
from node.ordering.mempool import Mempool
from node.ordering.proposer import Proposer
from node.ordering.submitter import Submitter
from node.ordering.upgrades import Upgrades, protocol_status
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.api.chain import ProtocolAhead, ProtocolStatus
from remarque.errors import NodeCode, NodeError

V2 = ProtocolVersion(number=2, decision_fuel_max=20_000, expired_ids_per_block=64)
BOTH: Versions = {1: V1, 2: V2}
ACTIVATED = 2 + version.ACTIVATION_NOTICE_BLOCKS


class Net:
    """A leader that knows both versions, and the state its transactions are signed on."""

    def __init__(self, path: Path) -> None:
        self.state = a_governed_state(BOTH)
        self.leader = a_chain(path / "node1", self.state, "node1", BOTH)
        self.blocks: list[bytes] = []

    def block(self, *transactions: SignedTransaction) -> bytes:
        """The next block, final at the leader."""
        frame = self.leader.build(transactions, 1, self.state.time_ms + 1_000)
        self.state.run(*transactions)
        self.leader.commit(self.leader.tip.height, None)
        self.blocks.append(frame)
        return frame

    def activate(self) -> None:
        """Vote version 2 in, and go on up to the block before it."""
        wanted = actions.Propose(
            changes=(ActivateProtocol(version=2, height=ACTIVATED),), until_ms=self.state.time_ms + DAY_MS
        )
        proposed = self.state.transaction(ADMINISTRATORS["studio"], wanted)
        ballot = actions.CastVote(proposal=proposal_id(proposed.id, 0), approve=True)
        self.block(proposed)
        self.block(self.state.transaction(ADMINISTRATORS["agency"], ballot))
        while self.leader.tip.height < ACTIVATED - 1:
            self.block()


def a_chain(path: Path, state: State, name: str, versions: Versions = KNOWN) -> Chain:
    path.mkdir()
    log, store = RaftLogStore(path / "log"), StateStore(path / "state")
    return Chain(state.genesis, key_of(name), name, log, store, versions=versions)


@pytest.fixture
def net(tmp_path: Path) -> Net:
    return Net(tmp_path)


def accepted(chain: Chain, frames: list[bytes]) -> None:
    for frame in frames:
        chain.accept(decode_block(frame), None)
        chain.commit(chain.tip.height, None)


def test_a_node_that_does_not_know_a_version_follows_up_to_it_and_stops_there(net: Net, tmp_path: Path) -> None:
    net.activate()
    follower = a_chain(tmp_path / "node2", net.state, "node2")
    accepted(follower, net.blocks)
    first = net.block(net.state.transaction("alice@studio", registering("p")))

    with pytest.raises(NodeError) as stopped:
        follower.accept(decode_block(first), None)

    assert stopped.value.code is NodeCode.PROTOCOL_UNKNOWN
    assert f"protocol version 2 is in force from block {ACTIVATED} on" in str(stopped.value)
    assert follower.tip.height == ACTIVATED - 1
    with pytest.raises(NodeError, match="PROTOCOL_UNKNOWN"):
        follower.build((), 1, net.state.time_ms)


def test_a_node_that_knows_it_goes_on_and_comes_to_the_same_state(net: Net, tmp_path: Path) -> None:
    net.activate()
    net.block(net.state.transaction("alice@studio", registering("p")))
    follower = a_chain(tmp_path / "node2", net.state, "node2", BOTH)

    accepted(follower, net.blocks)

    assert follower.committed == net.leader.committed
    assert follower.version(follower.committed.height) == V2


def test_started_again_it_refuses_until_its_software_knows_the_version(net: Net, tmp_path: Path) -> None:
    net.activate()
    (tmp_path / "node2").mkdir()
    log, store = RaftLogStore(tmp_path / "node2" / "log"), StateStore(tmp_path / "node2" / "state")
    accepted(Chain(net.state.genesis, key_of("node2"), "node2", log, store), net.blocks)
    log.persist(1, "", None, tuple(RaftEntry(place, 1, frame) for place, frame in enumerate(net.blocks, 1)))

    with pytest.raises(NodeError, match="PROTOCOL_UNKNOWN"):
        Chain(net.state.genesis, key_of("node2"), "node2", log, store)

    assert (
        Chain(net.state.genesis, key_of("node2"), "node2", log, store, versions=BOTH).committed.height == ACTIVATED - 1
    )


def test_it_warns_in_its_log_and_its_status_before(net: Net, tmp_path: Path) -> None:
    follower = a_chain(tmp_path / "node2", net.state, "node2")
    with capture_logs() as quiet:
        Upgrades(follower)
    net.activate()

    with capture_logs() as told:
        for frame in net.blocks:
            follower.accept(decode_block(frame), None)
            follower.commit(follower.tip.height, None)

    assert quiet == []
    assert [(one["event"], one["version"], one["height"]) for one in told] == [("protocol_unknown", 2, ACTIVATED)]
    ahead = ProtocolAhead(version=2, height=ACTIVATED, known=False)
    assert protocol_status(follower) == ProtocolStatus(in_force=1, known=(1,), ahead=ahead)


def an_activation(state: State, org: str) -> SignedTransaction:
    change = ActivateProtocol(version=2, height=500)
    return state.transaction(ADMINISTRATORS[org], actions.Propose(changes=(change,), until_ms=state.time_ms + DAY_MS))


def test_a_node_takes_no_vote_of_its_own_org_for_what_it_does_not_know(tmp_path: Path) -> None:
    state = a_governed_state()
    log = RaftLogStore(tmp_path / "log")
    chain = Chain(state.genesis, key_of("node1"), "node1", log, StateStore(tmp_path / "state"))
    driver = Driver(chain, log, Mempool(), lambda: state.time_ms, 1)
    submitter = Submitter(driver, str(tmp_path), 0)

    async def taken(*transactions: SignedTransaction) -> None:
        await submitter.take(list(transactions))

    with pytest.raises(NodeError, match="PROTOCOL_UNKNOWN"):
        asyncio.run(taken(an_activation(state, "studio")))
    asyncio.run(taken(an_activation(state, "agency")))
    made = an_activation(state, "agency")
    chain.build((made,), 1, state.time_ms)
    chain.commit(1, None)
    proposal = proposal_id(made.id, 0)
    ballots = {
        approve: state.transaction(ADMINISTRATORS["studio"], actions.CastVote(proposal=proposal, approve=approve))
        for approve in (True, False)
    }
    with pytest.raises(NodeError, match="PROTOCOL_UNKNOWN"):
        asyncio.run(taken(ballots[True]))
    asyncio.run(taken(ballots[False]))


def test_an_auditor_that_does_not_know_a_version_says_so_and_finds_no_fault(net: Net) -> None:
    net.activate()
    net.block()

    def audited(versions: Versions) -> int:
        auditor = Auditor(net.state.genesis, versions=versions)
        auditor.take(parse_line(opening_line(net.state.genesis)))
        for frame in net.blocks:
            block = decode_block(frame)
            outcomes = net.leader.finals.at(block.header.height).results.outcomes
            auditor.take(parse_line(block_line(block, outcomes, None)))
        return auditor.newest.height

    assert audited(BOTH) == ACTIVATED
    with pytest.raises(ProtocolUnknown, match=f"from block {ACTIVATED} on"):
        audited(KNOWN)


def test_a_limit_that_is_lowered_binds_the_very_next_block(net: Net) -> None:
    state, chain = net.state, net.leader
    change: Any = SetParameters(block_transactions_max=1)
    wanted = actions.Propose(changes=(change,), until_ms=state.time_ms + DAY_MS)
    proposed = state.transaction(ADMINISTRATORS["studio"], wanted)
    net.block(proposed)
    ballot = actions.CastVote(proposal=proposal_id(proposed.id, 0), approve=True)
    chain.build((state.transaction(ADMINISTRATORS["agency"], ballot),), 1, state.time_ms + 1_000)
    mempool = Mempool()
    for number in range(3):
        mempool.add(state.transaction("alice@studio", registering(number)))
    proposer = Proposer(chain, mempool, lambda: state.time_ms + 2_000, lambda signed, voters: True)

    frame = proposer.next_block(1)

    assert frame is not None
    assert len(decode_block(frame).transactions) == 1
    assert mempool.unproposed == 2


def test_the_commands_json_of_a_change_is_what_is_signed() -> None:
    from node.cli.governance import decode_changes

    found = decode_changes(json.dumps([{"type": "parameters.set", "open_reads": True}]).encode())

    assert found == (SetParameters(open_reads=True),)
