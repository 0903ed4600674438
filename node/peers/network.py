"""The streams to and from the other nodes.

Each node calls every other and sends its own frames on that call; what it receives comes on the calls of the others.
A queue per peer is bounded and drops when full: consensus sends again what matters. Requests that want an answer
(content, releases) are plain HTTPS on the same port, with the same certificates.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec
from aiohttp import WSMessage, WSMsgType, web

from consensus.messages import AnyMessage, Message
from ledger.block import Certificate, endorsement_holds
from ledger.crypto import SigningKey
from ledger.encoding import decode, encode
from ledger.errors import LedgerError
from ledger.transaction import SignedTransaction
from node.chain.level import LEVEL_BYTES_MAX, Level, level_in
from node.ground import metrics
from node.ground.doors import BoundedListener
from node.ground.logs import logger
from node.ordering.driver import Driver
from node.peers.address_book import AddressBook
from node.peers.admission import Admission
from node.peers.asking import Asking
from node.peers.calling import OutgoingStream
from node.peers.frames import (
    FRAME_BYTES_MAX,
    PROTOCOL_HIGHEST,
    PROTOCOL_LOWEST,
    SINCE_2,
    AnyFrame,
    Forward,
    ForwardRefused,
    Hello,
    decode_frame,
    encode_frame,
    forward_of,
    forwarded,
)
from remarque.errors import NodeCode, NodeError

LEVEL_SECONDS = 1.0
"""How long a node's word on how far it is is waited for."""
EVIDENCE = " | "
"""Stands between the words of a refusal and the certificate that shows it."""
FORWARD_MAX = 512
"""Transactions in one forwarding frame."""


class Peers:
    """All streams of one node."""

    def __init__(self, admission: Admission, key: SigningKey, addresses: Mapping[str, str], driver: Driver) -> None:
        """`addresses`: those that the settings give."""
        self._admission = admission
        self._node = driver.chain.node
        self._key = key
        self._driver = driver
        self.book = AddressBook(admission, driver.chain, addresses)
        stated = {name: address for name, address in self.book.addresses.items() if name in addresses}
        self.asking = Asking(key, admission.own_certificate, stated, admission.certificates)
        self._calls: dict[str, OutgoingStream] = {}
        """What this node calls, by name."""
        self._speaks: dict[str, int] = {}
        """The highest version of the protocol that each node said it speaks, on its newest stream."""
        self._callers: dict[str, set[web.WebSocketResponse]] = {}
        """Streams that are open from other nodes."""
        self._closing: set[asyncio.Future[bool]] = set()
        """Streams being closed, kept until they are."""
        self.on_log_lost: Callable[[str], None] = lambda detail: None
        """Called when a peer says that this node has less of the log than it has endorsed."""
        self.on_removed: Callable[[], None] = lambda: None
        """Called when this node is no member any more."""
        admission.on_shut_out = self._shut_out

    @property
    def connected(self) -> set[str]:
        """Nodes that this node can send to now."""
        return {name for name, call in self._calls.items() if call.connected}

    def own_level(self, asker: str) -> Level:
        """How far this node is now, for itself or another one."""
        replica = self._driver.replica
        voters = replica.config.voters
        return Level(
            height=self._driver.chain.committed.height,
            last=replica.log.last_index,
            term=replica.term,
            votes=replica.votes_here,
            voters=self._driver.chain.voters.digest,
            reaches=tuple(sorted(self.connected & set(voters))),
            asker_votes=asker in voters,
        )

    # The driver's network

    def send(self, to: str, message: AnyMessage) -> None:
        """Send, or drop if the peer is not reached, or is of a version that does not know what is said."""
        if not isinstance(message, SINCE_2) or self._speaks.get(to, PROTOCOL_LOWEST) >= 2:
            self._put(to, message)

    def forward(self, to: str, transactions: list[SignedTransaction]) -> None:
        """Hand transactions to the leader, some per frame."""
        for start in range(0, len(transactions), FORWARD_MAX):
            self._put(to, forward_of(transactions[start : start + FORWARD_MAX]))

    def _put(self, to: str, frame: AnyFrame) -> None:
        call = self._calls.get(to)
        if call is not None:
            call.put(frame)

    async def level(self, node: str) -> Level | None:
        """How far a node says it is; None if it does not answer in time."""
        answer = await self.asking.ask(node, "/v1/level", LEVEL_BYTES_MAX, LEVEL_SECONDS)
        return None if answer is None else level_in(answer)

    # Calling

    async def ask(self, peer: str, path: str, bytes_max: int) -> bytes | None:
        """Body of a GET at another node's peer port, or None if it does not give it in time."""
        return await self.asking.ask(peer, path, bytes_max)

    async def run(self) -> None:
        """Keep a stream to every node that the address book has, for ever, while it changes."""
        tasks: dict[OutgoingStream, asyncio.Task[None]] = {}
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    seen = self.book.changes.count
                    for call in [call for call in tasks if self.book.addresses.get(call.name) != call.address]:
                        tasks.pop(call).cancel()
                        self._call_no_more(call)
                    for name, address in self.book.addresses.items():
                        if name not in self._calls:
                            call = self._calls[name] = OutgoingStream(name, address, self.asking.context(name))
                            tasks[call] = group.create_task(call.keep(self))
                            self._may_be_asked(call)
                    await self.book.changes.after(seen, None)
        finally:
            await self.asking.close()

    def _may_be_asked(self, call: OutgoingStream) -> None:
        """Questions go where the settings say, and where a stream has been answered with the node's certificate.

        What only a record says is believed no further than that, so that one which lies keeps nobody waiting.
        """
        if call.connected or call.name in self.book.settings:
            self.asking.addresses[call.name] = call.address
        else:
            self.asking.addresses.pop(call.name, None)

    def _call_no_more(self, call: OutgoingStream) -> None:
        del self._calls[call.name]
        self.asking.forget(call.name)

    def hello(self) -> Hello:
        """The first frame of each stream."""
        chain, log = self._driver.chain, self._driver.replica.log
        return Hello(self._node, chain.name, PROTOCOL_LOWEST, PROTOCOL_HIGHEST, log.last_index)

    def on_reached(self, call: OutgoingStream) -> None:
        """Let the other node be sent to and asked."""
        metrics.PEERS.set(len(self.connected))
        logger.info("peer_connected", node=call.name)
        self._may_be_asked(call)
        if self._driver.replica.leader == call.name:
            self._driver.forwarding.all_over()

    def on_lost(self, call: OutgoingStream) -> None:
        """Take back what the stream allowed, unless that is done, or another call has taken its place."""
        if self._calls.get(call.name) is call:
            self._may_be_asked(call)
        metrics.PEERS.set(len(self.connected))
        logger.info("peer_disconnected", node=call.name)

    def on_said(self, call: OutgoingStream, message: WSMessage) -> None:
        """Read what the called side says: only ever a refusal, of the stream or of what was forwarded on it."""
        if message.type is WSMsgType.TEXT:
            logger.error("peer_refused_us", node=call.name, reason=message.data)
            self._check_log_lost(message.data)
        elif message.type is WSMsgType.BINARY:
            with suppress(msgspec.DecodeError):
                self._take_refusal(call.name, decode_frame(message.data))

    def _check_log_lost(self, refusal: str) -> None:
        """Believe a peer that this node lost endorsed blocks only by this node's own signature on one it lacks."""
        code, _, evidence = refusal.partition(EVIDENCE)
        if not code.startswith(NodeCode.LOG_LOST.name):
            return
        try:
            certificate = decode(evidence.encode(), Certificate)
        except LedgerError:
            return
        mine = [one.signature for one in certificate.endorsements if one.node == self._node]
        lost = certificate.height > self._driver.replica.log.last_index
        if lost and any(endorsement_holds(self._key.public, certificate.header, signature) for signature in mine):
            self.on_log_lost(code)

    # Being called

    def server_context(self) -> ssl.SSLContext:
        """TLS context of the peer port: members only."""
        return self._admission.server_context()

    def caller(self, request: web.Request) -> str:
        """Name of the node that made a request, by the certificate it showed; refused while its org is suspended."""
        name = self._caller(request)
        if self._admission.is_suspended(name):
            raise web.HTTPForbidden(text=f"the org of {name} is suspended")
        return name

    def voter_or_caller(self, request: web.Request) -> str:
        """The same, but a voter is let in whatever became of its org: consensus needs it."""
        name = self._caller(request)
        return name if self._admission.votes(name) else self.caller(request)

    def _caller(self, request: web.Request) -> str:
        transport = request.transport
        tls_object = transport.get_extra_info("ssl_object") if transport is not None else None
        name = self._admission.name_of(tls_object.getpeercert(True)) if tls_object is not None else None
        if name is None:
            raise web.HTTPForbidden(text="no member's certificate")
        return name

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        """Handler of `/v1/stream`: take a peer's frames, in order, until it goes."""
        name = self.voter_or_caller(request)
        # Read before the caller says what it holds: what it endorses meanwhile must not be held against it.
        endorsed = self._driver.certifying.endorsed_by(name)
        ws = web.WebSocketResponse(max_msg_size=FRAME_BYTES_MAX, heartbeat=2.0, compress=False)
        await ws.prepare(request)
        greeted = False
        self._callers.setdefault(name, set()).add(ws)
        async for message in ws:
            if message.type is not WSMsgType.BINARY:
                break
            try:
                frame = decode_frame(message.data)
                if greeted:
                    await self._take(name, frame, ws)
                else:
                    self._greet(name, frame, endorsed)
                    greeted = True
            except (msgspec.DecodeError, NodeError) as error:
                logger.error("frame_refused", node=name, reason=str(error))
                await ws.send_str(str(error))
                break
        self._callers.get(name, set()).discard(ws)
        await ws.close()
        return ws

    def _shut_out(self, name: str) -> None:
        """Close what a node has open that is no member any more, or suspended; what it asks from now on is refused."""
        if name == self._node and name not in self._admission.certificates:
            self.on_removed()
            return
        logger.warning("peer_shut_out", node=name)
        self._speaks.pop(name, None)
        for ws in self._callers.pop(name, set()):
            closing = asyncio.ensure_future(ws.close(message=b"this node was removed, or its org is suspended"))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def _greet(self, name: str, frame: AnyFrame, endorsed: Certificate | None) -> None:
        """Refuse a caller of another chain or version, or one that has lost what it had endorsed."""
        if not isinstance(frame, Hello) or frame.node != name:
            raise NodeError(NodeCode.REQUEST_MALFORMED, "the first frame says who calls, under its own certificate")
        if frame.chain != self._driver.chain.name:
            raise NodeError(
                NodeCode.GENESIS_MISMATCH, f"it is on {frame.chain}, this node on {self._driver.chain.name}"
            )
        if frame.lowest > PROTOCOL_HIGHEST or frame.highest < PROTOCOL_LOWEST:
            raise NodeError(NodeCode.DATA_FORMAT_UNKNOWN, f"it speaks {frame.lowest}-{frame.highest}; upgrade it")
        self._speaks[name] = frame.highest
        if endorsed is not None and frame.last_index < endorsed.height:
            raise NodeError(
                NodeCode.LOG_LOST,
                f"{name} has endorsed block {endorsed.height}, and now holds {frame.last_index}: its directory was "
                "wiped or restored. Add a node with a new key, and `remarque consortium replace` this one by it"
                f"{EVIDENCE}{encode(endorsed).decode()}",
            )

    async def _take(self, name: str, frame: AnyFrame, ws: web.WebSocketResponse) -> None:
        if isinstance(frame, Message):
            if frame.sender == name:
                await self._driver.receive(frame)
        elif isinstance(frame, Forward):
            for refused in await self._take_forwarded(name, frame):
                if name in self.connected:
                    self._put(name, refused)
                else:
                    await ws.send_bytes(encode_frame(refused))
        else:
            self._take_refusal(name, frame)

    def _take_refusal(self, name: str, frame: AnyFrame) -> None:
        if isinstance(frame, ForwardRefused) and name == self._driver.replica.leader:
            self._driver.forwarding.refused(frame.transaction, frame.code, frame.detail)

    async def _take_forwarded(self, name: str, frame: Forward) -> list[ForwardRefused]:
        try:
            transactions = forwarded(frame)
        except LedgerError as error:
            raise NodeError(NodeCode.REQUEST_MALFORMED, f"{name} forwards what is no transaction: {error}") from None
        return [ForwardRefused(*refused) for refused in await self._driver.receive_forwarded(name, transactions)]


async def serve(application: web.Application, context: ssl.SSLContext, listener: BoundedListener) -> web.AppRunner:
    """Open the peer port."""
    runner = web.AppRunner(application, access_log=None, handle_signals=False)
    await runner.setup()
    await web.SockSite(runner, listener, ssl_context=context).start()
    return runner
