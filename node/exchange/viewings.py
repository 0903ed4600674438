"""Showing confidential pictures in their readers' place: opened here, marked with the request, and never given away.

The reader key of such a request is this node's, made of its own key for one asset and one account: nothing is kept for
it, so a node that was started again shows what was asked for before. The mark is the one that the chain counted for the
request: asked again, the same picture comes. What is opened is in memory only.
"""

from __future__ import annotations

import asyncio
import hashlib

from msgspec import UnsetType

from ledger.crypto import SigningKey
from ledger.encoding import encode
from ledger.execution.access import confidential
from ledger.records import Asset
from ledger.viewing import ViewerKey
from node.chain.chain import Chain
from node.content.blockstore import Blockstore
from node.decoding.lanes import Lane
from node.decoding.signing import PictureShown, ViewAsked
from node.exchange.releases import Releases
from node.ground.logs import logger
from pictures.opening import PICTURE_BYTES_MAX
from remarque.api.content import ViewingOffered
from remarque.errors import NodeCode, NodeError
from remarque.opening import Decided, combining, opened, opened_held
from remarque.sealing import ReaderKey, SealBroken


class Viewings:
    """What this node shows."""

    def __init__(
        self,
        chain: Chain,
        key: SigningKey,
        watermark_key: bytes,
        blockstore: Blockstore,
        releases: Releases,
        lane: Lane,
    ) -> None:
        self._chain = chain
        self._key = key
        self._watermark_key = watermark_key
        self._blockstore = blockstore
        self._releases = releases
        self._lane = lane

    def offer(self, asset: str, account: str) -> ViewingOffered:
        """What an account's `access.request` names, so that this node can show it the asset. NOT_CONFIDENTIAL."""
        confidential(self._chain.ledger(), asset)
        reader_key = self._reader(asset, account).public
        node = self._chain.node
        said = ViewerKey(chain=self._chain.name, node=node, asset=asset, account=account, reader_key=reader_key)
        return ViewingOffered(node=node, reader_key=reader_key, signature=said.signed(self._key))

    async def shown(self, transaction: str, account: str) -> PictureShown:
        """The picture of a request that was decided in an account's favour, marked with that request.

        RELEASE_DENIED if it is another's or another node's, and as for any release; NOT_LABELLED if it takes no mark.
        """
        event, height = await self._releases.decided(transaction)
        reader = self._reader(event.asset, account)
        if (event.account, event.viewer, event.reader_key) != (account, self._chain.node, reader.public):
            fact = f"{transaction} is no request of {account or 'a stranger'} that {self._chain.node} is to show it"
            raise NodeError(NodeCode.RELEASE_DENIED, f"{fact}; ask the node that it names, as who asked")
        record = self._chain.ledger().asset(event.asset)
        with self._lane.room(record.content.size, account):
            try:
                plain = await self._opened(record, Decided(self._chain.name, transaction, height), reader)
            except SealBroken as error:
                raise NodeError(NodeCode.NOT_CUSTODIAN, f"it does not open: {error}") from None
            asked = ViewAsked(watermark_key=self._watermark_key, number=int(event.mark, 16))
            return await self._lane.viewed(plain, asked)

    def _reader(self, asset: str, account: str) -> ReaderKey:
        """The reader key of all of an account's requests to be shown an asset here."""
        said = encode({"account": account, "asset": asset, "chain": self._chain.name})
        derived = hashlib.blake2b(said, key=self._key.seed, digest_size=32, person=b"remarque/viewing")
        return ReaderKey(random=lambda _: derived.digest())

    async def _opened(self, record: Asset, decided: Decided, reader: ReaderKey) -> bytes:
        cipher = await self._blockstore.aside(self._cipher, record.content.cid)
        for all_keepers in (False, True):
            released = await self._releases.shares(decided.transaction, all_keepers=all_keepers)
            if isinstance(released.consortium_key, UnsetType):
                return await asyncio.to_thread(opened_held, cipher, record, released, reader)
            found = await asyncio.to_thread(combining, record, decided, released, reader)
            if found is not None and found.enough:
                return await asyncio.to_thread(opened, cipher, found.content_key(), record)
        for false in found.false if found else ():
            logger.error("share_false", decision=decided.transaction, keeper=false.said.keeper, reason=str(false))
        raise SealBroken("fewer shares than open it were their keepers'; ask again")

    def _cipher(self, cid: str) -> bytes:
        """A file of the blockstore. CONTENT_MISSING, IMAGE_TOO_LARGE."""
        size = self._blockstore.open(cid).size
        if size > PICTURE_BYTES_MAX:
            fact = f"{size} bytes, a picture that is shown here has at most {PICTURE_BYTES_MAX}"
            raise NodeError(NodeCode.IMAGE_TOO_LARGE, f"{fact}; open it yourself")
        return self._blockstore.file(cid)
