"""What is on a disk, read for a recovery: in words, whatever it is."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from consensus.raft_log import RaftEntry
from devnet.cluster import Cluster
from node.snapshots.recovering import Home
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.errors import NodeCode, NodeError


def test_a_block_that_is_none_is_told_in_words(tmp_path: Path) -> None:
    cluster = Cluster.create(tmp_path / "devnet", 1)
    data = cluster.home("node1") / "data"
    with closing(RaftLogStore(data / "log")) as raft_log, closing(StateStore(data / "state")):
        raft_log.persist(2**53 - 1, "", None, (RaftEntry(1, 2**53 - 1, b"no block"),))

    with pytest.raises(NodeError, match="recover from another") as refused:
        Home(cluster.home("node1")).held()

    assert refused.value.code is NodeCode.DATA_CORRUPT
