"""The orgs' nodes make a key that none of them holds, and open confidential pictures with it, whichever is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from consortium import a_digest, registering
from every_record import a_picture
from made_keys import client_of, make_key, until

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, KEEPERS
from ledger import actions
from node.exchange.share_store import SHARES
from pictures.describing import describe
from remarque.api.assets import KeyKeepers
from remarque.client import Client
from remarque.dag import cid_of_parts
from remarque.encapsulating import encapsulated_content
from remarque.errors import RemarqueError
from remarque.sealing import SealBroken


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    found = Cluster.create(tmp_path / "devnet", 3)
    try:
        found.up()
        yield found
    finally:
        found.down()


def recorded_with_other_bytes(alice: Client) -> str:
    """An asset whose content opens, and is not the file that the record is of."""
    shared, asset = alice.consortium_key(), a_digest("other")
    assert shared is not None
    cipher, held = encapsulated_content(b"other bytes", alice.genesis().chain, asset, CREATOR, shared)
    alice._run(alice._waiting.request("POST", "/v1/ciphertexts", cipher))
    content = actions.Content(cid=cid_of_parts([cipher]), size=len(cipher), media_type="image/png", encapsulated=held)
    alice.submit(registering("other", confidential=True, content=content))
    return asset


def epoch(cluster: Cluster) -> int:
    with client_of(cluster, CREATOR) as alice:
        shared = alice.consortium_key()
    return 0 if shared is None else shared.epoch


def test_what_is_confidential_is_opened_though_any_one_node_is_lost(cluster: Cluster) -> None:
    said = make_key(cluster, *KEEPERS)
    assert "key of epoch 1" in said
    assert "2 of 3 keepers open together" in said
    plain = a_picture()
    with client_of(cluster, CREATOR) as alice, client_of(cluster, COLLECTOR, "node2") as carla:
        asset, _ = alice.register(plain, confidential=describe(plain))
        content = alice.asset(asset).asset.content
        assert content.encapsulated
        assert alice.asset(asset).opened_by == KeyKeepers(threshold=2, keepers=KEEPERS, epoch=1)
        assert not content.sealed_keys
        assert alice.open(asset) == plain
        assert alice.open(asset, hybrid=True) == plain
        with pytest.raises(RemarqueError, match="POLICY_DENIED"):
            carla.open(asset)
        with pytest.raises(SealBroken, match="not the file that was recorded"):
            alice.open(recorded_with_other_bytes(alice))

    for lost in cluster.names:
        cluster.kill(lost)
        left = [name for name in cluster.names if name != lost]
        cluster.wait_leader()
        with client_of(cluster, CREATOR, *left) as alice:
            assert alice.open(asset) == plain
        cluster.up()


def test_the_key_is_shared_anew_through_crashes_and_former_shares_are_gone(cluster: Cluster) -> None:
    make_key(cluster, *KEEPERS)
    plain = a_picture()
    with client_of(cluster, CREATOR) as alice:
        asset, _ = alice.register(plain, confidential=describe(plain))
        before = alice.consortium_key()
    kept = {name: shares_in(cluster, name) for name in cluster.names}

    make_key(cluster)

    with client_of(cluster, CREATOR) as alice:
        after = alice.consortium_key()
        assert before is not None
        assert after is not None
        assert (after.public, after.epoch) == (before.public, 2)
        assert alice.open(asset) == plain
    for name in cluster.names:
        until(lambda name=name: len(shares_in(cluster, name)) == 1)
        assert shares_in(cluster, name).isdisjoint(kept[name])


def test_what_one_node_held_before_there_was_a_key_is_moved_over_and_opened_without_it(cluster: Cluster) -> None:
    plain = a_picture()
    with client_of(cluster, CREATOR) as alice:
        asset, _ = alice.register(plain, confidential=describe(plain))
        content = alice.asset(asset).asset.content
        assert [one.node for one in content.sealed_keys or ()] == ["node1"]
        make_key(cluster, *KEEPERS)
        until(lambda: bool(alice.asset(asset).asset.content.encapsulated))
        moved = alice.asset(asset).asset.content
        assert (moved.cid, moved.sealed_keys or ()) == (content.cid, ())

    cluster.kill("node1")
    cluster.wait_leader()
    with client_of(cluster, CREATOR, "node2", "node3") as alice:
        assert alice.open(asset) == plain
        alice.rekey(asset)
        rekeyed = alice.asset(asset).asset.content
        assert rekeyed.cid != content.cid
        assert alice.open(asset) == plain


def shares_in(cluster: Cluster, node: str) -> set[str]:
    """The ceremonies of which a node keeps a share."""
    with sqlite3.connect(f"file:{cluster.home(node) / 'data' / SHARES}?mode=ro", uri=True) as database:
        return {row[0] for row in database.execute("SELECT ceremony FROM shares")}
