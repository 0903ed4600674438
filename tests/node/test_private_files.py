"""What a node keeps is its operator's alone, whatever the umask and whoever made the directory."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from consortium import key_of

from devnet.cluster import Cluster
from node.content.at_rest import AtRest, is_sealed
from remarque.errors import NodeError


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A node that was founded and runs under a umask that hides nothing, in a directory that others may read."""
    before = os.umask(0)
    try:
        cluster = Cluster.create(tmp_path / "devnet", 1)
        (cluster.home("node1") / "data").chmod(0o755)
        cluster.up()
        yield cluster
    finally:
        os.umask(before)
        cluster.down()


def test_nobody_else_reads_what_a_node_writes(cluster: Cluster) -> None:
    data = cluster.home("node1") / "data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    written = [path for path in data.rglob("*") if path.is_file()]
    assert len(written) > 8
    assert [path for path in written if path.stat().st_mode & 0o077] == []
    assert [path for path in data.rglob("*") if path.is_dir() and path.stat().st_mode & 0o077] == []


def test_what_is_encrypted_opens_with_the_nodes_key_alone() -> None:
    ours, theirs = AtRest(key_of("node1")), AtRest(key_of("node2"))
    kept = ours.seal(b"a prompt")

    assert b"prompt" not in kept
    assert ours.open(kept) == b"a prompt"
    assert (ours.open(b"{}"), is_sealed(kept), is_sealed(b"{}")) == (b"{}", True, False)
    with pytest.raises(NodeError, match="DATA_CORRUPT"):
        theirs.open(kept)
    with pytest.raises(NodeError, match="DATA_CORRUPT"):
        ours.open(kept[:-1] + bytes([kept[-1] ^ 1]))
