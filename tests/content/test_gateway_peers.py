"""Programs of IPFS that others wrote, at a real node: Helia fetches from it, and a compliance suite pins at it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from consortium import registering
from ipfs_programs import said_by
from sessions import open_session

from devnet.cluster import Cluster
from devnet.story import CREATOR, STUDIO
from ledger import actions
from node.content.blockstore import Blockstore
from remarque.client import Client

pytestmark = [pytest.mark.peers, pytest.mark.nodes]

SIZES = (0, 1, 10, 65_536, 1_048_576, 1_048_577, 5_242_880, 62_914_560)
PASSED, CHECKS = "\N{LARGE GREEN CIRCLE}", 87
SUITE = "node_modules/@ipfs-shipyard/pinning-service-compliance/dist/src/index.js"


class OpenNode(NamedTuple):
    """A node whose gateway is open to strangers."""

    cluster: Cluster
    url: str
    public: dict[str, bytes]
    """Files of public records, by their content ids."""
    others: list[str]
    """Content ids of a confidential record's file, and of one that no record names."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenNode]:
    cluster = Cluster.create(tmp_path_factory.mktemp("gateway") / "devnet", 1)
    cluster.set("node1", "api", gateway=True)
    store = Blockstore(cluster.home("node1") / "data" / "content")
    files = {store.put_file(data): data for data in map(os.urandom, SIZES)}
    others = [store.put_file(os.urandom(70)) for _ in range(2)]
    try:
        cluster.up()
        with Client(cluster.urls, CREATOR, cluster.key(CREATOR)) as alice:
            for cid, data in files.items():
                content = actions.Content(cid=cid, size=max(1, len(data)), media_type="image/png")
                alice.submit(registering(cid, content=content))
            sealed = (actions.SealedKey(node="node1", sealed="00" * 80),)
            content = actions.Content(cid=others[0], size=70, media_type="image/png", sealed_keys=sealed)
            alice.submit(registering("confidential", content=content, confidential=True))
        yield OpenNode(cluster, cluster.url("node1"), files, others)
    finally:
        cluster.down()


def test_helia_fetches_public_files_of_every_size_and_no_others(node: OpenNode) -> None:
    said = said_by("fetch.mjs", node.url, *node.public, *node.others).splitlines()

    expected = [f"200 {hashlib.sha256(data).hexdigest()} {len(data)}" for data in node.public.values()]
    assert said[: len(expected)] == expected
    assert [line.startswith("200") for line in said[len(expected) :]] == [False, False]


def test_the_compliance_suite_of_pinning_services_finds_nothing_wrong(node: OpenNode) -> None:
    said = said_by(SUITE, "-s", f"{node.url}/pinning", open_session(node.cluster, STUDIO))

    assert "Summary (5/5 successful)" in said
    assert (said.count(PASSED), [line for line in said.splitlines() if "❌" in line]) == (CHECKS, [])
