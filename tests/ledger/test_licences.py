"""Licences: facts for the rules, bound by what they name, whoever acts under them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from consortium import State, a_digest, balance, done, happened, key_of, minted, registering, trading_terms

from ledger import actions, records
from ledger.actions import GrantLicence, Price, UseLicence
from ledger.encoding import decode, encode
from ledger.errors import Code
from ledger.events import AccessAllowed, AssetDerived, LicenceGranted, LicenceOffered, LicenceUsed
from ledger.execution.access import may_still
from ledger.execution.holding import token_id
from ledger.execution.licence import licence_id
from ledger.execution.view import Ledger
from ledger.records import Licence, licence_key

ALICE, BOB, CAROL, ROOT = "alice@studio", "bob@agency", "carol@club", "root@studio"
P, SECRET = a_digest("p"), a_digest("secret")


@pytest.fixture
def state(state: State) -> State:
    assert state.do(ALICE, registering("p"), registering("secret", confidential=True)).code == "OK"
    return state


def licensing(to: str = BOB, *uses: Any, asset: str = P, **more: Any) -> GrantLicence:
    return GrantLicence(asset=asset, to=to, uses=uses or ("publish",), **more)


def licensed(state: State, *signers: str, to: str = BOB, uses: Any = ("publish",), **more: Any) -> str:
    """Id of a licence that alice gives."""
    outcome = done(state, [ALICE, *signers], licensing(to, *uses, **more))
    assert outcome.code == "OK"
    return happened(outcome, LicenceGranted).licence


def stands(state: State, licence: str) -> Licence | None:
    found = state.get(licence_key(licence))
    return None if found is None else decode(found, Licence)


def using(licence: str, **more: Any) -> UseLicence:
    return UseLicence(asset=P, licence=licence, **more)


def asking(licence: str, use: Any = "view", asset: str = SECRET) -> actions.RequestAccess:
    return actions.RequestAccess(asset=asset, reader_key="ab" * 32, purpose="cover", use=use, licence=licence)


def put_under(state: State, name: str, rules: str, asset: str) -> None:
    assert state.do(ALICE, trading_terms(name, rules=rules)).code == "OK"
    assert state.do(ALICE, actions.SetPolicy(asset=asset, policy=name, version=1)).code == "OK"


# Given


def test_a_licence_is_given_by_the_owner_alone_and_to_whom_there_is(state: State) -> None:
    assert state.do(BOB, licensing()).code == Code.POLICY_DENIED.name
    assert state.do(ALICE, licensing("nobody@club")).code == Code.ACCOUNT_UNKNOWN.name
    assert state.do(ALICE, licensing("nobody")).code == Code.ORG_UNKNOWN.name
    assert state.do(ALICE, licensing(until_ms=state.time_ms)).code == Code.END_INVALID.name


def test_a_licence_for_a_price_pays_the_owner_and_the_creators_part_and_needs_whoever_pays(state: State) -> None:
    team = (actions.Share(account=ALICE, weight_ppm=500_000), actions.Share(account=CAROL, weight_ppm=500_000))
    assert state.do(ALICE, registering("team", creators=team)).code == "OK"
    wanted = licensing(asset=a_digest("team"), price=Price(amount=1_000, currency="EUR"))
    before = [balance(state, one) for one in (ALICE, BOB, CAROL)]

    assert state.do(ALICE, wanted).code == Code.SIGNER_MISSING.name
    outcome = done(state, [ALICE, BOB], wanted)

    assert sorted((one.to, one.amount, one.reason) for one in happened(outcome, LicenceGranted).payments) == [
        (ALICE, 38, "royalty"),
        (ALICE, 925, "price"),
        (CAROL, 37, "royalty"),
    ]
    after = [balance(state, one) for one in (ALICE, BOB, CAROL)]
    assert [now - then for then, now in zip(before, after, strict=True)] == [963, -1_000, 37]


def test_an_org_s_licence_is_paid_by_an_account_of_it(state: State) -> None:
    price = Price(amount=1_000, currency="EUR")

    assert done(state, [ALICE, BOB], licensing("agency", price=price)).code == Code.SIGNER_MISSING.name
    assert done(state, [ALICE, CAROL], licensing("agency", price=price, payer=CAROL)).code == Code.SIGNER_MISSING.name
    licence = licensed(state, BOB, to="agency", price=price, payer=BOB)
    assert stands(state, licence) is not None
    assert state.do(BOB, using(licence)).code == "OK"


def test_what_one_has_alone_nobody_else_is_licensed_for_and_not_the_other_way_round(state: State) -> None:
    licensed(state, uses=("publish",), media=("print",), territories=("DE", "FR"), exclusive=True)
    others: list[tuple[dict[str, Any], str]] = [
        ({"uses": ("publish",), "media": ("print",), "territories": ("FR",)}, Code.LICENCE_EXCLUSIVE.name),
        ({"uses": ("publish",)}, Code.LICENCE_EXCLUSIVE.name),
        ({"uses": ("view", "publish"), "territories": ("DE",)}, Code.LICENCE_EXCLUSIVE.name),
        ({"uses": ("publish",), "territories": ("IT",)}, "OK"),
        ({"uses": ("publish",), "media": ("web",)}, "OK"),
        ({"uses": ("derive",)}, "OK"),
        ({"uses": ("publish",), "territories": ("IT",), "exclusive": True, "to": BOB}, Code.LICENCE_EXCLUSIVE.name),
    ]

    found = [state.do(ALICE, licensing(more.pop("to", CAROL), *more.pop("uses"), **more)).code for more, _ in others]

    assert found == [code for _, code in others]


def test_an_exclusive_licence_that_has_ended_stands_in_nobodys_way(state: State) -> None:
    licensed(state, exclusive=True, until_ms=state.time_ms + 5_000)
    assert state.do(ALICE, licensing(CAROL)).code == Code.LICENCE_EXCLUSIVE.name
    state.run(advance_ms=10_000)

    assert state.do(ALICE, licensing(CAROL, exclusive=True)).code == "OK"


# Offered


def offering(state: State, amount: int = 1_000, **more: Any) -> actions.OfferLicence:
    price = Price(amount=amount, currency="EUR")
    return actions.OfferLicence(asset=P, uses=("publish",), price=price, until_ms=state.time_ms + 60_000, **more)


def offered(state: State, **more: Any) -> str:
    """Id of an offer of alice's, at 10.00."""
    outcome = state.do(ALICE, offering(state, **more))
    assert outcome.code == "OK"
    return happened(outcome, LicenceOffered).offer


def buying(offer: str, amount: int = 1_000, **more: Any) -> actions.BuyLicence:
    return actions.BuyLicence(asset=P, offer=offer, price=Price(amount=amount, currency="EUR"), **more)


def test_what_is_offered_is_bought_by_one_signature_and_pays_the_owner(state: State) -> None:
    offer = offered(state, times=3, media=("web",), lasting_ms=50_000)
    before = [balance(state, one) for one in (ALICE, BOB)]

    bought = state.do(BOB, buying(offer))

    licence = stands(state, happened(bought, LicenceGranted).licence)
    assert licence is not None
    assert (licence.to, licence.payer, licence.times, licence.media) == (BOB, BOB, 3, ("web",))
    assert licence.until_ms == state.time_ms + 50_000
    after = [balance(state, one) for one in (ALICE, BOB)]
    assert [now - then for then, now in zip(before, after, strict=True)] == [1_000, -1_000]
    for_org = state.do(BOB, buying(offer, for_org=True))
    assert happened(for_org, LicenceGranted).to == "agency"


def test_an_offer_is_the_owners_and_has_an_end_a_price_and_a_word_that_stands(state: State) -> None:
    assert state.do(BOB, offering(state)).code == Code.NOT_OWNER.name
    offer = offered(state)
    assert state.do(BOB, buying(offer, 999)).code == Code.PRICE_CHANGED.name
    assert state.do(BOB, buying(a_digest("none"))).code == Code.OFFER_UNKNOWN.name
    assert state.do(ALICE, buying(offer)).code == Code.SELF_SALE.name
    assert state.do(BOB, buying(offer), actions.Pay(to=ALICE, currency="EUR", amount=5)).code == "POLICY_DENIED"
    assert state.do(ROOT, actions.RecoverAccount(account=ALICE, key=key_of("another").public)).code == "OK"
    assert state.do(BOB, buying(offer)).code == Code.CONSENT_ENDED.name
    state.run(advance_ms=100_000)
    assert state.do(BOB, buying(offer)).code == Code.OFFER_ENDED.name


def test_an_offer_ends_with_its_owner_and_is_withdrawn_by_who_made_it(state: State) -> None:
    offer, other = offered(state), offered(state)
    withdrawing = actions.WithdrawLicenceOffer(asset=P, offer=offer)
    assert state.do(BOB, withdrawing).code == Code.NOT_OWNER.name
    assert state.do(ALICE, withdrawing).code == "OK"
    assert state.do(BOB, buying(offer)).code == Code.OFFER_UNKNOWN.name
    minting = [actions.MintToken(asset=P), actions.TransferToken(token=token_id(P), to=CAROL)]
    assert state.do(ALICE, *minting).code == "OK"
    assert state.do(BOB, buying(other)).code == Code.OFFER_ENDED.name


def test_what_somebody_has_alone_is_not_bought_by_another(state: State) -> None:
    offer = offered(state)
    licensed(state, to=CAROL, exclusive=True)

    assert state.do(BOB, buying(offer)).code == Code.LICENCE_EXCLUSIVE.name


def test_one_transaction_buys_a_licence_and_asks_for_what_it_is_for(state: State) -> None:
    price = Price(amount=1_000, currency="EUR")
    wanted = actions.OfferLicence(asset=SECRET, uses=("view",), price=price, until_ms=state.time_ms + 60_000, times=1)
    offer = happened(state.do(ALICE, wanted), LicenceOffered).offer
    bought = actions.BuyLicence(asset=SECRET, offer=offer, price=price)
    nonce = "5a" * 16
    licence = licence_id(BOB, nonce, 0)

    signed = state.transaction(BOB, bought, asking(licence), nonce=nonce)
    (outcome,) = state.run(signed).outcomes

    assert outcome.code == "OK"
    assert [type(event) for event in outcome.events] == [LicenceGranted, AccessAllowed]
    found = stands(state, licence)
    assert found is not None
    assert found.left == 0
    again = state.transaction(BOB, bought, nonce=nonce)
    assert state.run(again).outcomes[0].code == Code.LICENCE_EXISTS.name


# Used


def test_a_publication_is_on_the_chain_and_counted(state: State) -> None:
    licence = licensed(state, times=2)

    outcome = state.do(BOB, using(licence, purpose="cover"))
    assert outcome.code == "OK"
    said = happened(outcome, LicenceUsed)
    assert (said.asset, said.account, said.use, said.purpose, said.rule) == (P, BOB, "publish", "cover", "licensed")
    assert state.do(BOB, using(licence)).code == "OK"
    assert state.do(BOB, using(licence)).code == Code.LICENCE_UNFIT.name
    found = stands(state, licence)
    assert found is not None
    assert (found.used, found.left) == (2, 0)


def test_a_licence_serves_whom_it_is_for_its_asset_its_uses_and_no_longer(state: State) -> None:
    licence = licensed(state, until_ms=state.time_ms + 20_000)
    views = licensed(state, uses=("view",))
    unfit = Code.LICENCE_UNFIT.name

    assert state.do(CAROL, using(licence)).code == unfit
    assert state.do(BOB, UseLicence(asset=SECRET, licence=licence)).code == unfit
    assert state.do(BOB, using(views)).code == unfit
    assert state.do(BOB, using(a_digest("none"))).code == Code.LICENCE_UNKNOWN.name
    state.run(advance_ms=30_000)
    assert state.do(BOB, using(licence)).code == unfit


def test_of_several_media_and_territories_it_is_said_which(state: State) -> None:
    licence = licensed(state, media=("print", "web"), territories=("DE",))
    tried = [
        {},
        {"medium": "print"},
        {"medium": "tv", "territory": "DE"},
        {"medium": "print", "territory": "FR"},
        {"medium": "web", "territory": "DE"},
    ]

    codes = [state.do(BOB, using(licence, **where)).code for where in tried]

    assert codes == [Code.LICENCE_UNFIT.name] * 4 + ["OK"]


def test_a_confidential_asset_is_opened_under_a_licence_for_the_use_that_it_names(state: State) -> None:
    licence = licensed(state, uses=("view",), asset=SECRET, times=1)

    assert state.do(BOB, asking(licence, "export")).code == Code.LICENCE_UNFIT.name
    assert state.do(BOB, asking(a_digest("none"))).code == Code.LICENCE_UNKNOWN.name
    outcome = state.do(BOB, asking(licence))
    said = happened(outcome, AccessAllowed)
    assert (said.use, said.purpose, said.licence, said.rule) == ("view", "cover", licence, "licensed")
    assert state.do(BOB, asking(licence)).code == Code.LICENCE_UNFIT.name


def test_a_request_under_the_last_use_of_a_licence_still_holds_when_shares_are_given(state: State) -> None:
    rules = "forbid view as used_up when !has(licence.left) || licence.left < 1;"
    put_under(state, "counted", rules, SECRET)
    licence = licensed(state, uses=("view",), asset=SECRET, times=1)
    event = happened(state.do(BOB, asking(licence)), AccessAllowed)
    now = (state.height, state.time_ms, 40_000)

    assert may_still(Ledger(state), event, "", *now)
    assert state.do(ALICE, actions.RevokeLicence(asset=SECRET, licence=licence)).code == "OK"
    assert not may_still(Ledger(state), event, "", *now)


def test_a_refused_request_uses_nothing_up(state: State) -> None:
    put_under(
        state,
        "closed",
        'forbid view as embargo when request.purpose == "cover";'.replace(
            "request.purpose ==", "has(request.purpose) && request.purpose =="
        ),
        SECRET,
    )
    licence = licensed(state, uses=("view",), asset=SECRET, times=1)

    assert state.do(BOB, asking(licence)).code == Code.POLICY_DENIED.name
    found = stands(state, licence)
    assert found is not None
    assert found.left == 1


def test_the_rules_decide_about_each_use_by_itself(state: State) -> None:
    until = state.time_ms + 60_000
    assert state.do(ALICE, actions.GrantAccess(asset=SECRET, account=BOB, until_ms=until)).code == "OK"

    def asked(use: Any) -> str:
        return state.do(BOB, actions.RequestAccess(asset=SECRET, reader_key="ab" * 32, purpose="", use=use)).code

    assert [asked(use) for use in ("view", "download", "export")] == ["OK", "OK", Code.POLICY_DENIED.name]


def test_purpose_medium_and_territory_are_facts(state: State) -> None:
    rules = (
        'require publish as news when has(request.purpose) && request.purpose == "news" && has(request.medium)'
        ' && request.medium in licence.media && has(request.territory) && request.territory != "FR";'
    ).replace("request.medium in", "has(licence.media) && request.medium in")
    put_under(state, "news_only", rules, P)
    licence = licensed(state, media=("web",))

    def used(**more: Any) -> str:
        return state.do(BOB, using(licence, medium="web", **more)).code

    denied = Code.POLICY_DENIED.name
    assert [used(purpose="ad", territory="DE"), used(purpose="news", territory="FR")] == [denied, denied]
    assert used(purpose="news", territory="DE") == "OK"


# Of derivatives


AI_ONLY_LICENSED = (
    "permit derive as all_may when true;"
    'require derive as licensed_ai when (has(derivative.evidence) && derivative.evidence == "declared"'
    " && !has(derivative.source_type)) || has(licence.id);"
)


def test_a_derivative_is_a_fact_and_is_made_under_a_licence(state: State) -> None:
    put_under(state, "no_ai", AI_ONLY_LICENSED, P)
    ai = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    assert state.do(BOB, registering("photo"), registering("made", source_type=ai)).code == "OK"

    def deriving(name: str, *licences: str) -> actions.DeriveAsset:
        return actions.DeriveAsset(asset=a_digest(name), parents=(P,), licences=licences)

    assert state.do(BOB, deriving("made")).code == Code.POLICY_DENIED.name
    assert state.do(BOB, deriving("photo")).code == "OK"
    licence = licensed(state, uses=("derive",), times=1)
    other = licensed(state, uses=("derive",), asset=SECRET)
    assert state.do(BOB, deriving("made", other)).code == Code.LICENCE_UNFIT.name
    assert state.do(BOB, deriving("made", licence, licensed(state, uses=("derive",)))).code == Code.LICENCE_UNFIT.name
    outcome = state.do(BOB, deriving("made", licence))
    assert outcome.code == "OK"
    assert happened(outcome, AssetDerived).parents == (P,)
    assert (happened(outcome, LicenceUsed).use, happened(outcome, LicenceUsed).licence) == ("derive", licence)
    found = stands(state, licence)
    assert found is not None
    assert found.left == 0


def test_a_licence_to_derive_is_its_licensees_alone(state: State) -> None:
    licence = licensed(state, uses=("derive",))
    assert state.do(CAROL, registering("made")).code == "OK"

    deriving = actions.DeriveAsset(asset=a_digest("made"), parents=(P,), licences=(licence,))
    assert state.do(CAROL, deriving).code == Code.LICENCE_UNFIT.name


def test_whom_something_goes_to_is_seen_with_its_org(state: State) -> None:
    rules = 'require transfer, license as no_club when has(tx.to_org) && tx.to_org != "club";'
    token = minted(state, "q")
    put_under(state, "no_club", rules, a_digest("q"))
    put_under(state, "no_club_too", rules.replace("as no_club", "as no_club_too"), P)
    denied = Code.POLICY_DENIED.name

    assert state.do(ALICE, actions.TransferToken(token=token, to=CAROL)).code == denied
    assert [state.do(ALICE, licensing(to)).code for to in (CAROL, "club", BOB, "agency")] == [
        denied,
        denied,
        "OK",
        "OK",
    ]
    assert state.do(ALICE, actions.TransferToken(token=token, to=BOB)).code == "OK"


# Ended


def test_a_licence_that_was_paid_for_ends_with_the_payers_signature_and_another_when_the_owner_wants(
    state: State,
) -> None:
    paid = licensed(state, BOB, price=Price(amount=100, currency="EUR"))
    free = licensed(state, to=CAROL)

    def ending(licence: str, asset: str = P) -> actions.RevokeLicence:
        return actions.RevokeLicence(asset=asset, licence=licence)

    assert state.do(ALICE, ending(paid)).code == Code.LICENCE_PAID.name
    assert state.do(BOB, ending(free)).code == Code.POLICY_DENIED.name
    assert state.do(ALICE, ending(free, SECRET)).code == Code.LICENCE_UNFIT.name
    assert state.do(ALICE, ending(free)).code == "OK"
    assert done(state, [ALICE, BOB], ending(paid)).code == "OK"
    assert not [key for key in state.keys("") if key.startswith(("licence/", "licensed/", "licensee/", "exclusive/"))]


def test_who_has_paid_is_under_the_policies_of_then_and_who_has_not_under_those_of_now(state: State) -> None:
    paid = licensed(state, BOB, price=Price(amount=100, currency="EUR"))
    free = licensed(state)
    put_under(state, "closed", "forbid publish as closed when true;", P)

    assert state.do(BOB, using(free)).code == Code.POLICY_DENIED.name
    assert state.do(BOB, using(paid)).code == "OK"


def test_a_licence_given_for_nothing_with_a_key_that_was_lost_is_void(state: State) -> None:
    free, paid = licensed(state), licensed(state, BOB, price=Price(amount=100, currency="EUR"))
    assert state.do(ROOT, actions.RecoverAccount(account=ALICE, key=key_of("another").public)).code == "OK"

    assert state.do(BOB, using(free)).code == Code.LICENCE_UNFIT.name
    assert state.do(BOB, using(paid)).code == "OK"


def test_a_licence_is_of_the_record_that_it_was_given_for(state: State) -> None:
    licence = licensed(state)
    asset = Ledger(state).asset(P)
    state.values[records.asset_key(P)] = encode(msgspec.structs.replace(asset, transaction=a_digest("another")))

    assert state.do(BOB, using(licence)).code == Code.LICENCE_UNFIT.name
