"""What a policy may be made of: the vocabulary of the ledger's facts, and what a source must hold to be published."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import contracts_vm
from contracts_vm import Field, Schema
from ledger import crypto
from ledger.actions import ROLES_MAX
from ledger.actions.licences import MEDIA_MAX, PURPOSE_MAX, TERRITORIES_MAX
from ledger.errors import Code, LedgerError
from ledger.names import ACCOUNT_PATTERN
from ledger.records import PolicyRecord

POLICY_DIGEST = b"remarque/policy/v1"
"""Domain tag under which a policy's source is digested."""

KINDS = frozenset(
    {
        *("view", "download", "export", "publish", "verify"),
        *("mint", "list", "sale", "transfer", "rent", "derive", "grant", "license", "revoke"),
    }
)
"""What rules can be asked about."""

ACCOUNT = 65
ORG = 32
ROLE = 32
ROLES = ROLES_MAX + 3
"""Roles of an account: its org's, and by vote `issuer`, `registrar` and, for an org's first, `administrator`."""
PARENTS, GENERATIONS = 8, 32
TIME_MS_MAX = 7_258_118_400_000
"""The year 2200: later block times are seen as this one, so that rules can add and subtract within the range."""

SCHEMA = Schema(
    "remarque",
    1,
    {
        "requester": {
            "id": Field("AccountId", characters=ACCOUNT),
            "org": Field("OrgId", characters=ORG),
            "roles": Field("list<string>", characters=ROLE, items=ROLES),
            "suspended": Field("bool"),
        },
        "asset": {
            "id": Field("AssetId", characters=128),
            "owner": Field("AccountId", characters=ACCOUNT),
            "creator": Field("AccountId", characters=ACCOUNT),
            "creators": Field("payees"),
            "org": Field("OrgId", characters=ORG),
            "confidential": Field("bool"),
            "evidence": Field("string", characters=64),
            "model": Field("string", characters=128, optional=True),
            "collection": Field("string", characters=ACCOUNT, optional=True),
            "parents": Field("list<AssetId>", characters=128, items=PARENTS),
            "depth": Field("int", low=0, high=GENERATIONS),
        },
        "token": {
            "id": Field("TokenId", characters=128, optional=True),
            "owner": Field("AccountId", characters=ACCOUNT, optional=True),
        },
        "grant": {
            "until": Field("timestamp", low=0, optional=True),
            "granted_by": Field("AccountId", characters=ACCOUNT, optional=True),
        },
        "licence": {
            "id": Field("LicenceId", characters=128, optional=True),
            "to": Field("string", characters=ACCOUNT, optional=True),
            "media": Field("list<string>", characters=ORG, items=MEDIA_MAX, optional=True),
            "territories": Field("list<string>", characters=2, items=TERRITORIES_MAX, optional=True),
            "exclusive": Field("bool", optional=True),
            "paid": Field("bool", optional=True),
            "until": Field("timestamp", low=0, optional=True),
            "left": Field("int", low=0, high=2**53 - 1, optional=True),
        },
        "request": {
            "purpose": Field("string", characters=PURPOSE_MAX, optional=True),
            "medium": Field("string", characters=ORG, optional=True),
            "territory": Field("string", characters=2, optional=True),
            "viewer": Field("OrgId", characters=ORG, optional=True),
        },
        "derivative": {
            "creator": Field("AccountId", characters=ACCOUNT, optional=True),
            "org": Field("OrgId", characters=ORG, optional=True),
            "evidence": Field("string", characters=64, optional=True),
            "confidential": Field("bool", optional=True),
            "model": Field("string", characters=128, optional=True),
            "source_type": Field("string", characters=64, optional=True),
        },
        "tx": {
            "kind": Field("string", characters=32),
            "paid": Field("bool", actions=("transfer",)),
            "paid_apart": Field("bool", actions=("sale",)),
            "price": Field("int", low=0, high=2**53 - 1, optional=True, actions=("sale", "list", "rent")),
            "currency": Field("string", characters=8, optional=True, actions=("sale", "list", "rent")),
            "to": Field("AccountId", characters=ACCOUNT, optional=True, actions=("sale", "transfer", "rent")),
            "to_org": Field("OrgId", characters=ORG, optional=True),
        },
        "block": {
            "height": Field("int", low=0, high=2**53 - 1),
            "time": Field("timestamp", low=0, high=TIME_MS_MAX),
        },
    },
)
"""What rules see. The bounds hold for all facts that `facts_for` can give, so that what the checker proves is so."""


class Checked(NamedTuple):
    """What checking a source came to."""

    policy: contracts_vm.Policy | None
    fault: str
    """Why it may not be published; empty if it may."""
    fuel: int
    """The most that a decision by it costs, with the condition of a royalty that may be due."""


CHECKED_MAX = 64
"""Sources whose check is remembered, so that a node can check one, which takes up to 60 ms, before it runs a block."""


def check_source(source: str) -> contracts_vm.Policy:
    """Policy from a source that may be published: it parses, and asks only for what the schema has."""
    found = checked(source)
    if found.policy is None:
        raise LedgerError(Code.POLICY_INVALID, found.fault)
    return found.policy


@lru_cache(maxsize=CHECKED_MAX)
def checked(source: str) -> Checked:
    """A source, checked once as long as it is in use."""
    try:
        policy = contracts_vm.parse(source)
    except contracts_vm.PolicyError as error:
        return Checked(None, str(error), 0)
    for clause in policy.royalties:
        if (clause.base.text, clause.payees.text) != ("tx.price", "asset.creators"):
            fault = f"royalty {clause.id}: its base must be tx.price and its payees asset.creators"
            return Checked(None, fault, 0)
        for one in clause.named:
            if not re.match(ACCOUNT_PATTERN, one.payee, re.ASCII):
                fault = f"royalty {clause.id} pays {one.payee!r}; an account is named such as society@club"
                return Checked(None, fault, 0)
    problems = [one for one in contracts_vm.check(policy, SCHEMA, KINDS) if one.severity == "error"]
    if problems:
        return Checked(None, "; ".join(str(problem) for problem in problems[:5]), 0)
    bounds = contracts_vm.bounds(policy, SCHEMA)
    condition = max((bounds.get(clause.id, 0) for clause in policy.royalties), default=0)
    dearest = max(sum(bounds[ready.rule.id] for ready in policy.rules_for(kind)) for kind in sorted(KINDS))
    return Checked(policy, "", condition + dearest)


def policy_record(policy: contracts_vm.Policy, publisher: str) -> PolicyRecord:
    """A policy as it is kept once it is published, with what it costs at most."""
    return PolicyRecord(
        name=policy.name,
        version=policy.version,
        digest=crypto.digest(POLICY_DIGEST, policy.source.encode()),
        source=policy.source,
        publisher=publisher,
        fuel=checked(policy.source).fuel,
    )
