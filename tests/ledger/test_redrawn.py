"""Pictures that are made of a recorded one: derivatives at once, as their source's policies decide and ask for."""

from __future__ import annotations

from typing import Any

import pytest
from attested import MODEL, a_record, openings
from consortium import State, a_digest, balance, happened, registering, trading_terms
from msgspec import UNSET
from msgspec.structs import replace

from ledger import actions, records
from ledger.encoding import decode
from ledger.errors import LedgerError
from ledger.events import AssetDerived, LicenceGranted
from ledger.execution.redrawn import try_source
from ledger.execution.view import Ledger
from ledger.generation import Opening, PictureSource
from ledger.prices import Price
from ledger.records import Asset, Lineage
from ledger.version import NEWEST

ALICE, BOB, GENERATOR = "alice@studio", "bob@agency", "gen@studio"
SEA = a_digest("sea")
STRENGTH = Opening(salt="ab" * 16, value=60)
FEE = "licence on derivative_mint { base tx.price; pay 10% to asset.creators by weight; fallback 2.50 EUR; }"
SEEN = "asset_default@1 open_house@1"
BY_THE_MODEL = f'has(derivative.model) && derivative.model == "{MODEL}"'


@pytest.fixture
def studio(state: State) -> State:
    """A chain with a model, and a picture of alice's that anybody may derive from for a fee."""
    state.do(ALICE, actions.RegisterModel(model=MODEL, name="m", version="1", licence=""))
    state.do(ALICE, trading_terms("open_house", FEE, rules="permit derive as all_may when true;"))
    state.do(ALICE, registering("sea"), actions.SetPolicy(asset=SEA, policy="open_house", version=1))
    return state


def redrawn(state: State, *, of: str = SEA, index: int = 0, request: Any = None, **source: Any) -> Any:
    """A record of a picture that bob had made of another one."""
    commitments = replace(openings(), strength_centi=STRENGTH).commitments()
    asked = {"commitments": commitments, "source": PictureSource(asset=of, **source)} | (request or {})
    return a_record(state, request=asked, attestation={"pixel_digest": a_digest(("made", index)), "index": index})


def asset(state: State, name: str) -> Asset:
    return decode(state.get(records.asset_key(name)) or b"", Asset)


def tried(state: State, record: actions.RegisterGenerated) -> str:
    """The code that a request is refused with before its pictures are made; OK if it is not."""
    try:
        try_source(Ledger(state), record.request, state.height + 1, state.time_ms, NEWEST)
    except LedgerError as refused:
        return refused.code.name
    return "OK"


def test_a_picture_made_of_another_is_its_derivative_and_its_creator_pays(studio: State) -> None:
    before = balance(studio, ALICE), balance(studio, BOB)
    record = redrawn(studio, value=Price(amount=1_005, currency="EUR"))

    assert tried(studio, record) == "OK"
    derived = happened(studio.do(GENERATOR, record), AssetDerived)

    made = asset(studio, a_digest(("made", 0)))
    assert (made.evidence, made.creator, made.parents, made.depth) == ("generated", BOB, (SEA,), 1)
    assert (derived.payer, [(one.to, one.amount) for one in derived.payments]) == (BOB, [(ALICE, 100), (ALICE, 905)])
    assert (balance(studio, ALICE), balance(studio, BOB)) == (before[0] + 1_005, before[1] - 1_005)
    lineage = decode(studio.get(records.lineage_key(made.id)) or b"", Lineage)
    assert [one.asset for one in lineage.ancestors] == [SEA]


def test_each_picture_of_a_request_pays_for_itself_and_none_twice(studio: State) -> None:
    before = balance(studio, BOB)

    asked = {"valid_until_ms": studio.time_ms + 60_000}
    for index, code in ((0, "OK"), (1, "OK"), (1, "REQUEST_USED")):
        assert studio.do(GENERATOR, redrawn(studio, index=index, request=asked, terms=SEEN)).code == code

    assert balance(studio, BOB) == before - 500


def test_what_the_source_asks_beside_the_value_is_paid_only_under_terms_that_were_seen(studio: State) -> None:
    for code, source in (
        ("TERMS_MISSING", {}),
        ("TERMS_CHANGED", {"terms": "asset_default@2"}),
        ("OK", {"terms": SEEN}),
    ):
        record = redrawn(studio, **source)
        assert tried(studio, record) == code
        assert studio.do(GENERATOR, record).code == code


def test_a_source_whose_policy_forbids_it_is_left_alone(studio: State) -> None:
    studio.do(ALICE, registering("closed"))
    record = redrawn(studio, of=a_digest("closed"))

    assert tried(studio, record) == "POLICY_DENIED"
    assert studio.do(GENERATOR, record).code == "POLICY_DENIED"
    assert studio.get(records.asset_key(a_digest(("made", 0)))) is None
    assert asset(studio, a_digest("closed")).depth == 0


def test_a_source_that_models_need_a_licence_for_is_redrawn_under_one_and_each_picture_is_a_use(studio: State) -> None:
    rules = f"permit derive as all_may when true; require derive as licensed when has(licence.id) && {BY_THE_MODEL};"
    assert studio.do(ALICE, trading_terms("licensed", rules=rules)).code == "OK"
    assert studio.do(ALICE, actions.SetPolicy(asset=SEA, policy="licensed", version=1)).code == "OK"
    given = studio.do(ALICE, actions.GrantLicence(asset=SEA, to=BOB, uses=("derive",), times=2))
    licence = happened(given, LicenceGranted).licence
    plain, licensed = redrawn(studio), redrawn(studio, licence=licence)

    assert (tried(studio, plain), studio.do(GENERATOR, plain).code) == ("POLICY_DENIED", "POLICY_DENIED")
    assert (tried(studio, licensed), studio.do(GENERATOR, licensed).code) == ("OK", "OK")
    assert decode(studio.get(records.licence_key(licence)) or b"", records.Licence).left == 1
    assert tried(studio, redrawn(studio, licence=a_digest("none"))) == "LICENCE_UNKNOWN"
    assert tried(studio, licensed) == "LICENCE_UNFIT", "its request is for two, and one is left"


def test_the_owner_of_a_source_needs_no_further_consent(studio: State) -> None:
    studio.do(BOB, registering("own"))

    assert studio.do(GENERATOR, redrawn(studio, of=a_digest("own"))).code == "OK"


def test_money_for_all_pictures_is_looked_for_before_they_are_made(studio: State) -> None:
    dear = redrawn(studio, value=Price(amount=6_000, currency="EUR"))

    assert tried(studio, dear) == "INSUFFICIENT_FUNDS"
    assert tried(studio, replace(dear, request=replace(dear.request, count=1))) == "OK"


def test_a_picture_cannot_be_made_of_itself(studio: State) -> None:
    record = redrawn(studio, of=a_digest(("made", 0)), terms=SEEN)
    studio.do(
        ALICE,
        registering(("made", 0)),
        actions.SetPolicy(asset=record.request.source.asset, policy="open_house", version=1),
    )

    assert studio.do(GENERATOR, record).code == "LINEAGE_CYCLE"
    assert asset(studio, a_digest(("made", 0))).creator == ALICE


def test_its_lineage_is_fixed_by_the_record(studio: State) -> None:
    studio.do(GENERATOR, redrawn(studio, terms=SEEN))
    studio.do(BOB, registering("own"))

    more = actions.DeriveAsset(asset=a_digest(("made", 0)), parents=(a_digest("own"),))
    assert studio.do(BOB, more).code == "LINEAGE_FIXED"
    back = actions.DeriveAsset(asset=a_digest("own"), parents=(a_digest(("made", 0)),))
    assert studio.do(BOB, back).code == "OK"


@pytest.mark.parametrize(
    "request_has",
    [
        {"commitments": openings().commitments()},
        {"source": UNSET},
        {"source": UNSET, "commitments": replace(openings(), mask=STRENGTH).commitments()},
    ],
)
def test_a_source_and_what_is_done_with_it_come_together(studio: State, request_has: dict[str, Any]) -> None:
    record = redrawn(studio, request=request_has, terms=SEEN)

    assert tried(studio, record) == "REQUEST_INVALID"
    assert studio.do(GENERATOR, record).code == "REQUEST_INVALID"


def test_an_unknown_source_is_named(studio: State) -> None:
    record = redrawn(studio, of=a_digest("nowhere"))

    assert tried(studio, record) == "ASSET_UNKNOWN"
    assert studio.do(GENERATOR, record).code == "ASSET_UNKNOWN"


def test_a_declared_picture_is_attested_as_made_of_a_source_only_if_its_lineage_says_so(studio: State) -> None:
    record = redrawn(studio, terms=SEEN)
    made, said = record.attestation, record.request
    declared = registering(("made", 0), file_digest=made.file_digest, width=128, height=128, image_code=made.image_code)
    studio.do(BOB, declared)
    attest = actions.AttestAsset(
        request=said,
        request_signature=record.request_signature,
        attestation=made,
        attestation_signature=record.attestation_signature,
    )

    assert studio.do(GENERATOR, attest).code == "ATTESTATION_INVALID"
    derive = actions.DeriveAsset(asset=made.pixel_digest, parents=(SEA,), terms=(SEEN,))
    assert studio.do(BOB, derive).code == "OK"
    assert studio.do(GENERATOR, attest).code == "OK"


def test_what_a_derivation_costs_counts_beside_other_prices(studio: State) -> None:
    priced = redrawn(studio, value=Price(amount=1_005, currency="EUR"))
    also = redrawn(studio, index=1, value=Price(amount=1_005, currency="EUR"))
    apart = redrawn(studio, index=1, terms=SEEN)

    assert studio.do(GENERATOR, priced, also).code == "SOLD_TOGETHER"
    assert studio.do(GENERATOR, priced, apart).code == "POLICY_DENIED"  # by tx.paid_apart
    assert studio.do(GENERATOR, priced).code == "OK"


def test_trying_leaves_nothing_behind(studio: State) -> None:
    record = redrawn(studio, request={"count": 1}, value=Price(amount=6_000, currency="EUR"))
    ledger = Ledger(studio)

    for _ in range(2):
        try_source(ledger, record.request, studio.height + 1, studio.time_ms, NEWEST)


def test_pixels_whose_other_record_stands_are_not_derived(studio: State) -> None:
    same = a_digest(("made", 0))
    studio.do(ALICE, registering(("made", 0)))
    studio.do(ALICE, registering("after"), actions.DeriveAsset(asset=a_digest("after"), parents=(same,)))

    assert studio.do(GENERATOR, redrawn(studio, terms=SEEN)).code == "ASSET_EXISTS"
    assert asset(studio, same).parents == ()
