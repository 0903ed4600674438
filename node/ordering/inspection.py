"""What peers and clients send, checked before anything acts on it.

Consensus takes a message that no honest peer sends for a bug of ours, and stops; so such a message ends here. A block's
signatures are checked before it reaches consensus, a few at a time, and once per node: what came in as a client's
transaction is not checked again in a block.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from cachetools import FIFOCache

from consensus.messages import AnyMessage, Append, AppendReply
from consensus.raft_log import RaftEntry
from consensus.replica import Replica
from consensus.replica_state import Role
from ledger.actions import PublishPolicy
from ledger.block import Block, Certificate, decode_block, endorsement_holds
from ledger.encoding import decode
from ledger.errors import InvalidBlock, LedgerError
from ledger.execution.block import check_admissible
from ledger.execution.context import Context
from ledger.execution.scope import RIGHTS_MANAGER
from ledger.policy_source import checked
from ledger.transaction import SignedTransaction, check_signatures
from ledger.version import NEWEST
from node.chain.chain import Chain
from node.ground.logs import logger

VERIFY_CHUNK = 64
"""Signatures checked between two turns of the event loop."""
VERIFIED_MAX = 65_536
RECEIVED_BYTES_MAX = 32 * 1024 * 1024
"""Of blocks received and verified, but not yet appended; decoded they take some three times as much. What is pushed out
is decoded and checked again once consensus takes it.
"""


class Inspector:
    """Remembers which signatures hold, and the blocks it has decoded for consensus to take."""

    def __init__(self, chain: Chain, replica: Replica) -> None:
        self._chain = chain
        self._replica = replica
        self._verified: FIFOCache[str, None] = FIFOCache(VERIFIED_MAX)
        self._received: FIFOCache[int, tuple[bytes, Block]] = FIFOCache(RECEIVED_BYTES_MAX, _size)
        self._preparing = asyncio.Semaphore(1)

    def door(self, time_for: Callable[[SignedTransaction], int]) -> Callable[[SignedTransaction], None]:
        """The door of admission: what is given refuses, as LedgerError, a transaction that may not wait at this node,
        whoever brought it. Its signatures are for `verify`.

        `time_for`: the time at which each is judged, in milliseconds since 1970.
        """
        ledger = self._chain.ledger()
        parameters = ledger.parameters()

        def admit(signed: SignedTransaction) -> None:
            now = time_for(signed)
            check_admissible(ledger, self._chain.name, signed, now, parameters)
            Context(signed, 0, now, NEWEST, 0).check_signers(ledger)

        return admit

    async def verify(self, transactions: list[SignedTransaction]) -> None:
        """Check signatures not checked on this node before, a few at a time. LedgerError on the first that fails."""
        unknown = [signed for signed in transactions if _mark(signed) not in self._verified]
        for count, signed in enumerate(unknown, 1):
            check_signatures(signed)
            await self._prepare(signed)
            self._verified[_mark(signed)] = None
            if count % VERIFY_CHUNK == 0:
                await asyncio.sleep(0)

    async def _prepare(self, signed: SignedTransaction) -> None:
        """Check the policy that a transaction publishes first off the loop, so that running it does not have to.

        Only what running it is sure to pay for: of who may publish, and before anything else can refuse.
        """
        first, account = signed.transaction.actions[0], signed.transaction.signers[0].account
        if isinstance(first, PublishPolicy) and RIGHTS_MANAGER in self._chain.ledger().account(account).roles:
            async with self._preparing:
                await asyncio.to_thread(checked, first.source)

    async def admits(self, message: AnyMessage) -> bool:
        """Whether consensus may see an authenticated message."""
        if not self.plausible(message):
            logger.error("peer_lies", node=message.sender, message=type(message).__name__)
            return False
        if isinstance(message, Append):
            # Asked again, for consensus may have moved on while the signatures were checked.
            return await self._decoded(message) and self.plausible(message)
        if isinstance(message, AppendReply) and self._counts(message) and not self._endorsements_hold(message):
            logger.warning("endorsement_refused", node=message.sender)
            return False
        return True

    def block_of(self, entry: RaftEntry) -> Block:
        """The block of an entry that was admitted, its signatures checked."""
        data, block = self._received.pop(entry.index, (b"", None))
        if block is None or data is not entry.data:
            block = decode_block(entry.data)
            for signed in block.transactions:
                check_signatures(signed)
        if block.header.term != entry.term:
            raise InvalidBlock(entry.index, "its header names another term than its log entry")
        return block

    def plausible(self, message: AnyMessage) -> bool:
        """Whether an honest peer could have sent it."""
        replica = self._replica
        if not replica.believes(message.term):
            return False
        if isinstance(message, AppendReply):
            return not self._counts(message) or message.index <= replica.log.last_index + 1
        if not isinstance(message, Append):
            return True
        if replica.role is Role.LEADER and message.term == replica.term:
            return False
        if message.certified > message.previous_index + len(message.entries):
            return False
        terms = [message.previous_term, *(entry.term for entry in message.entries), message.term]
        if terms != sorted(terms):
            return False
        for place, entry in enumerate(message.entries, message.previous_index + 1):
            if entry.index != place or self._contradicted(place, entry.term):
                return False
        return not self._contradicted(message.previous_index, message.previous_term)

    def _counts(self, reply: AppendReply) -> bool:
        """Whether an answer is to this node as the leader of its term.

        Else consensus leaves it aside, and it may well be of blocks that this node lacks: it sends a block before its
        own disk has it, so that a crash in between leaves it behind those that answer.
        """
        return self._replica.role is Role.LEADER and reply.term == self._replica.term

    def _contradicted(self, index: int, term: int) -> bool:
        """Whether an entry that is final and kept here has another term."""
        log = self._replica.log
        return log.base <= index <= self._replica.committed and log.term(index) != term

    async def _decoded(self, append: Append) -> bool:
        """Decode an append's blocks and check their signatures; False if one does not hold."""
        try:
            if append.certificate and decode(append.certificate, Certificate).height != append.certified:
                logger.error("append_refused", node=append.sender, reason="its certificate is of another height")
                return False
            for entry in append.entries:
                if entry.index <= self._replica.committed:
                    continue
                block = decode_block(entry.data)
                await asyncio.sleep(0)
                await self.verify(list(block.transactions))
                if len(entry.data) <= RECEIVED_BYTES_MAX:
                    self._received[entry.index] = (entry.data, block)
        except (LedgerError, msgspec.DecodeError) as error:
            logger.error("append_refused", node=append.sender, reason=str(error))
            return False
        for index in [index for index in self._received if index <= self._replica.committed]:
            del self._received[index]
        return True

    def _endorsements_hold(self, reply: AppendReply) -> bool:
        key = self._chain.voters.key(reply.sender)
        for height, signature in reply.endorsements:
            if height <= self._replica.committed:
                continue
            if height > self._chain.tip.height or key is None:
                return False
            if not endorsement_holds(key, self._chain.header(height).hash, signature.hex()):
                return False
        return True


def _size(received: tuple[bytes, Block]) -> int:
    return len(received[0])


def _mark(signed: SignedTransaction) -> str:
    return " ".join((signed.id, *signed.signatures))
