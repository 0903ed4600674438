"""What the tests of the rule language share: the vocabulary remarque@1 and the facts of an ordinary request."""

from collections.abc import Callable, Mapping

import pytest

from contracts_vm import Field, Schema, Timestamp, Value

REMARQUE_1 = Schema(
    name="remarque",
    version=1,
    roots={
        "requester": {
            "id": Field("string"),
            "org": Field("string"),
            "roles": Field("list<string>"),
            "suspended": Field("bool"),
        },
        "asset": {
            "id": Field("string"),
            "owner": Field("string"),
            "creator": Field("string"),
            "creators": Field("payees"),
            "org": Field("string"),
            "confidential": Field("bool"),
            "evidence": Field("string"),
            "model": Field("string", optional=True),
            "parents": Field("list<string>"),
            "depth": Field("int"),
        },
        "token": {"id": Field("string", optional=True), "owner": Field("string", optional=True)},
        "grant": {"until": Field("timestamp", optional=True), "granted_by": Field("string", optional=True)},
        "tx": {
            "kind": Field("string"),
            "price": Field("int", optional=True),
            "currency": Field("string", optional=True),
            "to": Field("string", optional=True),
        },
        "block": {"height": Field("int"), "time": Field("timestamp")},
    },
)

ACTIONS = frozenset({"view", "sale", "transfer", "mint", "rent", "derive", "grant", "revoke", "list"})

FactsBuilder = Callable[..., dict[str, dict[str, Value]]]


@pytest.fixture
def schema() -> Schema:
    return REMARQUE_1


@pytest.fixture
def actions() -> frozenset[str]:
    return ACTIONS


@pytest.fixture
def facts() -> FactsBuilder:
    """Facts of alice's request to view bob's confidential picture; `facts(grant={...})` changes a root."""

    def build(**changes: Mapping[str, Value]) -> dict[str, dict[str, Value]]:
        ordinary: dict[str, dict[str, Value]] = {
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
            "tx": {"kind": "access.request"},
            "block": {"height": 8123, "time": Timestamp(1_760_000_000_000)},
        }
        for root, fields in changes.items():
            ordinary[root] = ordinary[root] | dict(fields)
        return ordinary

    return build
