"""A reader sees a confidential picture through a node, and what leaks of it names the request, to whom it concerns."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from drawn_pictures import a_photograph, in_a_file
from made_keys import client_of, make_key
from PIL import Image

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, EDITOR, KEEPERS, STUDIO
from ledger import actions
from pictures.describing import describe
from remarque.client import Client
from remarque.errors import RemarqueError

POLICY = """policy shown version 1 schema remarque@1 {
  require view as at_a_viewer when requester.id == asset.owner || has(request.viewer) && request.viewer == asset.org
    reason "it is shown by a node of its org, and given to nobody";
}"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Three nodes, of which the studio's shows pictures."""
    found = Cluster.create(tmp_path / "devnet", 3)
    found.set("node1", "viewing", enabled=True)
    try:
        found.up()
        yield found
    finally:
        found.down()


def confidential(cluster: Cluster, plain: bytes) -> str:
    """Alice's picture, which carla and nadia may see for an hour, but only through a node of the studio."""
    with client_of(cluster, STUDIO) as house:
        house.submit(actions.PublishPolicy(source=POLICY))
    with client_of(cluster, CREATOR) as alice:
        asset, _ = alice.register(plain, confidential=describe(plain))
        alice.submit(actions.SetPolicy(asset=asset, policy="shown", version=1))
        for reader in (COLLECTOR, EDITOR):
            alice.grant(asset, reader, time.time_ns() // 10**6 + 3_600_000)
    return asset


def leaked(data: bytes) -> bytes:
    """What somebody passes on: smaller, as JPEG."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    return in_a_file(image.resize((image.width * 3 // 4, image.height * 3 // 4)), "JPEG", quality=70)


def requests(client: Client, asset: str) -> list[str]:
    """Allowed requests for a picture, the oldest first."""
    return [row.transaction for row in client.history(asset) if row.signer == COLLECTOR and row.code == "OK"]


def test_a_leak_names_its_request_to_the_owner_and_not_to_a_stranger(cluster: Cluster, tmp_path: Path) -> None:
    make_key(cluster, *KEEPERS)
    plain = in_a_file(a_photograph(5))
    asset = confidential(cluster, plain)

    with client_of(cluster, COLLECTOR, "node1") as carla, client_of(cluster, EDITOR, "node1") as nadia:
        with pytest.raises(RemarqueError, match="POLICY_DENIED"):
            carla.open(asset)
        shown, other = carla.view(asset, "catalogue"), nadia.view(asset)
        assert len({shown, other, plain}) == 3
        with client_of(cluster, COLLECTOR, "node2") as elsewhere, pytest.raises(RemarqueError, match="VIEWER_ABSENT"):
            elsewhere.view(asset)
        (asked,) = requests(carla, asset)
        with pytest.raises(RemarqueError, match="RELEASE_DENIED"):
            nadia._run(nadia._waiting.request("POST", f"/v1/viewings/{asked}"))
        cluster.kill("node1")
        cluster.up()
        with client_of(cluster, COLLECTOR, "node1") as again:
            assert again._run(again._waiting.request("POST", f"/v1/viewings/{asked}")) == shown

    with client_of(cluster, CREATOR, "node2") as alice, client_of(cluster, EDITOR, "node3") as nadia:
        for copy, reader, purpose in ((shown, COLLECTOR, "catalogue"), (other, EDITOR, "")):
            found = alice.verify(leaked(copy)).viewing
            assert found
            assert found.seen
            assert (found.asset, found.seen.account, found.seen.node) == (asset, reader, "node1")
            assert found.seen.purpose == purpose
        told = nadia.verify(leaked(shown)).viewing
        assert told
        assert (told.asset, bool(told.seen)) == (asset, False)
    with Client(cluster.url("node3")) as nobody:
        stranger = nobody.verify(leaked(shown))
        assert stranger.viewing
        assert asset not in str(stranger)
        assert asked not in str(stranger)

    key = str(cluster.root / "accounts" / f"{COLLECTOR}.key")
    words = [sys.executable, "-m", "node", "--node", cluster.url("node1"), "--account", COLLECTOR, "--key", key]
    file = tmp_path / "seen.png"
    subprocess.run([*words, "view", asset, "--out", str(file), "--purpose", "proof"], check=True, capture_output=True)
    said = subprocess.run([*words, "verify", str(file)], check=True, capture_output=True, text=True).stdout
    assert f"to {COLLECTOR} by node1" in said
    assert "purpose: proof" in said
