"""An AsyncClient for programs that block: an event loop in a thread of its own, in which everything is awaited."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Coroutine, Generator, Sequence
from concurrent.futures import CancelledError
from types import AsyncGeneratorType
from typing import Any, Self, TypeVar, cast

from ledger.crypto import SigningKey
from ledger.transaction import SignedTransaction
from remarque.async_client import AsyncClient

T = TypeVar("T")
END_SECONDS = 1.0
"""How long what is under way has to end when the client is closed."""
FORKED = "this client was made before the process forked, and its thread stayed there; make another one"
CLOSED = "this client is closed; make another one"


class Blocking:
    """What a blocking client consists of. It may be used from several threads."""

    def __init__(
        self,
        urls: str | Sequence[str],
        account: str | None = None,
        key: SigningKey | None = None,
        *,
        signed_requests: bool = False,
    ) -> None:
        """A client of the nodes at `urls`, as an account; without one it asks only what is open to anybody.

        What only members may ask is asked in a session, opened on first use; with `signed_requests` each such request
        is signed by itself instead, for exactly the address it is sent to.
        """
        self._waiting = AsyncClient(urls, account, key, signed_requests=signed_requests)
        self._loop = asyncio.new_event_loop()
        self._starting = threading.Lock()
        """Held while something is started, so that nothing is once the client is being closed."""
        self._closing = False
        self._process = os.getpid()
        """Whose thread it is; after a fork the child has none."""
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="remarque-client")
        self._thread.start()

    @property
    def height(self) -> int:
        """Of the newest block in which this client knows something of its own to be: it reads nothing older."""
        return self._waiting.height

    @property
    def urls(self) -> list[str]:
        """Addresses of nodes; the first is asked, and goes to the end when it does not answer."""
        return self._waiting.urls

    @property
    def unsettled(self) -> tuple[SignedTransaction, ...]:
        """What was sent last to be committed, until something says what became of it."""
        return self._waiting.unsettled

    @property
    def account(self) -> str | None:
        """The account that asks and signs, such as `alice@studio`."""
        return self._waiting.account

    @property
    def key(self) -> SigningKey | None:
        """One of the account's keys. It never travels."""
        return self._waiting.key

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and end the client's thread; again, it does nothing."""
        if os.getpid() != self._process:
            return
        with self._starting:
            if self._closing:
                return
            self._closing = True
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        """End what other threads wait for: first by closing its connections, so that it says what became of it."""
        await self._waiting.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=END_SECONDS)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._loop.shutdown_asyncgens()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for something; whoever interrupts the waiting ends it."""
        if os.getpid() != self._process:
            work.close()
            raise RuntimeError(FORKED)
        with self._starting:
            if self._closing:
                work.close()
                raise RuntimeError(CLOSED)
            running = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return running.result()
        except CancelledError:
            raise RuntimeError(CLOSED) from None
        except BaseException:
            running.cancel()
            raise

    def _iterate(self, stream: AsyncGenerator[T, None]) -> Generator[T, None, None]:
        """What comes of a stream, one by one; whoever stops taking ends it."""
        try:
            while True:
                try:
                    yield self._run(_next(stream))
                except StopAsyncIteration:
                    return
        finally:
            if not self._closing:
                self._run(_closed(stream))


async def _closed(stream: AsyncGenerator[T, None]) -> None:
    """Close a stream. A step of it that was interrupted is under way until its own cleaning up has ended."""
    while cast("AsyncGeneratorType[T, None]", stream).ag_running:
        await asyncio.sleep(0)
    await stream.aclose()


async def _next(stream: AsyncGenerator[T, None]) -> T:
    return await anext(stream)
