"""A node that keeps copies in a folder loses its content, and has it again."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from every_record import a_picture

from devnet.cluster import Cluster
from devnet.story import CREATOR, STUDIO
from node.exchange.copy_book import COPIES
from remarque.client import Client
from remarque.errors import RemarqueError


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    found = Cluster.create(tmp_path / "devnet", 1)
    with (found.home("node1") / "node.toml").open("a") as settings:
        settings.write('\n[[content.depots]]\nname = "nas"\nkind = "folder"\nurl = "nas"\n')
    try:
        found.up()
        yield found
    finally:
        found.down()


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_what_a_lone_node_lost_comes_back_from_its_depot(cluster: Cluster) -> None:
    home = cluster.home("node1")
    with Client(cluster.urls, CREATOR, cluster.key(CREATOR)) as alice:
        asset, _ = alice.register(a_picture())
        cid = alice.asset(asset).asset.content.cid
    with Client(cluster.urls, STUDIO, cluster.key(STUDIO)) as house:
        until(lambda: [one.there for one in house.where(cid).copies] == [True])
        assert house.copies().depots[0].files == 1
    assert (home / "nas" / "files" / cid).read_bytes() == a_picture()

    cluster.down()
    shutil.rmtree(home / "data" / "content")
    for name in (COPIES, "replication.json"):
        (home / "data" / name).unlink(missing_ok=True)
    cluster.up()

    with (
        Client(cluster.urls, CREATOR, cluster.key(CREATOR)) as alice,
        Client(cluster.urls, STUDIO, cluster.key(STUDIO)) as house,
    ):
        until(lambda: house.where(cid).here)
        assert alice.content(cid) == a_picture()
        with pytest.raises(RemarqueError, match="ROLE_MISSING"):
            alice.copies()
