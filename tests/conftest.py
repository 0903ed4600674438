"""What tests of several packages share: a small consortium, in memory or as real processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devnet.cluster import Cluster


@pytest.fixture
def three_nodes(tmp_path: Path) -> Iterator[Cluster]:
    """Three real node processes, ready."""
    cluster = Cluster.create(tmp_path / "devnet", 3)
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down()


@pytest.fixture(scope="module")
def one_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One real node process, ready; shared by the tests of a module."""
    cluster = Cluster.create(tmp_path_factory.mktemp("one") / "devnet", 1)
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down()
