"""Signed notes of where the log stands, by this node and the others. One is made a second at most, whoever asks.

Only the log of a final header is ever signed, so no two notes of one node contradict each other.
"""

from __future__ import annotations

import asyncio
import time

from ledger import crypto, note
from ledger.block import Header
from ledger.crypto import SigningKey
from node.chain.chain import Chain
from node.chain.proving import Proving
from node.chain.reading import Reading
from node.ground.logs import logger
from node.peers.members import Members
from remarque.errors import NodeCode, NodeError

NOTE_SECONDS = 1.0
"""For how long a note is given again."""
SIGNATURE_BYTES = 64


class Notes:
    """Signs notes, and gathers the signatures of others."""

    def __init__(self, chain: Chain, reading: Reading, proving: Proving, members: Members, key: SigningKey) -> None:
        self._chain = chain
        self._reading = reading
        self._proving = proving
        self._members = members
        self._key = key
        self._note = b""
        self._made = 0.0
        self._making = asyncio.Lock()

    async def checkpoint(self) -> bytes:
        """The note of the newest certified header, with the signatures that could be had in time."""
        async with self._making:
            if not self._note or time.monotonic() - self._made > NOTE_SECONDS:
                self._note = await self._make(self._proving.newest())
                self._made = time.monotonic()
            return self._note

    async def signature(self, height: int) -> bytes:
        """This node's signature on the note of a final header. NOT_FOUND if it is not final here."""
        if not 0 < height <= self._proving.newest().height:
            raise NodeError(NodeCode.NOT_FOUND, f"block {height} is not certified here yet; ask again", 1)
        return self._sign(await self._reading.piece(self._chain.header, height))

    async def _make(self, header: Header) -> bytes:
        text, name, keys = _text(header), self._chain.name, self._members.keys()
        signatures = {self._chain.node: self._sign(header)}
        asked = await self._members.ask(f"/v1/notes/{header.height}", SIGNATURE_BYTES)
        for node, signature in asked.items():
            if crypto.verify_note(keys[node], text, signature):
                signatures[node] = signature
            else:
                logger.error("note_refused", node=node, height=header.height)
        lines = [note.signature_line(note.key_name(name, node), keys[node], one) for node, one in signatures.items()]
        return note.signed_note(text, lines)

    def _sign(self, header: Header) -> bytes:
        return self._key.sign_note(_text(header))


def _text(header: Header) -> bytes:
    return note.checkpoint_text(header.chain, header.log_size, bytes.fromhex(header.log_root))
