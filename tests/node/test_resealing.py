"""Having another node hold a confidential picture's key, from the node that holds it."""

from __future__ import annotations

import pytest
from consortium import a_digest, registering
from every_record import FAR_MS

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, CURRENCY
from ledger import actions
from ledger.actions import SealedKey
from ledger.execution.holding import token_id
from node.content.blockstore import Blockstore
from remarque import sealing
from remarque.client import Client
from remarque.errors import RemarqueError
from remarque.keys.files import load_key, new_key


def test_who_has_the_key_of_a_node_that_holds_a_seed_has_others_hold_it(one_node: Cluster) -> None:
    node = load_key(one_node.root / "nodes" / "node1" / "node.key")
    seed, asset = sealing.new_seed(), a_digest("secret")
    sealed = SealedKey(node="node1", sealed=sealing.seal_to_node(seed, node.public).hex())
    declared = registering("secret", confidential=True)
    content = actions.Content(cid=declared.content.cid, size=10, media_type="image/png", sealed_keys=(sealed,))
    with Client(one_node.urls, CREATOR, one_node.key(CREATOR)) as alice:
        alice.submit(registering("secret", confidential=True, content=content))
        with pytest.raises(RemarqueError, match="NOT_CUSTODIAN"):
            alice.reseal(asset, ("node1",), new_key())
        with pytest.raises(RemarqueError, match="NODE_UNKNOWN"):
            alice.reseal(asset, ("elsewhere",), node)

        alice.reseal(asset, ("node1",), node)

        (held,) = alice.asset(asset).asset.content.sealed_keys or ()
    assert held.sealed != sealed.sealed
    assert sealing.open_as_node(bytes.fromhex(held.sealed), node) == seed


def test_who_bought_a_picture_has_its_own_node_hold_the_key_and_needs_no_other(three_nodes: Cluster) -> None:
    """Carla's org is the club, whose node is the third."""
    cluster, asset, plain = three_nodes, a_digest("sold"), b"a picture"
    nodes = {node.name: node for node in cluster.genesis.nodes}
    seed, reader = sealing.new_seed(), sealing.ReaderKey()
    cipher = sealing.encrypt(plain, sealing.content_key(seed, cluster.genesis.chain, asset, CREATOR))
    with (
        Client(cluster.url("node1"), CREATOR, cluster.key(CREATOR)) as alice,
        Client(cluster.url("node3"), COLLECTOR, cluster.key(COLLECTOR)) as carla,
    ):
        cid = Blockstore(cluster.root / "scratch").put_file(cipher)
        sealed = SealedKey(node="node1", sealed=sealing.seal_to_node(seed, nodes["node1"].key).hex())
        content = actions.Content(cid=cid, size=len(cipher), media_type="image/png", sealed_keys=(sealed,))
        alice.submit(registering("sold", confidential=True, content=content), actions.MintToken(asset=asset))
        token = token_id(asset)
        alice.grant(asset, COLLECTOR, FAR_MS)
        with pytest.raises(RemarqueError, match="RELEASE_DENIED"):
            carla.reseal(asset)
        alice.list_token(token, 100, CURRENCY)
        carla.buy(token, 100, CURRENCY)
        with pytest.raises(RemarqueError, match="RELEASE_DENIED"):
            carla.reseal(asset, ("node2",))

        carla.reseal(asset)

        held = {one.node: one.sealed for one in carla.asset(asset).asset.content.sealed_keys or ()}
        assert set(held) == {"node1", "node3"}
        cluster.kill("node1")
        asked = actions.RequestAccess(asset=asset, reader_key=reader.public, purpose="")
        released = carla.get(f"/v1/releases/{carla.submit(asked).signed.id}")

    assert [share["node"] for share in released["shares"]] == ["node3"]
    assert sealing.decrypt(cipher, reader.open(bytes.fromhex(released["shares"][0]["sealed"]))) == plain
