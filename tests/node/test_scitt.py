"""Bad statements and questions against a real node: each has its stable code, in CBOR, and changes nothing."""

from __future__ import annotations

import secrets
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, cast

import cbor2
import pytest
from consortium import key_of
from written_chain import WrittenChain

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, EDITOR, REGISTRAR, STUDIO
from ledger import actions, cose
from ledger.cose import Ed25519Key
from ledger.cose_receipt import member_keys, verify_inclusion
from ledger.crypto import SigningKey, sha256
from ledger.execution.governance import proposal_id
from ledger.governance import SuspendOrg
from ledger.statement import STATEMENT_BYTES_MAX, parse_statement, sign_statement, verify_transparent
from node.transparency.scitt import Statements
from remarque.client import Client
from remarque.errors import NodeCode, NodeError, RemarqueError

OTHER_KEY = SigningKey(b"\x07" * 32)


def ask(url: str, body: bytes | None = None, media_type: str = "application/cose") -> tuple[int, Any, bytes]:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": media_type} if body is not None else {})
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def a_statement(
    cluster: Cluster, account: str = CREATOR, subject: str = "x", payload: bytes = b"{}", **by: Any
) -> bytes:
    return sign_statement(by.get("key") or cluster.key(account), account, subject, payload, "application/json")


def signed_anyhow(cluster: Cluster, headers: dict[Any, Any], payload: Any = b"{}", unprotected: Any = None) -> bytes:
    """A COSE_Sign1 by the creator with headers of one's own."""
    key = cluster.key(CREATOR)
    claims = {1: CREATOR, 2: "x"}
    parts = {1: -8, 4: Ed25519Key(key.public).thumbprint, 15: claims} | headers
    protected = cbor2.dumps({label: value for label, value in parts.items() if value is not None})
    signature = key.sign_cose(cbor2.dumps(["Signature1", protected, b"", payload or b""]))
    return cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected or {}, payload, signature]))


def _flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


INVALID: list[tuple[str, Any]] = [
    ("not CBOR", lambda cluster: b""),
    ("nested", lambda cluster: b"\x81" * 5_000),
    ("no tagged COSE_Sign1", lambda cluster: b"\xa0"),
    ("no tagged COSE_Sign1", lambda cluster: a_statement(cluster)[1:]),
    ("holds a tag", lambda cluster: b"\xd8\x12" + a_statement(cluster)[1:]),
    ("behind its end", lambda cluster: a_statement(cluster) + b"\x00"),
    ("does not verify", lambda cluster: _flipped(a_statement(cluster))),
    ("none of alice@studio's", lambda cluster: a_statement(cluster, key=OTHER_KEY)),
    ("none of alice@studio's", lambda cluster: signed_anyhow(cluster, {4: bytes.fromhex(cluster.key(CREATOR).public)})),
    ("none of nadia@agency's", lambda cluster: a_statement(cluster, EDITOR, key=cluster.key(CREATOR))),
    ("no enrolled account", lambda cluster: a_statement(cluster, "eve@studio", key=OTHER_KEY)),
    ("no enrolled account", lambda cluster: signed_anyhow(cluster, {15: {1: "https://issuer.example", 2: "x"}})),
    ("issuer is missing", lambda cluster: signed_anyhow(cluster, {15: {2: "x"}})),
    ("subject is missing", lambda cluster: signed_anyhow(cluster, {15: {1: CREATOR}})),
    ("subject is missing", lambda cluster: signed_anyhow(cluster, {15: {1: CREATOR, 2: "x" * 257}})),
    ("the claims", lambda cluster: signed_anyhow(cluster, {15: {1: CREATOR, 2: 7}})),
    ("issuer is missing", lambda cluster: signed_anyhow(cluster, {15: None, 13: {1: CREATOR, 2: "x"}})),
    ("does not name its key", lambda cluster: signed_anyhow(cluster, {4: None})),
    ("algorithm is -7", lambda cluster: signed_anyhow(cluster, {1: -7})),
    ("critical", lambda cluster: signed_anyhow(cluster, {2: [15]})),
    ("detached", lambda cluster: signed_anyhow(cluster, {}, None)),
    ("unsigned headers", lambda cluster: signed_anyhow(cluster, {}, unprotected={394: [b"x"]})),
    ("a float", lambda cluster: signed_anyhow(cluster, {99: 1.5})),
]


@pytest.mark.parametrize(("fault", "make"), INVALID, ids=[f"{n}-{fault}" for n, (fault, _) in enumerate(INVALID)])
def test_a_statement_that_does_not_hold_is_refused_and_not_registered(one_node: Cluster, fault: str, make: Any) -> None:
    url, statement = one_node.url("node1"), make(one_node)

    status, headers, body = ask(url + "/entries", statement)

    problem = cbor2.loads(body)
    assert (status, headers["Content-Type"]) == (400, "application/concise-problem-details+cbor")
    assert problem["urn:remarque:error"] == {"code": "STATEMENT_INVALID"}
    assert problem[-1] == NodeCode.STATEMENT_INVALID.meaning
    assert fault in problem[-2]
    assert ask(f"{url}/entries/{sha256(statement).hex()}")[0] == 404


@pytest.mark.parametrize(
    ("path", "body", "media_type", "status", "code"),
    [
        ("/entries", b"{}", "application/json", 415, "MEDIA_TYPE_UNSUPPORTED"),
        ("/entries", b"", "", 415, "MEDIA_TYPE_UNSUPPORTED"),
        ("/entries", b"\x00" * (STATEMENT_BYTES_MAX + 1), "application/cose", 413, "BODY_TOO_LARGE"),
        ("/entries/" + "ab" * 32, None, "", 404, "NOT_FOUND"),
        ("/entries/" + "ab" * 32 + "?transparent=true", None, "", 404, "NOT_FOUND"),
        ("/entries/xyz", None, "", 400, "REQUEST_MALFORMED"),
        ("/entries/" + "ab" * 32 + "?anchor=-1", None, "", 400, "REQUEST_MALFORMED"),
        ("/entries/" + "ab" * 32 + "?transparent=maybe", None, "", 400, "REQUEST_MALFORMED"),
        ("/.well-known/scitt-keys/" + "A" * 43, None, "", 404, "NOT_FOUND"),
        ("/.well-known/scitt-keys/AAAA", None, "", 400, "REQUEST_MALFORMED"),
        ("/.well-known/scitt-keys/%C3%A4", None, "", 400, "REQUEST_MALFORMED"),
        ("/.well-known/scitt-keys/A", None, "", 400, "REQUEST_MALFORMED"),
    ],
)
def test_a_bad_question_has_its_code(
    one_node: Cluster, path: str, body: bytes | None, media_type: str, status: int, code: str
) -> None:
    found, headers, answer = ask(one_node.url("node1") + path, body, media_type)

    assert (found, headers["Content-Type"]) == (status, "application/concise-problem-details+cbor")
    assert cbor2.loads(answer)["urn:remarque:error"]["code"] == code


def test_a_revoked_key_signs_no_statements(one_node: Cluster) -> None:
    name, first, second = f"{secrets.token_hex(4)}@studio", SigningKey(secrets.token_bytes(32)), OTHER_KEY
    with Client(one_node.urls, STUDIO, one_node.key(STUDIO)) as studio:
        studio.submit(actions.EnrolAccount(account=name, key=first.public))
    with Client(one_node.urls, name, first) as account:
        account.submit(actions.AddKey(key=second.public), actions.RevokeKey(account=name, key=first.public))
    with Client(one_node.urls) as client:
        with pytest.raises(RemarqueError, match="STATEMENT_INVALID"):
            client.register_statement(a_statement(one_node, name, key=first))
        assert client.register_statement(a_statement(one_node, name, key=second))


def test_a_suspended_account_signs_no_statements(one_node: Cluster) -> None:
    name, key = f"{secrets.token_hex(4)}@studio", SigningKey(secrets.token_bytes(32))
    with Client(one_node.urls, STUDIO, one_node.key(STUDIO)) as studio:
        studio.submit(actions.EnrolAccount(account=name, key=key.public))
        studio.submit(actions.SuspendAccount(account=name))
        with pytest.raises(RemarqueError, match=r"STATEMENT_INVALID.*suspended"):
            studio.register_statement(a_statement(one_node, name, key=key))
        studio.submit(actions.ResumeAccount(account=name))
        assert studio.register_statement(a_statement(one_node, name, key=key))


def test_nor_does_an_account_whose_org_is_suspended(tmp_path: Path) -> None:
    written, unused = WrittenChain(tmp_path), [cast("Any", None)] * 7
    statements = Statements(written.chain, *unused)
    statement = sign_statement(key_of("bob@agency"), "bob@agency", "x", b"{}", "text/plain")
    assert statements.check(statement).issuer == "bob@agency"

    until = written.chain.tip.time_ms + 10**7
    proposed = written.ask(actions.Propose(changes=(SuspendOrg(org="agency"),), until_ms=until), signer="root@studio")
    written.block(proposed)
    written.block(written.ask(actions.CastVote(proposal=proposal_id(proposed.id, 0), approve=True), signer="root@club"))

    with pytest.raises(NodeError, match=r"STATEMENT_INVALID.*suspended"):
        statements.check(statement)
    written.close()


def test_the_sdk_registers_a_statement_and_brings_it_back_with_receipts(one_node: Cluster) -> None:
    statement = a_statement(one_node, payload=secrets.token_bytes(60_000))
    digest = parse_statement(statement).digest
    node = Ed25519Key(one_node.genesis.nodes[0].key)
    with Client(one_node.urls) as client:
        receipt = client.register_statement(statement)
        transparent = client.transparent_statement(digest)

    assert verify_inclusion(receipt, bytes.fromhex(digest), node).claims.subject == "x"
    issuer = Ed25519Key(one_node.key(CREATOR).public)
    members = member_keys(one_node.genesis.chain, {"node1": node.public})
    found, proven = verify_transparent(transparent, members, {issuer.thumbprint: issuer})
    assert (found.data, len(proven)) == (statement, 1)
    with pytest.raises(cose.CoseRefused, match="not known here"):
        verify_transparent(transparent, members, {})


def test_what_a_registrar_says_otherwise_of_a_statement_is_not_passed_on(one_node: Cluster) -> None:
    """A registrar may lie about claims, for the chain does not read the statement; the node that is asked tells."""
    statement = a_statement(one_node, payload=secrets.token_bytes(8))
    digest = parse_statement(statement).digest
    with Client(one_node.urls, REGISTRAR, one_node.key(REGISTRAR)) as registrar:
        registrar.submit(actions.RegisterStatement(digest=digest, issuer=COLLECTOR, subject="x"))
        with pytest.raises(RemarqueError, match=f"{REGISTRAR} registered it as {COLLECTOR}'s") as refused:
            registrar.register_statement(statement)
        with pytest.raises(RemarqueError, match="CONTENT_MISSING"):
            registrar.transparent_statement(digest)

    assert (refused.value.code, refused.value.status) == ("STATEMENT_EXISTS", 409)
