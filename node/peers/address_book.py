"""Where the other nodes are: what the settings say of a node comes before what its record says.

It follows what becomes final, so that a node which is added, moved or removed is called, called elsewhere or called no
more without a restart. A name in the settings that the chain does not know waits here until it does.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UnsetType

from ledger import records
from ledger.encoding import decode_trusted
from ledger.events import NodeAdded, NodeMoved, NodeRemoved
from node.chain.chain import Chain
from node.chain.layers import Layer
from node.ground.changes import ChangeCounter
from node.peers.admission import Admission


class AddressBook:
    """host:port of the peer port of every other node that the newest final state knows and that can be called."""

    def __init__(self, admission: Admission, chain: Chain, settings: Mapping[str, str]) -> None:
        """`settings`: the addresses that this node's operator gave, by name."""
        self._admission = admission
        self._chain = chain
        self.settings = settings
        self.addresses: dict[str, str] = {}
        """By name. Never has this node itself."""
        self.changes = ChangeCounter()
        """Told after each change of `addresses`."""
        for _, data in chain.state.items(records.node_key("")):
            self._look(decode_trusted(data, records.NodeRecord).name)
        chain.commits.follow(self._committed)

    def _committed(self, layers: list[Layer]) -> None:
        """Follow what became final. Admission, which was made first, has followed it by now."""
        for layer in layers:
            for outcome in layer.result.outcomes:
                for event in outcome.events:
                    if isinstance(event, NodeAdded | NodeMoved | NodeRemoved):
                        self._look(event.node)

    def _look(self, name: str) -> None:
        before, now = self.addresses.get(name), self._address(name)
        if now is None:
            self.addresses.pop(name, None)
        else:
            self.addresses[name] = now
        if now != before:
            self.changes.tell()

    def _address(self, name: str) -> str | None:
        """Where a node is; None for this node, for one that is none, and for one of which nobody says it."""
        record = self._chain.ledger().find(records.node_key(name), records.NodeRecord)
        if record is None or name == self._chain.node or name not in self._admission.certificates:
            return None
        said = None if isinstance(record.address, UnsetType) else record.address
        return self.settings.get(name, said)
