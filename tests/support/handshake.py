"""A TLS handshake in memory, between the contexts of two nodes."""

from __future__ import annotations

import ssl


class Side:
    """One side of a connection in memory."""

    def __init__(self, context: ssl.SSLContext, *, server_side: bool) -> None:
        self.incoming, self.outgoing, self.done = ssl.MemoryBIO(), ssl.MemoryBIO(), False
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=server_side)

    def step(self) -> None:
        try:
            self.tls.do_handshake()
            self.done = True
        except ssl.SSLWantReadError:
            pass


def shown(client_context: ssl.SSLContext, server_context: ssl.SSLContext) -> bytes | None:
    """The certificate that the called side was shown, once both have agreed. ssl.SSLError if they do not."""
    client, server = Side(client_context, server_side=False), Side(server_context, server_side=True)
    while not (client.done and server.done):
        client.step()
        server.incoming.write(client.outgoing.read())
        server.step()
        client.incoming.write(server.outgoing.read())
    return server.tls.getpeercert(binary_form=True)
