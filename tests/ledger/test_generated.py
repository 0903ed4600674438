"""Recording a generated picture: both signed statements must hold and fit together."""

from __future__ import annotations

from typing import Any

import pytest
from attested import MODEL, a_record
from consortium import State, a_digest, key_of
from msgspec import UNSET
from msgspec.structs import replace

from ledger import actions, records
from ledger.encoding import decode, encode
from ledger.errors import LedgerError
from ledger.execution.generated import RECORDED_WITHIN_MS
from ledger.generation import Computation, ModelAdapter, Opening, commit


@pytest.fixture
def studio(state: State) -> State:
    model = actions.RegisterModel(model=MODEL, name="m", version="1", licence="")
    assert state.do("alice@studio", model).code == "OK"
    return state


def test_a_generated_picture_belongs_to_its_creator_and_says_who_attests_it(studio: State) -> None:
    outcome = studio.do("gen@studio", a_record(studio))

    asset = studio.get(records.asset_key(a_digest("pixels"))) or b""
    assert outcome.code == "OK"
    assert b'"creator":"bob@agency"' in asset
    assert b'"evidence":"generated"' in asset
    assert b'"registrant":"gen@studio"' in asset
    assert b"lighthouse" not in asset


def test_a_record_may_say_what_computed_the_picture(studio: State) -> None:
    computed = Computation(device="NVIDIA H200", attention_slicing=True)
    record = a_record(studio, attestation={"computed": computed})

    assert studio.do("gen@studio", record).code == "OK"
    assert encode(computed) in encode(record)
    assert b"computed" not in encode(a_record(studio))


def with_adapters(*digests: str, weight_centi: int = 80) -> dict[str, Any]:
    return {"adapters": tuple(ModelAdapter(model=one, weight_centi=weight_centi) for one in digests)}


INK, GOLD = a_digest("ink"), a_digest("gold")


@pytest.fixture
def adapted(studio: State) -> State:
    for digest in (INK, GOLD):
        adapter = actions.RegisterModel(model=digest, name="a", version="1", licence="", adapter=True)
        assert studio.do("alice@studio", adapter).code == "OK"
    return studio


def test_a_record_says_what_was_added_to_its_model(adapted: State) -> None:
    asked = with_adapters(INK, GOLD)
    assert adapted.do("gen@studio", a_record(adapted, request=asked)).code == "OK"

    asset = decode(adapted.get(records.asset_key(a_digest("pixels"))) or b"", records.Asset)
    assert asset.adapters_used == asked["adapters"]
    assert b"adapters" not in encode(a_record(adapted))


@pytest.mark.parametrize(
    ("code", "request_"),
    [
        ("MODEL_UNKNOWN", with_adapters(INK, a_digest("unknown"))),
        ("MODEL_UNKNOWN", with_adapters(MODEL)),
        ("MODEL_UNKNOWN", {"model": INK}),
        ("REQUEST_INVALID", with_adapters(INK, GOLD, INK)),
    ],
)
def test_an_adapter_is_registered_as_such_and_named_once(adapted: State, code: str, request_: dict[str, Any]) -> None:
    record = a_record(adapted, request=request_, attestation={"model": request_.get("model", MODEL)})

    assert adapted.do("gen@studio", record).code == code
    assert adapted.get(records.asset_key(a_digest("pixels"))) is None


@pytest.mark.parametrize(
    "asked", [with_adapters(INK, weight_centi=0), with_adapters(INK, weight_centi=201), with_adapters(*"abcde")]
)
def test_a_request_with_too_much_or_too_many_is_no_request(adapted: State, asked: dict[str, Any]) -> None:
    with pytest.raises(LedgerError, match="MALFORMED"):
        decode(encode(a_record(adapted, request=asked)), actions.RegisterGenerated)


BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("REQUEST_INVALID", {"request": {"chain": "other-00000000"}}),
    ("REQUEST_INVALID", {"request": {"key": key_of("carol@club").public}}),
    ("REQUEST_INVALID", {"request": {"count": 17}}),
    ("REQUEST_INVALID", {"request_signature": "00" * 64}),
    ("ACCOUNT_UNKNOWN", {"request": {"creator": "eve@club"}}),
    ("MODEL_UNKNOWN", {"request": {"model": a_digest("other model")}}),
    ("ATTESTATION_INVALID", {"attestation": {"chain": "other-00000000"}}),
    ("ATTESTATION_INVALID", {"attestation": {"generator": "alice@studio"}}),
    ("ATTESTATION_INVALID", {"attestation": {"key": key_of("bob@agency").public}}),
    ("ATTESTATION_INVALID", {"attestation": {"request": a_digest("other request")}}),
    ("ATTESTATION_INVALID", {"attestation": {"model": a_digest("other model")}}),
    ("ATTESTATION_INVALID", {"attestation": {"index": 2}}),
    ("ATTESTATION_INVALID", {"request": {"generator": "agency"}}),
    ("ATTESTATION_INVALID", {"attestation_signature": "00" * 64}),
    ("CONTENT_INVALID", {"request": {"confidential": True}}),
    ("CONTENT_INVALID", {"content": {"sealed_keys": (actions.SealedKey(node="node1", sealed="00" * 80),)}}),
    (
        "CONTENT_INVALID",
        {
            "request": {"confidential": True},
            "content": {"sealed_keys": (actions.SealedKey(node="node1", sealed="00" * 80),)},
        },
    ),
]


@pytest.mark.parametrize(("code", "changes"), BROKEN)
def test_a_record_whose_statements_do_not_hold_is_refused(studio: State, code: str, changes: dict[str, Any]) -> None:
    result = studio.run(studio.transaction("gen@studio", a_record(studio, **changes)))

    assert result.outcomes[0].code == code, result.details
    assert studio.get(records.asset_key(a_digest("pixels"))) is None


def test_only_a_generator_records_generated_pictures(studio: State) -> None:
    assert studio.do("alice@studio", a_record(studio)).code == "ROLE_MISSING"


def test_a_picture_of_a_request_is_recorded_once(studio: State) -> None:
    again = a_record(studio, attestation={"pixel_digest": a_digest("others")})

    assert [studio.do("gen@studio", record).code for record in (a_record(studio), again)] == ["OK", "REQUEST_USED"]


def test_a_confidential_record_has_keys_and_no_fingerprint(studio: State) -> None:
    record = a_record(
        studio,
        request={"confidential": True},
        attestation={"image_code": UNSET},
        content={"sealed_keys": (actions.SealedKey(node="node1", sealed="00" * 80),)},
    )

    assert studio.do("gen@studio", record).code == "OK"


def test_a_record_may_come_late_but_not_when_it_pleases(studio: State) -> None:
    over = studio.time_ms - RECORDED_WITHIN_MS
    late, too_late = (a_record(studio, request={"valid_until_ms": over + left}) for left in (60_000, -60_000))

    assert studio.do("gen@studio", too_late).code == "REQUEST_INVALID"
    assert studio.do("gen@studio", late).code == "OK"


def test_a_commitment_hides_and_binds() -> None:
    opening = Opening(salt="ab" * 16, value="a lighthouse")

    assert commit("prompt", opening) != commit("negative_prompt", opening)
    assert commit("prompt", opening) != commit("prompt", replace(opening, salt="ac" * 16))
    assert commit("prompt", opening) != commit("prompt", replace(opening, value="a lighthouse "))
    assert commit("seed", Opening(salt="ab" * 16, value=7)) != commit("seed", Opening(salt="ab" * 16, value="7"))
