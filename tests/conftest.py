"""What tests of several packages share: nodes as real processes, and a browser."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devnet.cluster import Cluster
from node.decoding.lanes import Decoders
from node.decoding.process import ForkingProcess

if TYPE_CHECKING:
    from playwright.sync_api import Browser

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as behind `&` in a script; what tests start shall hear of it
    signal.signal(signal.SIGINT, signal.default_int_handler)

STARTS_NODES = {"nodes", "one_node", "three_nodes", "shared_nodes", "cluster", "studio"}
"""Fixtures that start nodes as processes."""
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start nodes, so that `make test-fast` can leave them out."""
    for item in items:
        if not STARTS_NODES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("nodes")


@pytest.fixture(scope="session", autouse=True)
def every_code_is_declared() -> Iterator[None]:
    """Fail whichever test stops a node that refused with a code that the route does not declare: it logs so."""
    down = Cluster.down

    def down_and_checked(cluster: Cluster) -> None:
        down(cluster)
        logs = [cluster.home(name) / "node.log" for name in cluster.names]
        lines = [line for log in logs if log.exists() for line in log.read_text(errors="replace").splitlines()]
        assert [line for line in lines if "code_undeclared" in line] == []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cluster, "down", down_and_checked)
        yield


@pytest.fixture(scope="session")
def forking() -> Iterator[ForkingProcess]:
    """The process whose children decode pictures: to begin one takes seconds, and its children share nothing."""
    found = ForkingProcess()
    yield found
    found.close()


@pytest.fixture
def decoders(forking: ForkingProcess) -> Decoders:
    """What decodes pictures, with places of its own."""
    return Decoders(forking)


@pytest.fixture
def own_decoders() -> Iterator[Decoders]:
    """What decodes pictures in processes that a test may look at, and end."""
    found = Decoders()
    yield found
    found.close()


@contextmanager
def running(root: Path, nodes: int) -> Iterator[Cluster]:
    """Real node processes, ready, and ended at last."""
    cluster = Cluster.create(root / "devnet", nodes)
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down()


@pytest.fixture
def three_nodes(tmp_path: Path) -> Iterator[Cluster]:
    """Three nodes of one test, which may do to them what it likes."""
    with running(tmp_path, 3) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def shared_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three nodes of those tests of a module that leave them running, and each account with its key and rights."""
    with running(tmp_path_factory.mktemp("shared"), 3) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def one_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One node, shared by the tests of a module."""
    with running(tmp_path_factory.mktemp("one"), 1) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    from playwright.sync_api import sync_playwright  # here, for tests of a bare node do without it

    program = shutil.which("chromium") or pytest.fail("no chromium; run scripts/install_peers.sh")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()
