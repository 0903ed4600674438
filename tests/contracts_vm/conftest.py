"""What the tests of the rule language share: the vocabulary remarque@1 and the facts of an ordinary request."""

from collections.abc import Callable, Mapping

import pytest

from contracts_vm import RuleValue, Schema, Timestamp
from ledger.policy_source import KINDS, SCHEMA

REMARQUE_1 = SCHEMA
ACTIONS = KINDS

FactsBuilder = Callable[..., dict[str, dict[str, RuleValue]]]


@pytest.fixture
def schema() -> Schema:
    return REMARQUE_1


@pytest.fixture
def actions() -> frozenset[str]:
    return ACTIONS


@pytest.fixture
def facts() -> FactsBuilder:
    """Facts of alice's request to view bob's confidential picture; `facts(grant={...})` changes a root."""

    def build(**changes: Mapping[str, RuleValue]) -> dict[str, dict[str, RuleValue]]:
        ordinary: dict[str, dict[str, RuleValue]] = {
            "requester": {"id": "alice@acme", "org": "acme", "roles": ["editor"], "suspended": False},
            "asset": {
                "id": "a1",
                "owner": "bob@acme",
                "creator": "carol@acme",
                "org": "acme",
                "confidential": True,
                "evidence": "generated",
                "parents": [],
                "depth": 0,
            },
            "token": {},
            "grant": {},
            "tx": {"kind": "access.request", "paid": False, "paid_apart": False},
            "block": {"height": 8123, "time": Timestamp(1_760_000_000_000)},
        }
        for root, fields in changes.items():
            ordinary[root] = ordinary[root] | dict(fields)
        return ordinary

    return build
