"""docs/security.md says of each operation who reads what: every cell is asked of a real node, as that reader."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import re
import time
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
import pytest
from consortium import key_of
from credentialed import a_file
from every_record import Names, a_picture, every_record
from PIL import Image

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, EDITOR, REGISTRAR, STUDIO
from generator.models import default_model_folder, model_digest
from ledger import actions
from ledger.cose import Ed25519Key
from ledger.statement import sign_statement
from node.verification.ranking import WITHHELD
from pictures.credentials.manifest import bound_bytes
from remarque.client import Client
from remarque.errors import RemarqueError
from remarque.sealing import reader_key_of

ROOT = Path(__file__).resolve().parents[2]
READERS = ("stranger", "suspended", "member", "party", "auditor")
ROW = re.compile(
    r"\| `((?:GET|POST|DELETE) [^`]+)` \| " + r" \| ".join([r"(yes|no|less|own|signed|admin)"] * len(READERS)) + r" \|"
)
CELLS = {
    found[1]: found.groups()[1:]
    for line in (ROOT / "docs" / "security.md").read_text(encoding="utf-8").splitlines()
    if (found := ROW.fullmatch(line))
}
ENTRIES = "GET /v1/tlog/tile/entries/{number}"
"""An address of the route of all tiles that is not open as the others are."""
SEEN_BYTES = 1 << 20


class Asked(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Chain(NamedTuple):
    """A node, what stands on its chain, and the session of each kind of reader."""

    cluster: Cluster
    names: Names
    tokens: dict[str, str]
    confidential: bytes
    """A confidential picture in clear."""


@contextmanager
def asked(chain: Chain, reader: str, operation: str, body: bytes = b"") -> Iterator[http.client.HTTPResponse]:
    """An answer whose header has come."""
    method, path = operation.split(" ")
    headers = {} if reader == "stranger" else {"Authorization": f"Bearer {chain.tokens[reader]}"}
    connection = http.client.HTTPConnection(urlsplit(chain.cluster.url("node1")).netloc, timeout=20)
    try:
        connection.request(method, path, body if method == "POST" else None, headers)
        yield connection.getresponse()
    finally:
        connection.close()


def ask(chain: Chain, reader: str, operation: str, body: bytes = b"") -> Asked:
    with asked(chain, reader, operation, body) as answer:
        endless = answer.headers["Content-Type"].startswith("text/event-stream")
        return Asked(answer.status, answer.headers, b"" if endless else answer.read(SEEN_BYTES))


def token_of(client: Client) -> str:
    client.account_record()
    return next(iter(client._waiting._tokens.values()))


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    cluster = Cluster.create(tmp_path_factory.mktemp("readers") / "devnet", 1, generator=True)
    try:
        cluster.up()
        yield a_chain(cluster)
    finally:
        cluster.down()


def a_chain(cluster: Cluster) -> Chain:
    """Alice is the party, carla a member, sam is suspended, ada an auditor."""
    url, sam, ada = cluster.url("node1"), "sam@agency", "ada@agency"
    with (
        Client(url, CREATOR, cluster.key(CREATOR)) as alice,
        Client(url, COLLECTOR, cluster.key(COLLECTOR)) as carla,
        Client(url, EDITOR, cluster.key(EDITOR)) as nadia,
        Client(url, STUDIO, cluster.key(STUDIO)) as house,
        Client(url, sam, key_of(sam)) as sams,
        Client(url, ada, key_of(ada)) as adas,
    ):
        model = model_digest(default_model_folder())
        house.submit(actions.RegisterModel(model=model, name="default", version="1", licence="Apache-2.0"))
        names = every_record(cluster, alice)
        nadia.submit(actions.EnrolAccount(account=sam, key=key_of(sam).public))
        nadia.submit(actions.EnrolAccount(account=ada, key=key_of(ada).public, roles=("auditor",)))
        deadline = time.monotonic() + 90
        while not alice.generators():
            assert time.monotonic() < deadline
            time.sleep(0.2)
        generation = alice.generate("a house at night", seed=3, steps=4, confidential=True)
        [made] = alice.generation(generation)
        opened = alice.open(made.asset)
        [asking] = [row.transaction for row in alice.history(made.asset) if row.signer == CREATOR]
        node_reader = reader_key_of(cluster.genesis.nodes[0].key)
        meant = alice.submit(actions.RequestAccess(asset=made.asset, reader_key=node_reader, purpose="custody"))
        marked, _ = alice.mark(a_file(size=512, scene=77), source_type="digitalCreation")
        alice.released(marked.pixel_digest)
        statement = sign_statement(cluster.key(REGISTRAR), REGISTRAR, "a report", b"{}", "application/json")
        alice.register_statement(statement)
        names |= {
            "generation": generation,
            "made": made.asset,
            "cid": made.cid,
            "asked": asking,
            "meant": meant.signed.id,
            "manifest": str(marked.manifest),
            "binding": urlsafe_b64encode(bound_bytes((marked.image_code,))).decode(),
        }
        tokens = {"member": carla, "party": alice, "auditor": adas, "suspended": sams}
        held = {reader: token_of(client) for reader, client in tokens.items()}
        nadia.submit(actions.SuspendAccount(account=sam))
    names["entry"] = hashlib.sha256(statement).hexdigest()
    names["kid"] = urlsafe_b64encode(Ed25519Key(cluster.genesis.nodes[0].key).thumbprint).decode().rstrip("=")
    return Chain(cluster, names, held, opened)


def test_the_page_has_every_operation(chain: Chain) -> None:
    with urllib.request.urlopen(chain.cluster.url("node1") + "/openapi.json", timeout=10) as answer:
        paths = json.load(answer)["paths"]

    assert {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods} == set(CELLS) - {
        ENTRIES
    }


def path_of(names: Names, operation: str) -> str:
    """An operation with what stands on the chain in its path, as its party would ask it."""
    known = names | {
        "account": CREATOR,
        "asset": names["made"] if "openings" in operation else names["picture"],
        "collection": "spring@studio",
        "name": "house",
        "version": "1",
        "path": "0/000.p/1",
        "number": "000.p/1",
        "block": names["cid"],
        "requestid": "0" * 32,
        "node": "node1",
        "transaction": names["meant" if "seals" in operation else "asked" if "releases" in operation else "refused"],
    }
    queries = {
        "/at": "?height={newest}",
        "GET /c2pa/matches/byBinding": "?value={binding}",
        "GET /ipfs/{block}": "?format=raw",
        "POST /v1/uploads/{upload}": "?at=0",
        "/v1/state": "?key=asset/{picture}",
        "/v1/state/at": "?key=asset/{picture}&height={newest}",
        "/royalty_info": "?sale_price=1000",
        "/v1/log/consistency": "?from=1&to={newest}",
        "/v1/log/consistency.cose": "?from=1&to={newest}",
    }
    ending = max((one for one in queries if operation.endswith(one)), key=len, default="")
    return (operation + queries.get(ending, "")).format(**known)


BODIES: dict[str, Callable[[Chain], bytes]] = {
    "POST /v1/verify": lambda chain: chain.confidential,
    "POST /v1/content": lambda _: a_picture(),
    "POST /v1/marks": lambda _: a_picture(),
    "POST /c2pa/matches/byContent": lambda _: a_picture(),
    "POST /c2pa/matches/byBinding": lambda _: b'{"alg":"io.iscc.v0","value":"AAAA"}',
    "POST /c2pa/matches/byReference": lambda _: b'{"referenceUrl":"https://example.com/picture.jpg"}',
    "POST /v1/ciphertexts": lambda _: bytes(99),
    "POST /v1/uploads": lambda _: b'{"size":5}',
}


def test_every_reader_reads_what_the_page_says(chain: Chain) -> None:
    wrong = []
    for operation, cells in CELLS.items():
        body = BODIES[operation](chain) if operation in BODIES else b"{}"
        for reader, cell in zip(READERS, cells, strict=True):
            found = ask(chain, reader, path_of(chain.names, operation), body)
            if not holds(operation, reader, cell, found):
                wrong.append((operation, reader, cell, found.status, found.body[:200]))

    assert wrong == []


def holds(operation: str, reader: str, cell: str, found: Asked) -> bool:
    """Whether an answer is what a cell of the page says."""
    answered = found.status < 300 if operation.startswith("GET") else found.status not in (401, 403)
    if cell == "no":
        return found.status == 401
    if cell == "admin":
        return found.status == 422 and b"ROLE_MISSING" in found.body
    if cell == "own" and operation.startswith("GET"):
        return answered == (reader == "party") and found.status in (200, 404)
    if cell == "less" or operation in LESS_TO_SOME:
        return answered and (LESS_TO_SOME[operation] in found.body) == (cell == "less")
    fetches_none = b"URL_REFUSED" in found.body
    return answered and (cell != "yes" or found.status < 300 or found.status == 400 or fetches_none)


LESS_TO_SOME = {
    "GET /v1/assets/{asset}/openings": b'"openings":{}',
    "GET /v1/transactions/{transaction}": b'"withheld":true',
    "POST /v1/verify": b'"withheld":[{',
}
"""What an answer has that tells less."""


def test_a_stranger_who_verifies_a_confidential_picture_learns_that_it_is_recorded_and_no_more(chain: Chain) -> None:
    with Client(chain.cluster.url("node1")) as nobody:
        found = nobody.verify(chain.confidential)

    assert (found.verdict, found.matches) == ("exact_file", ())
    assert [(one.relation, one.evidence) for one in found.withheld] == [("exact_file", "generated")]
    assert CREATOR not in msgspec.json.encode(found).decode()
    assert found.wording.endswith("A generator attests that it made the picture for a member." + WITHHELD)


def test_a_stranger_is_told_of_a_record_that_rules_open_and_has_no_receipt_of_what_else_was_done(chain: Chain) -> None:
    """`every_record` registers this picture and adds it to a collection in one transaction."""
    with (
        Client(chain.cluster.url("node1")) as nobody,
        Client(chain.cluster.url("node1"), COLLECTOR, chain.cluster.key(COLLECTOR)) as carla,
        Client(chain.cluster.url("node1"), CREATOR, chain.cluster.key(CREATOR)) as alice,
    ):
        told, known = nobody.verify(a_picture()), carla.verify(a_picture())
        out = io.BytesIO()
        Image.effect_noise((128, 128), 90).save(out, "PNG")
        alone, _ = alice.register(out.getvalue())
        [of_alone] = nobody.verify(out.getvalue()).matches

    assert [match.creator for match in told.matches] == [match.creator for match in known.matches]
    assert (told.matches[0].receipt, told.withheld) == (None, ())
    assert known.matches[0].receipt is not None
    assert (of_alone.asset, of_alone.receipt is None) == (alone, False)


def test_a_receipt_is_for_whoever_has_the_signed_transaction(chain: Chain) -> None:
    with Client(chain.cluster.url("node1"), CREATOR, chain.cluster.key(CREATOR)) as alice:
        signed = alice.sign(actions.RegisterModel(model="cd" * 32, name="Another", version="1", licence="MIT"))
        with pytest.raises(RemarqueError, match="ROLE_MISSING") as refused:
            alice.send(signed)
    forged = signed.envelope().replace(signed.signatures[0].encode(), b"ab" * 64)

    assert refused.value.receipt is not None
    assert ask(chain, "stranger", "POST /v1/transactions", signed.envelope()).status == 200
    assert json.loads(ask(chain, "stranger", "POST /v1/transactions", forged).body)["code"] == "SIGNATURE_INVALID"


def test_what_is_answered_behind_credentials_is_kept_by_no_cache(chain: Chain) -> None:
    for operation, (stranger, *_) in CELLS.items():
        for reader in ("party", "stranger"):
            headers = ask(chain, reader, path_of(chain.names, operation)).headers
            if stranger != "yes" or (reader == "party" and operation.startswith("POST")):
                assert headers["Cache-Control"] == "private, no-store", operation


def test_a_stream_ends_when_its_reader_is_suspended(chain: Chain) -> None:
    """And gives nothing of the block that suspends it, nor later."""
    tim = "tim@agency"
    url = chain.cluster.url("node1")
    with (
        Client(url, EDITOR, chain.cluster.key(EDITOR)) as nadia,
        Client(url, tim, key_of(tim)) as tims,
    ):
        nadia.submit(actions.EnrolAccount(account=tim, key=key_of(tim).public))
        held = chain._replace(tokens=chain.tokens | {"tim": token_of(tims)})
        with asked(held, "tim", "GET /v1/events") as stream:
            before = nadia.submit(actions.EnrolAccount(account="ann@agency", key=key_of("ann").public))
            nadia.submit(actions.SuspendAccount(account=tim))
            nadia.submit(actions.EnrolAccount(account="amy@agency", key=key_of("amy").public))
            seen = b""
            for line in stream:
                seen += line
                if b"amy@agency" in line:
                    break

    assert f'"height":{before.header.height}'.encode() in seen
    assert b"amy@agency" not in seen
    assert b"account.suspended" not in seen


def test_one_account_leaves_streams_to_the_others(chain: Chain) -> None:
    with ExitStack() as streams:
        statuses = [streams.enter_context(asked(chain, "member", "GET /v1/events")).status for _ in range(20)]
        with asked(chain, "party", "GET /v1/events") as other:
            assert other.status == 200

    assert (statuses.count(200), statuses.count(429)) == (16, 4)
    deadline = time.monotonic() + 20
    while ask(chain, "member", "GET /v1/events").status != 200:
        assert time.monotonic() < deadline, "places come back"
        time.sleep(0.1)


def test_the_tests_that_the_page_names_are_there() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", page))
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))

    assert len(named) > 20
    assert [name for name in sorted(named) if f"def {name}(" not in tests] == []
