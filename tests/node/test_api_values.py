"""What routes answer is what `remarque.api` says: nothing more, nothing less, in the same bytes."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import io
import pkgutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from answers import check_is
from consortium import a_digest, registering
from PIL import Image, ImageDraw

import remarque.api
from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, CURRENCY, EDITOR, STUDIO, TREASURER
from ledger import actions
from ledger.consistency import ConsistencyProof
from ledger.encoding import encode
from ledger.genesis import Genesis
from ledger.governance import SetConsortiumPolicy, SetParameters
from ledger.receipt import Receipt
from ledger.records import Account, Collection, PolicyRecord
from ledger.state_answer import StateAnswer
from remarque.api.assets import (
    AssetsPage,
    AssetView,
    CollectionAssetsPage,
    CollectionsPage,
    DisputesPage,
    GrantsPage,
    HistoryPage,
    LineageView,
)
from remarque.api.chain import BlockView, Checkpoint, Live, Readiness, Status
from remarque.api.content import StoredPicture
from remarque.api.generation import Generators
from remarque.api.governance import ProposalReplay, ProposalsPage, ProposalView
from remarque.api.market import (
    AuctionsPage,
    ListingsPage,
    OffersPage,
    RentalsPage,
    RoyaltyInfo,
    TokenMetadata,
    TokensOf,
    TokenView,
)
from remarque.api.members import BalancesPage, CurrenciesPage, ModelsPage, NodesPage, OrgsPage
from remarque.api.past import AssetAt, StateAt
from remarque.api.policies import (
    AskReplay,
    Evaluation,
    PoliciesPage,
    PolicyCheck,
    Question,
    Replay,
    Written,
)
from remarque.api.problem import Problem
from remarque.api.sessions import AskChallenge, Challenge
from remarque.api.shapes import Answer, Body
from remarque.api.transactions import BatchOutcomes, BatchReceipts, BatchTaken, Taken, TransactionView
from remarque.api.verification import Verification
from remarque.client import Client
from remarque.errors import RemarqueError

POLICY = """policy house version 1 schema remarque@1 {
  forbid sale as cheap when has(tx.price) && tx.price < 100 reason "nothing below 1.00";
  permit * as all_may when true;
  royalty resale on secondary_sale { base tx.price; pay 5% to asset.creators by weight; upstream lap max_depth 4; }
}
"""
BAD_POLICY = POLICY.replace("asset.creators", "asset.creaters")
FAR_MS = time.time_ns() // 1_000_000 + 86_400_000
Names = dict[str, str]


def a_picture() -> bytes:
    image = Image.new("RGB", (200, 160), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((40, 60, 150, 140), fill=(220, 40, 60))
    draw.rectangle((20, 10, 90, 50), fill=(20, 90, 200))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def alice(one_node: Cluster) -> Iterator[Client]:
    with Client(one_node.urls, CREATOR, one_node.key(CREATOR)) as client:
        yield client


@pytest.fixture(scope="module")
def names(one_node: Cluster, alice: Client) -> Names:
    """A chain on which every kind of record stands; what the routes about them are asked for."""
    with (
        Client(one_node.urls, COLLECTOR, one_node.key(COLLECTOR)) as carla,
        Client(one_node.urls, EDITOR, one_node.key(EDITOR)) as nadia,
        Client(one_node.urls, TREASURER, one_node.key(TREASURER)) as club,
        Client(one_node.urls, STUDIO, one_node.key(STUDIO)) as studio,
    ):
        return _written(alice, carla, nadia, club, studio)


def _written(alice: Client, carla: Client, nadia: Client, club: Client, studio: Client) -> Names:
    model = actions.RegisterModel(model="ab" * 32, name="A model", version="1", licence="Apache-2.0")
    studio.submit(model)
    studio.submit(actions.PublishPolicy(source=POLICY))
    alice.create_collection("spring@studio")
    picture, _ = alice.register(a_picture(), collection="spring@studio")
    alice.submit(*(registering(name) for name in ("parent", "child", "many")), registering("veiled", confidential=True))
    alice.set_policy("house", 1, asset=picture)
    alice.mint(a_digest("parent"))
    alice.derive(a_digest("child"), a_digest("parent"))
    first, _ = alice.mint(a_digest("many"), editions=3)
    carla.offer(first, 500, CURRENCY)
    second, third = (one.id for one in alice.tokens(a_digest("many"))[1:])
    alice.open_auction(second, 100, 10, CURRENCY)
    carla.bid(second, 150, CURRENCY)
    alice.rent_out(third, COLLECTOR, hours=2)
    alice.list_token(third, 700, CURRENCY)
    token, _ = alice.mint(picture, royalty_ppm=75_000)
    alice.list_token(token, 50, CURRENCY)
    with pytest.raises(RemarqueError, match="POLICY_DENIED") as refused:
        carla.buy(token, 50, CURRENCY)
    assert refused.value.receipt is not None
    alice.grant(a_digest("veiled"), EDITOR, FAR_MS)
    nadia.submit(actions.SetRoles(account=EDITOR, roles=("administrator", "fact-checker")))
    nadia.dispute(picture, "the boat was added", b"proof")
    proposed, _ = studio.propose(SetConsortiumPolicy(policy="house", version=1), replayed=20)
    passed, _ = club.propose(SetParameters(proposals_open_max=9), reason="more room")
    nadia.vote(passed, True)
    stands = alice.receipt(refused.value.receipt.signed.id)
    return {
        "picture": picture,
        "child": a_digest("child"),
        "many": a_digest("many"),
        "veiled": a_digest("veiled"),
        "token": token,
        "offered": first,
        "auctioned": second,
        "rented": third,
        "refused": stands.signed.id,
        "height": str(stands.header.height),
        "proposal": proposed,
        "newest": str(alice.checkpoint().header.height),
    }


ROUTES: list[tuple[str, Any]] = [
    ("/healthz", Live),
    ("/readyz", Readiness),
    ("/v1/checkpoint", Checkpoint),
    ("/v1/status", Status),
    ("/v1/genesis", Genesis),
    ("/v1/log/consistency?from=1&to={newest}", ConsistencyProof),
    ("/v1/transactions/{refused}/receipt", Receipt),
    ("/v1/transactions/{refused}", TransactionView),
    ("/v1/blocks/{height}", BlockView),
    ("/v1/accounts/nadia@agency", Account),
    ("/v1/accounts/carla@club/balances", BalancesPage),
    ("/v1/orgs", OrgsPage),
    ("/v1/nodes", NodesPage),
    ("/v1/models", ModelsPage),
    ("/v1/currencies?limit=1", CurrenciesPage),
    ("/v1/assets?limit=2", AssetsPage),
    ("/v1/assets/{picture}", AssetView),
    ("/v1/assets/{child}", AssetView),
    ("/v1/assets/{picture}/history", HistoryPage),
    ("/v1/assets/{picture}/history?limit=1", HistoryPage),
    ("/v1/assets/{picture}/disputes", DisputesPage),
    ("/v1/assets/{veiled}/grants", GrantsPage),
    ("/v1/assets/{child}/lineage", LineageView),
    ("/v1/assets/{many}/tokens", TokensOf),
    ("/v1/assets/{veiled}/at?height={newest}", AssetAt),
    ("/v1/assets/{veiled}/at?height=0", AssetAt),
    ("/v1/state/at?key=asset/{picture}&key=none&height={newest}", StateAt),
    ("/v1/state?key=asset/{picture}&key=none", StateAnswer),
    ("/v1/collections", CollectionsPage),
    ("/v1/collections/spring@studio", Collection),
    ("/v1/collections/spring@studio/assets", CollectionAssetsPage),
    ("/v1/tokens/{token}", TokenView),
    ("/v1/tokens/{rented}", TokenView),
    ("/v1/tokens/{auctioned}", TokenView),
    ("/v1/tokens/{rented}/metadata.json", TokenMetadata),
    ("/v1/tokens/{token}/royalty_info?sale_price=1000", RoyaltyInfo),
    ("/v1/tokens/{offered}/offers", OffersPage),
    ("/v1/auctions", AuctionsPage),
    ("/v1/listings", ListingsPage),
    ("/v1/rentals", RentalsPage),
    ("/v1/policies", PoliciesPage),
    ("/v1/policies/house/1", PolicyRecord),
    ("/v1/proposals", ProposalsPage),
    ("/v1/proposals/{proposal}", ProposalView),
    ("/v1/proposals/{proposal}/replay", ProposalReplay),
    ("/v1/generators", Generators),
]


@pytest.mark.parametrize(("route", "kind"), ROUTES)
def test_a_route_answers_the_bytes_of_its_value(alice: Client, names: Names, route: str, kind: Any) -> None:
    data = alice.request("GET", route.format(**names))

    check_is(kind, data)
    lists = [value for value in msgspec.json.decode(data).values() if isinstance(value, list)]
    assert lists == [] or any(lists) or kind is Generators or "height=0" in route, "a list without items shows nothing"


def test_what_is_asked_with_a_body_is_answered_in_the_bytes_of_its_value(alice: Client, names: Names) -> None:
    signed = [alice.sign(registering(name)) for name in ("one", "two", "three", "four")]
    batch = b"[" + b",".join(one.envelope() for one in signed[1:3]) + b"]"
    picture = a_picture()
    question = Question(asset=names["picture"], kind="sale", requester=CREATOR, price=5, currency=CURRENCY)
    for path, body, kind in (
        ("/v1/transactions?wait=false", signed[0].envelope(), Taken),
        ("/v1/transactions/batch", batch, BatchOutcomes),
        ("/v1/transactions/batch?receipts=true", batch, BatchReceipts),
        ("/v1/transactions/batch?wait=false", b"[" + signed[3].envelope() + b"]", BatchTaken),
        ("/v1/policies/check", encode(Written(source=POLICY)), PolicyCheck),
        ("/v1/policies/check", encode(Written(source=BAD_POLICY)), PolicyCheck),
        ("/v1/policies/check", encode(Written(source="policy")), PolicyCheck),
        ("/v1/policies/evaluate", encode(question), Evaluation),
        ("/v1/policies/replay", encode(AskReplay(source=POLICY, requests=20, binding_all=True)), Replay),
        ("/v1/sessions/challenge", encode(AskChallenge(account=CREATOR)), Challenge),
        ("/v1/content", picture, StoredPicture),
        ("/v1/verify", picture, Verification),
        ("/v1/verify", picture + b"\0", Verification),
    ):
        check_is(kind, alice.request("POST", path, body))


def test_a_picture_that_is_not_recorded_is_answered_with_its_proof(alice: Client) -> None:
    out = io.BytesIO()
    Image.effect_noise((128, 128), 90).save(out, "PNG")

    found = alice.verify(out.getvalue())

    assert found.verdict == "not_recorded"
    assert found.absence
    assert found.file_digest == hashlib.sha256(out.getvalue()).hexdigest()


def test_events_are_answered_in_the_bytes_of_their_values(alice: Client, names: Names) -> None:
    seen = []
    for _, event in alice.events("1"):
        seen.append(event)
        if event.height == int(names["newest"]):
            break

    assert [event.height for event in seen] == sorted(event.height for event in seen)
    assert len({type(event.event) for event in seen}) > 15


def test_a_refusal_is_a_problem_in_the_order_of_its_fields(one_node: Cluster) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(one_node.url("node1") + "/v1/orgs", timeout=10)

    data = refused.value.read()
    problem = msgspec.json.decode(data, type=Problem)
    assert msgspec.json.encode(problem) == data
    assert list(msgspec.json.decode(data)) == ["type", "title", "status", "code", "detail"]
    assert (problem.status, problem.code) == (refused.value.code, "SESSION_REQUIRED")


def every_value() -> list[type[msgspec.Struct]]:
    found = []
    for module in pkgutil.iter_modules(remarque.api.__path__):
        for _, kind in inspect.getmembers(importlib.import_module(f"remarque.api.{module.name}"), inspect.isclass):
            if issubclass(kind, msgspec.Struct) and kind.__module__ == f"remarque.api.{module.name}":
                found.append(kind)
    return found


def test_every_value_says_what_it_is_and_has_a_schema_under_its_own_name() -> None:
    values = every_value()

    _, components = msgspec.json.schema_components(values)

    assert len(values) > 70
    assert {kind.__name__ for kind in values} <= set(components)
    for kind in values:
        assert kind.__doc__, f"{kind.__name__} says nothing of itself"
        assert issubclass(kind, Body | Answer) or kind.__name__ in ("Challenge", "GeneratedPicture")


def test_a_body_with_a_field_that_the_node_does_not_know_is_refused(alice: Client) -> None:
    with pytest.raises(RemarqueError, match="REQUEST_MALFORMED"):
        alice.request("POST", "/v1/policies/check", b'{"source":"policy","strictly":true}')


def test_an_answer_of_another_shape_is_refused_by_the_client(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def another(*_: object, **__: object) -> bytes:
        return b'{"height":"seven"}'

    monkeypatch.setattr(alice._waiting, "request", another)

    with pytest.raises(RemarqueError, match="ANSWER_UNREADABLE"):
        alice.status()


def test_an_answer_with_a_field_more_is_read_by_an_older_client(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = alice.request("GET", "/v1/status", session=False)

    async def newer(*_: object, **__: object) -> bytes:
        return plain.replace(b"{", b'{"altitude":7,', 1)

    monkeypatch.setattr(alice._waiting, "request", newer)

    assert alice.status() == msgspec.json.decode(plain, type=Status)
