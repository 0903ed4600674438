"""The policy of an asset that names no other, as a table: who may do what."""

from collections.abc import Callable

import pytest

from contracts_vm import DueRoyalty, RuleValue, Timestamp, Upstream, decide, default_policy_source, parse

FactsBuilder = Callable[..., dict[str, dict[str, RuleValue]]]

POLICY = parse(default_policy_source())
NOW = 1_760_000_000_000
Changes = dict[str, dict[str, RuleValue]]
OPEN: Changes = {"asset": {"confidential": False}}
OWNED: Changes = {"asset": {"owner": "alice@acme"}}
MADE: Changes = {"asset": {"creator": "alice@acme"}}
HELD: Changes = {"token": {"id": "t1", "owner": "alice@acme"}}
GRANTED: Changes = {"grant": {"until": Timestamp(NOW + 1)}}
ENDING: Changes = {"grant": {"until": Timestamp(NOW)}}
ENDED: Changes = {"grant": {"until": Timestamp(NOW - 1)}}
PAID: Changes = {"tx": {"paid": True}}
PRICED: Changes = {"tx": {"paid": True, "price": 5}}
BESIDE: Changes = {"tx": {"paid": True, "paid_apart": True, "price": 5}}
SUSPENDED: Changes = {"requester": {"suspended": True}}

TABLE: list[tuple[str, Changes, str, str | None]] = [
    ("view", {}, "NOT_PERMITTED", None),
    ("view", OPEN, "PERMITTED", "not_confidential"),
    ("view", OWNED, "PERMITTED", "owner_views"),
    ("view", MADE, "PERMITTED", "creator_views"),
    ("view", GRANTED, "PERMITTED", "grant_in_force"),
    ("view", ENDED, "NOT_PERMITTED", None),
    ("view", ENDING, "NOT_PERMITTED", None),
    ("view", HELD, "NOT_PERMITTED", None),
    ("view", SUSPENDED | OWNED, "FORBIDDEN", "suspended"),
    ("view", SUSPENDED | GRANTED, "FORBIDDEN", "suspended"),
    ("sale", {}, "NOT_PERMITTED", None),
    ("sale", HELD, "PERMITTED", "holder_disposes"),
    ("sale", OWNED, "NOT_PERMITTED", None),
    ("sale", SUSPENDED | HELD, "FORBIDDEN", "suspended"),
    ("transfer", HELD, "PERMITTED", "holder_disposes"),
    ("transfer", {"token": {"owner": "bob@acme"}}, "NOT_PERMITTED", None),
    ("transfer", PAID | HELD, "FORBIDDEN", "paid_for"),
    ("sale", PRICED | HELD, "PERMITTED", "holder_disposes"),
    ("sale", BESIDE | HELD, "FORBIDDEN", "paid_beside"),
    ("rent", BESIDE | HELD, "FORBIDDEN", "paid_beside"),
    ("grant", BESIDE | OWNED, "FORBIDDEN", "paid_beside"),
    ("derive", BESIDE | OWNED, "FORBIDDEN", "paid_beside"),
    ("derive", PAID | OWNED, "FORBIDDEN", "paid_for"),
    ("rent", PAID | HELD, "FORBIDDEN", "paid_for"),
    ("rent", PRICED | HELD, "PERMITTED", "holder_disposes"),
    ("grant", PAID | OWNED, "FORBIDDEN", "paid_for"),
    ("grant", PRICED | OWNED, "PERMITTED", "owner_grants"),
    ("list", HELD, "PERMITTED", "holder_disposes"),
    ("mint", OWNED, "PERMITTED", "owner_mints"),
    ("mint", MADE, "NOT_PERMITTED", None),
    ("mint", {}, "NOT_PERMITTED", None),
    ("grant", OWNED, "PERMITTED", "owner_grants"),
    ("grant", MADE, "NOT_PERMITTED", None),
    ("grant", GRANTED, "NOT_PERMITTED", None),
    ("revoke", OWNED, "PERMITTED", "owner_grants"),
    ("revoke", SUSPENDED | OWNED, "FORBIDDEN", "suspended"),
    ("burn", OWNED | HELD, "NOT_PERMITTED", None),
]


@pytest.mark.parametrize(("action", "changes", "code", "rule"), TABLE)
def test_the_default_policy_decides(
    action: str, changes: Changes, code: str, rule: str | None, facts: FactsBuilder
) -> None:
    decision = decide([POLICY], action, facts(**changes), 1_000)

    assert (decision.code, decision.rule) == (code, rule)
    assert decision.fuel < 50


def test_the_default_policy_denies_when_it_is_not_told_whether_an_account_is_suspended(facts: FactsBuilder) -> None:
    told = facts(**OWNED)
    del told["requester"]["suspended"]

    assert decide([POLICY], "view", told, 1_000).code == "FORBID_ERROR"


@pytest.mark.parametrize(
    ("name", "trigger"),
    [("resale", "secondary_sale"), ("use", "rental"), ("sight", "licence")],
)
def test_the_default_royalty_is_due_on_every_resale_rental_and_licence(
    name: str, trigger: str, facts: FactsBuilder
) -> None:
    assert POLICY.royalty_for(trigger, facts(), [1_000]) == DueRoyalty(
        id=name,
        trigger=trigger,
        base="tx.price",
        rate_ppm=75_000,
        payees="asset.creators",
        cap_ppm=250_000,
        payer="seller",
        upstream=Upstream("lap", 32),
    )
    assert POLICY.royalty_for("primary_sale", facts(), [1_000]) is None


@pytest.mark.parametrize("trigger", ["gift", "swap"])
def test_where_nothing_is_paid_a_unit_of_the_consortiums_currency_is_due(trigger: str, facts: FactsBuilder) -> None:
    def due(currency: str) -> DueRoyalty | None:
        return parse(default_policy_source(currency)).royalty_for(trigger, facts(), [1_000])

    found = [one and one.fallback and one.fallback.text for one in map(due, ("EUR", "USD", ""))]

    assert found == ["1 EUR", "1 USD", None]
