"""Licences over HTTP: what the SDK and the commands give, offer, take, use and list."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from consortium import a_digest, registering

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, CURRENCY
from ledger.actions import GrantLicence
from ledger.names import org_of
from remarque.client import Client


def said(cluster: Cluster, account: str, *words: str) -> Any:
    """What a command says in JSON."""
    key = cluster.root / "accounts" / f"{account}.key"
    target = ["--json", "--node", cluster.url("node1"), "--account", account, "--key", str(key)]
    done = subprocess.run(
        [sys.executable, "-m", "node", *target, *words], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_licences_are_listed_by_asset_by_licensee_and_by_both(one_node: Cluster) -> None:
    first, second = a_digest("first"), a_digest("second")
    with Client(one_node.urls, CREATOR, one_node.key(CREATOR)) as alice:
        alice.submit(registering("first"), registering("second"))
        hers, _ = alice.license(GrantLicence(asset=first, to=COLLECTOR, uses=("publish",)))
        orgs, _ = alice.license(GrantLicence(asset=first, to=org_of(COLLECTOR), uses=("publish",)))
        other, _ = alice.license(GrantLicence(asset=second, to=COLLECTOR, uses=("derive",), times=2))

        def listed(**chosen: str) -> list[str]:
            return [one.id for one in alice.licences(**chosen)]

        assert listed() == sorted([hers, orgs, other])
        assert listed(asset=first) == sorted([hers, orgs])
        assert listed(licensee=COLLECTOR) == sorted([hers, other])
        assert listed(asset=first, licensee=COLLECTOR) == [hers]
        assert alice.licence(other).left == 2
        alice.revoke_licence(first, hers)
        assert listed(asset=first) == [orgs]


def test_the_commands_offer_buy_use_and_list(one_node: Cluster) -> None:
    asset = a_digest("offered")
    with Client(one_node.urls, CREATOR, one_node.key(CREATOR)) as alice:
        alice.submit(registering("offered"))
    offering = ("licence", "offer", asset, "40.00", CURRENCY, "--use", "publish", "--medium", "print", "--until", "24h")
    said(one_node, CREATOR, *offering, "--times", "1", "--lasting", "30d")
    (offer,) = said(one_node, COLLECTOR, "licence", "offers", asset)

    said(one_node, COLLECTOR, "licence", "buy", asset, offer["id"], "40.00", CURRENCY)
    (licence,) = said(one_node, COLLECTOR, "licence", "list", "--asset", asset)
    assert (licence["to"], licence["payer"], licence["times"]) == (COLLECTOR, COLLECTOR, 1)
    used = said(one_node, COLLECTOR, "licence", "use", asset, licence["id"], "--purpose", "cover", "--medium", "print")
    assert "licence.used" in json.dumps(used)
    with Client(one_node.urls, COLLECTOR, one_node.key(COLLECTOR)) as carla:
        assert carla.licence(licence["id"]).left == 0
        assert carla.history(asset)[-1].events[0].purpose == "cover"  # type: ignore[union-attr]
    said(one_node, CREATOR, "licence", "withdraw", asset, offer["id"])
    assert said(one_node, COLLECTOR, "licence", "offers", asset) == []
