"""Nodes that an org lets in: whose certificate holds, and how many there may be."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from consortium import State, a_genesis, key_of
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from governed import a_governed_state, decided, propose
from msgspec import UNSET
from msgspec.structs import replace

from ledger import actions
from ledger.errors import LedgerError
from ledger.events import NodeMoved, NodeRemoved
from ledger.execution.node import NODES_ADDED_MAX
from ledger.execution.view import Ledger
from ledger.governance import ResumeOrg, ShutOutNode, SuspendOrg
from ledger.names import PeerAddress
from ledger.node_certificate import is_certificate_of, make_certificate
from ledger.records import NodeRecord, node_key

ROOT = "root@club"
KEY, OTHER = key_of("watcher"), key_of("other")
GOOD = make_certificate(KEY)


def as_a_library_makes_it(subject: str, serial: int = 1) -> bytes:
    """A certificate of the node's key by another implementation."""
    private = Ed25519PrivateKey.from_private_bytes(KEY.seed)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = x509.CertificateBuilder(
        subject_name=name,
        issuer_name=name,
        public_key=private.public_key(),
        serial_number=serial,
        not_valid_before=datetime(2026, 1, 1, tzinfo=UTC),
        not_valid_after=datetime(9999, 12, 31, tzinfo=UTC),
    )
    return builder.sign(private, None).public_bytes(serialization.Encoding.DER)


def adding(certificate: bytes, name: str = "watcher") -> actions.AddNode:
    return actions.AddNode(node=name, key=KEY.public, certificate=certificate.hex())


def test_the_template_is_x509_as_a_library_makes_it_with_the_whole_key_for_a_name() -> None:
    found = x509.load_der_x509_certificate(GOOD)

    assert as_a_library_makes_it(KEY.public) == GOOD
    assert is_certificate_of(GOOD, KEY.public)
    found.verify_directly_issued_by(found)
    assert found.subject.rfc4514_string() == f"CN={KEY.public}"


def test_a_certificate_with_any_byte_changed_cut_or_added_is_none() -> None:
    for place in range(len(GOOD)):
        changed = bytearray(GOOD)
        changed[place] ^= 0x55
        assert not is_certificate_of(bytes(changed), KEY.public), place
        assert not is_certificate_of(GOOD[:place], KEY.public), place
    assert not is_certificate_of(GOOD + b"\x00", KEY.public)
    assert not is_certificate_of(GOOD, OTHER.public)


@pytest.mark.parametrize(
    "certificate",
    [
        pytest.param(b"\xab" * 100, id="none"),
        pytest.param(make_certificate(OTHER), id="another key's"),
        pytest.param(as_a_library_makes_it(key_of("node1").public), id="under another node's name"),
        pytest.param(as_a_library_makes_it(KEY.public[:32]), id="under half its name"),
        pytest.param(as_a_library_makes_it(KEY.public, serial=2), id="with another number"),
        pytest.param(GOOD.replace(b"\x2b\x65\x70", b"\x2b\x65\x7f"), id="of an unknown algorithm"),
        pytest.param(GOOD.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x55"), id="of an unknown version"),
        pytest.param(GOOD[:-1] + b"\x00", id="not signed with its key"),
        pytest.param(GOOD + GOOD, id="twice"),
    ],
)
def test_a_node_is_let_in_with_the_certificate_of_its_key_only(state: State, certificate: bytes) -> None:
    assert state.do(ROOT, adding(certificate)).code == "NODE_CERTIFICATE_INVALID"
    assert state.do(ROOT, adding(GOOD)).code == "OK"


def test_a_genesis_whose_node_has_another_certificate_is_refused() -> None:
    nodes = a_genesis().nodes

    with pytest.raises(LedgerError, match="NODE_CERTIFICATE_INVALID: the certificate of node1 is not its key's"):
        a_genesis(nodes=(replace(nodes[0], certificate=nodes[1].certificate), *nodes[1:]))


def test_an_org_lets_in_a_bounded_number_and_each_that_is_removed_makes_room(state: State) -> None:
    def add(name: str, org: str = "club") -> str:
        key = key_of(name)
        ask = actions.AddNode(node=name, key=key.public, certificate=make_certificate(key).hex())
        return state.do(f"root@{org}", ask).code

    assert [add(f"n{number}") for number in range(NODES_ADDED_MAX)] == ["OK"] * NODES_ADDED_MAX
    assert (add("more"), add("others", "studio")) == ("NODES_FULL", "OK")
    assert state.do(ROOT, actions.RemoveNode(node="n0")).code == "OK"
    assert (add("more"), add("again")) == ("OK", "NODES_FULL")
    assert state.do(ROOT, actions.RemoveNode(node="n1")).code == "OK"
    assert add("n1") == "NODE_EXISTS", "its name stands in records as that of the node that was removed"


def test_a_vote_shuts_out_a_node_that_does_not_vote_whatever_its_org_does() -> None:
    state = a_governed_state()
    assert state.do(ROOT, adding(GOOD)).code == "OK"
    assert decided(state, SuspendOrg(org="club")).code == "OK"

    assert decided(state, ShutOutNode(node="watcher")).events[-1] == NodeRemoved(node="watcher", org="club")

    assert decided(state, ResumeOrg(org="club")).code == "OK"
    assert state.do(ROOT, adding(GOOD, "again")).code == "NODE_EXISTS"
    other = actions.AddNode(node="watcher", key=OTHER.public, certificate=make_certificate(OTHER).hex())
    assert state.do(ROOT, other).code == state.do("root@agency", other).code == "NODE_EXISTS"
    _, proposed = propose(state, ShutOutNode(node="watcher"))
    assert proposed.code == "CHANGE_FAILED"


LABEL = "a" * 63
LONGEST = f"{LABEL}.{LABEL}.{LABEL}.{'a' * 61}:65535"
"""A name of 253 characters, the most that DNS has."""


@pytest.mark.parametrize(
    "address",
    [
        "node1:7100",
        "node1.studio.example:1",
        "7.node-1.xn--bcher-kva.example:65535",
        LONGEST,
        "10.0.0.1:7100",
        "255.249.199.0:9",
        "[::1]:7100",
        "[::]:1",
        "[2001:db8::7:1]:7100",
        "[fe80::]:7100",
        "[1:2:3:4:5:6:7:8]:7100",
        "[1:2:3:4:5:6:7::]:7100",
        "[::2:3:4:5:6:7:8]:7100",
    ],
)
def test_an_address_is_a_host_and_a_port(address: str) -> None:
    assert msgspec.convert(address, PeerAddress) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "node1",
        ":7100",
        "node1:",
        "node1:0",
        "node1:07100",
        "node1:65536",
        "node1:99999",
        "node1:7100\n",
        "node1:7100/v1",
        "node1:7100@10.0.0.1:7100",
        "user@node1:7100",
        "https://node1:7100",
        "Node1:7100",
        "node_1:7100",
        "n\u00f6de:7100",
        "-node:7100",
        "node-:7100",
        "node..example:7100",
        "node.example.:7100",
        f"a{LABEL}:7100",
        LONGEST.replace(":", "a:"),
        "1:7100",
        "127.1:7100",
        "0x7f000001:7100",
        "256.0.0.1:7100",
        "010.0.0.1:7100",
        "10.0.0.1.1:7100",
        "::1:7100",
        "[::1]",
        "[]:7100",
        "[:]:7100",
        "[:::]:7100",
        "[1::2::3]:7100",
        "[1:2:3:4:5:6:7]:7100",
        "[1:2:3:4:5:6:7:8:9]:7100",
        "[1:2:3:4::5:6:7:8]:7100",
        "[12345::]:7100",
        "[fe80::1%eth0]:7100",
        "[::FFFF]:7100",
        "[::ffff:10.0.0.1]:7100",
    ],
)
def test_nothing_else_is_an_address(address: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(address, PeerAddress)


def record_of(state: State, name: str) -> NodeRecord:
    found = Ledger(state).find(node_key(name), NodeRecord)
    assert found is not None
    return found


def test_a_node_is_added_with_an_address_or_without(state: State) -> None:
    assert state.do(ROOT, replace(adding(GOOD), address="10.0.0.4:7100")).code == "OK"
    other = actions.AddNode(node="other", key=OTHER.public, certificate=make_certificate(OTHER).hex())
    assert state.do(ROOT, other).code == "OK"

    assert [record_of(state, name).address for name in ("watcher", "other", "node3")] == ["10.0.0.4:7100", UNSET, UNSET]


@pytest.mark.parametrize("name", ["watcher", "node3"])
def test_an_administrator_says_where_a_node_of_its_org_is(state: State, name: str) -> None:
    """One of the genesis too. Nothing else of its record changes."""
    assert state.do(ROOT, adding(GOOD)).code == "OK"
    before = record_of(state, name)
    moving = actions.SetNodeAddress(node=name, address="10.0.0.4:7100")

    assert state.do(ROOT, moving).events == (NodeMoved(node=name, address="10.0.0.4:7100"),)
    assert record_of(state, name) == replace(before, address="10.0.0.4:7100")
    assert state.do(ROOT, moving).code == "NOTHING_TO_CHANGE"
    assert state.do(ROOT, replace(moving, address="10.0.0.5:7100")).code == "OK"


def test_nobody_else_says_where_a_node_is(state: State) -> None:
    moving = actions.SetNodeAddress(node="node3", address="10.0.0.4:7100")

    assert state.do("root@studio", moving).code == "ORG_MISMATCH"
    assert state.do("carol@club", moving).code == "ROLE_MISSING"
    assert state.do(ROOT, replace(moving, node="watcher")).code == "NODE_UNKNOWN"
    assert record_of(state, "node3").address is UNSET


def test_a_node_that_is_removed_is_nowhere(state: State) -> None:
    assert state.do(ROOT, replace(adding(GOOD), address="10.0.0.4:7100")).code == "OK"
    assert state.do(ROOT, actions.RemoveNode(node="watcher")).code == "OK"

    assert state.do(ROOT, actions.SetNodeAddress(node="watcher", address="10.0.0.5:7100")).code == "NODE_UNKNOWN"
