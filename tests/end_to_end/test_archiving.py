"""An org archives its pictures, records that, loses its nodes' content, and takes a picture out of an archive."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from consortium import registering
from operators import until

from devnet.cluster import Cluster
from devnet.story import CREATOR, EDITOR, STUDIO
from ledger import actions
from ledger.records import ArchiveRecord
from node.content.blockstore import Blockstore
from remarque.cars import blocks_in
from remarque.client import Client
from remarque.pieces import Piece

SIZES = (70, 90_000, 1_048_576, 1_500_000, 3_000_000)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two nodes of two orgs; the files lie at the first, and the records name them as creators of either org."""
    found = Cluster.create(tmp_path_factory.mktemp("archiving") / "devnet", 2)
    store = Blockstore(found.home("node1") / "data" / "content")
    try:
        files = {store.put_file(data): data for data in (random.Random(size).randbytes(size) for size in SIZES)}
        found.up()
        for place, (cid, data) in enumerate(files.items()):
            account = CREATOR if place else EDITOR
            content = actions.Content(cid=cid, size=len(data), media_type="image/png")
            with Client(found.urls, account, found.key(account)) as client:
                client.submit(registering(cid, content=content))
        yield found
    finally:
        found.down()


def said(cluster: Cluster, node: str, account: str, *words: str) -> dict[str, Any]:
    """What a command says in JSON."""
    key = cluster.root / "accounts" / f"{account}.key"
    target = ["--json", "--node", cluster.url(node), "--account", account, "--key", str(key)]
    done = subprocess.run(
        [sys.executable, "-m", "node", *target, *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def files_of(cluster: Cluster) -> dict[str, bytes]:
    store = Blockstore(cluster.home("node1") / "data" / "content")
    with Client(cluster.urls, CREATOR, cluster.key(CREATOR)) as alice:
        return {asset.content.cid: store.file(asset.content.cid) for asset in alice.assets()}


def test_an_archive_is_written_recorded_found_and_read(cluster: Cluster, tmp_path: Path) -> None:
    files = files_of(cluster)
    words = ("content", "archive", "--to", str(tmp_path), "--size", "3000000", "--record", "the cellar")

    archives = said(cluster, "node1", STUDIO, *words)["archives"]

    assert sorted(one["file"] for one in archives) == sorted(str(file) for file in tmp_path.iterdir())
    own = [cid for one in archives for cid, _ in list(blocks_in((Path(one["file"]).read_bytes(),)))[1:] if cid in files]
    assert len(own) == len(SIZES) - 1
    assert [one["size"] <= 3_000_000 for one in archives].count(False) == 1
    with Client(cluster.url("node2"), EDITOR, cluster.key(EDITOR)) as nadia:
        recorded = nadia.archives()
        assert {Piece(bytes.fromhex(one.piece), one.size).cid for one in recorded} == {
            one["piece_cid"] for one in archives
        }
        for cid in own:
            until(lambda cid=cid: nadia.where(cid).archives)
            assert [one.place for one in nadia.where(cid).archives] == ["the cellar"]
        (hers,) = set(files) - set(own)
        assert nadia.where(hers).archives == ()
    held = said(cluster, "node1", STUDIO, "content", "where", own[0])["archives"]
    assert [ArchiveRecord(**one).org for one in held] == ["studio"]

    for cid in own:
        (archive,) = [one for one in archives if cid in dict(blocks_in((Path(one["file"]).read_bytes(),)))]
        out = tmp_path / "out"
        said(cluster, "node1", STUDIO, "content", "restore", archive["file"], cid, str(out), "--force")
        assert out.read_bytes() == files[cid]


def test_what_is_archived_is_not_archived_again_unless_that_is_wanted(cluster: Cluster, tmp_path: Path) -> None:
    words = ("content", "archive", "--to", str(tmp_path))

    assert said(cluster, "node1", STUDIO, *words)["archives"] == []
    (first,) = said(cluster, "node1", STUDIO, *words, "--again", "--what", "all")["archives"]
    assert first["files"] == len(SIZES)
    written = os.stat(first["file"]).st_mtime_ns
    (second,) = said(cluster, "node1", STUDIO, *words, "--again", "--what", "all")["archives"]
    assert (second, os.stat(first["file"]).st_mtime_ns) == (first, written)
