"""Having another node hold a confidential picture's key, from the node that holds it."""

from __future__ import annotations

import pytest
from consortium import a_digest, registering

from devnet.cluster import Cluster
from devnet.story import CREATOR
from ledger import actions
from ledger.actions import SealedKey
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
            alice.reseal(asset, new_key(), ("node1",))
        with pytest.raises(RemarqueError, match="NODE_UNKNOWN"):
            alice.reseal(asset, node, ("elsewhere",))

        alice.reseal(asset, node, ("node1",))

        (held,) = alice.asset(asset).asset.content.sealed_keys or ()
    assert held.sealed != sealed.sealed
    assert sealing.open_as_node(bytes.fromhex(held.sealed), node) == seed
