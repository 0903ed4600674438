"""The SDK as programs import it: `AsyncClient`, and here the same for programs that block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, Self, TypeVar

from ledger.crypto import SigningKey
from remarque.async_client import AsyncClient
from remarque.requesting import RemarqueError, now_ms

T = TypeVar("T")


class Client:
    """The same client for programs without an event loop: every method of `AsyncClient`, blocking."""

    def __init__(
        self, urls: str | Sequence[str], account: str | None = None, key: SigningKey | None = None, **options: bool
    ) -> None:
        """`options` are those of `AsyncClient`."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="remarque-client")
        self._thread.start()
        self.wrapped = AsyncClient(urls, account, key, **options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and end the client's thread."""
        self._run(self.wrapped.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.wrapped, name)
        return lambda *arguments, **named: self._run(method(*arguments, **named))

    def events(self, after: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        """Events as (id, event), from a place on, for ever."""
        stream = self.wrapped.events(after)
        while True:
            yield self._run(anext(stream))  # type: ignore[arg-type]


__all__ = ["AsyncClient", "Client", "RemarqueError", "now_ms"]
