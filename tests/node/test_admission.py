"""Who is let in at the peer port, as nodes come and go, and whatever stands in the ledger."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from consortium import key_of
from governed import ADMINISTRATORS, DAY_MS, a_governed_state
from handshake import shown
from msgspec.structs import replace
from written_chain import GENESIS, WrittenChain

from ledger import actions
from ledger.execution.governance import proposal_id
from ledger.governance import SuspendOrg
from ledger.node_certificate import make_certificate
from node.peers.admission import Admission
from node.peers.tls import client_context, server_context

ROOT = "root@club"
OURS = make_certificate(key_of("node1"))


def adding(name: str) -> actions.AddNode:
    return actions.AddNode(node=name, key=key_of(name).public, certificate=make_certificate(key_of(name)).hex())


@pytest.fixture
def written(tmp_path: Path) -> Iterator[WrittenChain]:
    chain = WrittenChain(tmp_path)
    yield chain
    chain.close()


def test_a_node_is_known_while_its_record_stands_and_its_neighbours_stay(written: WrittenChain) -> None:
    admission, gone = Admission(written.chain, key_of("node1")), []
    admission.on_shut_out = gone.append
    context = admission.server_context()

    def called_by(name: str) -> str | None:
        key = key_of(name)
        return admission.name_of(shown(client_context(key, make_certificate(key), OURS), context))

    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        called_by("watcher")
    written.block(written.ask(adding("watcher"), signer=ROOT))
    known = called_by("watcher"), called_by("node2")
    written.block(written.ask(actions.RemoveNode(node="watcher"), signer=ROOT))

    assert known == ("watcher", "node2")
    assert (called_by("watcher"), called_by("node2"), gone) == (None, "node2", ["watcher"])


def test_a_node_that_comes_and_goes_within_one_commit_is_not_known(written: WrittenChain) -> None:
    admission = Admission(written.chain, key_of("node1"))

    written.block(
        written.ask(adding("brief"), signer=ROOT),
        written.ask(actions.RemoveNode(node="brief"), signer=ROOT),
        written.ask(adding("lasting"), signer=ROOT),
    )

    assert sorted(admission.certificates) == ["lasting", "node1", "node2", "node3"]


@pytest.mark.parametrize(
    "certificate",
    [
        pytest.param(b"\xab" * 100, id="none"),
        pytest.param(OURS, id="another node's"),
        pytest.param(OURS.replace(b"\x2b\x65\x70", b"\x2b\x65\x7f"), id="of an unknown algorithm"),
    ],
)
def test_no_record_stops_a_node_and_the_others_are_let_in(tmp_path: Path, certificate: bytes) -> None:
    """Neither a genesis nor execution lets such a record stand; a node that meets one all the same does without it."""
    odd = replace(GENESIS.nodes[2], certificate=certificate.hex())
    written = WrittenChain(tmp_path, replace(GENESIS, nodes=(*GENESIS.nodes[:2], odd)))

    admission = Admission(written.chain, key_of("node1"))
    written.close()

    assert sorted(admission.certificates) == ["node1", "node2"]
    assert admission.name_of(OURS) == "node1"


def test_what_openssl_does_not_read_is_left_out_and_the_others_are_let_in() -> None:
    caller = key_of("node2")
    theirs = make_certificate(caller)
    server = server_context(key_of("node1"), OURS, [b"\xab" * 100, b"", OURS[:-1], theirs])

    assert shown(client_context(caller, theirs, OURS), server) == theirs


def test_a_suspended_orgs_node_is_given_nothing_but_a_voter_goes_on_voting(tmp_path: Path) -> None:
    written = WrittenChain(tmp_path, a_governed_state().genesis)
    admission, shut_out = Admission(written.chain, key_of("node1")), []
    admission.on_shut_out = shut_out.append
    written.block(written.ask(adding("watcher"), signer=ROOT))
    before = admission.is_suspended("watcher"), admission.is_suspended("node3")

    until_ms = written.chain.tip.time_ms + DAY_MS
    asked = written.ask(
        actions.Propose(changes=(SuspendOrg(org="club"),), until_ms=until_ms), signer=ADMINISTRATORS["studio"]
    )
    vote = actions.CastVote(proposal=proposal_id(asked.id, 0), approve=True)
    written.block(asked)
    written.block(written.ask(vote, signer=ADMINISTRATORS["agency"]))

    assert before == (False, False)
    assert (admission.is_suspended("watcher"), admission.is_suspended("node3")) == (True, True)
    assert (admission.votes("watcher"), admission.votes("node3")) == (False, True)
    assert shut_out == ["watcher"]
    assert not admission.is_suspended("node1")
    assert Admission(written.chain, key_of("node1")).is_suspended("watcher")
    written.close()
