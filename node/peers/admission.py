"""Who may call this node: the nodes whose records stand in the ledger, by their certificates' exact bytes.

A node that is added is let in from the block on that adds it; one that is removed is refused from then on, and what it
has open is closed. Membership is the trust list: nothing expires, and nothing is configured twice. TLS keeps out who
never was a member; who is one now is looked up by name for every request, so no change makes the TLS context anew.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

from ledger import records
from ledger.crypto import SigningKey
from ledger.encoding import decode_trusted
from ledger.events import NodeAdded, NodeRemoved, OrgSuspended
from ledger.node_certificate import is_certificate_of, make_certificate
from node.chain.chain import Chain
from node.chain.layers import Layer
from node.ground.logs import logger
from node.peers import tls


class Admission:
    """The nodes of the newest final state."""

    def __init__(self, chain: Chain, key: SigningKey) -> None:
        self._chain = chain
        self._key = key
        self.certificates: dict[str, bytes] = {}
        """Certificate of each node, by name."""
        self._names: dict[bytes, str] = {}
        self.on_shut_out: Callable[[str], None] = lambda name: None
        """Called with the name of a node that was removed, or does not vote and whose org was suspended."""
        for _, data in chain.state.items(records.node_key("")):
            self._take(decode_trusted(data, records.NodeRecord))
        self._context = tls.server_context(key, self.own_certificate, self._names)
        chain.commits.follow(self._committed)

    @property
    def own_certificate(self) -> bytes:
        """What this node shows: the certificate of its record, or the one its key always makes."""
        return self.certificates.get(self._chain.node) or make_certificate(self._key)

    def name_of(self, certificate: bytes | None) -> str | None:
        """Name of the node that shows a certificate, if it is one."""
        return None if certificate is None else self._names.get(certificate)

    def is_suspended(self, name: str) -> bool:
        """Whether a node's org is suspended: then it is given nothing, whenever it was first started."""
        record = self._record(name)
        org = None if record is None else self._chain.ledger().find(records.org_key(record.org), records.Org)
        return org is None or org.suspended

    def votes(self, name: str) -> bool:
        """Whether a node votes. One that does is needed for consensus, whatever becomes of its org."""
        return self._chain.voters.key(name) is not None

    def _record(self, name: str) -> records.NodeRecord | None:
        return self._chain.ledger().find(records.node_key(name), records.NodeRecord)

    def server_context(self) -> ssl.SSLContext:
        """Context of the peer port. Each handshake lets in who is a member at that moment, or was since the start."""
        return self._context

    def _committed(self, layers: list[Layer]) -> None:
        """Follow what became final."""
        for layer in layers:
            for outcome in layer.result.outcomes:
                for event in outcome.events:
                    if isinstance(event, NodeAdded):
                        self._added(event.node)
                    elif isinstance(event, NodeRemoved):
                        self._removed(event.node)
                    elif isinstance(event, OrgSuspended):
                        self._suspended(event.org)

    def _added(self, name: str) -> None:
        data = self._chain.state.get(records.node_key(name))
        if data is not None and self._take(decode_trusted(data, records.NodeRecord)):
            tls.trust(self._context, self.certificates[name])

    def _removed(self, name: str) -> None:
        certificate = self.certificates.pop(name, None)
        if certificate is not None:
            del self._names[certificate]
            self.on_shut_out(name)

    def _suspended(self, org: str) -> None:
        for name in list(self.certificates):
            record = self._record(name)
            if record is not None and record.org == org and not self.votes(name):
                self.on_shut_out(name)

    def _take(self, record: records.NodeRecord) -> bool:
        certificate = bytes.fromhex(record.certificate)
        if not is_certificate_of(certificate, record.key):
            logger.warning("certificate_unusable", node=record.name)
            return False
        self.certificates[record.name] = certificate
        self._names[certificate] = record.name
        return True
