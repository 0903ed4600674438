"""The Raft log in memory and on disk: an entry is at its place, wherever it is kept."""

from __future__ import annotations

from replicas import Disk

from consensus.raft_log import KEEP_ENTRIES, RaftEntry, RaftLog

COUNT = 3 * KEEP_ENTRIES


def test_what_is_let_go_of_is_read_from_disk() -> None:
    disk = Disk()
    log = RaftLog(disk)
    written = [RaftEntry(index, index // 7, b"%d" % index) for index in range(1, COUNT + 1)]
    for entry in written:
        disk.entries.append(entry)
        log.append((entry,))

    log.forget(COUNT)

    assert log.last_index == COUNT
    assert [log.term(entry.index) for entry in written] == [entry.term for entry in written]
    assert list(log.slice(1, 1 << 30, COUNT)) == written
