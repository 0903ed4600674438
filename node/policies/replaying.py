"""The last requests under a proposed policy: every block is run again on the state that it really had, twice.

Once with the policies as they were, once with the proposed one in the place of every version of it that is in force; so
whatever differs comes from the policy alone. Nothing is kept. What was refused before any rule was asked, or is decided
by another policy, does not appear.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from contracts_vm import Policy
from ledger import records
from ledger.block import Outcome
from ledger.encoding import decode_trusted, encode
from ledger.errors import InvalidBlock
from ledger.execution.block import BlockResult, execute_block
from ledger.execution.view import StateReader
from ledger.version import ProtocolVersion
from node.chain import Chain
from node.errors import NodeCode, NodeError
from node.reading import Reading
from node.storage.state_store import UNVERSIONED, StateStore

REQUESTS_MAX = 10_000
"""Transactions replayed at most."""
DIFFERENCES_MAX = 200
"""Differences told; the others are counted."""
POLICY_PREFIX = "policy/"


class Decided(msgspec.Struct, frozen=True):
    """What the rules said to a request."""

    code: str
    """Of the transaction's outcome."""
    decision: str
    """Of its last decision; empty: none was made."""
    rule: str


class Difference(msgspec.Struct, frozen=True):
    """A request that the proposed policy decides in another way."""

    transaction: str
    height: int
    kinds: tuple[str, ...]
    """What the rules were asked about."""
    before: Decided
    after: Decided


class Replay(msgspec.Struct, frozen=True):
    """What came of replaying."""

    policy: str
    digest: str
    first: int
    """Height of the oldest block replayed."""
    last: int
    requests: int
    decisions: int
    different: int
    """Requests that are decided in another way."""
    differences: tuple[Difference, ...]
    """The newest of them."""


class PastState:
    """The state as it stood after a block. Satisfies `ledger.execution.view.StateReader`.

    Keys that are set once are taken for absent: what is run on this state set them, or later blocks did.
    """

    def __init__(self, state: StateStore, height: int) -> None:
        self._state = state
        self._height = height

    def get(self, key: str) -> bytes | None:
        return None if key.startswith(UNVERSIONED) else self._state.at(key, self._height).value

    def keys(self, prefix: str) -> Iterator[str]:
        return (key for key in self._state.keys(prefix) if self.get(key) is not None)


class Proposed:
    """A state with a policy in the place of every version of it. Satisfies `StateReader`."""

    def __init__(self, below: StateReader, policy: Policy) -> None:
        self._below = below
        self._prefix = records.policy_key(policy.name, 0).removesuffix("0")
        self._source = policy.source

    def get(self, key: str) -> bytes | None:
        value = self._below.get(key)
        if value is None or not key.startswith(self._prefix):
            return value
        record = decode_trusted(value, records.PolicyRecord)
        return encode(msgspec.structs.replace(record, source=self._source))

    def keys(self, prefix: str) -> Iterator[str]:
        return self._below.keys(prefix)


async def replay(chain: Chain, reading: Reading, policy: Policy, requests: int) -> Replay:
    """Replay the newest blocks that hold at least so many requests, as far as this node keeps them."""
    if not 1 <= requests <= REQUESTS_MAX:
        raise NodeError(NodeCode.REQUEST_MALFORMED, f"{requests} requests; replay 1 to {REQUESTS_MAX}")
    newest = height = chain.committed.height
    lowest = max(chain.oldest, chain.state.first)
    seen = decisions = 0
    different: list[Difference] = []
    while height > lowest and seen < requests:
        count, made, found = await reading.piece(_block, chain, policy, height)
        seen, decisions = seen + count, decisions + made
        different += found
        height -= 1
    return Replay(
        policy=policy.id,
        digest=policy.digest,
        first=height + 1,
        last=newest,
        requests=seen,
        decisions=decisions,
        different=len(different),
        differences=tuple(different[:DIFFERENCES_MAX]),
    )


def _block(chain: Chain, policy: Policy, height: int) -> tuple[int, int, list[Difference]]:
    """How many requests and decisions a block holds, and those that come out differently; the newest first."""
    block = chain.final(height).block
    below = PastState(chain.state, height - 1)
    runs = [_run(chain, state, height, block.transactions) for state in (below, Proposed(below, policy))]
    if runs[0] is None or runs[1] is None:
        return len(block.transactions), 0, []
    was, now = runs[0].outcomes, runs[1].outcomes
    found = [
        Difference(signed.id, height, tuple(one.kind for one in before.decisions), _said(before), _said(after))
        for signed, before, after in zip(block.transactions, was, now, strict=True)
        if _said(before) != _said(after)
    ]
    return len(was), sum(len(outcome.decisions) for outcome in was), found[::-1]


def _run(chain: Chain, state: StateReader, height: int, transactions: Any) -> BlockResult | None:
    version: ProtocolVersion = chain.version(chain.committed.height + 1)
    try:
        return execute_block(state, chain.name, height, chain.header(height).time_ms, transactions, version)
    except InvalidBlock:
        return None


def _said(outcome: Outcome) -> Decided:
    last = outcome.decisions[-1] if outcome.decisions else None
    return Decided(outcome.code, "" if last is None else last.code, "" if last is None else last.rule)
