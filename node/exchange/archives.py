"""Content archives on the chain: what is recorded, and which of them have a file, by the directories kept here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ledger.encoding import decode_trusted
from ledger.records import ARCHIVE_PREFIX, ArchiveRecord
from node.content.blockstore import Blockstore
from node.storage.state_store import StateStore
from remarque.archives import directory_file, files_in
from remarque.cid import CidInvalid, cid_bytes


def recorded(state: StateStore) -> Iterator[ArchiveRecord]:
    """All archives, by piece and org."""
    return (decode_trusted(data, ArchiveRecord) for _, data in state.items(ARCHIVE_PREFIX))


def archives_with(archives: Iterable[ArchiveRecord], blockstore: Blockstore, cid: str) -> tuple[ArchiveRecord, ...]:
    """Those archives that have a file. It reads all their directories, so it is not for the event loop."""
    return tuple(one for one in archives if _has(blockstore.block(directory_file(one.root)), cid))


def _has(directory: bytes | None, cid: str) -> bool:
    try:
        return directory is not None and cid_bytes(cid) in directory and cid in files_in(directory)
    except CidInvalid:
        return False
