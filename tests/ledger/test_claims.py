"""Whose record of a picture stands: no squatter blocks an author, and no attestation or salt takes what others hold."""

from __future__ import annotations

from typing import Any

import pytest
from attested import CODE, MODEL, a_record
from consortium import State, a_digest, done, listing, owner, registering
from governed import a_governed_state
from msgspec import UNSET

from ledger import actions
from ledger.encoding import decode
from ledger.errors import Code
from ledger.events import AssetClaimed, AssetDisplaced
from ledger.execution.claim import CLAIMS_MAX, COMMITMENTS_MAX, COMMITTED_MS, commitment_to
from ledger.execution.holding import token_id
from ledger.execution.view import Ledger
from ledger.records import Asset, Dispute, dispute_key

ALICE, BOB, CAROL, GENERATOR = "alice@studio", "bob@agency", "carol@club", "gen@studio"
PIXELS = a_digest("pixels")
SALT = "5a" * 32


@pytest.fixture
def governed() -> State:
    state = a_governed_state()
    assert state.do(ALICE, actions.RegisterModel(model=MODEL, name="m", version="1", licence="")).code == "OK"
    return state


def squatting(**changes: Any) -> actions.RegisterAsset:
    """A declaration of the picture that bob has had generated."""
    parts = {"pixel_digest": PIXELS, "file_digest": a_digest("another file"), "image_code": CODE} | changes
    return registering("picture", **parts)


def committing(account: str, salt: str = SALT) -> actions.CommitAsset:
    return actions.CommitAsset(commitment=commitment_to(account, PIXELS, salt))


def asset(state: State) -> Asset:
    return Ledger(state).asset(PIXELS)


def kinds(outcome: Any) -> list[str]:
    return [type(event).__name__ for event in outcome.events]


# An attestation and a declaration


def test_a_declared_record_gives_way_to_the_generators_and_stays_visible(governed: State) -> None:
    squat = governed.transaction(CAROL, squatting(confidential=True, image_code=UNSET))
    assert governed.run(squat).outcomes[0].code == "OK"

    outcome = governed.do(GENERATOR, a_record(governed))

    found = asset(governed)
    assert (outcome.code, kinds(outcome)) == ("OK", ["AssetDisplaced", "AssetRegistered"])
    assert (found.creator, found.owner, found.evidence, found.confidential) == (BOB, BOB, "generated", False)
    assert [(one.creator, one.transaction, one.displaced) for one in found.claims] == [(CAROL, squat.id, True)]
    assert governed.do(CAROL, squatting()).code == Code.ASSET_EXISTS.name


def test_what_hung_on_a_displaced_record_is_gone(governed: State) -> None:
    made = actions.CreateCollection(collection="c@club"), actions.AddToCollection(collection="c@club", asset=PIXELS)
    until = governed.time_ms + 10**6
    assert governed.do(CAROL, registering("own"), squatting(confidential=True, image_code=UNSET), *made,
                       actions.DeriveAsset(asset=PIXELS, parents=(a_digest("own"),)),
                       actions.GrantAccess(asset=PIXELS, account=ALICE, until_ms=until)).code == "OK"  # fmt: skip
    secret = {"sealed_keys": (actions.SealedKey(node="node2", sealed="00" * 80),)}
    record = a_record(governed, request={"confidential": True}, attestation={"image_code": UNSET}, content=secret)

    assert governed.do(GENERATOR, record).code == "OK"

    found = asset(governed)
    assert (found.collection, found.parents, Ledger(governed).lineage(PIXELS).ancestors) == (UNSET, (), ())
    for who in (ALICE, CAROL):
        ask = actions.RequestAccess(asset=PIXELS, reader_key="00" * 32, purpose="")
        assert governed.do(who, ask).code == Code.POLICY_DENIED.name
    assert list(governed.keys("collection_asset/")) == []


def test_a_grant_that_was_paid_for_on_a_displaced_record_binds_its_author_to_nothing(governed: State) -> None:
    root, until = "root@studio", governed.time_ms + 10**6
    governed.do(BOB, actions.Pay(to=root, currency="EUR", amount=100))
    price = actions.Price(amount=100, currency="EUR")
    granting = actions.GrantAccess(asset=PIXELS, account=root, until_ms=until, price=price)
    squat = squatting(confidential=True, image_code=UNSET)
    assert done(governed, [CAROL, root], squat, granting).code == "OK"
    secret = {"sealed_keys": (actions.SealedKey(node="node2", sealed="00" * 80),)}
    record = a_record(governed, request={"confidential": True}, attestation={"image_code": UNSET}, content=secret)
    assert governed.do(GENERATOR, record).code == "OK"

    asking = actions.RequestAccess(asset=PIXELS, reader_key="00" * 32, purpose="")
    assert governed.do(root, asking).code == Code.POLICY_DENIED.name
    assert governed.do(BOB, actions.GrantAccess(asset=PIXELS, account=root, until_ms=until)).code == "OK"
    assert governed.do(root, asking).code == "OK"


@pytest.mark.parametrize("sold", [False, True])
def test_what_is_minted_is_not_taken_by_an_attestation_but_disputed_in_everybodys_sight(
    governed: State, sold: bool
) -> None:
    token = token_id(PIXELS)
    governed.do(CAROL, squatting(), actions.MintToken(asset=PIXELS))
    if sold:
        assert governed.do(CAROL, actions.TransferToken(token=token, to=ALICE)).code == "OK"

    record = a_record(governed)
    outcome = governed.do(GENERATOR, record)

    found = asset(governed)
    assert (outcome.code, kinds(outcome)) == ("OK", ["AssetClaimed", "AssetDisputed"])
    assert (found.evidence_level, found.creator, owner(governed, token)) == (
        "disputed",
        CAROL,
        ALICE if sold else CAROL,
    )
    assert [(one.creator, one.evidence, one.displaced) for one in found.claims] == [(BOB, "generated", False)]
    dispute = decode(governed.get(dispute_key(PIXELS, "agency")) or b"", Dispute)
    assert (dispute.account, dispute.evidence, dispute.status) == (BOB, found.claims[0].transaction, "open")
    assert governed.do(GENERATOR, record).code == Code.REQUEST_USED.name


def test_what_others_were_made_from_is_not_displaced(governed: State) -> None:
    governed.do(CAROL, squatting(), registering("made"),
                actions.DeriveAsset(asset=a_digest("made"), parents=(PIXELS,)))  # fmt: skip

    assert kinds(governed.do(GENERATOR, a_record(governed))) == ["AssetClaimed", "AssetDisputed"]


def test_claims_are_bounded_and_an_org_that_disputes_already_does_so_once(governed: State) -> None:
    governed.do(CAROL, squatting(), actions.MintToken(asset=PIXELS))
    records = [a_record(governed, request={"nonce": f"{number:032x}"}) for number in range(CLAIMS_MAX + 1)]
    codes = [governed.do(GENERATOR, record).code for record in records]

    assert codes == ["OK"] * CLAIMS_MAX + [Code.ASSET_EXISTS.name]
    assert asset(governed).disputed_by == ("agency",)


# Commitments


def test_who_has_committed_comes_before_who_saw_the_registration(governed: State) -> None:
    assert governed.do(ALICE, committing(ALICE)).code == "OK"
    honest = governed.transaction(ALICE, squatting(salt=SALT))
    squat = governed.transaction(
        CAROL, squatting(), actions.MintToken(asset=PIXELS), listing(governed, token_id(PIXELS), 9)
    )

    first, second = governed.run(squat, honest).outcomes

    assert (first.code, second.code) == ("OK", "OK")
    assert (asset(governed).creator, asset(governed).committed_height) == (ALICE, governed.height - 1)
    assert [key for prefix in ("token/", "listing/") for key in governed.keys(prefix)] == []
    assert governed.do(ALICE, actions.MintToken(asset=PIXELS)).code == "OK"


def test_the_earlier_commitment_stands_whoever_registers_first(governed: State) -> None:
    for account in (ALICE, CAROL):
        governed.do(account, committing(account))
    assert governed.do(CAROL, squatting(salt=SALT)).code == "OK"
    assert governed.do(ALICE, squatting(salt=SALT)).code == "OK"

    assert asset(governed).creator == ALICE
    assert governed.do(CAROL, squatting()).code == Code.ASSET_EXISTS.name


def test_nobody_uses_anothers_commitment_or_its_own_twice_too_early_or_too_late(governed: State) -> None:
    unknown = Code.COMMITMENT_UNKNOWN.name
    assert governed.do(ALICE, squatting(salt=SALT)).code == unknown
    assert governed.do(ALICE, committing(ALICE), squatting(salt=SALT)).code == unknown, "in an earlier block"
    assert governed.do(ALICE, committing(ALICE)).code == "OK"
    assert governed.do(CAROL, actions.CommitAsset(commitment=committing(ALICE).commitment)).code == "OK"
    assert governed.do(CAROL, squatting(salt=SALT)).code == unknown, "it names alice"
    assert governed.do(ALICE, committing(ALICE)).code == Code.COMMITMENT_EXISTS.name
    governed.run(advance_ms=COMMITTED_MS)
    assert governed.do(ALICE, squatting(salt=SALT)).code == unknown
    assert governed.do(ALICE, committing(ALICE)).code == "OK"
    assert governed.do(ALICE, squatting(salt=SALT)).code == "OK"
    assert governed.do(ALICE, squatting(salt=SALT)).code == unknown


def test_an_account_has_so_many_commitments_open_and_old_ones_make_room(governed: State) -> None:
    many = [actions.CommitAsset(commitment=a_digest(number)) for number in range(COMMITMENTS_MAX + 1)]
    assert governed.do(ALICE, *many[:-1]).code == "OK"
    assert governed.do(ALICE, many[-1]).code == Code.COMMITMENTS_FULL.name
    governed.run(advance_ms=COMMITTED_MS + 1_000)
    assert governed.do(ALICE, many[-1]).code == "OK"


def test_a_photographer_who_committed_is_not_displaced_by_a_generator_that_lies(governed: State) -> None:
    governed.do(CAROL, committing(CAROL))
    assert governed.do(CAROL, squatting(salt=SALT)).code == "OK"

    assert kinds(governed.do(GENERATOR, a_record(governed))) == ["AssetClaimed", "AssetDisputed"]
    assert asset(governed).creator == CAROL


def test_a_commitment_takes_nothing_that_somebody_else_holds(governed: State) -> None:
    governed.do(ALICE, committing(ALICE))
    governed.do(CAROL, squatting(), actions.MintToken(asset=PIXELS))
    assert done(governed, [CAROL], actions.TransferToken(token=token_id(PIXELS), to=BOB)).code == "OK"

    outcome = governed.do(ALICE, squatting(salt=SALT))

    assert (outcome.code, owner(governed, token_id(PIXELS))) == ("OK", BOB)
    assert [type(event) for event in outcome.events][:1] == [AssetClaimed]
    assert asset(governed).disputed_by == ("studio",)


def test_a_generator_that_committed_takes_back_what_was_minted_at_once(governed: State) -> None:
    governed.do(GENERATOR, committing(GENERATOR))
    governed.do(CAROL, squatting(), actions.MintToken(asset=PIXELS))
    record = a_record(governed)
    committed = actions.RegisterGenerated(
        **{name: getattr(record, name) for name in record.__struct_fields__} | {"salt": SALT}
    )

    outcome = governed.do(GENERATOR, committed)

    assert isinstance(outcome.events[0], AssetDisplaced)
    assert (asset(governed).creator, asset(governed).token) == (BOB, UNSET)
