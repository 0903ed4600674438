"""The last requests under a proposed policy: every block is run again on the state that it really had, twice.

Once with the policies as they were, once with the proposed one in the place of every version of it, or of the
consortium's policy; so whatever differs comes from the policy alone, and every node finds the same. What was refused
before any rule was asked does not appear, nor does what another rule decides in the same way.

A piece on the event loop is a few milliseconds of transactions, and at most one more; a transaction's fuel bounds it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator

import msgspec
from cachetools import FIFOCache
from msgspec import UNSET

from contracts_vm import Policy
from ledger import records
from ledger.block import Block, Outcome
from ledger.encoding import decode_trusted, encode
from ledger.execution.block import run_transactions
from ledger.execution.scope import compiled
from ledger.execution.view import Ledger, StateReader
from ledger.governance import Replayed
from ledger.policy_source import policy_record
from node.chain.chain import Chain
from node.chain.reading import Reading
from node.storage.state_store import UNVERSIONED, StateStore
from remarque.api.policies import REQUESTS_MAX, Difference, Replay, Said
from remarque.errors import NodeCode, NodeError

BLOCKS_MAX = 10_000
"""Blocks replayed at most, however few requests they hold."""
DIFFERENCES_MAX = 200
"""Differences told; the others are counted."""
KEPT_MAX = 16
"""Replays of proposals kept, so that their voters do not have each made again: some 100 KB each."""
RETRY_SECONDS = 5
"""One replay is made at a time; whoever asks for another is told to wait so long."""


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
        if prefix.startswith(UNVERSIONED):
            return iter(())
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


class Replays:
    """Makes replays, one at a time, and keeps the last that were made of proposals."""

    def __init__(self, chain: Chain, reading: Reading) -> None:
        self._chain = chain
        self._reading = reading
        self._making = asyncio.Lock()
        self._kept: FIFOCache[str, Replay] = FIFOCache(KEPT_MAX)

    async def newest(self, policy: Policy, requests: int, *, under: type[Proposed | BindingAll] = Proposed) -> Replay:
        """Replay the newest blocks that hold at least so many requests, as far as this node keeps them."""
        return await self._make(policy, under, self._chain.committed.height, self._lowest(), requests)

    async def again(self, proposal: str, policy: Policy, told: Replayed) -> Replay:
        """Replay the blocks that a proposal tells of, as if its policy had been the consortium's.

        Of more blocks than a replay ever has, the newest: what then comes out is not what was told.
        """
        if proposal not in self._kept:
            if told.first < self._lowest():
                raise NodeError(
                    NodeCode.NOT_FOUND,
                    f"this node keeps blocks from {self._lowest()} on, the replay begins at {told.first}; ask another",
                )
            self._kept[proposal] = await self._make(policy, BindingAll, told.last, told.first, REQUESTS_MAX)
        return self._kept[proposal]

    def _lowest(self) -> int:
        """The oldest block that can be run again here, for which the state below it is needed."""
        return max(self._chain.finals.oldest, self._chain.state.first) + 1

    async def _make(
        self, policy: Policy, under: type[Proposed | BindingAll], last: int, first: int, requests: int
    ) -> Replay:
        """Replay blocks downwards until there are so many requests, or no more blocks."""
        if self._making.locked():
            raise NodeError(NodeCode.OVERLOADED, "another replay is being made; ask again", RETRY_SECONDS)
        async with self._making:
            await asyncio.to_thread(compiled, policy.source)
            found, height = _Found(), last
            while height >= first and found.requests < requests and last - height < BLOCKS_MAX:
                block = await self._reading.final(height, lambda final: final.block)
                await self._reading.steps(_run_twice(self._chain, policy, under, block, found))
                height -= 1
        replaces = UNSET if under is BindingAll else tuple(_published(self._chain.ledger(), policy.name))
        return Replay(
            replaces=replaces,
            policy=policy.id,
            digest=policy.digest,
            first=height + 1,
            last=last,
            requests=found.requests,
            decisions=found.decisions,
            different=found.different,
            differences=tuple(found.differences),
        )


def _published(ledger: Ledger, name: str) -> Iterator[str]:
    """All versions of a policy, oldest first."""
    prefix = records.policy_key(name, 0).removesuffix("0")
    versions = sorted(int(key.removeprefix(prefix)) for key in ledger.keys(prefix))
    return (f"{name}@{version}" for version in versions)


class _Found(msgspec.Struct):
    """What came of the blocks replayed so far."""

    requests: int = 0
    decisions: int = 0
    different: int = 0
    differences: list[Difference] = msgspec.field(default_factory=list)
    """The newest of them, newest first."""


def _run_twice(
    chain: Chain, policy: Policy, under: type[Proposed | BindingAll], block: Block, found: _Found
) -> Iterator[None]:
    """Add what comes of a block; pauses after each run of a transaction."""
    height, time_ms, version = block.header.height, block.header.time_ms, chain.version(block.header.height)
    below = PastState(chain.state, height - 1)
    was, now = (
        run_transactions(Ledger(state), height, time_ms, block.transactions, version)
        for state in (below, under(below, policy))
    )
    newest: deque[Difference] = deque(maxlen=DIFFERENCES_MAX - len(found.differences))
    for signed in block.transactions:
        before = next(was).outcome
        yield
        after = next(now).outcome
        found.requests += 1
        found.decisions += len(before.decisions)
        if _differ(before, after):
            found.different += 1
            kinds = tuple(one.kind for one in before.decisions or after.decisions)
            newest.append(
                Difference(transaction=signed.id, height=height, kinds=kinds, before=_said(before), after=_said(after))
            )
        yield
    found.differences += reversed(newest)


def _differ(before: Outcome, after: Outcome) -> bool:
    """Whether rules were asked and something else came of it; not whether another rule said the same."""
    was, now = _said(before), _said(after)
    return bool(before.decisions or after.decisions) and (was.code, was.decision) != (now.code, now.decision)


def _said(outcome: Outcome) -> Said:
    last = outcome.decisions[-1] if outcome.decisions else None
    return Said(
        code=outcome.code,
        decision="" if last is None else last.code,
        rule="" if last is None else last.rule,
    )
