"""Pins: files that are kept whatever becomes of their records, and fetched if they are not here.

They are asked for by the Pinning Service API of IPFS, and are a truth of this node's own: nothing else says what is to
be kept. So they lie apart from the copy book, which is found out anew.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from msgspec.structs import replace

from node.ground.logs import logger
from node.storage.erasable import Erasable
from remarque.api.pinning import AskPin, PinState
from remarque.cid import CidInvalid
from remarque.errors import NodeCode, NodeError

PINS = "pins.sqlite"
"""The file in a data directory."""
PINS_MAX = 10_000
LOOK_SECONDS = 1.0
PAUSE_SECONDS_MAX = 300.0
"""Before a file that nobody gave is looked for again; a pin waits for half its age at most."""
GIVEN_UP_MS = 86_400_000
_SCHEMA = "CREATE TABLE IF NOT EXISTS pins (requestid TEXT PRIMARY KEY, pin BLOB NOT NULL) WITHOUT ROWID;"


class Pin(msgspec.Struct, frozen=True):
    """A file that is kept."""

    requestid: str
    asked: AskPin
    created_ms: int
    """When it was asked for; no two are of the same time."""
    status: PinState = "queued"
    why: str = ""
    """Why it is not here; empty if nothing is known."""


class Pins:
    """All pins of a node. What is written is durable."""

    def __init__(self, path: Path, fetch: Callable[[str], Awaitable[bool]], clock_ms: Callable[[], int]) -> None:
        """`fetch`: makes a file content of this node, from wherever it is; whether it is here. CidInvalid."""
        self._database = Erasable(path, _SCHEMA)
        self._fetch = fetch
        self._clock_ms = clock_ms
        found = (msgspec.json.decode(data, type=Pin) for (data,) in self._database.rows("SELECT pin FROM pins"))
        self._pins = {pin.requestid: pin for pin in sorted(found, key=lambda pin: pin.created_ms)}
        """By their ids, the oldest first."""
        self._tried = dict[str, int]()
        """When each was last looked for, in milliseconds since 1970."""

    def newest_first(self) -> list[Pin]:
        return list(reversed(self._pins.values()))

    def cids(self) -> set[str]:
        """The files that are kept."""
        return {pin.asked.cid for pin in self._pins.values()}

    def get(self, requestid: str) -> Pin:
        """NOT_FOUND."""
        pin = self._pins.get(requestid)
        if pin is None:
            raise NodeError(NodeCode.NOT_FOUND, f"there is no pin {requestid[:64]}")
        return pin

    async def add(self, asked: AskPin, instead_of: str = "") -> Pin:
        """Keep a file, instead of what another pin keeps. NOT_FOUND if there is no such pin, OVERLOADED."""
        if instead_of:
            self.get(instead_of)
        elif len(self._pins) >= PINS_MAX:
            raise NodeError(NodeCode.OVERLOADED, f"{PINS_MAX} files are pinned, which is as many as a node keeps")
        newest = next(reversed(self._pins.values()), None)
        created = max(self._clock_ms(), newest.created_ms + 1 if newest else 0)
        pin = Pin(secrets.token_hex(16), asked, created)
        self._pins[pin.requestid] = pin  # so that no other is of the same time
        try:
            await asyncio.to_thread(self._write, pin, instead_of)
        except OSError:
            del self._pins[pin.requestid]
            raise
        self._pins.pop(instead_of, None)
        return pin

    async def remove(self, requestid: str) -> None:
        """Keep a file only as long as a record names it, or another pin. NOT_FOUND."""
        self.get(requestid)
        await asyncio.to_thread(self._write, None, requestid)
        self._pins.pop(requestid, None)

    async def run(self) -> None:
        """Fetch what is not here, for ever."""
        while True:
            for pin in list(self._pins.values()):
                if pin.status in ("queued", "pinning") and self._is_due(pin):
                    await self._try(pin)
            await asyncio.sleep(LOOK_SECONDS)

    def _is_due(self, pin: Pin) -> bool:
        tried = self._tried.get(pin.requestid, 0)
        pause = min((tried - pin.created_ms) / 2, 1_000 * PAUSE_SECONDS_MAX)
        return self._clock_ms() - tried >= pause

    async def _try(self, pin: Pin) -> None:
        await self._note(pin, "pinning")
        try:
            here, why = await self._fetch(pin.asked.cid), "no member and no depot gives it now"
        except (CidInvalid, OSError) as error:
            here, why = False, str(error)
        self._tried[pin.requestid] = self._clock_ms()
        if here:
            self._tried.pop(pin.requestid)
            await self._note(pin, "pinned")
            logger.info("content_pinned", content=pin.asked.cid)
        else:
            old = self._clock_ms() - pin.created_ms > GIVEN_UP_MS
            await self._note(pin, "failed" if old else "queued", why)

    async def _note(self, pin: Pin, status: PinState, why: str = "") -> None:
        """Note how a pin is, unless it is gone. That it is being fetched is not kept."""
        if pin.requestid not in self._pins:
            return
        noted = self._pins[pin.requestid] = replace(pin, status=status, why=why)
        if status in ("pinned", "failed"):
            try:
                await asyncio.to_thread(self._write, noted)
            except OSError as error:  # after a restart it is looked for once more
                logger.error("pin_not_kept", content=pin.asked.cid, reason=str(error))

    def _write(self, pin: Pin | None, gone: str = "") -> None:
        with self._database.writing() as database:
            database.execute("DELETE FROM pins WHERE requestid = ?", (gone,))
            if pin is not None:
                database.execute("INSERT OR REPLACE INTO pins VALUES (?, ?)", (pin.requestid, msgspec.json.encode(pin)))

    def close(self) -> None:
        self._database.close()
