"""Evidence levels: a declared picture that a generator attests later, and what an org disputes."""

from __future__ import annotations

from typing import Any

import pytest
from attested import CODE, MODEL, a_record
from consortium import State, a_digest, registering
from governed import a_governed_state, decided, propose
from msgspec import UNSET
from msgspec.structs import replace

from ledger import actions, records
from ledger.actions import subjects
from ledger.encoding import decode
from ledger.governance import DismissDispute
from ledger.records import Asset, Dispute

BOB, GENERATOR, DESK = "bob@agency", "gen@studio", "desk@agency"
PIXELS = a_digest("pixels")


@pytest.fixture
def governed() -> State:
    """A consortium with a model, and a picture that bob has declared."""
    state = a_governed_state()
    state.do("alice@studio", actions.RegisterModel(model=MODEL, name="m", version="1", licence=""))
    declared = registering(
        "picture", pixel_digest=PIXELS, file_digest=a_digest("file"), width=128, height=128, image_code=CODE
    )
    assert state.do(BOB, declared).code == "OK"
    return state


def attesting(state: State, **changes: Any) -> actions.AttestAsset:
    record = a_record(state, **changes)
    return actions.AttestAsset(
        request=record.request,
        request_signature=record.request_signature,
        attestation=record.attestation,
        attestation_signature=record.attestation_signature,
    )


def asset(state: State, name: str = PIXELS) -> Asset:
    return decode(state.get(records.asset_key(name)) or b"", Asset)


def disputing(evidence: str = "proof", asset: str = PIXELS) -> actions.DisputeAsset:
    return actions.DisputeAsset(asset=asset, reason="the boat was added", evidence=a_digest(evidence))


# Attestation --------------------------------------------------------------------------------------------------------


def test_a_later_attestation_lifts_a_declared_picture_to_generated_once(governed: State) -> None:
    before = asset(governed)
    signed = governed.transaction(GENERATOR, attesting(governed))
    outcome = governed.run(signed).outcomes[0]
    after = asset(governed)

    assert outcome.code == "OK"
    assert (before.evidence, after.evidence) == ("declared", "generated")
    assert (after.attested_by, after.attested_in, after.registrant) == (GENERATOR, signed.id, BOB)
    assert (after.model, after.index, after.owner, after.content) == (MODEL, 0, BOB, before.content)
    assert governed.do(GENERATOR, attesting(governed)).code == "ATTESTATION_EXISTS"


BROKEN: list[tuple[str, str, dict[str, Any]]] = [
    ("ROLE_MISSING", BOB, {}),
    ("MODEL_UNKNOWN", GENERATOR, {"request": {"model": a_digest("other model")}}),
    ("REQUEST_INVALID", GENERATOR, {"request_signature": "00" * 64}),
    ("ATTESTATION_INVALID", GENERATOR, {"attestation_signature": "00" * 64}),
    ("ASSET_UNKNOWN", GENERATOR, {"attestation": {"pixel_digest": a_digest("other pixels")}}),
    ("ATTESTATION_INVALID", GENERATOR, {"attestation": {"width": 64}}),
    ("ATTESTATION_INVALID", GENERATOR, {"attestation": {"file_digest": a_digest("other file")}}),
    ("ATTESTATION_INVALID", GENERATOR, {"attestation": {"media_type": "image/webp"}}),
    ("ATTESTATION_INVALID", GENERATOR, {"attestation": {"image_code": "ISCC:" + "B" * 55}}),
    ("ATTESTATION_INVALID", GENERATOR, {"attestation": {"image_code": UNSET}}),
    ("ATTESTATION_INVALID", GENERATOR, {"request": {"confidential": True}}),
]


@pytest.mark.parametrize(("code", "signer", "changes"), BROKEN)
def test_an_attestation_that_does_not_hold_lifts_nothing(
    governed: State, code: str, signer: str, changes: dict[str, Any]
) -> None:
    assert governed.do(signer, attesting(governed, **changes)).code == code
    assert asset(governed).evidence == "declared"


def test_nobody_gains_evidence_by_declaring_what_another_asked_for(governed: State) -> None:
    other = registering("other", pixel_digest=a_digest("others pixels"), width=128, height=128)
    governed.do("carol@club", other)

    result = governed.run(
        governed.transaction(
            GENERATOR, attesting(governed, attestation={"pixel_digest": a_digest("others pixels"), "index": 1})
        )
    )

    assert result.outcomes[0].code == "ATTESTATION_INVALID"
    assert "bob@agency asked for it, carol@club declared it" in result.details[0]


def test_one_picture_of_a_request_serves_once_whether_registered_or_attested(governed: State) -> None:
    again = a_record(governed, attestation={"pixel_digest": a_digest("third pixels")})
    governed.do(GENERATOR, attesting(governed))

    assert governed.do(GENERATOR, again).code == "REQUEST_USED"


# Disputes -----------------------------------------------------------------------------------------------------------


def test_a_dispute_changes_what_is_answered_and_nothing_of_what_was_recorded(governed: State) -> None:
    before = asset(governed)

    assert governed.do(DESK, disputing()).code == "OK"

    found = asset(governed)
    assert (found.evidence_level, found.evidence, found.disputed_by) == ("disputed", "declared", ("agency",))
    assert replace(found, disputed_by=(), held_until_ms=UNSET) == before
    kept = decode(governed.get(records.dispute_key(PIXELS, "agency")) or b"", Dispute)
    assert (kept.account, kept.reason, kept.status) == (DESK, "the boat was added", "open")


def test_rules_see_that_it_is_disputed(governed: State) -> None:
    source = (
        "policy sober version 1 schema remarque@1 "
        '{ forbid mint as contested when asset.evidence == "disputed" reason "it is disputed"; }'
    )
    governed.do("alice@studio", actions.PublishPolicy(source=source))
    governed.do(BOB, actions.SetPolicy(asset=PIXELS, policy="sober", version=1))
    governed.do(DESK, disputing())

    assert governed.do(BOB, actions.MintToken(asset=PIXELS)).code == "POLICY_DENIED"
    governed.do(DESK, actions.WithdrawDispute(asset=PIXELS))
    assert governed.do(BOB, actions.MintToken(asset=PIXELS)).code == "OK"


def test_each_org_disputes_for_itself_and_all_have_to_be_settled(governed: State) -> None:
    governed.do("root@club", actions.SetRoles(account="carol@club", roles=("fact-checker",)))
    codes = [governed.do(DESK, disputing()).code, governed.do("carol@club", disputing()).code]
    both = asset(governed).disputed_by
    governed.do(DESK, actions.WithdrawDispute(asset=PIXELS))

    assert (codes, both) == (["OK", "OK"], ("agency", "club"))
    assert asset(governed).evidence_level == "disputed"
    assert governed.do("carol@club", actions.WithdrawDispute(asset=PIXELS)).code == "OK"
    assert asset(governed).evidence_level == "declared"


def test_a_vote_dismisses_a_dispute_and_it_is_not_brought_again_without_other_evidence(governed: State) -> None:
    governed.do(DESK, disputing())
    outcome = decided(governed, DismissDispute(asset=PIXELS, org="agency"))

    assert outcome.code == "OK"
    assert asset(governed).evidence_level == "declared"
    assert governed.do(DESK, disputing()).code == "DISPUTE_DISMISSED"
    assert governed.do(DESK, disputing("more proof")).code == "OK"


def test_an_attested_picture_stays_generated_below_its_dispute(governed: State) -> None:
    governed.do(DESK, disputing())
    governed.do(GENERATOR, attesting(governed))

    assert (asset(governed).evidence_level, asset(governed).evidence) == ("disputed", "generated")


@pytest.mark.parametrize(
    ("code", "signer", "ask"),
    [
        ("ROLE_MISSING", BOB, disputing()),
        ("ASSET_UNKNOWN", DESK, disputing(asset=a_digest("none"))),
        ("ROLE_MISSING", BOB, actions.WithdrawDispute(asset=PIXELS)),
        ("ASSET_UNKNOWN", DESK, actions.WithdrawDispute(asset=a_digest("none"))),
        ("DISPUTE_UNKNOWN", DESK, actions.WithdrawDispute(asset=PIXELS)),
    ],
)
def test_a_dispute_is_refused(governed: State, code: str, signer: str, ask: Any) -> None:
    assert governed.do(signer, ask).code == code


def test_an_org_disputes_an_asset_once_at_a_time(governed: State) -> None:
    codes = [governed.do(DESK, ask).code for ask in (disputing(), disputing("more proof"))]

    assert codes == ["OK", "DISPUTE_EXISTS"]
    assert propose(governed, DismissDispute(asset=PIXELS, org="club"))[1].code == "CHANGE_FAILED"


def test_histories_tell_of_attestations_disputes_and_votes_on_them(governed: State) -> None:
    dismissal = actions.Propose(changes=(DismissDispute(asset=PIXELS, org="agency"),), until_ms=1)
    asks = (attesting(governed), disputing(), actions.WithdrawDispute(asset=PIXELS), dismissal)

    assert [subjects(ask) for ask in asks] == [(PIXELS,)] * 4
