from __future__ import annotations

from typing import Any

from consortium import State, a_digest, a_genesis, balance, for_sale, key_of, listing, minted, registering, royalty
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import actions, records
from ledger.encoding import decode
from ledger.events import TokenSold
from ledger.execution.holding import token_id
from ledger.records import Currency

ALICE, BOB, CAROL, ROOT = "alice@studio", "bob@agency", "carol@club", "root@studio"


def total(state: State) -> int:
    return sum(decode(state.get(key) or b"0", int) for key in state.keys(records.BALANCE_PREFIX))


def supply(state: State) -> int:
    return decode(state.get(records.currency_key("EUR")) or b"", Currency).supply


def buying(token: str, price: int) -> actions.BuyToken:
    return actions.BuyToken(token=token, price=price, currency="EUR")


def test_a_first_sale_pays_the_creator_alone(state: State) -> None:
    token = for_sale(state, "p", 1_001, royalty=royalty(75_000, alice=700_000, root=300_000))

    outcome = state.do(BOB, buying(token, 1_001))

    assert outcome.code == "OK"
    assert (balance(state, ALICE), balance(state, ROOT), balance(state, BOB)) == (1_001, 0, 8_999)


def test_a_resale_pays_its_royalty_exact_to_the_unit_and_again_on_the_next(state: State) -> None:
    token = for_sale(state, "p", 1_000, royalty=royalty(75_000, alice=700_000, root=300_000))
    state.do(BOB, buying(token, 1_000))
    state.do(BOB, listing(state, token, 2_503))

    sold = next(event for event in state.do(CAROL, buying(token, 2_503)).events if isinstance(event, TokenSold))

    # 7.5 % of 2503 is 187.725, so 187; seventy and thirty hundredths of it are 130.9 and 56.1, so 131 and 56.
    assert [(one.to, one.amount, one.reason) for one in sold.payments] == [
        (ALICE, 131, "royalty"),
        (ROOT, 56, "royalty"),
        (BOB, 2_316, "price"),
    ]
    state.do(CAROL, listing(state, token, 100))
    assert state.do(BOB, buying(token, 100)).code == "OK"
    assert balance(state, ALICE) == 1_000 + 131 + 5
    assert total(state) == supply(state) == 30_000


def test_without_own_terms_the_policy_of_the_consortium_pays_the_creators(state: State) -> None:
    token = for_sale(state, "p", 1_000)
    state.do(BOB, buying(token, 1_000))
    state.do(BOB, listing(state, token, 1_000))
    state.do(CAROL, buying(token, 1_000))

    assert balance(state, ALICE) == 1_000 + 75


def test_a_listing_is_gone_once_sold(state: State) -> None:
    token = for_sale(state, "p", 10)

    codes = [state.do(buyer, buying(token, 10)).code for buyer in (BOB, CAROL)]

    assert codes == ["OK", "LISTING_UNKNOWN"]


def test_two_buyers_in_one_block_get_one_token(state: State) -> None:
    token = for_sale(state, "p", 10)

    result = state.run(*[state.transaction(buyer, buying(token, 10)) for buyer in (BOB, CAROL)])

    assert [outcome.code for outcome in result.outcomes] == ["OK", "LISTING_UNKNOWN"]
    assert total(state) == 30_000


def test_a_listing_ends_by_the_blocks_time(state: State) -> None:
    token = minted(state, "p")
    state.do(ALICE, listing(state, token, 10, until_ms=state.time_ms + 5_000))
    state.run(advance_ms=5_000)

    assert state.do(BOB, buying(token, 10)).code == "LISTING_EXPIRED"


def test_an_assets_own_policy_has_a_say_beside_the_consortiums(state: State) -> None:
    source = (
        "policy calm version 1 schema remarque@1 "
        '{ forbid sale as quiet when block.height < 1000 reason "nothing is sold before block 1000"; }'
    )
    assert state.do(ALICE, actions.PublishPolicy(source=source)).code == "OK"
    token = for_sale(state, "p", 10)
    assert state.do(ALICE, actions.SetPolicy(asset=a_digest("p"), policy="calm", version=1)).code == "OK"

    result = state.run(state.transaction(BOB, buying(token, 10)))

    decision = result.outcomes[0].decisions[0]
    assert result.outcomes[0].code == "POLICY_DENIED"
    assert (decision.code, decision.rule, decision.policy) == ("FORBIDDEN", "quiet", "calm@1")
    assert "nothing is sold before block 1000" in result.details[0]


def test_grants_are_decided_by_the_blocks_time_and_explained(state: State) -> None:
    secret = a_digest("secret")
    ask = actions.RequestAccess(asset=secret, reader_key=key_of("reader").public, purpose="")
    state.do(ALICE, registering("secret", confidential=True))
    steps: list[tuple[str, Any]] = [
        (BOB, ask),
        (ALICE, actions.GrantAccess(asset=secret, account=BOB, until_ms=state.time_ms + 10_000)),
        (BOB, ask),
        (ALICE, actions.RevokeAccess(asset=secret, account=BOB)),
        (BOB, ask),
        (ALICE, actions.GrantAccess(asset=secret, account=BOB, until_ms=state.time_ms + 10_000)),
        (ALICE, ask),
    ]
    codes = [state.do(signer, step).code for signer, step in steps]
    result = state.run(state.transaction(BOB, ask), advance_ms=10_000)

    assert codes == ["POLICY_DENIED", "OK", "OK", "OK", "POLICY_DENIED", "OK", "OK"]
    assert result.outcomes[0].code == "POLICY_DENIED"
    assert "grant_in_force" in result.details[0]
    assert result.explanations[0][0]["decision"] == "DENY"
    assert result.outcomes[0].decisions[0].digest != "0" * 64


PARTS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 3), st.integers(1, 12_000)), min_size=1, max_size=40
)


@settings(max_examples=60, deadline=None)
@given(PARTS)
def test_no_history_makes_or_loses_money(parts: list[tuple[int, int, int, int]]) -> None:
    state, accounts = State(a_genesis()), [ALICE, BOB, CAROL, ROOT]
    token = for_sale(state, "p", 50, royalty=royalty(99_999, alice=333_333, root=333_333, bob=333_334))
    for kind, who, other, amount in parts:
        signer, to = accounts[who], accounts[other]
        asks: list[Any] = [
            actions.Pay(to=to, currency="EUR", amount=amount),
            buying(token, amount),
            listing(state, token, amount),
            actions.TransferToken(token=token, to=to),
            actions.RedeemCurrency(currency="EUR", amount=amount),
            actions.IssueCurrency(currency="EUR", to=to, amount=amount),
        ]
        state.do(signer, asks[kind])
        listed = state.get(records.listing_key(token))
        if listed is not None:
            state.do(to, buying(token, decode(listed, records.Listing).price))

        assert total(state) == supply(state)


def test_a_sale_that_cannot_be_settled_is_an_outcome_and_not_a_fault(state: State) -> None:
    source = (
        "policy dear version 1 schema remarque@1 "
        "{ royalty first on primary_sale { base tx.price; pay 50% to asset.creators by weight; payer buyer; } }"
    )
    assert state.do(ALICE, actions.PublishPolicy(source=source)).code == "OK"
    under = actions.SetPolicy(asset=a_digest("p"), policy="dear", version=1)
    token, mint = token_id(a_digest("p")), actions.MintToken(asset=a_digest("p"))
    assert state.do(ALICE, registering("p"), under, mint, listing(state, token, 2**53 - 1)).code == "OK"

    assert state.do(BOB, buying(token, 2**53 - 1)).code == "AMOUNT_OVERFLOW"
