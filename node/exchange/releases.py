"""Releasing a confidential asset's key: only for a decision that the chain holds, and only to that request's reader.

The interface is that of threshold release: any node is asked, and gives the *shares* it could gather. Today one share,
by a node of the owner's org that holds the sealed key, opens the content by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from ledger import records
from ledger.actions import SealedKey
from ledger.crypto import SigningKey
from ledger.encoding import NOT_DECODED, encode
from ledger.events import AccessAllowed
from ledger.execution.access import holders, still_decided
from ledger.execution.policy import may
from ledger.names import org_of
from ledger.times import span
from node.chain.chain import Chain
from node.chain.finals import Final
from node.chain.reading import Reading
from node.peers.network import Peers
from remarque import sealing
from remarque.api.content import KeyShare, Release
from remarque.errors import NodeCode, NodeError

T = TypeVar("T", KeyShare, SealedKey)

RELEASE_MS_MAX = 120_000
"""How old the decision may be, by block time and by this node's clock."""
CATCH_UP_SECONDS = 5.0


class Releases:
    """Finds who can release, and releases what this node can."""

    def __init__(
        self, chain: Chain, reading: Reading, key: SigningKey, peers: Peers, clock_ms: Callable[[], int]
    ) -> None:
        self._clock_ms = clock_ms
        self._chain = chain
        self._reading = reading
        self._key = key
        self._peers = peers

    async def shares(self, transaction: str) -> Release:
        """Shares of the key for an access request that was decided on the chain: all that custodians give now."""
        event = await self._decided(transaction)
        return Release(
            transaction=transaction, shares=await self._given(event, transaction, "", self.own_share, KeyShare)
        )

    async def seal(self, transaction: str, node: str) -> SealedKey:
        """What `asset.reseal` has a further node hold, for an access request of whoever may have it do so."""
        event = await self._decided(transaction)
        self._further_node(node, event)
        given = await self._given(event, transaction, f"/seals/{node}", partial(self.own_seal, node), SealedKey)
        return given[0]

    async def release(self, transaction: str) -> bytes:
        """This node's share, for another node that was asked."""
        return encode(self.own_share(await self._decided(transaction)))

    async def release_seal(self, transaction: str, node: str) -> bytes:
        """What this node seals to a further one, for another node that was asked."""
        return encode(self.own_seal(node, await self._decided(transaction)))

    async def _given(
        self, event: AccessAllowed, transaction: str, path: str, own: Callable[[AccessAllowed], T], kind: type[T]
    ) -> tuple[T, ...]:
        """What this node gives if it holds the key, else what all other custodians give in time.

        What one of them gives may be wrong: whoever opens it finds out, and takes the next.
        """
        custodians = [sealed.node for sealed in self._sealed_keys(event.asset)]
        if self._chain.node in custodians:
            try:
                return (own(event),)
            except NodeError as error:
                if len(custodians) == 1 or error.code is not NodeCode.NOT_CUSTODIAN:
                    raise
        others = [node for node in custodians if node != self._chain.node]
        asked = (self._peers.ask(node, f"/v1/releases/{transaction}{path}", 64 * 1024) for node in others)
        found = []
        for answer in await asyncio.gather(*asked):
            with suppress(*NOT_DECODED):
                found += [] if answer is None else [msgspec.json.decode(answer, type=kind)]
        if not found:
            raise NodeError(
                NodeCode.NOT_CUSTODIAN,
                f"{', '.join(custodians)} can open it and cannot be reached now; ask again later",
                5,
            )
        return tuple(found)

    def own_share(self, event: AccessAllowed) -> KeyShare:
        """The content key, sealed to the reader key of the request."""
        record = self._chain.ledger().asset(event.asset)
        content_key = sealing.content_key(self._seed(event.asset), self._chain.name, record.id, record.creator)
        return KeyShare(node=self._chain.node, sealed=sealing.seal_to_reader(content_key, event.reader_key).hex())

    def own_seal(self, node: str, event: AccessAllowed) -> SealedKey:
        """The seed of the content key, sealed to a node of the org of who asked, who has it held there."""
        key = self._further_node(node, event).key
        return SealedKey(node=node, sealed=sealing.seal_to_node(self._seed(event.asset), key).hex())

    def _further_node(self, node: str, event: AccessAllowed) -> records.NodeRecord:
        """A node that may hold the key too, since whoever asked has a say in that and it is of their org."""
        ledger, account = self._chain.ledger(), event.account
        if account not in holders(ledger, ledger.asset(event.asset)):
            raise NodeError(
                NodeCode.RELEASE_DENIED, f"{account} neither owns it nor has a token of it, so it says not who holds it"
            )
        found = ledger.find(records.node_key(node), records.NodeRecord)
        if found is None or found.org != org_of(account):
            raise NodeError(NodeCode.RELEASE_DENIED, f"{node} is no node of {org_of(account)}; name one that is")
        if event.reader_key != sealing.reader_key_of(found.key):
            raise NodeError(
                NodeCode.RELEASE_DENIED, f"the request's reader key is not that of {node}; ask for access with its key"
            )
        return found

    def _seed(self, asset: str) -> bytes:
        sealed = next((one for one in self._sealed_keys(asset) if one.node == self._chain.node), None)
        if sealed is None:
            raise NodeError(NodeCode.NOT_CUSTODIAN, f"{self._chain.node} holds no key of this asset")
        try:
            return sealing.open_as_node(bytes.fromhex(sealed.sealed), self._key)
        except sealing.SealBroken as error:
            raise NodeError(
                NodeCode.NOT_CUSTODIAN, f"what the record seals to this node does not open: {error}"
            ) from None

    async def _decided(self, transaction: str) -> AccessAllowed:
        """The decision of a request, once this node has it. RELEASE_DENIED if there is none in its favour."""
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while True:
            seen = self._chain.commits.count
            place = self._chain.state.locate(transaction)
            if place is not None:
                height, position = place
                return await self._reading.final(height, partial(self._allowed, transaction, position))
            if not await self._chain.commits.after(seen, deadline - time.monotonic()):
                detail = f"{transaction} is not on the chain; send access.request first"
                raise NodeError(NodeCode.RELEASE_DENIED, detail)

    def _allowed(self, transaction: str, position: int, final: Final) -> AccessAllowed:
        events = [event for event in final.results.outcomes[position].events if isinstance(event, AccessAllowed)]
        if not events:
            raise NodeError(NodeCode.RELEASE_DENIED, f"{transaction} was not decided in its reader's favour")
        event, now = events[0], max(self._chain.committed.time_ms, self._clock_ms())
        if now - final.block.header.time_ms > RELEASE_MS_MAX:
            raise NodeError(
                NodeCode.RELEASE_DENIED,
                f"{transaction} was decided more than {span(RELEASE_MS_MAX)} ago; request again",
            )
        ledger, height = self._chain.ledger(), self._chain.committed.height
        asset = ledger.asset(event.asset)
        fuel = self._chain.version(height).decision_fuel_max
        signers = final.block.transactions[position].transaction.signers
        key = next(signer.key for signer in signers if signer.account == event.account)
        if not still_decided(ledger, event, key, final.block.header.height):
            raise NodeError(
                NodeCode.RELEASE_DENIED, f"something was taken from {event.account} since {transaction}; request again"
            )
        if not may(ledger, asset, "view", event.account, height, now, fuel):
            raise NodeError(NodeCode.RELEASE_DENIED, f"{event.account} may no longer see it; ask for a new grant")
        return event

    def _sealed_keys(self, asset: str) -> tuple[Any, ...]:
        keys = self._chain.ledger().asset(asset).content.sealed_keys
        return () if keys is UNSET else keys
