"""Releasing a confidential asset's key: only for a decision that the chain holds, and only to that request's reader.

Any node is asked, and gives the *shares* it could gather: decryption shares of the consortium's keepers, of which so
many open the content together; or, where the content was recorded before there was a consortium's key, the key as a
node that holds it seals it to the reader.
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
from ledger.errors import LedgerError
from ledger.events import AccessAllowed
from ledger.execution.access import holders, may_still, still_decided
from ledger.execution.confidential import key_in_force
from ledger.execution.viewing import viewer_node
from ledger.execution.voting import nodes_of
from ledger.names import org_of
from ledger.times import span
from node.chain.chain import Chain
from node.chain.finals import Final
from node.chain.reading import Reading
from node.exchange.keeper import ShareKeeper, check_epoch
from node.ground.logs import logger
from node.peers.network import Peers
from remarque import sealing
from remarque.api.content import KeyShare, Release, SealedShare
from remarque.errors import NodeCode, NodeError

T = TypeVar("T", KeyShare, SealedKey)
SHARE_BYTES_MAX = 64 * 1024

RELEASE_MS_MAX = 120_000
"""How old the decision may be, by block time and by this node's clock."""
CATCH_UP_SECONDS = 5.0


class Releases:
    """Finds who can release, and releases what this node can."""

    def __init__(
        self,
        chain: Chain,
        reading: Reading,
        key: SigningKey,
        keeper: ShareKeeper | None,
        peers: Peers,
        clock_ms: Callable[[], int],
    ) -> None:
        self._clock_ms = clock_ms
        self._chain = chain
        self._reading = reading
        self._key = key
        self._keeper = keeper
        self._peers = peers

    async def shares(self, transaction: str, *, all_keepers: bool) -> Release:
        """Shares of the key for an access request that was decided on the chain.

        `all_keepers`: wait for each, as where one gave a false share; else until they are enough.
        """
        event, height = await self.decided(transaction)
        shared = key_in_force(self._chain.ledger())
        if shared is None or not self._is_encapsulated(event.asset):
            given = await self._given(event, transaction, "", self.own_share, KeyShare)
            return Release(transaction=transaction, shares=given, decryption_shares=())
        check_epoch(shared, height)
        enough = len(shared.keepers) if all_keepers else shared.threshold
        found = await self._gathered(event, transaction, height, shared, enough)
        if len(found) < shared.threshold:
            fact = f"{', '.join(sorted(found)) or 'none'} of {', '.join(shared.keepers)} gave a share"
            raise NodeError(NodeCode.KEEPERS_TOO_FEW, f"{fact}, {shared.threshold} open it; ask again later", 2)
        return Release(
            transaction=transaction, shares=(), decryption_shares=tuple(found.values()), consortium_key=shared.key
        )

    async def _gathered(
        self, event: AccessAllowed, transaction: str, height: int, shared: records.SharedKey, enough: int
    ) -> dict[str, SealedShare]:
        """Shares of so many keepers, or of all that answer in time, by keeper. What one gives may be wrong: the reader
        finds out, and this node cannot.
        """
        ledger = self._chain.ledger()
        orgs = {org_of(keeper) for keeper in shared.keepers}
        asking = {
            asyncio.ensure_future(self._asked(node, transaction))
            for node in nodes_of(ledger)
            if node.org in orgs and node.name != self._chain.node
        }
        if self._keeper is not None:
            asking.add(asyncio.ensure_future(self._own(self._keeper, event, transaction, height)))
        found: dict[str, SealedShare] = {}
        try:
            while asking and len(found) < enough:
                done, asking = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
                for share in (task.result() for task in done):
                    if share is not None and share.epoch == shared.epoch and share.keeper in shared.keepers:
                        found.setdefault(share.keeper, share)
        finally:
            for task in asking:
                task.cancel()
        return found

    async def _asked(self, node: records.NodeRecord, transaction: str) -> SealedShare | None:
        """What another node gives for its org's keeper; None if it keeps no share, or none comes in time."""
        answer = await self._peers.ask(node.name, f"/v1/releases/{transaction}/share", SHARE_BYTES_MAX)
        with suppress(*NOT_DECODED):
            found = None if answer is None else msgspec.json.decode(answer, type=SealedShare)
            return found if found is not None and org_of(found.keeper) == node.org else None
        return None

    @staticmethod
    async def _own(keeper: ShareKeeper, event: AccessAllowed, transaction: str, height: int) -> SealedShare | None:
        """What this node's keeper gives; None if it has no share, or cannot note that it gives it."""
        try:
            return await asyncio.to_thread(keeper.share_for, event, transaction, height)
        except NodeError as error:
            if error.code is not NodeCode.NOT_CUSTODIAN:
                raise
        except OSError as error:
            logger.error("share_not_noted", decision=transaction, reason=str(error))
        return None

    async def release_share(self, transaction: str) -> bytes:
        """This keeper's share, for another node that was asked."""
        event, height = await self.decided(transaction)
        if self._keeper is None:
            raise NodeError(NodeCode.NOT_CUSTODIAN, f"{self._chain.node} keeps no share of the consortium's key")
        return encode(await asyncio.to_thread(self._keeper.share_for, event, transaction, height))

    async def seal(self, transaction: str, node: str) -> SealedKey:
        """What `asset.reseal` has a further node hold, for an access request of whoever may have it do so."""
        event, _ = await self.decided(transaction)
        self._further_node(node, event)
        given = await self._given(event, transaction, f"/seals/{node}", partial(self.own_seal, node), SealedKey)
        return given[0]

    async def release(self, transaction: str) -> bytes:
        """This node's share, for another node that was asked."""
        return encode(self.own_share((await self.decided(transaction))[0]))

    async def release_seal(self, transaction: str, node: str) -> bytes:
        """What this node seals to a further one, for another node that was asked."""
        return encode(self.own_seal(node, (await self.decided(transaction))[0]))

    async def _given(
        self, event: AccessAllowed, transaction: str, path: str, own: Callable[[AccessAllowed], T], kind: type[T]
    ) -> tuple[T, ...]:
        """What this node gives if it holds the key, else what all other custodians give in time.

        What one of them gives may be wrong: whoever opens it finds out, and takes the next.
        """
        custodians = [sealed.node for sealed in self._sealed_keys(event.asset)]
        if not custodians:
            raise NodeError(
                NodeCode.RELEASE_DENIED, "no node holds its key, which is encapsulated to the consortium's; open it"
            )
        if self._chain.node in custodians:
            try:
                return (own(event),)
            except NodeError as error:
                if len(custodians) == 1 or error.code is not NodeCode.NOT_CUSTODIAN:
                    raise
        others = [node for node in custodians if node != self._chain.node]
        asked = (self._peers.ask(node, f"/v1/releases/{transaction}{path}", SHARE_BYTES_MAX) for node in others)
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
        if len(event.reader_key) != 2 * sealing.KEY_BYTES:
            raise NodeError(
                NodeCode.RELEASE_DENIED, "nodes hold its key, and seal it to a reader key of X25519 only; ask with one"
            )
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

    async def decided(self, transaction: str) -> tuple[AccessAllowed, int]:
        """The decision of a request with its height, once this node has it. RELEASE_DENIED if none is in its favour."""
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while True:
            seen = self._chain.commits.count
            place = self._chain.state.locate(transaction)
            if place is not None:
                height, position = place
                return await self._reading.final(height, partial(self._allowed, transaction, position)), height
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
        fuel = self._chain.version(height).decision_fuel_max
        signers = final.block.transactions[position].transaction.signers
        key = next(signer.key for signer in signers if signer.account == event.account)
        if not still_decided(ledger, event, key, final.block.header.height):
            raise NodeError(
                NodeCode.RELEASE_DENIED, f"something was taken from {event.account} since {transaction}; request again"
            )
        if not may_still(ledger, event, self._viewer_org(event), height, now, fuel):
            raise NodeError(NodeCode.RELEASE_DENIED, f"{event.account} may no longer see it; ask for a new grant")
        return event

    def _viewer_org(self, event: AccessAllowed) -> str:
        """Whose node shows it, if one does. RELEASE_DENIED if that may no longer."""
        try:
            return viewer_node(self._chain.ledger(), event.viewer).org if event.viewer else ""
        except LedgerError as error:
            raise NodeError(NodeCode.RELEASE_DENIED, f"it was to be shown by {event.viewer}: {error.detail}") from None

    def _is_encapsulated(self, asset: str) -> bool:
        return self._chain.ledger().asset(asset).content.encapsulated is not UNSET

    def _sealed_keys(self, asset: str) -> tuple[Any, ...]:
        keys = self._chain.ledger().asset(asset).content.sealed_keys
        return () if keys is UNSET else keys
