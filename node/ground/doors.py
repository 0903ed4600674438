"""Listening sockets that bound how many connections are open, in total and of one address, before a first byte.

What is over a bound is closed as it is accepted, so that nothing of it costs more than that: no descriptor is kept, no
task begun, no line logged for each. A connection counts until its socket is closed, whoever closes it.
"""

from __future__ import annotations

import resource
import socket
from collections import Counter
from ipaddress import IPv6Address
from typing import Any, Self

from node.ground import metrics
from node.ground.logs import Seldom, logger
from remarque.errors import NodeCode, NodeError

RESERVED_DESCRIPTORS = 4_608
"""For the databases, which may open a thousand files each, content, the worker and calls to other nodes."""
BACKLOG = 1_024
KNOWN_CONNECTIONS_MAX = 16
"""Connections of a known address that may be open when the total is reached: who is known may be many."""
LOOPBACK = frozenset({"127.0.0.1", "::1"})
"""Whoever is on this machine, such as a probe, is not kept out by others."""

_crowded = Seldom("connections_refused")


class Door:
    """How many connections of one port may be open."""

    def __init__(self, port: str, total_max: int, address_max: int, known: frozenset[str] = frozenset()) -> None:
        """`port`: its name in metrics and logs. `known`: see `know`."""
        self.port = port
        self._total_max = total_max
        self._address_max = address_max
        self._known: frozenset[str] = frozenset()
        self.know(known)
        self._open: Counter[str] = Counter()

    def know(self, addresses: frozenset[str]) -> None:
        """Let some connections of each of these addresses in even when the total is reached."""
        self._known = frozenset(map(whose, addresses))

    @property
    def open(self) -> int:
        """Connections that are open."""
        return self._open.total()

    def enter(self, address: str) -> bool:
        """Let a connection in, unless there are too many."""
        who = whose(address)
        crowded = self.open >= self._total_max and (who not in self._known or self._open[who] >= KNOWN_CONNECTIONS_MAX)
        if crowded or self._open[who] >= self._address_max:
            metrics.CONNECTIONS_REFUSED.labels(self.port).inc()
            _crowded.warning(port=self.port, open=self.open, address=who, of_address=self._open[who])
            return False
        self._open[who] += 1
        return True

    def leave(self, address: str) -> None:
        """A connection is closed."""
        who = whose(address)
        self._open[who] -= 1
        if not self._open[who]:
            del self._open[who]


class BoundedListener(socket.socket):
    """A listening socket whose connections go through a door."""

    door: Door

    @classmethod
    def at(cls, host: str, port: int, door: Door) -> Self:
        """Listen at an address. PORT_TAKEN if that cannot be."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            family, kind, protocol, _, address = found[0]
            listener = cls(family, kind, protocol)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError as error:
            detail = f"{host}:{port}: {error.strerror}; stop the other process, or set {door.port}.listen"
            raise NodeError(NodeCode.PORT_TAKEN, detail) from None
        listener.setblocking(False)
        listener.door = door
        return listener

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection that may come in; BlockingIOError if there is none."""
        while True:
            descriptor, address = self._accept()  # type: ignore[attr-defined]  # what socket.accept does first
            connection = _Connection(self.family, self.type, self.proto, fileno=descriptor)
            if self.door.enter(address[0]):
                connection.let_in(self.door, address[0])
                return connection, address
            connection.close()


class _Connection(socket.socket):
    """An accepted connection that says when it is closed."""

    _door: Door | None = None
    _address = ""

    def let_in(self, door: Door, address: str) -> None:
        self._door, self._address = door, address

    def close(self) -> None:
        super().close()
        door, self._door = self._door, None
        if door is not None:
            door.leave(self._address)


def addresses_of(host: str) -> frozenset[str]:
    """Addresses that a host has now; none if its name cannot be looked up, which is told."""
    try:
        return frozenset(str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        logger.warning("host_unknown", host=host, reason=str(error))
        return frozenset()


def raise_descriptor_limit(wanted: int) -> None:
    """Allow this process as many open files as the system lets it. CONFIG_INVALID if that is fewer than it needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard > soft:
        soft = wanted if hard == resource.RLIM_INFINITY else hard
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft < wanted:
        raise NodeError(
            NodeCode.CONFIG_INVALID,
            f"this process may open {soft} files and needs {wanted} by its settings: raise `ulimit -n` (LimitNOFILE), "
            "or lower connections_max",
        )


def whose(address: str) -> str:
    """Whom an address counts for: itself, or the network of 64 bits that one IPv6 host has to itself."""
    try:
        host = IPv6Address(address.partition("%")[0])
    except ValueError:  # of another kind, or what a proxy says
        return address
    return str(IPv6Address((int(host) >> 64) << 64)) + "/64"
