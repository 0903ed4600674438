"""What was: state keys, and assets with all that hangs on them, as they stood at an earlier height or time.

This member answers from its index of past values. An answer names, for every value, the block that made it so and the
transactions of that block that may have: those that name the key, those that end proposals where a proposal or its org
is asked about, and all that did something if there are none. The receipts of those transactions prove it to anybody.
That nothing changed between that block and the height asked about rests on this member's word, or on an audit.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from msgspec import UNSET, UnsetType
from msgspec.structs import replace
from starlette.responses import Response

from ledger import records
from ledger.block import Outcome
from ledger.encoding import decode_trusted, encode
from ledger.errors import Code
from ledger.events import AccessGranted, ProposalMade, ProposalPassed, ProposalRejected
from ledger.execution.holding import token_id
from ledger.execution.scope import governing
from ledger.execution.view import Ledger
from ledger.governance import proposal_key
from ledger.names import org_of
from ledger.state_answer import KEYS_MAX
from ledger.times import moment
from ledger.transaction import SignedTransaction
from node.api.bodies import answer, stored
from node.api.history import places_about
from node.api.operations import operation
from node.api.proofs import check_keys
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.chain import Chain
from node.chain.finals import Final
from node.chain.reading import Reading
from node.policies.replaying import PastState
from remarque.api.past import AssetAt, EntryAt, StateAt
from remarque.errors import NodeCode, NodeError

BASIS = "answered by this member; provable through the receipts of the transactions named"
GRANTS_MAX = KEYS_MAX
PAST = (NodeCode.NOT_FOUND, NodeCode.BLOCK_PRUNED)
"""What whoever asks for an earlier height may be refused with."""

Height = Annotated[int | None, Query(ge=0, description="Height of the block after which it stood so.")]
TimeMs = Annotated[int | None, Query(ge=0, description="Instead: a time; the newest block not after it is meant.")]


def routes(chain: Chain, reading: Reading, reader: Reader) -> APIRouter:
    """The routes to the past."""
    router = make_router("/v1", "ledger", reader)

    @router.get("/state/at", summary="What stood under keys of the state at a height or time, and what made it so")
    @operation(StateAt, refuses=PAST)
    async def state(key: list[str] = Query(), height: Height = None, time_ms: TimeMs = None) -> Response:  # noqa: B008, how FastAPI takes a repeated parameter
        """Up to 64 keys, at a height or a time: one of the two must be named. By the word of this node, but each
        entry names the transactions whose receipts prove it.
        """
        check_keys(key)
        meant = await height_meant(chain, reading, height, time_ms)
        entries = await entries_at(chain, reading, key, meant)
        return answer(StateAt(height=meant, basis=BASIS, entries=tuple(entries)))

    @router.get("/assets/{asset}/at", summary="An asset, its owner, policies, listing and grants at a height or time")
    @operation(AssetAt, refuses=(Code.ASSET_UNKNOWN, *PAST))
    async def asset(asset: str, height: Height = None, time_ms: TimeMs = None) -> Response:
        """At a height or a time: one of the two must be named. An asset that was not recorded yet has no owner then."""
        chain.ledger().asset(asset)
        return answer(await asset_at(chain, reading, asset, await height_meant(chain, reading, height, time_ms)))

    return router


async def height_meant(chain: Chain, reading: Reading, height: int | None, time_ms: int | None) -> int:
    """Height of the block that is meant by a height or a time."""
    if (height is None) == (time_ms is None):
        raise NodeError(NodeCode.REQUEST_MALFORMED, "name a height or a time_ms, and not both")
    if height is None:
        height = await _newest_not_after(chain, reading, time_ms or 0)
    if height > chain.committed.height:
        raise NodeError(NodeCode.NOT_FOUND, f"block {height} is not final here; the newest is {chain.committed.height}")
    if height < chain.state.first:
        detail = f"this node knows what was from block {chain.state.first} on; ask a node that has the whole chain"
        raise NodeError(NodeCode.BLOCK_PRUNED, detail)
    return height


async def _newest_not_after(chain: Chain, reading: Reading, time_ms: int) -> int:
    """Height of the newest block whose time is not after another, by halving what is left."""
    low, high = chain.finals.oldest_header, chain.committed.height
    if chain.header(low).time_ms > time_ms:
        raise NodeError(
            NodeCode.NOT_FOUND, f"the oldest block here is of {moment(chain.header(low).time_ms)}; name a later time"
        )
    while low < high:
        middle = (low + high + 1) // 2
        header = await reading.piece(chain.header, middle)
        low, high = (middle, high) if header.time_ms <= time_ms else (low, middle - 1)
    return low


async def entries_at(chain: Chain, reading: Reading, keys: list[str], height: int) -> list[EntryAt]:
    """What stood under keys, since when, and which transactions made it so."""
    found = []
    for key in dict.fromkeys(keys):
        held = await reading.piece(chain.state.at, key, height)
        makers = await reading.final(held.since, partial(_makers, key)) if held.since > chain.finals.oldest else []
        value = UNSET if held.value is None else msgspec.Raw(held.value)
        found.append(EntryAt(key=key, value=value, since=held.since, transactions=tuple(makers)))
    return found


def _makers(key: str, final: Final) -> list[str]:
    """Transactions of a block that may have made a key what it is: rather too many of them than too few."""
    results = zip(final.block.transactions, final.results.outcomes, strict=True)
    acted = [(signed, outcome) for signed, outcome in results if outcome.events]
    found = [signed.id for signed, outcome in acted if _names(key, signed, outcome) or _ends(key, outcome)]
    return found or [signed.id for signed, _ in acted]


def _names(key: str, signed: SignedTransaction, outcome: Outcome) -> bool:
    """Whether a transaction names what a key is about, in request or outcome."""
    names = [part.encode() for part in key.split("/")[1:]]
    return all(name in signed.body or name in encode(outcome.events) for name in names)


def _ends(key: str, outcome: Outcome) -> bool:
    """Whether a transaction may have ended a proposal: by the deciding vote, for any org, or by a later proposal."""
    about = key.startswith((records.org_key(""), proposal_key("")))
    return about and any(isinstance(one, ProposalMade | ProposalPassed | ProposalRejected) for one in outcome.events)


async def asset_at(chain: Chain, reading: Reading, asset: str, height: int) -> AssetAt:
    """An asset with owner, policies, listing and grants, and the entries they were read off."""
    token = token_id(asset)
    accounts = await _ever_granted(chain, reading, asset, height)
    keys = [records.asset_key(asset), records.token_key(token), records.listing_key(token)]
    keys += [records.grant_key(asset, account) for account in accounts]
    held = await reading.piece(chain.state.at, records.asset_key(asset), height)
    record = None if held.value is None else decode_trusted(held.value, records.Asset)
    if record is not None:
        keys += _scope_keys(record)
    entries = await entries_at(chain, reading, keys, height)
    values = [None if isinstance(entry.value, UnsetType) else bytes(entry.value) for entry in entries]
    grants = values[3 : 3 + len(accounts)]
    found = AssetAt(
        height=height,
        basis=BASIS,
        asset=asset,
        entries=tuple(entry for entry in entries if entry.value is not UNSET),
        grants=tuple(stored(value, records.Grant) for value in grants if value is not None),
    )
    if record is None:
        return found
    owner = record.owner if values[1] is None else decode_trusted(values[1], records.Token).owner
    policies = await reading.piece(governing, Ledger(PastState(chain.state, height)), record)
    return replace(found, owner=owner, policies=tuple(policies))


def _scope_keys(asset: records.Asset) -> list[str]:
    """Where the policies stand that govern an asset, but for its own."""
    keys = [records.CONSORTIUM_POLICY, records.org_key(org_of(asset.creator))]
    return keys if isinstance(asset.collection, UnsetType) else [*keys, records.collection_key(asset.collection)]


async def _ever_granted(chain: Chain, reading: Reading, asset: str, height: int) -> list[str]:
    """Accounts that a grant on an asset was given to, up to a height."""
    places = (place for _, place in places_about(chain, asset, (0, 0)) if place[0] <= height)
    accounts: set[str] = set()
    for events in await reading.each(places, lambda final, position: final.results.outcomes[position].events):
        accounts.update(event.account for event in events if isinstance(event, AccessGranted))
    if len(accounts) > GRANTS_MAX:
        detail = f"{len(accounts)} accounts were granted access; ask for their keys by themselves at /v1/state/at"
        raise NodeError(NodeCode.REQUEST_MALFORMED, detail)
    return sorted(accounts)
