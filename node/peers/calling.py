"""The stream that a node keeps to one other node: it calls, sends its frames, and calls again when it is cut off.

A call is of one node at one address, and ends with either. What the called side says on it is only ever a refusal.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Protocol

import aiohttp
from aiohttp import WSMessage

from node.ground.logs import logger
from node.peers.frames import FRAME_BYTES_MAX, AnyFrame, Hello, encode_frame
from node.peers.lookups import connector

QUEUE_FRAMES_MAX = 512
RECONNECT_SECONDS = (0.05, 1.0)
"""Shortest and longest pause before calling a peer again."""


class Caller(Protocol):
    """Whose call it is."""

    def hello(self) -> Hello:
        """The first frame of a stream, as of now."""

    def on_reached(self, call: OutgoingStream) -> None:
        """The stream is open."""

    def on_lost(self, call: OutgoingStream) -> None:
        """The stream is open no more."""

    def on_said(self, call: OutgoingStream, message: WSMessage) -> None:
        """What the called side says."""


class OutgoingStream:
    """The stream to one node at one address."""

    def __init__(self, name: str, address: str, context: ssl.SSLContext) -> None:
        self.name = name
        self.address = address
        self.connected = False
        """Whether the stream is open, so that what is put reaches the other side."""
        self._context = context
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUE_FRAMES_MAX)
        self._unreached_told = False

    def put(self, frame: AnyFrame) -> None:
        """Send a frame, or drop it if the stream is not open or too much waits."""
        if self.connected:
            with suppress(asyncio.QueueFull):
                self._queue.put_nowait(encode_frame(frame))

    async def keep(self, caller: Caller) -> None:
        """Keep the stream open, for ever. What waits in it ends with it."""
        pause, longest = RECONNECT_SECONDS
        async with aiohttp.ClientSession(connector=connector()) as session:
            while True:
                try:
                    url = f"https://{self.address}/v1/stream"
                    async with session.ws_connect(
                        url, ssl=self._context, max_msg_size=FRAME_BYTES_MAX, heartbeat=2.0
                    ) as ws:
                        pause = RECONNECT_SECONDS[0]
                        await self._send(caller, ws)
                except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
                    if not self._unreached_told:
                        logger.info("peer_unreached", node=self.name, reason=type(error).__name__)
                        self._unreached_told = True
                await asyncio.sleep(pause)
                pause = min(2 * pause, longest)

    async def _send(self, caller: Caller, ws: aiohttp.ClientWebSocketResponse) -> None:
        await ws.send_bytes(encode_frame(caller.hello()))
        self._queue = asyncio.Queue(QUEUE_FRAMES_MAX)
        self._unreached_told = False
        self.connected = True
        caller.on_reached(self)
        both = [asyncio.ensure_future(self._hear(caller, ws)), asyncio.ensure_future(_drain(self._queue, ws))]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.connected = False
            caller.on_lost(self)
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def _hear(self, caller: Caller, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for message in ws:
            caller.on_said(self, message)


async def _drain(queue: asyncio.Queue[bytes], ws: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        await ws.send_bytes(await queue.get())
