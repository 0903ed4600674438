"""The last requests under a proposed policy: every block is run again on the state that it really had, twice.

Once with the policies as they were, once with the proposed one in the place of every version of it, or of the
consortium's policy; so whatever differs comes from the policy alone, and every node finds the same. Nothing is kept.
What was refused before any rule was asked, or is decided by another policy, does not appear.
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
from ledger.governance import Replayed
from ledger.policy_source import policy_record
from node.chain import Chain
from node.errors import NodeCode, NodeError
from node.reading import Reading
from node.storage.state_store import UNVERSIONED, StateStore

REQUESTS_MAX = 10_000
"""Transactions replayed at most."""
BLOCKS_MAX = 10_000
"""Blocks replayed at most, however few requests they hold."""
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


class BindingAll:
    """A state on which a policy is the consortium's, in place of the one that was. Satisfies `StateReader`."""

    def __init__(self, below: StateReader, policy: Policy) -> None:
        self._below = below
        self._instead = {
            records.CONSORTIUM_POLICY: encode(policy.id),
            records.policy_key(policy.name, policy.version): encode(policy_record(policy, "proposed")),
        }

    def get(self, key: str) -> bytes | None:
        return self._instead.get(key) or self._below.get(key)

    def keys(self, prefix: str) -> Iterator[str]:
        return self._below.keys(prefix)


async def replay(
    chain: Chain, reading: Reading, policy: Policy, requests: int, *, under: type[Proposed | BindingAll] = Proposed
) -> Replay:
    """Replay the newest blocks that hold at least so many requests, as far as this node keeps them."""
    if not 1 <= requests <= REQUESTS_MAX:
        raise NodeError(NodeCode.REQUEST_MALFORMED, f"{requests} requests; replay 1 to {REQUESTS_MAX}")
    newest = height = chain.committed.height
    lowest = _kept_from(chain)
    found: list[_Block] = []
    while height >= lowest and requests > 0 and len(found) < BLOCKS_MAX:
        found.append(await reading.piece(_block, chain, policy, under, height))
        requests -= found[-1].requests
        height -= 1
    return _added_up(policy, newest, found)


async def replay_again(chain: Chain, reading: Reading, policy: Policy, told: Replayed) -> Replay:
    """Replay the blocks that a proposal tells of, as if its policy had been the consortium's."""
    lowest = _kept_from(chain)
    if told.first < lowest:
        raise NodeError(
            NodeCode.NOT_FOUND,
            f"this node keeps blocks from {lowest} on, the replay begins at {told.first}; ask another",
        )
    heights = range(told.last, told.first - 1, -1)
    if len(heights) > BLOCKS_MAX:
        raise NodeError(NodeCode.NOT_FOUND, f"it tells of {len(heights)} blocks; no replay has more than {BLOCKS_MAX}")
    found = [await reading.piece(_block, chain, policy, BindingAll, height) for height in heights]
    return _added_up(policy, told.last, found)


def _kept_from(chain: Chain) -> int:
    """The oldest block that can be run again here, for which the state below it is needed."""
    return max(chain.oldest, chain.state.first) + 1


class _Block(msgspec.Struct, frozen=True):
    requests: int
    decisions: int
    differences: list[Difference]
    """The newest first."""


def _added_up(policy: Policy, last: int, blocks: list[_Block]) -> Replay:
    """What blocks come to that follow one another downwards."""
    differences = [difference for block in blocks for difference in block.differences]
    return Replay(
        policy=policy.id,
        digest=policy.digest,
        first=last - len(blocks) + 1,
        last=last,
        requests=sum(block.requests for block in blocks),
        decisions=sum(block.decisions for block in blocks),
        different=len(differences),
        differences=tuple(differences[:DIFFERENCES_MAX]),
    )


def _block(chain: Chain, policy: Policy, under: type[Proposed | BindingAll], height: int) -> _Block:
    block = chain.final(height).block
    below = PastState(chain.state, height - 1)
    runs = [_run(chain, state, height, block.transactions) for state in (below, under(below, policy))]
    if runs[0] is None or runs[1] is None:
        return _Block(len(block.transactions), 0, [])
    was, now = runs[0].outcomes, runs[1].outcomes
    found = [
        Difference(signed.id, height, tuple(one.kind for one in before.decisions), _said(before), _said(after))
        for signed, before, after in zip(block.transactions, was, now, strict=True)
        if _said(before) != _said(after)
    ]
    return _Block(len(was), sum(len(outcome.decisions) for outcome in was), found[::-1])


def _run(chain: Chain, state: StateReader, height: int, transactions: Any) -> BlockResult | None:
    try:
        version = chain.version(height)
        return execute_block(state, chain.name, height, chain.header(height).time_ms, transactions, version)
    except InvalidBlock:
        return None


def _said(outcome: Outcome) -> Decided:
    last = outcome.decisions[-1] if outcome.decisions else None
    return Decided(outcome.code, "" if last is None else last.code, "" if last is None else last.rule)
