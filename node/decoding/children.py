"""The process that forks: `python -m node.decoding.children DESCRIPTOR`, begun by a node and ended with it.

It holds no key, no file and no other socket of the node, and reads no byte of a stranger's picture. For each connection
that the node hands it, it forks a child with everything imported, which takes milliseconds, and no child meets a second
picture. So what a picture does to a process, to its memory above all, is gone with that process.
"""

from __future__ import annotations

import gc
import os
import selectors
import socket
import sys

from node.decoding.asking import Ended, framed
from node.decoding.confinement import end_with_parent, step_back
from node.decoding.decoding import decode_one
from node.decoding.rehearsal import rehearse

DESCRIPTORS_MAX = 1 << 16
"""Above any descriptor that is open here."""


def main() -> None:
    """Serve until the node goes away."""
    end_with_parent()
    step_back()
    rehearse()
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))


def serve(door: socket.socket) -> None:
    """Fork a child for each connection that comes through the door, and tell the node how it ended."""
    children: dict[int, tuple[int, socket.socket]] = {}
    selector = selectors.DefaultSelector()
    selector.register(door, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is door:
                data, descriptors, _, _ = socket.recv_fds(door, 1, 1)
                if not data:
                    return
                connection = socket.socket(fileno=descriptors[0])
                child = begin(connection)
                watched = os.pidfd_open(child)
                children[watched] = child, connection
                selector.register(watched, selectors.EVENT_READ)
            else:
                selector.unregister(key.fd)
                os.close(key.fd)
                finish(*children.pop(key.fd))


def begin(connection: socket.socket) -> int:
    """Fork a child that answers what comes on a connection, and has nothing else open; its process id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        end_with_parent()
        os.dup2(1, 2)  # to nowhere: what decoders print of a stranger's bytes is for no log
        os.closerange(3, connection.fileno())
        os.closerange(connection.fileno() + 1, DESCRIPTORS_MAX)
        decode_one(connection)
        status = 0
    finally:
        os._exit(status)


def finish(child: int, connection: socket.socket) -> None:
    """Say how a child ended that gave no answer, and close its connection: the node waits for that."""
    _, status = os.waitpid(child, 0)
    with connection:
        if status:
            signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            try:
                connection.send(framed(Ended(signal)), socket.MSG_DONTWAIT)
            except OSError:
                pass  # the node has gone, or the child has filled the line: nobody waits for this


if __name__ == "__main__":
    main()
