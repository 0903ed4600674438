"""Looking up the hosts of other nodes, in threads of their own.

An address stands in a record as its org's administrator wrote it. A name that is answered slowly, or never, keeps one
of these threads busy and nothing else: files are read and written in others, and a node that stops waits for none.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import BoundedSemaphore, Thread
from typing import Any, TypeVar

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from node.ground.config import split_address
from node.ground.doors import Door, addresses_of
from node.peers.address_book import AddressBook

T = TypeVar("T")

LOOKUPS_MAX = 64
"""Lookups at the same time: a few for each of the nodes that one org may have."""
HOST_ADDRESSES_MAX = 4
"""Addresses of one host that are taken for its."""
LOOK_AGAIN_SECONDS = 60.0
"""After which the door looks up again what addresses the nodes' names have."""
_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV

_free = BoundedSemaphore(LOOKUPS_MAX)


async def keep_known(door: Door, book: AddressBook) -> None:
    """Have a door know the other nodes' addresses, for ever, as nodes come, move and go, and as names change."""
    while True:
        seen = book.changes.count
        hosts = {split_address(address)[0] for address in book.addresses.values()}
        found = await asyncio.gather(*(_addresses(host) for host in hosts))
        door.know(frozenset().union(*found))
        await book.changes.after(seen, LOOK_AGAIN_SECONDS)


async def _addresses(host: str) -> frozenset[str]:
    """Addresses that a host has now, some of them if they are many; none if its name cannot be looked up."""
    try:
        return frozenset(sorted(await _aside(lambda: addresses_of(host)))[:HOST_ADDRESSES_MAX])
    except OSError:
        return frozenset()


def connector() -> aiohttp.TCPConnector:
    """What connects to other nodes."""
    return aiohttp.TCPConnector(resolver=_Resolver())


class _Resolver(AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await _aside(
            lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        )
        return [
            ResolveResult(hostname=host, host=str(to[0]), port=port, family=kind, proto=protocol, flags=_NUMERIC)
            for kind, _, protocol, _, to in found
        ]

    async def close(self) -> None:
        """There is nothing to close."""


async def _aside(look_up: Callable[[], T]) -> T:
    """Do a lookup in a thread that no other work waits for. OSError if too many are under way."""
    if not _free.acquire(blocking=False):
        raise OSError(f"{LOOKUPS_MAX} hosts are being looked up")
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(result: Callable[[Any], None], value: Any) -> None:
        if not done.done():
            result(value)

    def work() -> None:
        told: tuple[Callable[[Any], None], Any]
        try:
            told = done.set_result, look_up()
        except Exception as error:  # whatever it is, it is the caller's
            told = done.set_exception, error
        finally:
            _free.release()
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, *told)

    Thread(target=work, name="lookup", daemon=True).start()
    return await done
