"""The process that forks, as the node sees it: begun when it is first needed, and again whenever it has ended.

It is begun as a program of its own and not by a fork of the node, with nothing of the node's in its environment.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from ledger.encoding import NOT_DECODED
from node.decoding.asking import (
    ANSWER_BYTES_MAX,
    LARGE_ANSWERS,
    LENGTH,
    Answer,
    Ask,
    Ended,
    FileBytes,
    framed,
    parse_answer,
)
from node.decoding.signing import CallBack
from node.ground.logs import logger

Signs = Callable[[CallBack], Awaitable[bytes]]
"""Gives what a child calls for; no bytes if there is none now."""

GRACE_SECONDS = 5.0
"""For the kernel to end a child whose time is over, and for that to be told here."""
STOP_SECONDS_MAX = 3.0
PACKAGES = Path(__file__).parents[2]
"""The directory that this package is in."""


class ForkingProcess:
    """The process that forks, and questions to its children."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._door: socket.socket | None = None

    async def ask(self, ask: Ask, data: FileBytes, signs: Signs | None = None) -> Answer:
        """A child's answer about a picture's bytes, once that child is gone with all that it held.

        `Ended` if there is none. The bytes go out as the child takes them, so nothing here waits for it but this.
        `signs` gives what a child calls for, at most once of each kind; without it, none is given.
        """
        with self._connected() as connection:
            try:
                async with asyncio.timeout(ask.limits.seconds + GRACE_SECONDS):
                    return await _exchange(connection, ask, data, signs)
            except (TimeoutError, OSError, EOFError, *NOT_DECODED):
                return Ended(0)

    def close(self) -> None:
        """End it, and with it its children. Blocks for some milliseconds."""
        if self._door is not None:
            self._door.close()
        if self._process is not None:
            try:
                self._process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._door = self._process = None

    def _connected(self) -> socket.socket:
        """A connection to a new child. OSError if there can be none."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            try:
                self._hand_over(theirs)
            except OSError:  # it has ended, or was never begun
                self.close()
                self._begin()
                self._hand_over(theirs)
        return ours

    def _hand_over(self, connection: socket.socket) -> None:
        if self._door is None:
            raise ConnectionError("not begun")
        socket.send_fds(self._door, [b"\0"], [connection.fileno()])

    def _begin(self) -> None:
        self._door, theirs = socket.socketpair()
        self._door.setblocking(False)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "node.decoding.children", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={"PYTHONPATH": str(PACKAGES), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                cwd="/",
                start_new_session=True,  # what a terminal sends to the node is for the node
            )
        logger.info("decoding_begun", pid=self._process.pid)


async def _exchange(connection: socket.socket, ask: Ask, data: FileBytes, signs: Signs | None) -> Answer:
    """Send a question with its bytes; the answer, when the other end is closed."""
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_sendall(connection, framed(ask))
        await loop.sock_sendall(connection, data)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has ended already, and why may still be told
    answer, called = await _said(connection, ask), set[str]()
    while isinstance(answer, CallBack):
        if signs is None or answer.what in called:
            raise EOFError("a call for what was not offered")
        called.add(answer.what)
        given = await signs(answer)
        await loop.sock_sendall(connection, LENGTH.pack(len(given)) + given)
        answer = await _said(connection, ask)
    if await loop.sock_recv(connection, 1):
        raise EOFError("more than one answer")
    return answer


async def _said(connection: socket.socket, ask: Ask) -> Answer:
    """What the child says next."""
    (length,) = LENGTH.unpack(await _received(connection, LENGTH.size))
    most = LARGE_ANSWERS.get(ask.wanted, ANSWER_BYTES_MAX)
    if length > most:
        raise EOFError(f"an answer of {length} bytes, at most {most}")
    return parse_answer(await _received(connection, length))


async def _received(connection: socket.socket, size: int) -> bytes:
    """The next bytes on a connection, all of them."""
    loop, data = asyncio.get_running_loop(), bytearray(size)
    view = memoryview(data)
    while view:
        count = await loop.sock_recv_into(connection, view)
        if not count:
            raise EOFError("the answer is cut off")
        view = view[count:]
    return bytes(data)
