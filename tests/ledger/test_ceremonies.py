"""The consortium's key, made on the chain by honest keepers, beside some who lie or are silent; and shared anew."""

from __future__ import annotations

import pytest
from ceremonies import chance
from keeping import AGENCY, CLUB, KEEPERS, SECRETS, SPARE, STUDIO, Keepers
from msgspec.structs import replace

from ledger import actions
from ledger.block import Outcome
from ledger.events import CeremonyFailed, DealerConvicted, KeyShared
from ledger.execution.ceremony import ceremony_of
from ledger.records import CEREMONY, SHARED_KEY
from threshold import (
    ThresholdKey,
    check_share,
    combine,
    deal,
    decryption_share,
    encapsulate,
    holder_key,
)

LABEL = b"a picture"


@pytest.fixture
def keepers() -> Keepers:
    return Keepers()


def codes(outcomes: list[Outcome]) -> set[str]:
    return {outcome.code for outcome in outcomes}


def opens(keepers: Keepers, *who: str, key: ThresholdKey | None = None) -> bool:
    """Whether these keepers open together what is encapsulated to the key."""
    now = keepers.key
    capsule, secret = encapsulate((key or now).public, LABEL, chance("capsule"))
    shares = []
    for keeper in who:
        place = keepers.shared.keepers.index(keeper) + 1
        share = decryption_share(now, place, keepers.shares[keeper], LABEL, capsule, chance(keeper))
        check_share(now, LABEL, capsule, share)
        shares.append(share)
    return combine(now, LABEL, capsule, shares) == secret


def test_honest_keepers_make_a_key_that_two_of_three_open(keepers: Keepers) -> None:
    outcomes = keepers.make()

    assert codes(outcomes) == {"OK"}
    (shared,) = (event for event in outcomes[-1].events if isinstance(event, KeyShared))
    assert (shared.epoch, keepers.shared.threshold, keepers.shared.keepers) == (1, 2, KEEPERS)
    assert keepers.state.get(CEREMONY) is None
    for two in ((STUDIO, AGENCY), (CLUB, STUDIO), (AGENCY, CLUB)):
        assert opens(keepers, *two)


def test_a_key_is_shared_anew_and_stays(keepers: Keepers) -> None:
    """A keeper of the club is replaced by another; what the first had is worth nothing with the new shares."""
    keepers.make()
    before, stale = keepers.key, dict(keepers.shares)

    assert codes(keepers.make(STUDIO, AGENCY, SPARE)) == {"OK"}

    assert (keepers.key.public, keepers.key.epoch) == (before.public, 2)
    assert opens(keepers, STUDIO, SPARE, key=before)
    keepers.shares |= {STUDIO: stale[STUDIO]}
    with pytest.raises(Exception, match="DECRYPTION_SHARE_INVALID"):
        opens(keepers, STUDIO, SPARE)


def test_to_share_anew_needs_no_more_than_a_threshold_of_the_old_keepers(keepers: Keepers) -> None:
    keepers.make()
    before = keepers.key
    keepers.begin(STUDIO, AGENCY, SPARE, dealing_ms=5_000)
    for dealer in (STUDIO, AGENCY):
        assert keepers.deal(dealer).code == "OK"
    assert keepers.confirm(STUDIO).code == "CEREMONY_OPEN", "the club may still deal"
    keepers.wait(5_000)

    assert codes([keepers.confirm(one) for one in (STUDIO, AGENCY, SPARE)]) == {"OK"}
    assert keepers.key.public == before.public
    assert opens(keepers, AGENCY, SPARE, key=before)


def test_a_dealer_that_lies_to_one_keeper_is_convicted_by_it_and_left_out(keepers: Keepers) -> None:
    keepers.begin()
    for dealer in (STUDIO, AGENCY):
        assert keepers.deal(dealer).code == "OK"
    assert keepers.deal(CLUB, keepers.lie(CLUB, 1)).code == "OK"
    with pytest.raises(Exception, match="SECRET_SHARE_WRONG"):
        keepers.confirm(STUDIO)
    assert keepers.confirm(AGENCY).code == "OK"

    outcome = keepers.complain(STUDIO, 3)

    assert outcome.events == (DealerConvicted(ceremony=keepers.record.id, dealer=CLUB, keeper=STUDIO),)
    assert keepers.record.confirmed == (), "who confirmed before has to leave it out too"
    assert keepers.record.good == (1, 2)
    assert codes([keepers.confirm(one) for one in KEEPERS]) == {"OK"}
    assert opens(keepers, CLUB, STUDIO), "who lied keeps a share of the key all the same"


def test_nobody_is_convicted_by_an_empty_complaint_or_by_another(keepers: Keepers) -> None:
    keepers.begin()
    for dealer in KEEPERS:
        keepers.deal(dealer)
    complaint = keepers.complaint(STUDIO, 2)
    record = keepers.record

    refused = [
        keepers.complain(STUDIO, 2),
        keepers.complain(AGENCY, 2, complaint),
        keepers.complain(SPARE, 2, complaint),
        keepers.state.do(STUDIO, actions.ComplainOfShare(ceremony=record.id, complaint="00" * 98)),
        keepers.state.do(STUDIO, actions.ComplainOfShare(ceremony="00" * 32, complaint=complaint.to_bytes().hex())),
    ]

    assert [one.code for one in refused] == [
        "COMPLAINT_INVALID", "COMPLAINT_INVALID", "KEEPER_UNKNOWN", "CEREMONY_INVALID", "CEREMONY_UNKNOWN",
    ]  # fmt: skip
    assert keepers.record == record


def test_a_dealing_is_its_dealers_own_for_this_ceremony_once_and_in_time(keepers: Keepers) -> None:
    keepers.begin(dealing_ms=20_000)
    record, chain = keepers.record, keepers.state.genesis.chain
    other = ceremony_of(keepers.ledger, "another-chain", record)
    raised = replace(record, threshold=3)
    dealt = {
        "a dealing of another chain": deal(other, 1, chance("x")),
        "a polynomial of a higher degree": deal(ceremony_of(keepers.ledger, chain, raised), 1, chance("x")),
        "the dealing of another": keepers.dealing(AGENCY),
    }

    assert {name: keepers.deal(STUDIO, one).code for name, one in dealt.items()} == dict.fromkeys(
        dealt, "CEREMONY_INVALID"
    )
    assert (
        keepers.state.do(STUDIO, actions.DealShares(ceremony=record.id, dealing="00" * 300)).code == "CEREMONY_INVALID"
    )
    assert keepers.deal(STUDIO).code == "OK"
    assert keepers.deal(STUDIO).code == "DEALING_EXISTS"
    said = keepers.dealing(AGENCY).to_bytes().hex()
    assert keepers.state.do(SPARE, actions.DealShares(ceremony=record.id, dealing=said)).code == "KEEPER_UNKNOWN"
    keepers.wait(20_000)
    assert keepers.deal(AGENCY).code == "CEREMONY_LATE"


def test_a_ceremony_that_too_few_take_part_in_ends_without_a_key_and_another_can_begin(keepers: Keepers) -> None:
    keepers.begin(dealing_ms=5_000, complaining_ms=5_000)
    keepers.deal(STUDIO)
    assert keepers.end().code == "CEREMONY_OPEN"
    keepers.wait(20_000)

    outcome = keepers.end(SPARE)

    assert isinstance(outcome.events[0], CeremonyFailed)
    assert keepers.state.get(SHARED_KEY) is None
    assert keepers.state.get(CEREMONY) is None
    assert codes(keepers.make()) == {"OK"}


def test_the_time_for_complaints_ends_a_ceremony_if_enough_have_confirmed(keepers: Keepers) -> None:
    keepers.begin(dealing_ms=5_000, complaining_ms=5_000)
    for dealer in KEEPERS:
        keepers.deal(dealer)
    for keeper in (STUDIO, AGENCY):
        keepers.confirm(keeper)
    keepers.wait(20_000)

    assert isinstance(keepers.end(CLUB).events[0], KeyShared)
    assert opens(keepers, STUDIO, AGENCY)


def test_a_confirmation_is_of_all_that_counts_and_of_a_keeper_once(keepers: Keepers) -> None:
    keepers.begin()
    for dealer in KEEPERS:
        keepers.deal(dealer)

    assert keepers.confirm(STUDIO, 1, 2).code == "CEREMONY_INVALID"
    assert keepers.confirm(STUDIO).code == "OK"
    assert keepers.confirm(STUDIO).code == "CONFIRMED_ALREADY"
    record = keepers.record
    assert (
        keepers.state.do(SPARE, actions.ConfirmShares(ceremony=record.id, dealers=(1, 2, 3))).code == "KEEPER_UNKNOWN"
    )


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"keepers": (STUDIO, AGENCY, "carol@club")}, "KEEPER_UNKNOWN"),
        ({"keepers": (STUDIO, CLUB, SPARE)}, "CEREMONY_INVALID"),
        ({"threshold": 1}, "CEREMONY_INVALID"),
        ({"threshold": 4}, "CEREMONY_INVALID"),
    ],
)
def test_a_ceremony_that_makes_no_sense_does_not_begin(keepers: Keepers, said: dict[str, object], fault: str) -> None:
    who = said.pop("keepers", KEEPERS)
    assert fault in keepers.refused(*who, **said)


def test_who_has_lost_the_role_keeps_no_share_of_the_next_key(keepers: Keepers) -> None:
    assert keepers.state.do("root@club", actions.SetRoles(account=CLUB, roles=())).code == "OK"

    assert "KEEPER_UNKNOWN" in keepers.refused(*KEEPERS)
    assert codes(keepers.make(STUDIO, AGENCY, SPARE)) == {"OK"}


def test_one_ceremony_is_open_at_a_time(keepers: Keepers) -> None:
    keepers.begin()
    before = keepers.record

    assert "CEREMONY_OPEN" in keepers.refused(*KEEPERS)
    assert keepers.record == before


def test_a_holder_key_is_of_who_enrols_it(keepers: Keepers) -> None:
    assert keepers.enrol(STUDIO, name=AGENCY).code == "CEREMONY_INVALID"
    key = holder_key(SECRETS[STUDIO], b"elsewhere", chance("x")).to_bytes().hex()
    assert keepers.state.do(STUDIO, actions.EnrolKeeper(holder_key=key)).code == "CEREMONY_INVALID"
    assert keepers.state.do("bob@agency", actions.EnrolKeeper(holder_key=key)).code == "ROLE_MISSING"


def test_one_org_alone_and_two_make_keys_of_what_is_left_of_the_promise(keepers: Keepers) -> None:
    keepers.make(STUDIO)
    assert keepers.shared.threshold == 1
    keepers.make(STUDIO, AGENCY)
    assert (keepers.shared.threshold, keepers.key.epoch) == (2, 2)
    assert opens(keepers, STUDIO, AGENCY)


def test_a_holder_key_serves_for_one_key(keepers: Keepers) -> None:
    """Its secret is destroyed with the share: a ceremony that took it again would wait for somebody who cannot open."""
    keepers.make()

    assert "has to enrol" in keepers.refused(*KEEPERS)
    for keeper in KEEPERS:
        assert keepers.enrol(keeper).code == "OK"
    assert codes(keepers.make()) == {"OK"}


def test_who_did_not_confirm_is_said_to_lack_a_share_and_is_not_waited_for(keepers: Keepers) -> None:
    keepers.begin(dealing_ms=5_000, complaining_ms=5_000)
    for dealer in KEEPERS:
        assert keepers.deal(dealer).code == "OK"
    for keeper in (STUDIO, AGENCY):
        assert keepers.confirm(keeper).code == "OK"
    keepers.wait(20_000)
    assert keepers.end().code == "OK"
    assert keepers.shared.lacking == (CLUB,)

    assert keepers.begin().code == "OK"
    for dealer in (STUDIO, AGENCY):
        assert keepers.deal(dealer).code == "OK"
    keepers.shares[CLUB] = keepers.shares[STUDIO]
    assert keepers.deal(CLUB).code in ("CEREMONY_LATE", "CEREMONY_INVALID")
    assert [keepers.confirm(keeper).code for keeper in KEEPERS] == ["OK"] * 3
    assert keepers.shared.lacking == ()
    assert opens(keepers, CLUB, STUDIO)


def test_nobody_deals_once_all_who_were_waited_for_have(keepers: Keepers) -> None:
    """Whoever confirms has opened what counts by then; a later dealing would make their shares worthless."""
    keepers.begin(dealing_ms=5_000, complaining_ms=5_000)
    for dealer in KEEPERS:
        keepers.deal(dealer)
    for keeper in (STUDIO, AGENCY):
        keepers.confirm(keeper)
    honest = keepers.shares | {CLUB: keepers.shares[STUDIO]}
    keepers.wait(20_000)
    keepers.end()
    keepers.shares = dict(honest)
    keepers.begin()
    for dealer in (STUDIO, AGENCY):
        keepers.deal(dealer)

    assert "all others have dealt" in keepers.state.detail(
        CLUB, actions.DealShares(ceremony=keepers.record.id, dealing=keepers.dealing(CLUB).to_bytes().hex())
    )
