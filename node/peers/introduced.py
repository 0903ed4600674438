"""Nodes that an operator introduces to a node whose own chain does not know them yet.

Without a chain a node knows those of the genesis alone, and all of them may have been replaced since. So its operator
brings the records of those that are there now, from a source as good as the one that the genesis came from. They are
asked, and nothing more: what they give is checked like what any node gives. From the block on that adds a node, or
removes it, the chain alone says who it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import UNSET

from ledger.encoding import NOT_DECODED
from ledger.execution.view import StateReader
from ledger.names import NodeName, PeerAddress
from ledger.node_certificate import is_certificate_of
from ledger.records import NodeRecord, node_key, node_removed_key
from node.peers.asking import Asking
from remarque.errors import NodeCode, NodeError
from remarque.text_files import text_in, without_mark


def load_introduced(file: Path) -> tuple[NodeRecord, ...]:
    """The nodes in a file that `remarque --json node list` printed. CONFIG_INVALID if it holds anything else."""
    try:
        found = msgspec.json.decode(without_mark(text_in(file)), type=tuple[NodeRecord, ...])
        for one in found:
            msgspec.convert(one.name, NodeName)
            if one.address is not UNSET and not _is_address(one.address):
                raise ValueError(f"{one.address!r} of {one.name} is no host:port")
            if not is_certificate_of(bytes.fromhex(one.certificate), one.key):
                raise ValueError(f"the certificate of {one.name} is not that of its key")
    except FileNotFoundError:
        raise NodeError(NodeCode.CONFIG_INVALID, f"{file} does not exist; bring it, or leave out its setting") from None
    except (*NOT_DECODED, ValueError) as error:
        detail = f"{file}: {error}; bring what `remarque --json node list` prints"
        raise NodeError(NodeCode.CONFIG_INVALID, detail) from None
    return found


def _is_address(text: str) -> bool:
    try:
        msgspec.convert(text, PeerAddress)
    except msgspec.ValidationError:
        return False
    return True


def unknown_to(state: StateReader, introduced: Iterable[NodeRecord]) -> tuple[NodeRecord, ...]:
    """Those of whom a chain says nothing, neither that they are its nodes nor that they were."""
    return tuple(
        one
        for one in introduced
        if state.get(node_key(one.name)) is None and state.get(node_removed_key(one.name)) is None
    )


def addresses_of(nodes: Iterable[NodeRecord]) -> dict[str, str]:
    """Where nodes are by their records, by name."""
    return {one.name: one.address for one in nodes if one.address is not UNSET}


class Introduced:
    """Whom a node that follows may ask: those that its chain knows, and those introduced that it does not know yet."""

    def __init__(self, known: Asking, records: tuple[NodeRecord, ...], state: StateReader) -> None:
        self._known = known
        self._records = records
        self._state = state
        self._introduced = known.of(
            addresses_of(records), {one.name: bytes.fromhex(one.certificate) for one in records}
        )

    @property
    def addresses(self) -> dict[str, str]:
        """Where each is reached, by name."""
        self._records = unknown_to(self._state, self._records)
        others = self._introduced.addresses
        return {one.name: others[one.name] for one in self._records if one.name in others} | self._known.addresses

    async def ask_status(self, peer: str, path: str, bytes_max: int) -> tuple[int, bytes]:
        """HTTP status and body of what another node answers."""
        asking = self._known if peer in self._known.addresses else self._introduced
        return await asking.ask_status(peer, path, bytes_max)

    async def close(self) -> None:
        """Close what is open to those introduced."""
        await self._introduced.close()
