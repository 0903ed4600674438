"""Who may call this node: the nodes whose records stand in the ledger, by their certificates' exact bytes.

A node that is added is let in from the block on that adds it; one that is removed is refused from then on, and what it
has open is closed. Membership is the trust list: nothing expires, and nothing is configured twice.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger import records
from ledger.crypto import SigningKey
from ledger.encoding import decode_trusted
from ledger.events import NodeAdded, NodeRemoved
from node.chain import Chain
from node.layers import Layer
from node.logs import log
from node.peers import tls


class Admission:
    """The nodes of the newest final state."""

    def __init__(self, chain: Chain, key: SigningKey) -> None:
        self._chain = chain
        self._key = key
        self.certificates: dict[str, bytes] = {}
        """Certificate of each node, by name."""
        self.on_removed: Callable[[str], None] = lambda name: None
        """Called with the name of a node that was removed."""
        self._read()
        self._current = self._context()

    @property
    def own_certificate(self) -> bytes:
        """What this node shows: the certificate of its record, or the one its key always makes."""
        return self.certificates.get(self._chain.node) or tls.make_certificate(self._key)

    def name_of(self, certificate: bytes | None) -> str | None:
        """Name of the node that shows a certificate, if it is one."""
        return None if certificate is None else self._names.get(certificate)

    def server_context(self) -> ssl.SSLContext:
        """Context of the peer port. Each handshake lets in those who are members at that moment."""
        context = self._context()
        context.sni_callback = self._choose
        return context

    def committed(self, layers: list[Layer]) -> None:
        """Follow what became final."""
        events = [event for layer in layers for outcome in layer.result.outcomes for event in outcome.events]
        if not any(isinstance(event, NodeAdded | NodeRemoved) for event in events):
            return
        before = set(self.certificates)
        self._read()
        self._current = self._context()
        for name in sorted(before - set(self.certificates)):
            self.on_removed(name)

    def _read(self) -> None:
        self.certificates = {}
        for _, data in self._chain.state.items(records.node_key("")):
            record = decode_trusted(data, records.NodeRecord)
            certificate = bytes.fromhex(record.certificate)
            if is_of_key(certificate, record.key):
                self.certificates[record.name] = certificate
            else:
                log.warning("certificate_unusable", node=record.name)
        self._names = {certificate: name for name, certificate in self.certificates.items()}

    def _context(self) -> ssl.SSLContext:
        return tls.server_context(self._key, self.own_certificate, list(self._names))

    def _choose(self, socket: ssl.SSLObject | ssl.SSLSocket, name: str | None, context: ssl.SSLContext) -> None:
        socket.context = self._current


def is_of_key(certificate: bytes, public: str) -> bool:
    """Whether bytes are an X.509 certificate of an Ed25519 key."""
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except ValueError:
        return False
    return isinstance(key, Ed25519PublicKey) and key.public_bytes_raw().hex() == public
