"""Keys that nodes hold move over to the consortium's, once there is one: what this node holds it encapsulates.

The bytes as stored stay. Where nodes of other orgs hold the key too, all these orgs have to sign, so those are left for
people to move (`Client.rekey`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import islice

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ledger import records
from ledger.actions import RekeyAsset
from ledger.capsules import label_of
from ledger.crypto import SigningKey
from ledger.encoding import decode_trusted
from ledger.errors import LedgerError
from ledger.execution.confidential import key_in_force
from ledger.execution.view import Ledger
from ledger.names import org_of
from ledger.records import SharedKey
from node.chain.chain import Chain
from node.exchange.keeper import ShareKeeper
from node.ground.logs import logger
from remarque import sealing
from remarque.encapsulating import encapsulated
from remarque.errors import NodeError
from threshold import ThresholdKey

LOOK_SECONDS = 5.0
AGAIN_SECONDS = 60.0
LOOKED_TOGETHER = 256
TOLD_EACH = 100
MOVED, REFUSED, AGAIN, OTHERS = "moved", "refused", "again", "of_other_orgs_too"
"""What may come of a key: the last are held by other orgs' nodes too."""


class Moving:
    """Encapsulates what this node holds."""

    def __init__(self, chain: Chain, key: SigningKey, keeper: ShareKeeper) -> None:
        """`key`: the node's, to which content keys are sealed."""
        self._chain = chain
        self._key = key
        self._keeper = keeper

    async def run(self) -> None:
        """Wait for a key, and move all that is held; what could not be moved is tried again."""
        while (shared := key_in_force(self._chain.ledger())) is None:
            await asyncio.sleep(LOOK_SECONDS)
        while await self._move_all(shared):
            await asyncio.sleep(AGAIN_SECONDS)

    async def _move_all(self, shared: SharedKey) -> int:
        """Move all that this node's org alone holds; how many are to be tried again."""
        came: Counter[str] = Counter()
        recorded = self._chain.state.items(records.asset_key(""))
        while some := list(islice(recorded, LOOKED_TOGETHER)):
            for record in filter(self._seal_in, (decode_trusted(data, records.Asset) for _, data in some)):
                came[await self._move(record, shared)] += 1
                if came.total() % TOLD_EACH == 0:
                    logger.info("keys_moved", **came)
            await asyncio.sleep(0)
        if came:
            logger.info("keys_moved", **came)
        return came[AGAIN]

    def _seal_in(self, record: records.Asset) -> str:
        keys = record.content.sealed_keys
        return "" if isinstance(keys, UnsetType) else next((k.sealed for k in keys if k.node == self._chain.node), "")

    async def _move(self, record: records.Asset, shared: SharedKey) -> str:
        """Encapsulate one key; what came of it. What the ledger refuses, or does not open, is not tried again."""
        if not self._alone(self._chain.ledger(), record):
            return OTHERS
        try:
            asked = await asyncio.to_thread(self._asked, record, shared)
            return MOVED if await self._keeper.say(asked) else REFUSED
        except sealing.SealBroken as error:
            logger.error("key_not_moved", asset=record.id, reason=str(error))
            return REFUSED
        except (OSError, NodeError, LedgerError) as error:
            logger.warning("key_not_moved", asset=record.id, reason=str(error))
            return AGAIN

    def _alone(self, ledger: Ledger, record: records.Asset) -> bool:
        """Whether only nodes of this keeper's org hold the key, so that its signature is enough."""
        keys = record.content.sealed_keys
        held = () if isinstance(keys, UnsetType) else keys
        nodes = (ledger.find(records.node_key(one.node), records.NodeRecord) for one in held)
        return {node.org for node in nodes if node is not None} == {org_of(self._keeper.account)}

    def _asked(self, record: records.Asset, shared: SharedKey) -> RekeyAsset:
        seed = sealing.open_as_node(bytes.fromhex(self._seal_in(record)), self._key)
        content_key = sealing.content_key(seed, self._chain.name, record.id, record.creator)
        label = label_of(self._chain.name, record.id, record.creator, record.content.cid)
        held = encapsulated(content_key, label, ThresholdKey.from_bytes(bytes.fromhex(shared.key)))
        return RekeyAsset(asset=record.id, content=replace(record.content, sealed_keys=UNSET, encapsulated=held))
