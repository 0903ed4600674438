"""Policies before they are published: their faults, what they would decide, and what they change of the last requests.

A published policy is answered as `ledger.records.PolicyRecord`.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from ledger.encoding import encode
from ledger.governance import Replayed
from ledger.names import AccountName, Count, CurrencyCode, Hex32, OrgName, Positive, TimeMs
from ledger.policy_source import KINDS
from ledger.records import PolicyRecord
from remarque.api.explanations import Explanation
from remarque.api.shapes import Answer, Body, Page

SOURCE_CHARACTERS_MAX = 16 * 1024
Source = Annotated[str, Meta(max_length=SOURCE_CHARACTERS_MAX)]
"""A policy's text."""
Kind = Annotated[str, Meta(pattern=rf"^({'|'.join(sorted(KINDS))})\Z")]
"""What rules decide."""
REPLAYED, REQUESTS_MAX = 1_000, 10_000
"""Requests that are replayed unless it is asked for otherwise, and at most."""


class Written(Body, frozen=True, kw_only=True):
    """Body of `POST /v1/policies/check`: a policy that is not published."""

    source: Source


class PolicyProblem(Answer, frozen=True, kw_only=True):
    """Something wrong, or doubtful, in a policy's source."""

    code: str
    message: str
    severity: str
    """`error`, or `warning`: that one stops no publication."""
    rule: str
    """Id of the rule that it is in; empty if in none."""
    line: int
    column: int
    excerpt: str
    """The place in the source."""
    text: str
    """All of it, for people."""


class PolicyCheck(Answer, frozen=True, kw_only=True):
    """Whether a policy may be published; if not, why."""

    holds: bool
    policy: str | UnsetType = UNSET
    """`name@version`; absent where the source cannot even be read."""
    digest: str | UnsetType = UNSET
    """Of its source; absent where that cannot even be read."""
    problems: tuple[PolicyProblem, ...]
    fuel: dict[str, int] | UnsetType = UNSET
    """The most that each rule and the condition of each royalty may cost, by its name; of a policy that holds."""


class Question(Body, frozen=True, kw_only=True):
    """Body of `POST /v1/policies/evaluate`: what would be decided."""

    asset: Hex32
    kind: Kind
    """One of the actions that rules decide, such as `view` or `sale`."""
    requester: AccountName
    source: Source = ""
    """A policy in the place of the asset's own; empty: that one, if it has one."""
    price: Positive | None = None
    """In minor units."""
    currency: CurrencyCode | None = None
    to: AccountName | None = None
    """Who would receive it."""
    viewer: OrgName | None = None
    """Whose node would show the picture in the requester's place; for `view`."""
    paid: bool = False
    """Whether another action of the same transaction may pay."""
    height: Count | None = None
    """Of the block after which; else the newest."""
    time_ms: TimeMs | None = None
    """Time of the block that it would be in; else that of the block meant."""


class Evaluation(Answer, frozen=True, kw_only=True):
    """What would be decided, explained whole."""

    allowed: bool
    height: int
    """Of the block after which."""
    explanation: Explanation


class AskReplay(Written, frozen=True, kw_only=True):
    """Body of `POST /v1/policies/replay`: a policy, and how many of the last requests it is tried on."""

    requests: Annotated[int, Meta(ge=1, le=REQUESTS_MAX)] = REPLAYED
    binding_all: bool = False
    """As the consortium's policy, not in the place of its other versions."""


class Said(Answer, frozen=True, kw_only=True):
    """What the rules said to a request."""

    code: str
    """Of the transaction's outcome."""
    decision: str
    """Code of its last decision; empty: none was made."""
    rule: str
    """Id of the rule that made it; empty: none did."""


class Difference(Answer, frozen=True, kw_only=True):
    """A request that the proposed policy decides in another way."""

    transaction: str
    """Its id."""
    height: int
    kinds: tuple[str, ...]
    """What the rules were asked about."""
    before: Said
    after: Said


class Replay(Answer, frozen=True, kw_only=True):
    """What came of running the last requests again under a proposed policy."""

    policy: str
    """`name@version`."""
    digest: str
    """Of its source."""
    first: int
    """Height of the oldest block replayed."""
    last: int
    """Height of the newest."""
    requests: int
    """Transactions that were run again."""
    decisions: int
    """How often rules were asked."""
    different: int
    """Requests that are decided in another way."""
    replaces: tuple[str, ...] | UnsetType = UNSET
    """The published versions of the same policy that it stood in for. If there are none it had no say, and nothing
    could come out otherwise. Absent where it stood in for the consortium's policy."""
    differences: tuple[Difference, ...]
    """The newest of them."""


def in_short(replay: Replay) -> Replayed:
    """What a proposal says of a replay."""
    return Replayed(
        policy=replay.policy,
        first=replay.first,
        last=replay.last,
        requests=replay.requests,
        decisions=replay.decisions,
        different=replay.different,
        digest=hashlib.sha256(encode(replay)).hexdigest(),
    )


class PoliciesPage(Page, frozen=True, kw_only=True):
    """Published policies with their sources, by name and version."""

    policies: tuple[PolicyRecord, ...]
