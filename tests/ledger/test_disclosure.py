"""Who may read a generation's settings in clear: fewer than everybody, more later, and in the end nobody."""

from __future__ import annotations

from typing import Any

import pytest
from attested import MODEL, a_record, openings
from consortium import State, a_digest, key_of
from msgspec import UNSET

from ledger import actions, crypto, records
from ledger.encoding import decode, encode
from ledger.generation import READERS_MAX, WithheldSetting
from ledger.records import Disclosure, disclosure_key

ALICE, BOB, CAROL, GENERATOR = "alice@studio", "bob@agency", "carol@club", "gen@studio"
FIELDS = frozenset(openings().given())
HIDDEN = (WithheldSetting(field="prompt"), WithheldSetting(field="seed", readers=(CAROL,)))


@pytest.fixture
def made(state: State) -> State:
    """A picture of bob's, with a prompt that nobody is told, and a seed for carol."""
    model = actions.RegisterModel(model=MODEL, name="m", version="1", licence="")
    assert state.do(ALICE, model).code == "OK"
    assert state.do(GENERATOR, a_record(state, request={"withheld": HIDDEN})).code == "OK"
    return state


def request_of(state: State) -> str:
    return next(iter(state.keys(disclosure_key("")))).partition("/")[2]


def disclosed(state: State) -> Disclosure:
    return decode(state.get(disclosure_key(request_of(state))) or b"", Disclosure)


def disclosing(state: State, *fields: str, **more: Any) -> actions.DiscloseSettings:
    return actions.DiscloseSettings(request=request_of(state), fields=fields, **more)


def erasing(state: State, *fields: str) -> actions.EraseSettings:
    return actions.EraseSettings(request=request_of(state), fields=fields)


def test_what_is_withheld_is_read_by_its_creator_and_those_it_names(made: State) -> None:
    found = disclosed(made)

    assert found.readable_by(BOB) == FIELDS
    assert found.readable_by(CAROL) == FIELDS - {"prompt"}
    assert found.readable_by(ALICE) == found.readable_by("") == FIELDS - {"prompt", "seed"}


def test_the_orgs_that_were_told_and_those_of_readers_keep_it(made: State) -> None:
    found = disclosed(made)

    assert found.kept_by("agency") == found.kept_by("studio") == FIELDS
    assert found.kept_by("club") == FIELDS - {"prompt"}
    assert found.kept_by("") == FIELDS - {"prompt", "seed"}


def test_all_settings_are_public_if_nothing_is_said_and_none_of_a_confidential_picture(state: State) -> None:
    state.do(ALICE, actions.RegisterModel(model=MODEL, name="m", version="1", licence=""))
    sealed = (actions.SealedKey(node="node1", sealed="00" * 80),)
    asked = {
        "request": {"confidential": True},
        "attestation": {"image_code": UNSET},
        "content": {"sealed_keys": sealed},
    }
    assert state.do(GENERATOR, a_record(state, **asked)).code == "OK"
    assert disclosed(state).public == frozenset()

    other = {
        "request": {"nonce": "1" * 32},
        "attestation": {"pixel_digest": a_digest("b"), "file_digest": a_digest("b")},
    }
    public = a_record(state, **other)
    assert state.do(GENERATOR, public).code == "OK"
    assert decode(state.get(disclosure_key(public.request.id)) or b"", Disclosure).public == FIELDS


def test_naming_a_reader_of_one_setting_opens_no_other_of_a_confidential_picture(state: State) -> None:
    request = a_record(state, request={"confidential": True, "withheld": (HIDDEN[1],)}).request

    assert {one.field: one.readers for one in request.reading} == dict.fromkeys(FIELDS, ()) | {"seed": (CAROL,)}


def test_a_creator_lets_one_account_read_it_and_then_everybody(made: State) -> None:
    assert made.do(BOB, disclosing(made, "prompt", readers=(ALICE,))).code == "OK"
    assert "prompt" in disclosed(made).readable_by(ALICE)
    assert "prompt" not in disclosed(made).readable_by(CAROL)

    assert made.do(BOB, disclosing(made, "prompt")).code == "OK"
    assert disclosed(made).public == FIELDS - {"seed"}


def test_erased_settings_are_read_and_kept_by_nobody_and_stay_committed_to(made: State) -> None:
    before = disclosed(made).commitments
    outcome = made.do(BOB, erasing(made, "prompt", "steps"))

    found = disclosed(made)
    assert (outcome.code, found.erased) == ("OK", ("prompt", "steps"))
    assert found.readable_by(BOB) == found.kept_by("agency") == FIELDS - {"prompt", "steps"}
    assert found.commitments == before
    assert getattr(outcome.events[0], "assets", None) == (a_digest("pixels"),)


def test_only_the_creator_says_so(made: State) -> None:
    for ask in (disclosing(made, "prompt"), erasing(made, "prompt")):
        for stranger in (CAROL, GENERATOR, "root@studio"):
            assert made.do(stranger, ask).code == "CREATOR_MISSING"


def test_an_administrator_of_the_creators_org_erases_and_discloses_nothing(state: State) -> None:
    """People ask for it who have left, and whose account is suspended."""
    state.do(ALICE, actions.RegisterModel(model=MODEL, name="m", version="1", licence=""))
    asked = {"creator": ALICE, "key": key_of(ALICE).public, "withheld": HIDDEN}
    request = a_record(state, request=asked).request
    signature = key_of(ALICE).sign(crypto.GENERATION_REQUEST, encode(request))
    assert state.do(GENERATOR, a_record(state, request=asked, request_signature=signature)).code == "OK"

    assert state.do("root@studio", disclosing(state, "prompt")).code == "CREATOR_MISSING"
    assert state.do(CAROL, erasing(state, "prompt")).code == "CREATOR_MISSING"
    assert state.do("root@studio", erasing(state, "prompt")).code == "OK"
    assert disclosed(state).erased == ("prompt",)


def test_what_changes_nothing_or_names_nothing_is_refused(made: State) -> None:
    crowd = tuple(f"a{number}@club" for number in range(READERS_MAX))
    for code, ask in (
        ("NOTHING_TO_CHANGE", disclosing(made, "steps")),
        ("NOTHING_TO_CHANGE", disclosing(made, "seed", readers=(CAROL,))),
        ("SETTING_UNKNOWN", disclosing(made, "batch")),
        ("SETTING_UNKNOWN", erasing(made, "prompts")),
        ("ACCOUNT_UNKNOWN", disclosing(made, "seed", readers=crowd)),
        ("GENERATION_UNKNOWN", actions.EraseSettings(request=a_digest("other"), fields=("prompt",))),
    ):
        assert made.do(BOB, ask).code == code
    assert made.do(BOB, erasing(made, "seed")).code == "OK"
    for again in (erasing(made, "seed"), disclosing(made, "seed")):
        assert made.do(BOB, again).code == "SETTING_ERASED"


def test_a_setting_is_open_to_so_many_by_name_and_no_more(made: State) -> None:
    crowd = [f"reader{number}@studio" for number in range(READERS_MAX)]
    for name in crowd:
        key = records.AccountKey(public=a_digest(name))
        made.values[records.account_key(name)] = encode(records.Account(name=name, keys=(key,)))

    assert made.do(BOB, disclosing(made, "seed", readers=tuple(crowd))).code == "READERS_FULL"
    assert made.do(BOB, disclosing(made, "seed", readers=tuple(crowd[1:]))).code == "OK"


@pytest.mark.parametrize(
    ("code", "withheld"),
    [
        ("REQUEST_INVALID", (WithheldSetting(field="batch"),)),
        ("REQUEST_INVALID", (WithheldSetting(field="seed"), WithheldSetting(field="seed", readers=(CAROL,)))),
        ("ACCOUNT_UNKNOWN", (WithheldSetting(field="seed", readers=("eve@club",)),)),
    ],
)
def test_a_request_that_withholds_what_there_is_not_is_refused(
    state: State, code: str, withheld: tuple[WithheldSetting, ...]
) -> None:
    state.do(ALICE, actions.RegisterModel(model=MODEL, name="m", version="1", licence=""))

    assert state.do(GENERATOR, a_record(state, request={"withheld": withheld})).code == code


def test_a_request_that_says_nothing_is_spelled_as_before(state: State) -> None:
    assert b"withheld" not in encode(a_record(state).request)
